-- title: Accounts whose sign-ins from new places count against them
-- explain: One row for each finding of an attack and each account that it tried, with the first attempt (since). And one for
--   each account at which a spray did not fail, but which signed in for the first time from a network with a client that
--   the spray uses (tool) while it went on: where the first guess is right an attack fails at nothing.
-- source: learn.microsoft.com/security/operations/incident-response-playbook-password-spray; spray_users
-- keep: yes
WITH spans AS (
  SELECT a.finding_id, a.tenant_key, a.campaign_key, min(a.started) AS started, max(a.ended) AS ended
  FROM attacks AS a
  GROUP BY a.finding_id, a.tenant_key, a.campaign_key
),
attacked AS (
  SELECT s.finding_id, f.tenant_key, f.user_key, min(f.time) AS since
  FROM spans AS s
  INNER JOIN campaigns AS m ON s.tenant_key = m.tenant_key AND s.campaign_key = m.campaign_key
  INNER JOIN cold_failures AS f
    ON m.tenant_key = f.tenant_key AND m.source_key = f.source_key AND m.run = f.run
  GROUP BY s.finding_id, f.tenant_key, f.user_key
),
tools AS (
  SELECT s.finding_id, s.tenant_key, f.user_agent, f.client_app, s.started, s.ended
  FROM spans AS s
  INNER JOIN campaigns AS m ON s.tenant_key = m.tenant_key AND s.campaign_key = m.campaign_key
  INNER JOIN cold_failures AS f
    ON m.tenant_key = f.tenant_key AND m.source_key = f.source_key AND m.run = f.run
  WHERE m.users >= $spray_users
  GROUP BY s.finding_id, s.tenant_key, f.user_agent, f.client_app, s.started, s.ended
),
newcomers AS (
  SELECT t.finding_id, h.tenant_key, h.user_key, h.user_agent, min(h.first_right) AS since
  FROM tools AS t
  INNER JOIN habits AS h
    ON t.tenant_key = h.tenant_key AND t.user_agent = h.user_agent
    AND coalesce(t.client_app, '') = coalesce(h.client_app, '')
    AND NOT h.is_registered
    AND h.first_right >= t.started - $attack_lookback
    AND h.first_right <= t.ended
  LEFT ANTI JOIN attacked AS a
    ON t.finding_id = a.finding_id AND h.tenant_key = a.tenant_key AND h.user_key = a.user_key
  GROUP BY t.finding_id, h.tenant_key, h.user_key, h.user_agent
)
SELECT a.finding_id, a.tenant_key, a.user_key, a.since, CAST(NULL AS VARCHAR) AS tool FROM attacked AS a
UNION ALL
SELECT n.finding_id, n.tenant_key, n.user_key, n.since, n.user_agent AS tool FROM newcomers AS n
