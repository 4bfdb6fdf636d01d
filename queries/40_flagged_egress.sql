-- title: Own exit address blocked
-- explain: Sign-ins were blocked because of the address, but honest accounts use this address: it is a trusted
--   location, or many accounts have signed in from it, or more accounts signed in from it than only failed there.
-- source: Sentinel SigninAttemptsByIPviaDisabledAccounts (50 accounts) and SigninPasswordSpray (failed against successful)
-- cause: flagged_egress
-- severity: low
-- attack: no
-- advice: Add the address to the trusted named locations if it is yours, and let the users sign in by another way
--   until then. Look for an infected or misused machine behind the address, and check the accounts that only failed
--   there. The block says nothing about the passwords.
-- advice-source: https://learn.microsoft.com/entra/id-protection/howto-identity-protection-remediate-unblock
SELECT
  n.refusal_no,
  concat(n.source_key, '|', coalesce(CAST(n.started AS VARCHAR), '')) AS finding_key,
  CASE
    WHEN s.is_trusted OR s.successful_users >= $egress_users THEN $confidence_stated
    ELSE least(
      $confidence_ceiling,
      $confidence_floor * s.successful_users / greatest($egress_least_users, s.strangers + 1)
    )
  END AS confidence,
  make_array(
    named_struct(
      'feature', 'accounts that signed in from the source',
      'value', CAST(s.successful_users AS DOUBLE),
      'threshold', CAST($egress_least_users AS DOUBLE)
    ),
    named_struct(
      'feature', 'accounts that signed in, against accounts that only failed',
      'value', CAST(s.successful_users AS DOUBLE),
      'threshold', CAST(s.strangers AS DOUBLE)
    ),
    named_struct(
      'feature', 'accounts that signed in, against the number of a surely shared address',
      'value', CAST(s.successful_users AS DOUBLE),
      'threshold', CAST($egress_users AS DOUBLE)
    ),
    named_struct(
      'feature', 'trusted location (1 is yes)',
      'value', CASE WHEN s.is_trusted THEN 1.0 ELSE 0.0 END,
      'threshold', CAST(1 AS DOUBLE)
    )
  ) AS evidence
FROM blocked_runs AS n
INNER JOIN sources AS s ON n.tenant_key = s.tenant_key AND n.source_key = s.source_key
WHERE
  s.is_trusted
  OR s.successful_users >= $egress_users
  OR (s.successful_users >= $egress_least_users AND s.successful_users > s.strangers)
