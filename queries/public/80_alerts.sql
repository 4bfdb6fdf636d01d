-- title: Every alert of the public rules on this data
-- explain: One row for each alert: its rule, the time it spans, the accounts and addresses, how many sign-ins it counted
--   and which. A rule that is added is added here and in compare.
-- keep: yes
SELECT
  CAST(row_number() OVER (ORDER BY a.rule, a.window_start, a.tenant_id, a.users, a.ip_addresses) AS BIGINT) AS alert_no,
  a.*
FROM (
  SELECT rule, tenant_id, window_start, window_end, users, ip_addresses, events, sign_in_ids FROM sentinel_password_spray
  UNION ALL
  SELECT rule, tenant_id, window_start, window_end, users, ip_addresses, events, sign_in_ids FROM sentinel_distributed_cracking
  UNION ALL
  SELECT rule, tenant_id, window_start, window_end, users, ip_addresses, events, sign_in_ids FROM sentinel_smart_lockouts
  UNION ALL
  SELECT rule, tenant_id, window_start, window_end, users, ip_addresses, events, sign_in_ids FROM elastic_account_lockouts
  UNION ALL
  SELECT rule, tenant_id, window_start, window_end, users, ip_addresses, events, sign_in_ids FROM elastic_audit_lockouts
  UNION ALL
  SELECT rule, tenant_id, window_start, window_end, users, ip_addresses, events, sign_in_ids FROM sigma_account_lockout
  UNION ALL
  SELECT rule, tenant_id, window_start, window_end, users, ip_addresses, events, sign_in_ids FROM panther_account_lockouts
  UNION ALL
  SELECT rule, tenant_id, window_start, window_end, users, ip_addresses, events, sign_in_ids FROM bertjanp_accounts_locked
  UNION ALL
  SELECT rule, tenant_id, window_start, window_end, users, ip_addresses, events, sign_in_ids FROM splunk_failed_authentications
) AS a
