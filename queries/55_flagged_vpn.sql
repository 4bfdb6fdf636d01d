-- title: One honest user behind a bad address
-- explain: A sign-in was blocked because of its address, but the same person, with the same client, signed in elsewhere
--   at about that time, from a network that the account knows. The address is that of a VPN, a hotel or a carrier that
--   others have misused.
-- source: own rule; learn.microsoft.com/entra/id-protection/howto-identity-protection-remediate-unblock
-- cause: flagged_vpn
-- severity: low
-- attack: no
-- advice: Ask the user whether it was their VPN or a public network, and let them sign in by another way. The block says
--   nothing about the password. If the user does not know of it, treat it as an attack on the account.
-- advice-source: https://learn.microsoft.com/entra/id-protection/howto-identity-protection-remediate-unblock
SELECT
  b.refusal_no,
  concat(b.user_key, '|', b.source_key, '|', CAST(b.started AS VARCHAR)) AS finding_key,
  $confidence_floor AS confidence,
  make_array(
    named_struct(
      'feature', 'sign-ins of the user with the same client from a known network about that time',
      'value', CAST(u.sign_ins AS DOUBLE),
      'threshold', CAST(1 AS DOUBLE)
    ),
    named_struct(
      'feature', 'accounts that failed at the source (at most)',
      'value', CAST(b.failed_users AS DOUBLE),
      'threshold', CAST($vpn_users AS DOUBLE)
    )
  ) AS evidence
FROM vpn_blocks AS b
INNER JOIN vpn_sign_ins AS u
  ON b.tenant_key = u.tenant_key AND b.source_key = u.source_key AND b.started = u.started AND b.user_key = u.user_key
