-- title: Splunk: high number of failed authentications for a user
-- explain: More than 20 wrong passwords (50126) of one account in a bin of ten minutes.
-- source: splunk/security_content, detections/cloud/azure_ad_high_number_of_failed_authentications_for_user.yml
--   (b13b314ae, of 2024-10)
-- defects: It never looks at 50053: an attack that is blocked, or whose accounts are locked, falls silent for it.
-- keep: yes
SELECT
  'splunk_failed_authentications' AS rule,
  o.tenant_id,
  date_bin(INTERVAL '10 minutes', o.time) AS window_start,
  date_bin(INTERVAL '10 minutes', o.time) + INTERVAL '10 minutes' AS window_end,
  make_array(o.user_principal_name) AS users,
  array_sort(array_agg(DISTINCT o.ip_address) FILTER (WHERE o.ip_address IS NOT NULL)) AS ip_addresses,
  count(*) AS events,
  array_agg(o.sign_in_id) AS sign_in_ids
FROM outcomes AS o
WHERE
  o.error_code = 50126
  AND coalesce(o.password_result, '') <> 'correct'
  AND o.time IS NOT NULL
  AND o.user_principal_name IS NOT NULL
GROUP BY o.tenant_id, date_bin(INTERVAL '10 minutes', o.time), o.user_principal_name
HAVING count(*) > 20
