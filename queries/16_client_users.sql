-- title: Who signs in with which client
-- explain: One row for each account and each client with which it signed in, from anywhere, and when first.
-- keep: yes
SELECT
  h.tenant_key,
  coalesce(h.user_agent, '') AS user_agent,
  coalesce(h.client_app, '') AS client_app,
  h.user_key,
  min(h.first_success) AS first_success
FROM habits AS h
WHERE h.first_success IS NOT NULL
GROUP BY h.tenant_key, coalesce(h.user_agent, ''), coalesce(h.client_app, ''), h.user_key
