-- title: Accounts at which an attack failed
-- explain: One row for each finding of an attack that is a campaign, and each account that it tried, with the first attempt
--   (since).
-- keep: yes
-- by: campaign_key
SELECT s.finding_id, s.campaign_key, f.tenant_key, f.user_key, min(f.time) AS since
FROM (
  SELECT a.finding_id, a.tenant_key, a.campaign_key
  FROM attacks AS a
  GROUP BY a.finding_id, a.tenant_key, a.campaign_key
) AS s
INNER JOIN campaign_own_failures AS f ON s.tenant_key = f.tenant_key AND s.campaign_key = f.campaign_key
GROUP BY s.finding_id, s.campaign_key, f.tenant_key, f.user_key
