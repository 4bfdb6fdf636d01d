-- title: Every account that was refused
-- explain: One row for each account with a refusal: how often and why, wrong passwords and successful sign-ins of the
--   whole input, from how many addresses, and its findings. Refusals without an account are only in events.
-- result: users
WITH refused AS (
  SELECT
    r.tenant_key,
    r.user_key,
    max(r.tenant_id) AS tenant_id,
    max(r.user_principal_name) AS user_principal_name,
    max(r.user_id) AS user_id,
    count(*) AS refusals,
    count(*) FILTER (WHERE r.reason = 'lockout') AS lockouts,
    count(*) FILTER (WHERE r.reason = 'malicious_ip') AS malicious_ip_blocks,
    count(*) FILTER (WHERE r.reason = 'high_confidence_risk') AS risk_blocks,
    count(*) FILTER (WHERE r.reason = 'unknown') AS unknown_reason,
    min(r.time) AS first_seen,
    max(r.time) AS last_seen
  FROM refusals AS r
  WHERE r.user_key IS NOT NULL
  GROUP BY r.tenant_key, r.user_key
),
explained AS (
  SELECT e.tenant_key, e.user_key, array_sort(array_agg(e.finding_id)) AS findings
  FROM (
    SELECT v.tenant_key, v.user_key, v.finding_id
    FROM verdicts AS v
    WHERE v.user_key IS NOT NULL
    GROUP BY v.tenant_key, v.user_key, v.finding_id
  ) AS e
  GROUP BY e.tenant_key, e.user_key
),
counted AS (
  SELECT c.tenant_key, c.user_key, count(c.ip_address) AS ip_count
  FROM (
    SELECT r.tenant_key, r.user_key, r.ip_address
    FROM refusals AS r
    WHERE r.user_key IS NOT NULL
    GROUP BY r.tenant_key, r.user_key, r.ip_address
  ) AS c
  GROUP BY c.tenant_key, c.user_key
),
failed AS (
  SELECT f.tenant_key, f.user_key, count(*) AS bad_passwords
  FROM failures AS f
  WHERE f.kind = 'bad_password' AND f.user_key IS NOT NULL
  GROUP BY f.tenant_key, f.user_key
),
succeeded AS (
  SELECT v.tenant_key, v.user_key, sum(v.successes) AS successes, max(v.last_success) AS last_success
  FROM (SELECT r.tenant_key, r.user_key FROM refused AS r) AS r
  RIGHT SEMI JOIN visits AS v ON r.tenant_key = v.tenant_key AND r.user_key = v.user_key
  WHERE v.successes > 0
  GROUP BY v.tenant_key, v.user_key
)
SELECT
  r.tenant_id,
  r.user_principal_name,
  r.user_id,
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
  c.ip_count,
  e.findings
FROM refused AS r
INNER JOIN explained AS e ON r.tenant_key = e.tenant_key AND r.user_key = e.user_key
INNER JOIN counted AS c ON r.tenant_key = c.tenant_key AND r.user_key = c.user_key
LEFT JOIN failed AS f ON r.tenant_key = f.tenant_key AND r.user_key = f.user_key
LEFT JOIN succeeded AS s ON r.tenant_key = s.tenant_key AND r.user_key = s.user_key
ORDER BY r.refusals DESC, r.tenant_id, r.user_principal_name, r.user_id
