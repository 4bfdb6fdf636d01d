-- title: Cold sources that hammer an account
-- explain: Strands that try few accounts each, the most tried of them an account that sees as many failures as guessing
--   makes, or is locked for as many hours as a denial of service takes. They belong together when they use the same
--   client and try the same account (or accounts that share a source; any account, where hardly anybody else uses that
--   client), without a pause longer than hammer_gap; and when they use different clients on the same account, but begin
--   and end together. One row for each strand.
-- source: brute_force_failures and distributed_brute_force_failures
-- keep: yes
WITH hammered AS (
  SELECT f.tenant_key, f.user_key
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
  INNER JOIN hammered AS h ON s.tenant_key = h.tenant_key AND s.main_user = h.user_key
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
),
keyed AS (
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
),
reached AS (
  SELECT
    k.*,
    max(k.ended) OVER (
      PARTITION BY k.tenant_key, k.key
      ORDER BY k.started, k.source_key
      ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
    ) AS reached
  FROM keyed AS k
),
numbered AS (
  SELECT
    r.*,
    sum(CASE WHEN r.started <= r.reached + $hammer_gap THEN 0 ELSE 1 END) OVER (
      PARTITION BY r.tenant_key, r.key
      ORDER BY r.started, r.source_key
      ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    ) AS part
  FROM reached AS r
),
parts AS (
  SELECT
    n.tenant_key,
    n.key,
    n.part,
    min(n.label) AS label,
    min(n.started) AS started,
    max(n.ended) AS ended
  FROM numbered AS n
  GROUP BY n.tenant_key, n.key, n.part
),
beside AS (
  SELECT
    p.*,
    lag(p.started) OVER (PARTITION BY p.tenant_key, p.label ORDER BY p.started, p.key) AS started_before,
    lag(p.ended) OVER (PARTITION BY p.tenant_key, p.label ORDER BY p.started, p.key) AS ended_before
  FROM parts AS p
),
halves AS (
  SELECT
    b.tenant_key,
    b.key,
    b.part,
    b.label,
    b.started,
    sum(
      CASE
        WHEN b.started <= b.started_before + $synchrony
          AND b.ended <= b.ended_before + $synchrony
          AND b.ended_before <= b.ended + $synchrony
          THEN 0
        ELSE 1
      END
    ) OVER (
      PARTITION BY b.tenant_key, b.label
      ORDER BY b.started, b.key
      ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    ) AS half
  FROM beside AS b
),
named AS (
  SELECT
    h.tenant_key,
    h.key,
    h.part,
    min(h.key) OVER (PARTITION BY h.tenant_key, h.label, h.half) AS first_key,
    min(h.started) OVER (PARTITION BY h.tenant_key, h.label, h.half) AS started
  FROM halves AS h
)
SELECT
  n.tenant_key,
  n.source_key,
  n.run,
  concat('account ', m.first_key, '|', CAST(m.started AS VARCHAR)) AS campaign_key
FROM numbered AS n
INNER JOIN named AS m ON n.tenant_key = m.tenant_key AND n.key = m.key AND n.part = m.part
