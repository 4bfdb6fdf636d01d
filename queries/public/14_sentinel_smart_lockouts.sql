-- title: Sentinel: smart lockouts
-- explain: Every sign-in with error 50053, one by one.
-- source: Azure/Azure-Sentinel, Hunting Queries/SigninLogs/SmartLockouts.yaml
-- defects: It calls every 50053 a smart lockout, blocks of addresses and of risk among them, and puts nothing together.
-- keep: yes
SELECT
  'sentinel_smart_lockouts' AS rule,
  o.tenant_id,
  o.time AS window_start,
  o.time AS window_end,
  CASE WHEN o.user_principal_name IS NOT NULL THEN make_array(o.user_principal_name) END AS users,
  CASE WHEN o.ip_address IS NOT NULL THEN make_array(o.ip_address) END AS ip_addresses,
  CAST(1 AS BIGINT) AS events,
  make_array(o.sign_in_id) AS sign_in_ids
FROM outcomes AS o
WHERE o.error_code = 50053
