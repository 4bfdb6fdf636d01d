-- title: Guessing on one account from one source
-- explain: One source, or very few, failed on one account many times within minutes, and the account had never signed in
--   from that network before.
-- source: Entra's own lockout threshold, Sentinel SigninBruteForce-AzurePortal (10 failures in 20 minutes)
-- cause: brute_force
-- severity: medium
-- attack: yes
-- technique: T1110.001
-- advice: Block the source in Conditional Access and require a strong second factor for the account. If a sign-in from
--   the source got in, reset the password and revoke the sessions. Leave the lockout to end by itself.
-- advice-source: https://learn.microsoft.com/entra/identity/authentication/howto-password-smart-lockout
SELECT
  c.refusal_no,
  c.campaign_key AS finding_key,
  least($confidence_ceiling, $confidence_floor * c.peak / $brute_force_failures) AS confidence,
  make_array(
    named_struct(
      'feature', 'failures on one account within the window',
      'value', CAST(c.peak AS DOUBLE),
      'threshold', CAST($brute_force_failures AS DOUBLE)
    )
  ) AS evidence
FROM campaign_refusals AS c
WHERE
  -- Where no password was ever looked at, nothing was guessed.
  c.guesses > 0
  AND c.peak >= $brute_force_failures
