-- title: From where and with what each account signs in
-- explain: One row for each account, network (/24 or /64), client, owner of the network and kind of device from which its
--   password was right: when first, and when it first signed in. is_registered: with a device that Entra knows. is_guest: the
--   account is another tenant's. Only of tenants with refusals.
-- source: deviceDetail of learn.microsoft.com/graph/api/resources/devicedetail
-- keep: yes
-- by: user_key
SELECT
  v.tenant_key,
  v.user_key,
  v.network_key,
  v.user_agent,
  v.client_app,
  v.asn,
  v.device_id IS NOT NULL AS is_registered,
  bool_or(v.is_guest) AS is_guest,
  min(v.first_success) AS first_success,
  min(v.first_right) AS first_right
FROM refused_tenants AS t
RIGHT SEMI JOIN visits AS v ON t.tenant_key = v.tenant_key
WHERE v.first_right IS NOT NULL
GROUP BY
  v.tenant_key,
  v.user_key,
  v.network_key,
  v.user_agent,
  v.client_app,
  v.asn,
  v.device_id IS NOT NULL
