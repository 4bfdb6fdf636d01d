-- title: Every failed attempt on an account
-- explain: Refusals, wrong passwords and unknown accounts, with the few columns that the causes compare.
--   tried is true where a password was surely tried: a block of an address says nothing about passwords.
--   is_own_device: it came with a registered device with which the account had signed in before.
-- keep: yes
-- only: error_code is not 0
-- by: user_key = user_id, user_principal_name
SELECT
  r.refusal_no,
  'refused' AS kind,
  r.reason,
  r.reason = 'lockout' AS tried,
  r.time,
  r.tenant_key,
  r.user_key,
  r.source_key,
  r.network_key,
  r.ip_address,
  r.asn,
  r.country,
  r.client_app,
  r.user_agent,
  coalesce(d.first_success < r.time, false) AS is_own_device
FROM refusals AS r
LEFT JOIN devices AS d
  ON r.tenant_key = d.tenant_key AND r.user_key = d.user_key AND r.device_id = d.device_id
UNION ALL
SELECT
  CAST(NULL AS BIGINT) AS refusal_no,
  o.outcome AS kind,
  CAST(NULL AS VARCHAR) AS reason,
  true AS tried,
  o.time,
  o.tenant_key,
  o.user_key,
  o.source_key,
  o.network_key,
  o.ip_address,
  o.asn,
  o.country,
  o.client_app,
  o.user_agent,
  coalesce(d.first_success < o.time, false) AS is_own_device
FROM outcomes AS o
LEFT JOIN devices AS d
  ON o.tenant_key = d.tenant_key AND o.user_key = d.user_key AND o.device_id = d.device_id
WHERE o.outcome IN ('bad_password', 'unknown_user')
