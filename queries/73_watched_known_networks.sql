-- title: Networks that watched accounts knew
-- explain: One row for each account of watched_habits and each network, with its first sign-in from there.
-- keep: yes
-- by: user_key
SELECT h.tenant_key, h.user_key, h.network_key, min(h.first_success) AS first_success
FROM watched_habits AS h
WHERE h.network_key IS NOT NULL
GROUP BY h.tenant_key, h.user_key, h.network_key
