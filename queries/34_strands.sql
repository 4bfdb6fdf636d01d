-- title: What one cold source did in one stretch
-- explain: One row for each cold source and stretch of attempts: when, on how many accounts, how often, the client that
--   it used most and the account that it tried most. is_changing: no client made more than half of the attempts. Attacks are put together from strands, never from single attempts.
-- keep: yes
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
most_tried AS (
  SELECT
    u.*,
    row_number() OVER (
      PARTITION BY u.tenant_key, u.source_key, u.run
      ORDER BY u.failures DESC, u.user_key
    ) AS place
  FROM by_user AS u
),
by_tool AS (
  SELECT f.tenant_key, f.source_key, f.run, f.tool, count(*) AS failures
  FROM cold_failures AS f
  GROUP BY f.tenant_key, f.source_key, f.run, f.tool
),
most_used AS (
  SELECT
    t.*,
    CAST(t.failures AS DOUBLE) / sum(t.failures) OVER (PARTITION BY t.tenant_key, t.source_key, t.run) AS share,
    row_number() OVER (
      PARTITION BY t.tenant_key, t.source_key, t.run
      ORDER BY t.failures DESC, t.tool
    ) AS place
  FROM by_tool AS t
),
whole AS (
  SELECT
    m.tenant_key,
    m.source_key,
    m.run,
    min(m.started) AS started,
    max(m.ended) AS ended,
    sum(m.failures) AS failures,
    count(*) AS users,
    bool_and(m.is_risk) AS is_risk,
    max(CASE WHEN m.place = 1 THEN m.user_key END) AS main_user
  FROM most_tried AS m
  GROUP BY m.tenant_key, m.source_key, m.run
)
SELECT
  w.tenant_key,
  w.source_key,
  w.run,
  w.started,
  w.ended,
  w.failures,
  w.users,
  w.main_user,
  w.is_risk,
  u.tool,
  u.share <= $changing_client_share AS is_changing
FROM whole AS w
INNER JOIN most_used AS u
  ON w.tenant_key = u.tenant_key AND w.source_key = u.source_key AND w.run = u.run AND u.place = 1
