-- title: Accounts kept locked on purpose
-- explain: A few accounts were kept locked for hours: attempts went on while the lock held, far beyond what guessing
--   needs. Such an attack wants the people out, not itself in.
-- source: this project's own rule; Microsoft tells of it under smart lockout, and of executives as its victims
-- cause: lockout_denial_of_service
-- severity: medium
-- attack: yes
-- technique: T1531
-- advice: Let the people sign in from a familiar location or device, which has a counter of its own, or without a
--   password; self-service password reset ends the lock. Block the sources or their countries by Conditional Access,
--   and check accounts that synchronise directories first.
-- advice-source: https://learn.microsoft.com/entra/identity/authentication/howto-password-smart-lockout
SELECT
  c.refusal_no,
  c.campaign_key AS finding_key,
  least($confidence_ceiling, $confidence_floor * c.locked_hours / $denial_hours) AS confidence,
  make_array(
    named_struct(
      'feature', 'hours in which an account was locked',
      'value', CAST(c.locked_hours AS DOUBLE),
      'threshold', CAST($denial_hours AS DOUBLE)
    ),
    named_struct(
      'feature', 'attempts on each account (mean, more than)',
      'value', CAST(c.mean_on_account AS DOUBLE),
      'threshold', CAST($spray_attempts_per_user AS DOUBLE)
    ),
    named_struct(
      'feature', 'share of the guesses that met a lock',
      'value', CAST(c.locked AS DOUBLE) / c.guesses,
      'threshold', CAST($denial_locked_share AS DOUBLE)
    )
  ) AS evidence
FROM campaign_refusals AS c
WHERE
  c.locked_hours >= $denial_hours
  AND c.locked >= $denial_locked_share * c.guesses
  AND c.mean_on_account > $spray_attempts_per_user
