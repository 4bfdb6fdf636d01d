-- title: Every sign-in by which somebody got in
-- explain: One row for each sign-in of an account that a finding calls compromised, from an address of that finding and
--   from its first success until compromise_window after its last refusal. outcome is success, or password_right where
--   something else stopped it. These are the events that prove it.
-- result: break_ins
WITH entered AS (
  SELECT
    f.finding_id,
    coalesce(f.tenant_id, '') AS tenant_key,
    f.ip_addresses,
    f.first_success,
    f.last_seen,
    unnest(f.compromised_users) AS user_name
  FROM findings AS f
)
SELECT
  e.finding_id,
  o.sign_in_id,
  o.time,
  o.tenant_id,
  o.user_id,
  o.user_principal_name,
  o.ip_address,
  o.country,
  o.city,
  o.app_display_name,
  o.client_app,
  o.user_agent,
  o.outcome,
  o.error_code,
  o.failure_reason
FROM entered AS e
INNER JOIN outcomes AS o
  ON e.tenant_key = o.tenant_key
  AND e.user_name = coalesce(o.user_principal_name, o.user_id)
  AND o.outcome IN ('success', 'password_right')
  AND o.time >= e.first_success
  AND o.time <= e.last_seen + $compromise_window
WHERE array_has(e.ip_addresses, o.ip_address)
ORDER BY o.time, e.finding_id, o.sign_in_id
