-- title: From where and with what the accounts of silent refusals sign in
-- explain: One row for each account that was refused without a reason, source and client from which it signed in, with the
--   first and the last time.
-- keep: yes
-- by: user_key
SELECT
  v.tenant_key,
  v.user_key,
  CASE WHEN v.ip_address LIKE '%:%' THEN v.network_key ELSE v.ip_address END AS source_key,
  v.user_agent,
  min(v.first_success) AS first_success,
  max(v.last_success) AS last_success
FROM (SELECT s.tenant_key, s.user_key FROM silent AS s GROUP BY s.tenant_key, s.user_key) AS s
RIGHT SEMI JOIN visits AS v ON s.tenant_key = v.tenant_key AND s.user_key = v.user_key
WHERE v.successes > 0
GROUP BY
  v.tenant_key,
  v.user_key,
  CASE WHEN v.ip_address LIKE '%:%' THEN v.network_key ELSE v.ip_address END,
  v.user_agent
