-- title: From where and with what each account signs in
-- explain: One row for each account, network (/24 or /64), client, owner of the network and kind of device from which its
--   password was right: when first, and when it first signed in. is_registered: with a device that Entra knows. is_guest: the
--   account is another tenant's. Only of tenants with refusals.
-- source: deviceDetail of learn.microsoft.com/graph/api/resources/devicedetail; #EXT# in the name of a guest is from
--   learn.microsoft.com/entra/external-id/user-properties
-- keep: yes
SELECT
  o.tenant_key,
  o.user_key,
  o.network_key,
  o.user_agent,
  o.client_app,
  o.asn,
  o.device_id IS NOT NULL AS is_registered,
  bool_or(coalesce(o.user_type = 'guest', false) OR coalesce(o.user_principal_name LIKE '%#ext#%', false)) AS is_guest,
  min(o.time) FILTER (WHERE o.outcome = 'success') AS first_success,
  min(o.time) AS first_right
FROM (SELECT t.tenant_key FROM tenants AS t WHERE t.refusals > 0) AS t
RIGHT SEMI JOIN outcomes AS o ON t.tenant_key = o.tenant_key
WHERE o.outcome IN ('success', 'password_right') AND o.time IS NOT NULL AND o.user_key IS NOT NULL
GROUP BY
  o.tenant_key,
  o.user_key,
  o.network_key,
  o.user_agent,
  o.client_app,
  o.asn,
  o.device_id IS NOT NULL
