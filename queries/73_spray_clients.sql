-- title: Clients that sprays use
-- explain: One row for each finding of an attack on as many accounts as a spray tries, and each of its clients, with the first
--   attempt of the whole attack. until is the hour of the last one: it does not change with each attempt.
-- keep: yes
WITH spans AS (
  SELECT a.finding_id, a.tenant_key, a.campaign_key, min(a.started) AS started, max(a.ended) AS ended
  FROM attacks AS a
  INNER JOIN campaign_tried AS t ON a.tenant_key = t.tenant_key AND a.campaign_key = t.campaign_key
  WHERE t.users >= $spray_users
  GROUP BY a.finding_id, a.tenant_key, a.campaign_key
)
SELECT
  s.finding_id,
  s.tenant_key,
  f.user_agent,
  f.client_app,
  s.started,
  date_trunc('hour', s.ended) AS until
FROM spans AS s
INNER JOIN campaign_own_failures AS f ON s.tenant_key = f.tenant_key AND s.campaign_key = f.campaign_key
WHERE f.user_agent IS NOT NULL
GROUP BY s.finding_id, s.tenant_key, f.user_agent, f.client_app, s.started, s.ended
