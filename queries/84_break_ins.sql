-- title: Every sign-in by which somebody got in
-- explain: One row for each sign-in that proves that an attack got into an account, or knew its password. outcome is
--   success, or password_right where something else stopped it, or refused where a blocked sign-in had the right
--   password. how says why it is counted: its source, its client, a new place of the account, or a first
--   guess that was right (entries tells more).
-- result: break_ins
SELECT
  e.finding_id,
  e.sign_in_id,
  e.time,
  e.tenant_id,
  e.user_id,
  e.user_principal_name,
  e.ip_address,
  e.country,
  e.city,
  e.app_display_name,
  e.client_app,
  e.user_agent,
  e.outcome,
  e.error_code,
  e.failure_reason,
  e.how
FROM entries AS e
ORDER BY e.time, e.finding_id, e.sign_in_id
