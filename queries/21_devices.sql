-- title: Devices an account signs in with
-- explain: A registered device (device_id) is known to an account from its first successful sign-in with it. Holds only
--   accounts that failed with a registered device.
-- source: deviceDetail of learn.microsoft.com/graph/api/resources/devicedetail: the id of a device that Entra registered
-- keep: yes
-- only: error_code is not 0
-- by: user_key = user_id, user_principal_name
SELECT v.tenant_key, v.user_key, v.device_id, min(v.first_success) AS first_success
FROM (
  SELECT f.tenant_key, f.user_key
  FROM outcomes AS f
  WHERE f.outcome IN ('refused', 'bad_password') AND f.device_id IS NOT NULL AND f.user_key IS NOT NULL
  GROUP BY f.tenant_key, f.user_key
) AS w
RIGHT SEMI JOIN visits AS v ON w.tenant_key = v.tenant_key AND w.user_key = v.user_key
WHERE v.successes > 0 AND v.device_id IS NOT NULL
GROUP BY v.tenant_key, v.user_key, v.device_id
