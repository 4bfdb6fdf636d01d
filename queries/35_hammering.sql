-- title: Cold sources that try an account again and again
-- explain: Strands that try few accounts each, the most tried of them an account that sees as many failures as guessing
--   makes, or is locked for as many hours as a denial of service takes. label is the first name of the accounts that share
--   sources; key is what makes strands one attacker's: the client, and the label unless hardly anybody else uses it.
-- source: brute_force_failures and distributed_brute_force_failures
-- keep: yes
WITH hammered AS (
  SELECT
    f.tenant_key,
    f.user_key,
    min(f.time) FILTER (WHERE f.on_account >= $brute_force_failures OR f.on_account_many >= $distributed_brute_force_failures)
      AS first_peak,
    max(f.time) FILTER (WHERE f.on_account >= $brute_force_failures OR f.on_account_many >= $distributed_brute_force_failures)
      AS last_peak,
    min(f.time) FILTER (WHERE f.locked) AS first_lock,
    max(f.time) FILTER (WHERE f.locked) AS last_lock,
    count(DISTINCT CASE WHEN f.locked THEN date_trunc('hour', f.time) END) AS locked_hours
  FROM cold_failures AS f
  INNER JOIN strands AS s
    ON f.tenant_key = s.tenant_key AND f.source_key = s.source_key AND f.run = s.run
  WHERE s.users < $spray_users
  GROUP BY f.tenant_key, f.user_key
  HAVING
    max(f.on_account) >= $brute_force_failures
    OR (
      max(f.on_account_many) >= $distributed_brute_force_failures
      AND count(DISTINCT f.source_key) >= $distributed_brute_force_sources
    )
    OR count(DISTINCT CASE WHEN f.locked THEN date_trunc('hour', f.time) END) >= $denial_hours
),
chosen AS (
  SELECT
    s.tenant_key,
    s.source_key,
    s.run,
    s.started,
    s.ended,
    s.main_user,
    CASE WHEN s.is_changing THEN 'changing' ELSE s.tool END AS tool,
    c.is_foreign AND NOT s.is_changing AS is_foreign
  FROM strands AS s
  -- Only while the account is hammered: what is tried on it on another day is something else.
  INNER JOIN hammered AS h
    ON s.tenant_key = h.tenant_key AND s.main_user = h.user_key
    AND (
      (
        s.ended >= h.first_peak - $distributed_brute_force_window
        AND s.started <= h.last_peak + $distributed_brute_force_window
      )
      OR (h.locked_hours >= $denial_hours AND s.ended >= h.first_lock AND s.started <= h.last_lock)
    )
  INNER JOIN clients AS c ON s.tenant_key = c.tenant_key AND s.tool = c.tool
  WHERE s.users < $spray_users
),
-- Accounts that share a source get one label: the first of their names, passed on twice.
shared AS (
  SELECT c.tenant_key, c.source_key, c.run, f.user_key
  FROM chosen AS c
  INNER JOIN cold_failures AS f
    ON c.tenant_key = f.tenant_key AND c.source_key = f.source_key AND c.run = f.run
  GROUP BY c.tenant_key, c.source_key, c.run, f.user_key
),
sources_once AS (
  SELECT s.tenant_key, s.source_key, s.run, min(s.user_key) AS label
  FROM shared AS s
  GROUP BY s.tenant_key, s.source_key, s.run
),
users_once AS (
  SELECT s.tenant_key, s.user_key, min(o.label) AS label
  FROM shared AS s
  INNER JOIN sources_once AS o
    ON s.tenant_key = o.tenant_key AND s.source_key = o.source_key AND s.run = o.run
  GROUP BY s.tenant_key, s.user_key
),
labels AS (
  SELECT s.tenant_key, s.source_key, s.run, min(u.label) AS label
  FROM shared AS s
  INNER JOIN users_once AS u ON s.tenant_key = u.tenant_key AND s.user_key = u.user_key
  GROUP BY s.tenant_key, s.source_key, s.run
),
-- Where no client stands out among many, all are the same attacker's.
tools AS (
  SELECT c.tenant_key, l.label, c.tool, count(*) AS strands
  FROM chosen AS c
  INNER JOIN labels AS l
    ON c.tenant_key = l.tenant_key AND c.source_key = l.source_key AND c.run = l.run
  GROUP BY c.tenant_key, l.label, c.tool
),
mixed AS (
  SELECT t.tenant_key, t.label
  FROM tools AS t
  GROUP BY t.tenant_key, t.label
  HAVING
    count(*) >= $changing_clients
    AND max(CASE WHEN t.tool <> 'changing' THEN t.strands ELSE 0 END) <= $changing_client_share * sum(t.strands)
)
SELECT
  c.tenant_key,
  c.source_key,
  c.run,
  c.started,
  c.ended,
  l.label,
  CASE
    WHEN m.label IS NOT NULL THEN concat('changing|', l.label)
    WHEN c.is_foreign THEN c.tool
    ELSE concat(c.tool, '|', l.label)
  END AS key
FROM chosen AS c
INNER JOIN labels AS l
  ON c.tenant_key = l.tenant_key AND c.source_key = l.source_key AND c.run = l.run
LEFT JOIN mixed AS m ON l.tenant_key = m.tenant_key AND l.label = m.label
