-- title: How fast campaigns are
-- explain: One row for each campaign: its sources and what they had, days, the attempts within brute_force_window (pace), and its first
--   and last attempt.
-- keep: yes
-- by: campaign_key
WITH paced AS (
  SELECT
    f.tenant_key,
    f.campaign_key,
    f.source_key,
    f.time,
    f.country,
    f.asn,
    f.user_agent,
    count(*) OVER (
      PARTITION BY f.tenant_key, f.campaign_key
      ORDER BY f.time
      RANGE BETWEEN $brute_force_window PRECEDING AND CURRENT ROW
    ) AS pace
  FROM campaign_own_failures AS f
)
SELECT
  p.tenant_key,
  p.campaign_key,
  count(DISTINCT p.source_key) AS sources,
  count(DISTINCT p.country) AS countries,
  count(DISTINCT p.asn) AS asns,
  count(DISTINCT p.user_agent) AS user_agents,
  count(DISTINCT date_trunc('day', p.time)) AS days,
  max(p.pace) AS pace,
  median(p.pace) AS median_pace,
  min(p.time) AS started,
  max(p.time) AS ended
FROM paced AS p
GROUP BY p.tenant_key, p.campaign_key
