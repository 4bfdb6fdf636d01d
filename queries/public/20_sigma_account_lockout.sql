-- title: Sigma: account lockout
-- explain: Every sign-in with error 50053, one by one.
-- source: SigmaHQ/sigma, rules/cloud/azure/signin_logs/azure_account_lockout.yml (8eaafff1f)
-- defects: Its text speaks of lockouts only. It compares the code as a number, and logs hold it as text as well.
-- keep: yes
SELECT
  'sigma_account_lockout' AS rule,
  o.tenant_id,
  o.time AS window_start,
  o.time AS window_end,
  CASE WHEN o.user_principal_name IS NOT NULL THEN make_array(o.user_principal_name) END AS users,
  CASE WHEN o.ip_address IS NOT NULL THEN make_array(o.ip_address) END AS ip_addresses,
  CAST(1 AS BIGINT) AS events,
  make_array(o.sign_in_id) AS sign_in_ids
FROM outcomes AS o
WHERE o.error_code = 50053
