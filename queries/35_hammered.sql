-- title: Cold sources that try an account again and again
-- explain: Strands that try few accounts each, the most tried of them an account that sees as many failures as guessing
--   makes, or is locked for as many hours as a denial of service takes. tool is the strand's client, or changing.
-- source: brute_force_failures and distributed_brute_force_failures
-- keep: yes
WITH failed AS (
  SELECT f.tenant_key, f.user_key, f.source_key, f.time, f.locked, f.on_account, f.on_account_many
  FROM cold_failures AS f
  INNER JOIN strands AS s
    ON f.tenant_key = s.tenant_key AND f.source_key = s.source_key AND f.run = s.run
  WHERE s.users < $spray_users
),
by_source AS (
  SELECT
    f.tenant_key,
    f.user_key,
    f.source_key,
    max(f.on_account) AS peak,
    max(f.on_account_many) AS peak_many,
    min(f.time) FILTER (WHERE f.on_account >= $brute_force_failures OR f.on_account_many >= $distributed_brute_force_failures)
      AS first_peak,
    max(f.time) FILTER (WHERE f.on_account >= $brute_force_failures OR f.on_account_many >= $distributed_brute_force_failures)
      AS last_peak
  FROM failed AS f
  GROUP BY f.tenant_key, f.user_key, f.source_key
),
locked_hours AS (
  SELECT f.tenant_key, f.user_key, min(f.time) AS first_lock, max(f.time) AS last_lock
  FROM failed AS f
  WHERE f.locked
  GROUP BY f.tenant_key, f.user_key, date_trunc('hour', f.time)
),
locked AS (
  SELECT
    h.tenant_key,
    h.user_key,
    min(h.first_lock) AS first_lock,
    max(h.last_lock) AS last_lock,
    count(*) AS locked_hours
  FROM locked_hours AS h
  GROUP BY h.tenant_key, h.user_key
),
tried AS (
  SELECT
    b.tenant_key,
    b.user_key,
    min(b.first_peak) AS first_peak,
    max(b.last_peak) AS last_peak,
    max(b.peak) AS peak,
    max(b.peak_many) AS peak_many,
    count(*) AS sources
  FROM by_source AS b
  GROUP BY b.tenant_key, b.user_key
),
hammered AS (
  SELECT t.tenant_key, t.user_key, t.first_peak, t.last_peak, l.first_lock, l.last_lock, coalesce(l.locked_hours, 0) AS locked_hours
  FROM tried AS t
  LEFT JOIN locked AS l ON t.tenant_key = l.tenant_key AND t.user_key = l.user_key
  WHERE
    t.peak >= $brute_force_failures
    OR (t.peak_many >= $distributed_brute_force_failures AND t.sources >= $distributed_brute_force_sources)
    OR l.locked_hours >= $denial_hours
)
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
