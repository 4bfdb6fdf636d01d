-- title: Guessing on one account from many sources
-- explain: Many sources of different kinds tried one account within a short time, all from networks it does not know.
-- source: Elastic Okta multi-source brute force (5 sources, 10 attempts, and 2 countries or 3 network owners or 8
--   sources or 3 user agents, in 30 minutes)
-- cause: distributed_brute_force
-- severity: medium
-- attack: yes
-- technique: T1110.001
-- advice: Require a strong second factor or passwordless sign-in for the account, and block the countries or networks
--   it never uses. Keep the lockout threshold at 10 or lower. If a password was right, reset it and revoke the sessions.
-- advice-source: https://learn.microsoft.com/entra/identity/authentication/howto-password-smart-lockout
WITH wanted AS (
  -- Only what is large enough at all: the sorting and counting below is dear.
  SELECT f.tenant_key, f.user_key
  FROM strange_failures AS f
  GROUP BY f.tenant_key, f.user_key
  HAVING count(*) >= $distributed_brute_force_failures AND bool_or(f.kind = 'refused')
),
tries AS (
  SELECT
    f.*,
    lag(f.time) OVER (PARTITION BY f.tenant_key, f.user_key ORDER BY f.time) AS previous
  FROM strange_failures AS f
  LEFT SEMI JOIN wanted AS w ON f.tenant_key = w.tenant_key AND f.user_key = w.user_key
),
numbered AS (
  SELECT
    t.*,
    sum(CASE WHEN t.time <= t.previous + $distributed_brute_force_gap THEN 0 ELSE 1 END) OVER (
      PARTITION BY t.tenant_key, t.user_key
      ORDER BY t.time
    ) AS episode
  FROM tries AS t
),
attacks AS (
  SELECT
    n.tenant_key,
    n.user_key,
    min(n.time) AS started,
    max(n.time) AS ended,
    count(*) AS attempts,
    count(DISTINCT n.source_key) AS sources,
    count(DISTINCT n.country) AS countries,
    count(DISTINCT n.asn) AS asns,
    count(DISTINCT n.user_agent) AS user_agents
  FROM numbered AS n
  GROUP BY n.tenant_key, n.user_key, n.episode
  HAVING count(*) >= $distributed_brute_force_failures AND bool_or(n.tried)
)
SELECT
  r.refusal_no,
  concat(a.user_key, '|', CAST(a.started AS VARCHAR)) AS finding_key,
  least($confidence_ceiling, $confidence_floor * a.sources / $distributed_brute_force_sources) AS confidence,
  make_array(
    named_struct(
      'feature', 'failures on the account',
      'value', CAST(a.attempts AS DOUBLE),
      'threshold', CAST($distributed_brute_force_failures AS DOUBLE)
    ),
    named_struct(
      'feature', 'sources that do not belong to the account',
      'value', CAST(a.sources AS DOUBLE),
      'threshold', CAST($distributed_brute_force_sources AS DOUBLE)
    ),
    named_struct(
      'feature', 'countries (one of four signs of variety)',
      'value', CAST(a.countries AS DOUBLE),
      'threshold', CAST($distributed_brute_force_countries AS DOUBLE)
    ),
    named_struct(
      'feature', 'network owners (one of four signs of variety)',
      'value', CAST(a.asns AS DOUBLE),
      'threshold', CAST($distributed_brute_force_asns AS DOUBLE)
    ),
    named_struct(
      'feature', 'sources (one of four signs of variety)',
      'value', CAST(a.sources AS DOUBLE),
      'threshold', CAST($distributed_brute_force_many_sources AS DOUBLE)
    ),
    named_struct(
      'feature', 'user agents (one of four signs of variety)',
      'value', CAST(a.user_agents AS DOUBLE),
      'threshold', CAST($distributed_brute_force_user_agents AS DOUBLE)
    )
  ) AS evidence
FROM attacks AS a
INNER JOIN refusals AS r
  ON a.tenant_key = r.tenant_key AND a.user_key = r.user_key
  AND r.time >= a.started AND r.time <= a.ended
LEFT JOIN familiar AS k
  ON r.tenant_key = k.tenant_key AND r.user_key = k.user_key AND r.network_key = k.network_key
WHERE
  a.sources >= $distributed_brute_force_sources
  AND (
    a.countries >= $distributed_brute_force_countries
    OR a.asns >= $distributed_brute_force_asns
    OR a.sources >= $distributed_brute_force_many_sources
    OR a.user_agents >= $distributed_brute_force_user_agents
  )
  AND r.source_key IS NOT NULL
  AND NOT coalesce(k.first_success < r.time, false)
