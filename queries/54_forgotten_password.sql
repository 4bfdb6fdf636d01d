-- title: Forgotten or mistyped password
-- explain: A person failed a few times, at the pace of typing, from a place where the account had signed in before,
--   and got in soon afterwards.
-- source: own rule; fewer failures than guessing makes, and a success within the hour
-- cause: forgotten_password
-- severity: informational
-- attack: no
-- advice: Nothing to do. If it happens often, show the user self-service password reset, or move to passwordless
--   sign-in.
-- advice-source: https://learn.microsoft.com/entra/identity/authentication/concept-sspr-howitworks
SELECT
  r.refusal_no,
  concat(e.user_key, '|', e.source_key, '|', CAST(e.started AS VARCHAR)) AS finding_key,
  $confidence_floor AS confidence,
  make_array(
    named_struct(
      'feature', 'failures on the account (fewer than)',
      'value', CAST(e.attempts AS DOUBLE),
      'threshold', CAST($forgotten_failures AS DOUBLE)
    ),
    named_struct(
      'feature', 'seconds between failures (median, at least)',
      'value', e.median_gap,
      'threshold', CAST($human_gap_seconds AS DOUBLE)
    ),
    named_struct(
      'feature', 'seconds to the sign-in that worked (at most)',
      'value', date_part('epoch', e.success_after) - date_part('epoch', e.ended),
      'threshold', date_part('epoch', e.ended + $forgotten_success_window) - date_part('epoch', e.ended)
    )
  ) AS evidence
FROM user_episodes AS e
INNER JOIN refusals AS r
  ON e.tenant_key = r.tenant_key AND e.user_key = r.user_key AND e.source_key = r.source_key
  AND r.time >= e.started AND r.time <= e.ended
WHERE
  e.attempts < $forgotten_failures
  -- One failure has no pause to measure.
  AND coalesce(e.median_gap >= $human_gap_seconds, true)
  AND e.known_before
  AND e.success_after IS NOT NULL
  AND r.reason IN ('lockout', 'unknown')
