-- title: Who signs in with which client of its own
-- explain: The rows of client_users without those of accounts that had failed with the client first, from a cold source, and so may
--   have been entered.
-- keep: yes
-- by: user_key
SELECT u.tenant_key, u.user_agent, u.client_app, u.user_key
FROM client_users AS u
LEFT ANTI JOIN client_failures AS f
  ON u.tenant_key = f.tenant_key AND u.user_key = f.user_key
  AND coalesce(u.user_agent, '') = coalesce(f.user_agent, '')
  AND coalesce(u.client_app, '') = coalesce(f.client_app, '')
  AND u.first_success > f.first_failure
