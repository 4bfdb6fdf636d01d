-- title: Password spray from rotating sources
-- explain: Many sources tried a few passwords each on many accounts, all with the same client, which hardly anybody
--   uses to sign in, and from networks these accounts do not know.
-- source: Elastic Okta multi-source spray (5 sources, 8 accounts, at most 5 attempts on each); that failures outnumber
--   successes is the guard of Sentinel SigninPasswordSpray
-- cause: distributed_spray
-- severity: medium
-- attack: yes
-- technique: T1110.003
-- advice: Block what the sources share (user agent, client, network owner), not single addresses. Block legacy
--   authentication. Reset the password and revoke the sessions of every account whose password was right.
-- advice-source: https://learn.microsoft.com/security/operations/incident-response-playbook-password-spray
WITH wanted AS (
  -- Only what is large enough at all: the sorting and counting below is dear.
  SELECT f.tenant_key, f.tool
  FROM strange_failures AS f
  GROUP BY f.tenant_key, f.tool
  HAVING count(*) >= $distributed_spray_users AND bool_or(f.kind = 'refused')
),
tries AS (
  SELECT
    f.*,
    lag(f.time) OVER (PARTITION BY f.tenant_key, f.tool ORDER BY f.time) AS previous
  FROM strange_failures AS f
  LEFT SEMI JOIN wanted AS w ON f.tenant_key = w.tenant_key AND f.tool = w.tool
),
numbered AS (
  SELECT
    t.*,
    sum(CASE WHEN t.time <= t.previous + $campaign_gap THEN 0 ELSE 1 END) OVER (
      PARTITION BY t.tenant_key, t.tool
      ORDER BY t.time
    ) AS episode
  FROM tries AS t
),
campaigns AS (
  SELECT
    n.tenant_key,
    n.tool,
    coalesce(max(n.user_agent), '') AS user_agent,
    coalesce(max(n.client_app), '') AS client_app,
    min(n.time) AS started,
    max(n.time) AS ended,
    count(*) AS attempts,
    count(DISTINCT n.source_key) AS sources,
    count(DISTINCT n.user_key) AS users
  FROM numbered AS n
  GROUP BY n.tenant_key, n.tool, n.episode
  HAVING
    count(DISTINCT n.source_key) >= $distributed_spray_sources
    AND count(DISTINCT n.user_key) >= $distributed_spray_users
    AND CAST(count(*) AS DOUBLE) / count(DISTINCT n.user_key) <= $distributed_spray_attempts_per_user
    -- Blocks alone prove no attempt on a password: they are blocked_attack.
    AND bool_or(n.tried)
    AND bool_or(n.kind = 'refused')
),
compared AS (
  SELECT
    c.tenant_key,
    c.tool,
    c.user_agent,
    c.client_app,
    c.started,
    c.ended,
    c.attempts,
    c.sources,
    c.users,
    count(o.time) AS successes
  FROM campaigns AS c
  -- Without any sign-in of the tenant nobody can tell a strange network from a known one.
  INNER JOIN tenants AS t ON c.tenant_key = t.tenant_key AND t.successes > 0
  LEFT JOIN outcomes AS o
    ON c.tenant_key = o.tenant_key
    AND c.user_agent = coalesce(o.user_agent, '')
    AND c.client_app = coalesce(o.client_app, '')
    AND o.outcome = 'success' AND o.time >= c.started AND o.time <= c.ended
  GROUP BY
    c.tenant_key, c.tool, c.user_agent, c.client_app, c.started, c.ended, c.attempts, c.sources, c.users
)
SELECT
  r.refusal_no,
  concat(c.tool, '|', CAST(c.started AS VARCHAR)) AS finding_key,
  least($confidence_ceiling, $confidence_floor * c.users / $distributed_spray_users) AS confidence,
  make_array(
    named_struct(
      'feature', 'sources that share the client',
      'value', CAST(c.sources AS DOUBLE),
      'threshold', CAST($distributed_spray_sources AS DOUBLE)
    ),
    named_struct(
      'feature', 'accounts tried that do not know the networks',
      'value', CAST(c.users AS DOUBLE),
      'threshold', CAST($distributed_spray_users AS DOUBLE)
    ),
    named_struct(
      'feature', 'attempts on each account (mean, at most)',
      'value', CAST(c.attempts AS DOUBLE) / c.users,
      'threshold', CAST($distributed_spray_attempts_per_user AS DOUBLE)
    ),
    named_struct(
      'feature', 'attempts, more than sign-ins with the same client in that time',
      'value', CAST(c.attempts AS DOUBLE),
      'threshold', CAST(c.successes AS DOUBLE)
    )
  ) AS evidence
FROM compared AS c
INNER JOIN refusals AS r
  ON c.tenant_key = r.tenant_key
  AND c.user_agent = coalesce(r.user_agent, '')
  AND c.client_app = coalesce(r.client_app, '')
  AND r.time >= c.started AND r.time <= c.ended
LEFT JOIN familiar AS k
  ON r.tenant_key = k.tenant_key AND r.user_key = k.user_key AND r.network_key = k.network_key
WHERE
  c.attempts > c.successes
  AND r.user_key IS NOT NULL
  AND r.source_key IS NOT NULL
  AND NOT coalesce(k.first_success < r.time, false)
