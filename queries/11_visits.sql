-- title: Right passwords, folded
-- explain: One row for each account, address, owner of the network, client and device from which its password was right:
--   how often it signed in (successes), when first and last, and when the password was right first. is_guest: the account is
--   another tenant's. There may be several rows of the same: whoever reads them puts them together.
-- source: #EXT# in the name of a guest is from learn.microsoft.com/entra/external-id/user-properties
-- fold: yes
SELECT
  o.tenant_key,
  o.user_key,
  o.ip_address,
  o.network_key,
  o.asn,
  o.user_agent,
  o.client_app,
  o.device_id,
  bool_or(coalesce(o.user_type = 'guest', false) OR coalesce(o.user_principal_name LIKE '%#ext#%', false)) AS is_guest,
  count(*) FILTER (WHERE o.outcome = 'success') AS successes,
  min(o.time) FILTER (WHERE o.outcome = 'success') AS first_success,
  max(o.time) FILTER (WHERE o.outcome = 'success') AS last_success,
  min(o.time) AS first_right
FROM outcomes AS o
-- That a name is there is seen at a glance, and true of nearly all: the key is made only where it is not.
WHERE o.outcome IN ('success', 'password_right') AND (o.user_principal_name IS NOT NULL OR o.user_key IS NOT NULL)
GROUP BY
  o.tenant_key,
  o.user_key,
  o.ip_address,
  o.network_key,
  o.asn,
  o.user_agent,
  o.client_app,
  o.device_id
