-- title: Accounts whose sign-ins from new places count against them
-- explain: One row for each finding of an attack and each account that it tried, with the first attempt (since). And one for
--   each account at which a spray did not fail, but which signed in for the first time from a network with a client that
--   the spray uses (tool) while it went on: where the first guess is right an attack fails at nothing.
-- source: learn.microsoft.com/security/operations/incident-response-playbook-password-spray; spray_users
-- keep: yes
WITH spans AS (
  SELECT a.finding_id, a.tenant_key, a.campaign_key, max(a.ended) AS ended
  FROM attacks AS a
  GROUP BY a.finding_id, a.tenant_key, a.campaign_key
),
attacked AS (
  SELECT s.finding_id, f.tenant_key, f.user_key, min(f.time) AS since
  FROM spans AS s
  INNER JOIN campaign_own_failures AS f ON s.tenant_key = f.tenant_key AND s.campaign_key = f.campaign_key
  GROUP BY s.finding_id, f.tenant_key, f.user_key
)
SELECT a.finding_id, a.tenant_key, a.user_key, a.since, CAST(NULL AS VARCHAR) AS tool FROM attacked AS a
UNION ALL
SELECT n.finding_id, n.tenant_key, n.user_key, n.since, n.user_agent AS tool
FROM spray_newcomers AS n
INNER JOIN spans AS s ON n.finding_id = s.finding_id AND n.since <= s.ended
LEFT ANTI JOIN attacked AS a
  ON n.finding_id = a.finding_id AND n.tenant_key = a.tenant_key AND n.user_key = a.user_key
