-- title: From where each account signs in
-- explain: An account and an address from which it signed in, with the first time. How often it did is in visits: what
--   does not change when it comes again need not be looked at again.
--   Holds every network from which a sign-in failed, and every account that was refused.
-- keep: yes
-- by: user_key; network_key
SELECT
  v.tenant_key,
  v.user_key,
  v.ip_address,
  CASE WHEN v.ip_address LIKE '%:%' THEN v.network_key ELSE v.ip_address END AS source_key,
  v.network_key,
  min(v.first_success) AS first_success
FROM visits AS v
WHERE
  v.successes > 0
  AND (
    v.network_key IN (SELECT f.network_key FROM failed_networks AS f)
    OR v.user_key IN (SELECT r.user_key FROM refused_accounts AS r)
  )
GROUP BY v.tenant_key, v.user_key, v.ip_address, v.network_key
