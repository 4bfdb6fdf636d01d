-- title: How common the client of an attack is
-- explain: For each client (user agent and client app) of a cold source: accounts that failed with it from cold sources,
--   and accounts that signed in with it from anywhere, unless they had failed with it first and so may have been entered.
--   is_foreign: hardly anybody signs in with it.
-- keep: yes
-- by: user_agent
WITH failed AS (
  SELECT
    f.tenant_key,
    f.tool,
    max(f.user_agent) AS user_agent,
    max(f.client_app) AS client_app,
    count(*) AS failed_users
  FROM client_failures AS f
  GROUP BY f.tenant_key, f.tool
),
counted AS (
  SELECT s.tenant_key, s.user_agent, s.client_app, count(*) AS successful_users
  FROM client_successes AS s
  GROUP BY s.tenant_key, s.user_agent, s.client_app
)
SELECT
  f.tenant_key,
  f.tool,
  f.user_agent,
  f.client_app,
  f.failed_users,
  coalesce(c.successful_users, 0) AS successful_users,
  f.tool <> md5('|') AND coalesce(c.successful_users, 0) <= $foreign_client_share * f.failed_users AS is_foreign
FROM failed AS f
LEFT JOIN counted AS c
  ON f.tenant_key = c.tenant_key
  AND coalesce(f.user_agent, '') = coalesce(c.user_agent, '')
  AND coalesce(f.client_app, '') = coalesce(c.client_app, '')
