-- title: What is known of each source of a failure
-- explain: For an address (or IPv6 /64) from which a sign-in failed: accounts that signed in from it, strangers, and
--   whether the tenant trusts the place. A stranger only failed there, or got in by guessing; then
--   it is not counted among those that signed in. first_stranger: when the first of them failed.
--   is_lasting: its failures are spread over more than finding_gap, so that they may be several stretches.
-- keep: yes
-- by: source_key
WITH known AS (
  SELECT
    f.tenant_key,
    f.source_key,
    coalesce(max(f.time) > min(f.time) + $finding_gap, false) AS is_lasting
  FROM failures AS f
  WHERE f.source_key IS NOT NULL
  GROUP BY f.tenant_key, f.source_key
),
succeeded AS (
  SELECT
    p.tenant_key,
    p.source_key,
    p.user_key,
    bool_and(g.user_key IS NOT NULL) AS is_guessed
  FROM places AS p
  LEFT SEMI JOIN known AS k ON p.tenant_key = k.tenant_key AND p.source_key = k.source_key
  LEFT JOIN guessed_networks AS g
    ON p.tenant_key = g.tenant_key AND p.user_key = g.user_key AND p.network_key = g.network_key
  GROUP BY p.tenant_key, p.source_key, p.user_key
),
failed AS (
  SELECT f.tenant_key, f.source_key, f.user_key, min(f.time) AS first_failure
  FROM failures AS f
  WHERE f.user_key IS NOT NULL AND f.source_key IS NOT NULL
  GROUP BY f.tenant_key, f.source_key, f.user_key
),
met AS (
  SELECT
    coalesce(f.tenant_key, s.tenant_key) AS tenant_key,
    coalesce(f.source_key, s.source_key) AS source_key,
    f.user_key IS NOT NULL AS has_failed,
    f.first_failure,
    s.user_key IS NULL OR s.is_guessed AS is_stranger,
    s.user_key IS NOT NULL AS has_succeeded
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
    min(m.first_failure) FILTER (WHERE m.is_stranger) AS first_stranger,
    bool_or(m.has_succeeded) AS is_used
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
  c.first_stranger,
  coalesce(c.is_used, false) AS is_used,
  coalesce(t.is_trusted, false) AS is_trusted,
  k.is_lasting
FROM known AS k
LEFT JOIN counted AS c ON k.tenant_key = c.tenant_key AND k.source_key = c.source_key
LEFT JOIN trusted AS t ON k.tenant_key = t.tenant_key AND k.source_key = t.source_key
