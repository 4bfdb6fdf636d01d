-- title: One honest user behind a bad address
-- explain: A sign-in was blocked because of its address, but the same person, with the same client, signed in elsewhere
--   at about that time, from a network that the account knows. The address is that of a VPN, a hotel or a carrier that
--   others have misused.
-- source: own rule; learn.microsoft.com/entra/id-protection/howto-identity-protection-remediate-unblock
-- only: user_id, user_principal_name = user_key of refusals
-- cause: flagged_vpn
-- severity: low
-- attack: no
-- advice: Ask the user whether it was their VPN or a public network, and let them sign in by another way. The block says
--   nothing about the password. If the user does not know of it, treat it as an attack on the account.
-- advice-source: https://learn.microsoft.com/entra/id-protection/howto-identity-protection-remediate-unblock
WITH blocked AS (
  SELECT
    n.refusal_no,
    n.started,
    r.tenant_key,
    r.user_key,
    r.source_key,
    r.network_key,
    r.time,
    r.user_agent,
    s.failed_users
  FROM blocked_runs AS n
  INNER JOIN refusals AS r ON n.refusal_no = r.refusal_no
  INNER JOIN sources AS s ON n.tenant_key = s.tenant_key AND n.source_key = s.source_key
  WHERE s.failed_users <= $vpn_users AND r.user_key IS NOT NULL AND r.time IS NOT NULL
),
own AS (
  SELECT b.refusal_no, count(*) AS sign_ins
  FROM blocked AS b
  INNER JOIN outcomes AS o
    ON b.tenant_key = o.tenant_key AND b.user_key = o.user_key AND b.user_agent = o.user_agent
    AND o.outcome = 'success'
    AND o.time >= b.time - $vpn_window AND o.time <= b.time + $vpn_window
  INNER JOIN familiar AS k
    ON o.tenant_key = k.tenant_key AND o.user_key = k.user_key AND o.network_key = k.network_key
  WHERE k.first_success < b.time
  GROUP BY b.refusal_no
),
runs AS (
  SELECT b.tenant_key, b.source_key, b.started, b.user_key, max(o.sign_ins) AS sign_ins
  FROM blocked AS b
  INNER JOIN own AS o ON b.refusal_no = o.refusal_no
  GROUP BY b.tenant_key, b.source_key, b.started, b.user_key
)
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
FROM blocked AS b
INNER JOIN runs AS u
  ON b.tenant_key = u.tenant_key AND b.source_key = u.source_key AND b.started = u.started AND b.user_key = u.user_key
