-- title: From where each account signs in
-- explain: Successful sign-ins of one account from one address: how many, the first and the last.
--   Holds every network from which a sign-in failed, and every account that was refused.
-- keep: yes
SELECT
  v.tenant_key,
  v.user_key,
  v.ip_address,
  CASE WHEN v.ip_address LIKE '%:%' THEN v.network_key ELSE v.ip_address END AS source_key,
  v.network_key,
  sum(v.successes) AS successes,
  min(v.first_success) AS first_success,
  max(v.last_success) AS last_success
FROM visits AS v
WHERE
  v.successes > 0
  AND (
    v.network_key IN (SELECT f.network_key FROM failures AS f WHERE f.network_key IS NOT NULL GROUP BY f.network_key)
    OR v.user_key IN (SELECT r.user_key FROM refusals AS r WHERE r.user_key IS NOT NULL GROUP BY r.user_key)
  )
GROUP BY v.tenant_key, v.user_key, v.ip_address, v.network_key
