-- title: What one cold source did in one stretch
-- explain: One row for each cold source and stretch of attempts: when, on how many accounts, how often, the client that
--   it used most and the account that it tried most. is_changing: no client made more than half of the attempts. Attacks are put together from strands, never from single attempts.
-- keep: yes
-- by: source_key
WITH by_user AS (
  SELECT
    f.tenant_key,
    f.source_key,
    f.run,
    f.user_key,
    count(*) AS failures,
    bool_and(coalesce(f.reason = 'high_confidence_risk', false)) AS is_risk,
    min(f.time) AS started,
    max(f.time) AS ended
  FROM cold_failures AS f
  GROUP BY f.tenant_key, f.source_key, f.run, f.user_key
),
by_tool AS (
  SELECT f.tenant_key, f.source_key, f.run, f.tool, count(*) AS failures
  FROM cold_failures AS f
  GROUP BY f.tenant_key, f.source_key, f.run, f.tool
),
whole AS (
  SELECT
    u.tenant_key,
    u.source_key,
    u.run,
    min(u.started) AS started,
    max(u.ended) AS ended,
    sum(u.failures) AS failures,
    max(u.failures) AS most,
    count(*) AS users,
    bool_and(u.is_risk) AS is_risk
  FROM by_user AS u
  GROUP BY u.tenant_key, u.source_key, u.run
),
-- Of those that were tried or used as often the first by name.
most_tried AS (
  SELECT u.tenant_key, u.source_key, u.run, min(u.user_key) AS user_key
  FROM whole AS w
  INNER JOIN by_user AS u
    ON w.tenant_key = u.tenant_key AND w.source_key = u.source_key AND w.run = u.run AND w.most = u.failures
  GROUP BY u.tenant_key, u.source_key, u.run
),
most_used AS (
  SELECT t.tenant_key, t.source_key, t.run, t.failures, min(t.tool) AS tool
  FROM (
    SELECT b.tenant_key, b.source_key, b.run, max(b.failures) AS most
    FROM by_tool AS b
    GROUP BY b.tenant_key, b.source_key, b.run
  ) AS m
  INNER JOIN by_tool AS t
    ON m.tenant_key = t.tenant_key AND m.source_key = t.source_key AND m.run = t.run AND m.most = t.failures
  GROUP BY t.tenant_key, t.source_key, t.run, t.failures
)
SELECT
  w.tenant_key,
  w.source_key,
  w.run,
  w.started,
  w.ended,
  w.failures,
  w.users,
  m.user_key AS main_user,
  w.is_risk,
  u.tool,
  CAST(u.failures AS DOUBLE) / w.failures <= $changing_client_share AS is_changing
FROM whole AS w
INNER JOIN most_tried AS m
  ON w.tenant_key = m.tenant_key AND w.source_key = m.source_key AND w.run = m.run
INNER JOIN most_used AS u
  ON w.tenant_key = u.tenant_key AND w.source_key = u.source_key AND w.run = u.run
