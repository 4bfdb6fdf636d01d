-- title: Bert-JanP: multiple accounts locked from one address
-- explain: At least three accounts with error 50053 from one address in a bin of 15 minutes.
-- source: Bert-JanP/Hunting-Queries-Detection-Rules, Azure Active Directory/MultipleAccountsLocked.md (7a0d998)
-- defects: It quotes both reasons of the error and then does not tell them apart. Rotating addresses are never seen.
-- keep: yes
SELECT
  'bertjanp_accounts_locked' AS rule,
  o.tenant_id,
  date_bin(INTERVAL '15 minutes', o.time) AS window_start,
  date_bin(INTERVAL '15 minutes', o.time) + INTERVAL '15 minutes' AS window_end,
  array_sort(array_agg(DISTINCT o.user_principal_name) FILTER (WHERE o.user_principal_name IS NOT NULL)) AS users,
  make_array(o.ip_address) AS ip_addresses,
  count(*) AS events,
  array_agg(o.sign_in_id) AS sign_in_ids
FROM outcomes AS o
WHERE o.error_code = 50053 AND o.time IS NOT NULL AND o.ip_address IS NOT NULL
GROUP BY o.tenant_id, date_bin(INTERVAL '15 minutes', o.time), o.ip_address
HAVING count(DISTINCT o.user_principal_name) >= 3
