-- title: Forgotten or mistyped password
-- explain: A person failed some times, at the pace of typing, from a place where the account had signed in before, and
--   got in afterwards: within the hour, or later the same day if the client too is one with which the account signs in.
-- source: own rule; fewer failures than guessing makes, and a success soon after
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
      'threshold', CAST(
        CASE WHEN e.own_client THEN $forgotten_failures_own_client ELSE $forgotten_failures END AS DOUBLE
      )
    ),
    named_struct(
      'feature', 'seconds between failures (median, at least)',
      'value', e.median_gap,
      'threshold', CAST($human_gap_seconds AS DOUBLE)
    ),
    named_struct(
      'feature', 'seconds to the sign-in that worked (at most)',
      'value', date_part('epoch', e.success_after) - date_part('epoch', e.ended),
      'threshold', CASE
        WHEN e.own_client THEN date_part('epoch', e.ended + $forgotten_help_window) - date_part('epoch', e.ended)
        ELSE date_part('epoch', e.ended + $forgotten_success_window) - date_part('epoch', e.ended)
      END
    )
  ) AS evidence
FROM user_episodes AS e
INNER JOIN refusals AS r
  ON e.tenant_key = r.tenant_key AND e.user_key = r.user_key AND e.source_key = r.source_key
  AND r.time >= e.started AND r.time <= e.ended
WHERE
  e.attempts < CASE WHEN e.own_client THEN $forgotten_failures_own_client ELSE $forgotten_failures END
  -- One failure has no pause to measure.
  AND coalesce(e.median_gap >= $human_gap_seconds, true)
  AND e.known_before
  AND (e.own_client OR e.success_after <= e.ended + $forgotten_success_window)
  AND e.success_after IS NOT NULL
  AND r.reason IN ('lockout', 'unknown')
  -- One refusal for which nothing states or shows that a password was wrong is no sign of a person typing.
  AND (e.wrong > 0 OR r.reason = 'lockout')
