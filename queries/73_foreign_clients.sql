-- title: Clients that only an attack has
-- explain: One row for each finding of an attack and each client of its sources with which hardly anybody signs in, with the
--   first and last attempt of the whole attack.
-- keep: yes
WITH spans AS (
  SELECT a.finding_id, a.tenant_key, a.campaign_key, min(a.started) AS started, max(a.ended) AS ended
  FROM attacks AS a
  GROUP BY a.finding_id, a.tenant_key, a.campaign_key
)
SELECT DISTINCT s.finding_id, s.tenant_key, c.user_agent, c.client_app, s.started, s.ended
FROM spans AS s
INNER JOIN campaigns AS m ON s.tenant_key = m.tenant_key AND s.campaign_key = m.campaign_key
INNER JOIN strands AS d ON m.tenant_key = d.tenant_key AND m.source_key = d.source_key AND m.run = d.run
INNER JOIN clients AS c ON d.tenant_key = c.tenant_key AND d.tool = c.tool
WHERE c.is_foreign
