-- title: Guessing on one account from one source
-- explain: One source failed on one account many times within minutes, and the account had never signed in from that
--   network before.
-- source: Entra's own lockout threshold, Sentinel SigninBruteForce-AzurePortal (10 failures in 20 minutes)
-- cause: brute_force
-- severity: medium
-- attack: yes
-- technique: T1110.001
-- advice: Block the source in Conditional Access and require a strong second factor for the account. If a sign-in from
--   the source got in, reset the password and revoke the sessions. Leave the lockout to end by itself.
-- advice-source: https://learn.microsoft.com/entra/identity/authentication/howto-password-smart-lockout
SELECT
  r.refusal_no,
  concat(e.user_key, '|', e.source_key, '|', CAST(e.started AS VARCHAR)) AS finding_key,
  least($confidence_ceiling, $confidence_floor * e.peak / $brute_force_failures) AS confidence,
  make_array(
    named_struct(
      'feature', 'failures on the account within the window',
      'value', CAST(e.peak AS DOUBLE),
      'threshold', CAST($brute_force_failures AS DOUBLE)
    )
  ) AS evidence
FROM user_episodes AS e
INNER JOIN refusals AS r
  ON e.tenant_key = r.tenant_key AND e.user_key = r.user_key AND e.source_key = r.source_key
  AND r.time >= e.started AND r.time <= e.ended
WHERE e.peak >= $brute_force_failures AND NOT e.known_before
