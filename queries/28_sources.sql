-- title: What is known of each source of a failure
-- explain: For an address (or IPv6 /64) from which a sign-in failed: accounts that signed in from it, strangers, and
--   whether the tenant trusts the place. A stranger only failed there, or failed as often as guessing does before the
--   first sign-in that worked; then it is not counted among those that signed in.
-- keep: yes
WITH known AS (
  SELECT f.tenant_key, f.source_key
  FROM failures AS f
  WHERE f.source_key IS NOT NULL
  GROUP BY f.tenant_key, f.source_key
),
succeeded AS (
  SELECT p.tenant_key, p.source_key, p.user_key, sum(p.successes) AS successes, min(p.first_success) AS first_success
  FROM places AS p
  LEFT SEMI JOIN known AS k ON p.tenant_key = k.tenant_key AND p.source_key = k.source_key
  GROUP BY p.tenant_key, p.source_key, p.user_key
),
failed AS (
  SELECT
    f.tenant_key,
    f.source_key,
    f.user_key,
    sum(CASE WHEN f.time < s.first_success THEN 1 ELSE 0 END) AS failures_before
  FROM failures AS f
  LEFT JOIN succeeded AS s
    ON f.tenant_key = s.tenant_key AND f.source_key = s.source_key AND f.user_key = s.user_key
  WHERE f.user_key IS NOT NULL AND f.source_key IS NOT NULL
  GROUP BY f.tenant_key, f.source_key, f.user_key
),
met AS (
  SELECT
    coalesce(f.tenant_key, s.tenant_key) AS tenant_key,
    coalesce(f.source_key, s.source_key) AS source_key,
    f.user_key IS NOT NULL AS has_failed,
    s.user_key IS NULL OR coalesce(f.failures_before >= $brute_force_failures, false) AS is_stranger,
    coalesce(s.successes, 0) AS successes
  FROM failed AS f
  FULL JOIN succeeded AS s
    ON f.tenant_key = s.tenant_key AND f.source_key = s.source_key AND f.user_key = s.user_key
),
counted AS (
  SELECT
    m.tenant_key,
    m.source_key,
    sum(CASE WHEN NOT m.is_stranger THEN 1 ELSE 0 END) AS successful_users,
    sum(CASE WHEN m.has_failed THEN 1 ELSE 0 END) AS failed_users,
    sum(CASE WHEN m.is_stranger THEN 1 ELSE 0 END) AS strangers,
    sum(m.successes) AS successes
  FROM met AS m
  GROUP BY m.tenant_key, m.source_key
),
trusted AS (
  SELECT r.tenant_key, r.source_key, bool_or(coalesce(r.is_trusted_location, false)) AS is_trusted
  FROM refusals AS r
  WHERE r.source_key IS NOT NULL
  GROUP BY r.tenant_key, r.source_key
)
SELECT
  k.tenant_key,
  k.source_key,
  coalesce(c.successful_users, 0) AS successful_users,
  coalesce(c.failed_users, 0) AS failed_users,
  coalesce(c.strangers, 0) AS strangers,
  coalesce(c.successes, 0) AS successes,
  coalesce(t.is_trusted, false) AS is_trusted
FROM known AS k
LEFT JOIN counted AS c ON k.tenant_key = c.tenant_key AND k.source_key = c.source_key
LEFT JOIN trusted AS t ON k.tenant_key = t.tenant_key AND k.source_key = t.source_key
