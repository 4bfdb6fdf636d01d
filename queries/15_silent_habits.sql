-- title: From where and with what the accounts of silent refusals sign in
-- explain: One row for each account that was refused without a reason, source and client from which it signed in, with the
--   first and the last time.
-- keep: yes
SELECT o.tenant_key, o.user_key, o.source_key, o.user_agent, min(o.time) AS first_success, max(o.time) AS last_success
FROM (SELECT s.tenant_key, s.user_key FROM silent AS s GROUP BY s.tenant_key, s.user_key) AS s
RIGHT SEMI JOIN outcomes AS o ON s.tenant_key = o.tenant_key AND s.user_key = o.user_key
WHERE o.outcome = 'success'
GROUP BY o.tenant_key, o.user_key, o.source_key, o.user_agent
