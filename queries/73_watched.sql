-- title: Accounts whose sign-ins from new places count against them
-- explain: One row for each finding of an attack and each account that it tried, with the first attempt (since). And one for
--   each account at which a spray did not fail, but which signed in for the first time from a network with a client that
--   the spray uses (tool) while it went on: where the first guess is right an attack fails at nothing.
-- source: learn.microsoft.com/security/operations/incident-response-playbook-password-spray; spray_users
-- keep: yes
-- by: finding_id
WITH ended AS (
  SELECT a.finding_id, max(a.ended) AS ended
  FROM attacks AS a
  GROUP BY a.finding_id
)
SELECT f.finding_id, f.tenant_key, f.user_key, f.since, CAST(NULL AS VARCHAR) AS tool FROM failed_accounts AS f
UNION ALL
SELECT n.finding_id, n.tenant_key, n.user_key, n.since, n.user_agent AS tool
FROM spray_newcomers AS n
INNER JOIN ended AS e ON n.finding_id = e.finding_id AND n.since <= e.ended
LEFT ANTI JOIN failed_accounts AS f
  ON n.finding_id = f.finding_id AND n.tenant_key = f.tenant_key AND n.user_key = f.user_key
