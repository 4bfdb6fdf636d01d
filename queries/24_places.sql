-- title: From where each account signs in
-- explain: Successful sign-ins of one account from one address: how many, the first and the last.
--   Holds every network from which a sign-in failed, and every account that was refused.
-- keep: yes
SELECT
  o.tenant_key,
  o.user_key,
  o.ip_address,
  CASE WHEN o.ip_address LIKE '%:%' THEN o.network_key ELSE o.ip_address END AS source_key,
  o.network_key,
  count(*) AS successes,
  min(o.time) AS first_success,
  max(o.time) AS last_success
FROM outcomes AS o
WHERE
  o.outcome = 'success'
  AND o.user_key IS NOT NULL
  AND (
    o.network_key IN (SELECT f.network_key FROM failures AS f WHERE f.network_key IS NOT NULL GROUP BY f.network_key)
    OR o.user_key IN (SELECT r.user_key FROM refusals AS r WHERE r.user_key IS NOT NULL GROUP BY r.user_key)
  )
GROUP BY o.tenant_key, o.user_key, o.ip_address, o.network_key
