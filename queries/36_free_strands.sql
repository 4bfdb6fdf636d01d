-- title: Cold sources that hammer no account
-- explain: The strands that are left, with how common their client is. Strands that last no longer than campaign_gap carry
--   the number of their burst, which ends with a pause longer than episode_gap; one that goes on for hours would hold
--   everything together that happens meanwhile.
-- keep: yes
WITH free AS (
  SELECT s.tenant_key, s.source_key, s.run, s.started, s.ended, s.users, s.tool, s.is_changing, c.is_foreign
  FROM strands AS s
  LEFT ANTI JOIN account_groups AS a
    ON s.tenant_key = a.tenant_key AND s.source_key = a.source_key AND s.run = a.run
  INNER JOIN clients AS c ON s.tenant_key = c.tenant_key AND s.tool = c.tool
  -- Many attempts on one account, each refused for high risk, looked at no password and say nothing of a campaign: they
  -- are high_risk_block.
  WHERE NOT (s.is_risk AND s.users = 1 AND s.failures >= $machine_refusals)
),
together AS (
  SELECT
    f.*,
    max(f.ended) OVER (
      PARTITION BY f.tenant_key
      ORDER BY f.started, f.source_key
      ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
    ) AS reached
  FROM free AS f
  WHERE f.ended <= f.started + $campaign_gap
),
bursts AS (
  SELECT
    t.*,
    sum(CASE WHEN t.started <= t.reached + $episode_gap THEN 0 ELSE 1 END) OVER (
      PARTITION BY t.tenant_key
      ORDER BY t.started, t.source_key
      ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    ) AS burst
  FROM together AS t
)
SELECT
  f.tenant_key,
  f.source_key,
  f.run,
  f.started,
  f.ended,
  f.users,
  f.tool,
  f.is_changing,
  f.is_foreign,
  b.burst
FROM free AS f
LEFT JOIN bursts AS b
  ON f.tenant_key = b.tenant_key AND f.source_key = b.source_key AND f.run = b.run
