-- title: Cold sources that hammer an account
-- explain: Strands that try few accounts each, the most tried of them an account that sees as many failures as
--   guessing makes, or is locked for as many hours as a denial of service takes. They belong
--   together when they try the same account, or accounts that share a source or a client that hardly anybody else uses,
--   without a pause longer than hammer_gap. One row for each strand.
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
    OR count(DISTINCT CASE WHEN f.kind = 'refused' AND f.tried THEN date_trunc('hour', f.time) END) >= $denial_hours
),
chosen AS (
  SELECT s.tenant_key, s.source_key, s.run, s.started, s.ended, s.main_user, s.tool, c.is_foreign
  FROM strands AS s
  INNER JOIN hammered AS h ON s.tenant_key = h.tenant_key AND s.main_user = h.user_key
  INNER JOIN clients AS c ON s.tenant_key = c.tenant_key AND s.tool = c.tool
  WHERE s.users < $spray_users
),
-- Accounts that share a source or a foreign client get one label: the first of their names, passed on twice.
shared AS (
  SELECT c.tenant_key, c.main_user, c.tool
  FROM chosen AS c
  WHERE c.is_foreign
  GROUP BY c.tenant_key, c.main_user, c.tool
  UNION ALL
  SELECT c.tenant_key, f.user_key AS main_user, concat(c.source_key, '|', CAST(c.run AS VARCHAR)) AS tool
  FROM chosen AS c
  INNER JOIN cold_failures AS f
    ON c.tenant_key = f.tenant_key AND c.source_key = f.source_key AND c.run = f.run
  GROUP BY c.tenant_key, f.user_key, c.source_key, c.run
),
tools_once AS (
  SELECT s.tenant_key, s.tool, min(s.main_user) AS label
  FROM shared AS s
  GROUP BY s.tenant_key, s.tool
),
users_once AS (
  SELECT s.tenant_key, s.main_user, min(t.label) AS label
  FROM shared AS s
  INNER JOIN tools_once AS t ON s.tenant_key = t.tenant_key AND s.tool = t.tool
  GROUP BY s.tenant_key, s.main_user
),
tools_twice AS (
  SELECT s.tenant_key, s.tool, min(u.label) AS label
  FROM shared AS s
  INNER JOIN users_once AS u ON s.tenant_key = u.tenant_key AND s.main_user = u.main_user
  GROUP BY s.tenant_key, s.tool
),
users_twice AS (
  SELECT s.tenant_key, s.main_user, min(t.label) AS label
  FROM shared AS s
  INNER JOIN tools_twice AS t ON s.tenant_key = t.tenant_key AND s.tool = t.tool
  GROUP BY s.tenant_key, s.main_user
),
labelled AS (
  SELECT
    c.tenant_key,
    c.source_key,
    c.run,
    c.started,
    c.ended,
    coalesce(u.label, c.main_user) AS label
  FROM chosen AS c
  LEFT JOIN users_twice AS u ON c.tenant_key = u.tenant_key AND c.main_user = u.main_user
),
reached AS (
  SELECT
    l.*,
    max(l.ended) OVER (
      PARTITION BY l.tenant_key, l.label
      ORDER BY l.started, l.source_key
      ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
    ) AS reached
  FROM labelled AS l
),
numbered AS (
  SELECT
    r.*,
    sum(CASE WHEN r.started <= r.reached + $hammer_gap THEN 0 ELSE 1 END) OVER (
      PARTITION BY r.tenant_key, r.label
      ORDER BY r.started, r.source_key
      ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    ) AS part
  FROM reached AS r
)
SELECT
  n.tenant_key,
  n.source_key,
  n.run,
  concat(
    'account ', n.label, '|',
    CAST(min(n.started) OVER (PARTITION BY n.tenant_key, n.label, n.part) AS VARCHAR)
  ) AS campaign_key
FROM numbered AS n
