-- title: Who signs in with which client
-- explain: One row for each account and each client with which it signed in, from anywhere, and when first.
-- keep: yes
-- by: user_key
SELECT
  h.tenant_key,
  h.user_agent,
  h.client_app,
  h.user_key,
  min(h.first_success) AS first_success
FROM habits AS h
WHERE h.first_success IS NOT NULL
GROUP BY h.tenant_key, h.user_agent, h.client_app, h.user_key
