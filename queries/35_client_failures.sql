-- title: Who failed with which client from cold sources
-- explain: One row for each account and client (tool) with which it failed from cold sources, and when first.
-- keep: yes
-- by: user_key
SELECT
  f.tenant_key,
  f.tool,
  f.user_key,
  max(f.user_agent) AS user_agent,
  max(f.client_app) AS client_app,
  min(f.time) AS first_failure
FROM cold_failures AS f
GROUP BY f.tenant_key, f.tool, f.user_key
