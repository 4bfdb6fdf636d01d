-- title: Old password saved on a device
-- explain: One account is locked again and again by the same client, with the even rhythm of a machine, day and night,
--   from places where it also signs in. A device or program still holds an old password.
-- source: own rule, after learn.microsoft.com/entra/identity/authentication/howto-password-smart-lockout; on tenants
--   without pass-through authentication one repeated password does not lock, so there may be several old passwords
-- cause: stale_credential
-- severity: low
-- attack: no
-- advice: Find the device or program by user agent, client and application, and renew or remove the password saved
--   there. Let the user reset the password through "I forgot my password", which ends the lockout at once.
-- advice-source: https://learn.microsoft.com/entra/identity/authentication/howto-password-smart-lockout
SELECT
  r.refusal_no,
  concat(m.user_key, '|', CAST(m.tool AS VARCHAR), '|', CAST(m.started AS VARCHAR)) AS finding_key,
  least($confidence_ceiling, $confidence_floor * m.days / $stale_days) AS confidence,
  make_array(
    named_struct(
      'feature', 'bursts of attempts',
      'value', CAST(m.bursts AS DOUBLE),
      'threshold', CAST($stale_bursts AS DOUBLE)
    ),
    named_struct(
      'feature', 'days with attempts (or very many bursts)',
      'value', CAST(m.days AS DOUBLE),
      'threshold', CAST($stale_days AS DOUBLE)
    ),
    named_struct(
      'feature', 'share of pauses near their median',
      'value', m.regular,
      'threshold', CAST($stale_regular_share AS DOUBLE)
    ),
    named_struct(
      'feature', 'share of attempts from places of the account or of others here',
      'value', m.own,
      'threshold', CAST($stale_own_share AS DOUBLE)
    )
  ) AS evidence
FROM rhythms AS m
INNER JOIN refusals AS r
  ON m.tenant_key = r.tenant_key AND m.user_key = r.user_key
  AND r.time >= m.started AND r.time <= m.ended
WHERE
  r.reason IN ('lockout', 'unknown')
  AND md5(concat(coalesce(r.user_agent, ''), '|', coalesce(r.client_app, ''))) = m.tool
