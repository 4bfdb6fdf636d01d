-- title: Account, address and time window
-- explain: One row for each account, address and tumbling window (UTC, end exclusive) with at least one refusal,
--   and what else the same account did from the same address in that window.
--   A refusal without a time is in events but in no window.
-- result: windows
-- only: user_id, user_principal_name = user_key of refusals
WITH refused AS (
  SELECT
    date_bin($window, r.time) AS window_start,
    r.tenant_key,
    r.user_key,
    r.ip_address,
    max(r.tenant_id) AS tenant_id,
    max(r.user_id) AS user_id,
    max(r.user_principal_name) AS user_principal_name,
    count(*) AS refusals,
    count(*) FILTER (WHERE r.reason = 'lockout') AS lockouts,
    count(*) FILTER (WHERE r.reason = 'malicious_ip') AS malicious_ip_blocks,
    count(*) FILTER (WHERE r.reason = 'high_confidence_risk') AS risk_blocks,
    count(*) FILTER (WHERE r.reason = 'unknown') AS unknown_reason,
    min(r.time) AS first_seen,
    max(r.time) AS last_seen
  FROM refusals AS r
  WHERE r.time IS NOT NULL
  GROUP BY date_bin($window, r.time), r.tenant_key, r.user_key, r.ip_address
),
pairs AS (
  SELECT r.tenant_key, r.user_key, r.ip_address
  FROM refusals AS r
  WHERE r.user_key IS NOT NULL AND r.ip_address IS NOT NULL AND r.time IS NOT NULL
  GROUP BY r.tenant_key, r.user_key, r.ip_address
),
failed AS (
  SELECT
    date_bin($window, f.time) AS window_start,
    f.tenant_key,
    f.user_key,
    f.ip_address,
    count(*) FILTER (WHERE f.kind = 'bad_password') AS bad_passwords,
    count(*) FILTER (WHERE f.kind = 'unknown_user') AS unknown_users
  FROM failures AS f
  LEFT SEMI JOIN pairs AS p
    ON f.tenant_key = p.tenant_key AND f.user_key = p.user_key AND f.ip_address = p.ip_address
  WHERE f.kind <> 'refused' AND f.time IS NOT NULL
  GROUP BY date_bin($window, f.time), f.tenant_key, f.user_key, f.ip_address
),
succeeded AS (
  SELECT
    date_bin($window, o.time) AS window_start,
    o.tenant_key,
    o.user_key,
    o.ip_address,
    count(*) AS successes
  FROM pairs AS p
  RIGHT SEMI JOIN outcomes AS o
    ON p.tenant_key = o.tenant_key AND p.user_key = o.user_key AND p.ip_address = o.ip_address
  WHERE o.outcome = 'success' AND o.time IS NOT NULL
  GROUP BY date_bin($window, o.time), o.tenant_key, o.user_key, o.ip_address
)
SELECT
  -- date_bin counts in nanoseconds; every other time here is in microseconds.
  arrow_cast(r.window_start, 'Timestamp(Microsecond, Some("UTC"))') AS window_start,
  arrow_cast(r.window_start + $window, 'Timestamp(Microsecond, Some("UTC"))') AS window_end,
  r.tenant_id,
  r.user_principal_name,
  r.user_id,
  r.ip_address,
  r.refusals,
  r.lockouts,
  r.malicious_ip_blocks,
  r.risk_blocks,
  r.unknown_reason,
  coalesce(f.bad_passwords, 0) AS bad_passwords,
  coalesce(f.unknown_users, 0) AS unknown_users,
  coalesce(s.successes, 0) AS successes,
  r.first_seen,
  r.last_seen
FROM refused AS r
LEFT JOIN failed AS f
  ON r.window_start = f.window_start AND r.tenant_key = f.tenant_key
  AND r.user_key = f.user_key AND r.ip_address = f.ip_address
LEFT JOIN succeeded AS s
  ON r.window_start = s.window_start AND r.tenant_key = s.tenant_key
  AND r.user_key = s.user_key AND r.ip_address = s.ip_address
ORDER BY window_start, r.tenant_id, r.user_principal_name, r.user_id, r.ip_address
