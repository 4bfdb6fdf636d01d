-- title: Devices an account signs in with
-- explain: A registered device (device_id) is known to an account from its first successful sign-in with it. Holds only
--   accounts that failed with a registered device.
-- source: deviceDetail of learn.microsoft.com/graph/api/resources/devicedetail: the id of a device that Entra registered
-- keep: yes
SELECT o.tenant_key, o.user_key, o.device_id, min(o.time) AS first_success
FROM (
  SELECT f.tenant_key, f.user_key
  FROM outcomes AS f
  WHERE f.outcome IN ('refused', 'bad_password') AND f.device_id IS NOT NULL AND f.user_key IS NOT NULL
  GROUP BY f.tenant_key, f.user_key
) AS w
-- What is on the left is held in memory, and outcomes is all there is.
RIGHT SEMI JOIN outcomes AS o ON w.tenant_key = o.tenant_key AND w.user_key = o.user_key
WHERE o.outcome = 'success' AND o.device_id IS NOT NULL
GROUP BY o.tenant_key, o.user_key, o.device_id
