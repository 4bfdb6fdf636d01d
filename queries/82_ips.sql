-- title: Every address that was refused
-- explain: One row for each address with a refusal: how often and why, how many accounts were refused, failed or
--   signed in from it in the whole input, and its findings. Refusals without an address are only in events.
-- result: ips
WITH refused AS (
  SELECT
    r.tenant_key,
    r.ip_address,
    max(r.tenant_id) AS tenant_id,
    max(r.asn) AS asn,
    max(r.country) AS country,
    bool_or(r.is_trusted_location) AS is_trusted_location,
    count(*) AS refusals,
    count(*) FILTER (WHERE r.reason = 'lockout') AS lockouts,
    count(*) FILTER (WHERE r.reason = 'malicious_ip') AS malicious_ip_blocks,
    count(*) FILTER (WHERE r.reason = 'high_confidence_risk') AS risk_blocks,
    count(*) FILTER (WHERE r.reason = 'unknown') AS unknown_reason,
    min(r.time) AS first_seen,
    max(r.time) AS last_seen
  FROM refusals AS r
  WHERE r.ip_address IS NOT NULL
  GROUP BY r.tenant_key, r.ip_address
),
explained AS (
  SELECT e.tenant_key, e.ip_address, array_sort(array_agg(e.finding_id)) AS findings
  FROM (
    SELECT v.tenant_key, v.ip_address, v.finding_id
    FROM verdicts AS v
    WHERE v.ip_address IS NOT NULL
    GROUP BY v.tenant_key, v.ip_address, v.finding_id
  ) AS e
  GROUP BY e.tenant_key, e.ip_address
),
counted AS (
  SELECT c.tenant_key, c.ip_address, count(c.user_key) AS user_count
  FROM (
    SELECT r.tenant_key, r.ip_address, r.user_key
    FROM refusals AS r
    WHERE r.ip_address IS NOT NULL
    GROUP BY r.tenant_key, r.ip_address, r.user_key
  ) AS c
  GROUP BY c.tenant_key, c.ip_address
),
failed AS (
  SELECT u.tenant_key, u.ip_address, sum(u.bad_passwords) AS bad_passwords, count(u.user_key) AS failed_users
  FROM (
    SELECT
      f.tenant_key,
      f.ip_address,
      f.user_key,
      count(*) FILTER (WHERE f.kind = 'bad_password') AS bad_passwords
    FROM failures AS f
    WHERE f.ip_address IS NOT NULL
    GROUP BY f.tenant_key, f.ip_address, f.user_key
  ) AS u
  GROUP BY u.tenant_key, u.ip_address
),
succeeded AS (
  SELECT
    u.tenant_key,
    u.ip_address,
    sum(u.successes) AS successes,
    count(*) AS successful_users,
    max(u.last_success) AS last_success
  FROM (
    SELECT v.tenant_key, v.ip_address, v.user_key, sum(v.successes) AS successes, max(v.last_success) AS last_success
    FROM (SELECT r.tenant_key, r.ip_address FROM refused AS r) AS r
    RIGHT SEMI JOIN visits AS v ON r.tenant_key = v.tenant_key AND r.ip_address = v.ip_address
    WHERE v.successes > 0
    GROUP BY v.tenant_key, v.ip_address, v.user_key
  ) AS u
  GROUP BY u.tenant_key, u.ip_address
)
SELECT
  r.tenant_id,
  r.ip_address,
  r.asn,
  r.country,
  r.is_trusted_location,
  r.refusals,
  r.lockouts,
  r.malicious_ip_blocks,
  r.risk_blocks,
  r.unknown_reason,
  coalesce(f.bad_passwords, 0) AS bad_passwords,
  coalesce(s.successes, 0) AS successes,
  r.first_seen,
  r.last_seen,
  s.last_success,
  c.user_count,
  coalesce(f.failed_users, 0) AS failed_users,
  coalesce(s.successful_users, 0) AS successful_users,
  e.findings
FROM refused AS r
INNER JOIN explained AS e ON r.tenant_key = e.tenant_key AND r.ip_address = e.ip_address
INNER JOIN counted AS c ON r.tenant_key = c.tenant_key AND r.ip_address = c.ip_address
LEFT JOIN failed AS f ON r.tenant_key = f.tenant_key AND r.ip_address = f.ip_address
LEFT JOIN succeeded AS s ON r.tenant_key = s.tenant_key AND r.ip_address = s.ip_address
ORDER BY r.refusals DESC, r.tenant_id, r.ip_address
