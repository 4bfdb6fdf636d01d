-- title: Clients that watched accounts had
-- explain: One row for each account of watched_habits and each client, with its first sign-in. A browser that only ever came from a
--   registered device is another one without it.
-- keep: yes
-- by: user_key
SELECT h.tenant_key, h.user_key, h.user_agent, min(h.first_success) AS first_success
FROM watched_habits AS h
WHERE h.user_agent IS NOT NULL AND NOT h.is_registered
GROUP BY h.tenant_key, h.user_key, h.user_agent
