-- title: How common the client of an attack is
-- explain: For each client (user agent and client app) of a cold source: accounts that failed with it from cold sources,
--   and accounts that signed in with it from anywhere, unless they had failed with it first and so may have been entered.
--   is_foreign: hardly anybody signs in with it.
-- keep: yes
-- by: user_agent
WITH used AS (
  SELECT
    f.tenant_key,
    f.tool,
    f.user_key,
    max(f.user_agent) AS user_agent,
    max(f.client_app) AS client_app,
    min(f.time) AS first_failure
  FROM cold_failures AS f
  GROUP BY f.tenant_key, f.tool, f.user_key
),
failed AS (
  SELECT
    u.tenant_key,
    u.tool,
    max(u.user_agent) AS user_agent,
    max(u.client_app) AS client_app,
    count(*) AS failed_users
  FROM used AS u
  GROUP BY u.tenant_key, u.tool
),
succeeded AS (
  SELECT f.tenant_key, f.tool, h.user_key, h.first_success
  FROM failed AS f
  INNER JOIN client_users AS h
    ON f.tenant_key = h.tenant_key
    AND coalesce(f.user_agent, '') = coalesce(h.user_agent, '')
    AND coalesce(f.client_app, '') = coalesce(h.client_app, '')
),
counted AS (
  SELECT n.tenant_key, n.tool, count(*) AS successful_users
  FROM succeeded AS n
  -- Who first failed with it from a cold source and then got in may have been entered.
  LEFT ANTI JOIN used AS u
    ON n.tenant_key = u.tenant_key AND n.tool = u.tool AND n.user_key = u.user_key AND n.first_success > u.first_failure
  GROUP BY n.tenant_key, n.tool
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
LEFT JOIN counted AS c ON f.tenant_key = c.tenant_key AND f.tool = c.tool
