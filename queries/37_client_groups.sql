-- title: Cold sources that share a client
-- explain: Of the strands that hammer no account: those with the same client, without a pause longer than
--   campaign_gap (slow_campaign_gap where hardly anybody else uses that client). One row for each strand of a group that is large enough to be an attack of
--   its own: many accounts, or many attempts on one, or two accounts with a client that nobody else has.
--   Sources that change their client all the time share just that: those that try many accounts each count as one client,
--   those that try a few as another.
-- source: Elastic Okta multi-source rules group by time alone; this one by what rotating sources cannot easily hide
-- keep: yes
WITH in_burst AS (
  -- Attackers who take another user agent for each attempt leave strands that change it, or, where each source is used
  -- once, a burst in which no client stands out.
  SELECT b.tenant_key, b.burst, b.tool, count(*) AS strands
  FROM free_strands AS b
  WHERE b.burst IS NOT NULL
  GROUP BY b.tenant_key, b.burst, b.tool
),
mixed AS (
  SELECT i.tenant_key, i.burst
  FROM in_burst AS i
  GROUP BY i.tenant_key, i.burst
  HAVING count(*) >= $changing_clients AND max(i.strands) <= $changing_client_share * sum(i.strands)
),
rest AS (
  SELECT
    f.tenant_key,
    f.source_key,
    f.run,
    f.started,
    f.ended,
    -- Of those that change it, sources that try many accounts each and sources that try a few are different attackers'.
    CASE
      WHEN NOT f.is_changing AND m.burst IS NULL THEN f.tool
      WHEN f.users >= $spray_users THEN 'changing, many accounts each'
      ELSE 'changing, few accounts each'
    END AS tool,
    f.is_foreign AND NOT f.is_changing AND m.burst IS NULL AS is_foreign
  FROM free_strands AS f
  LEFT JOIN mixed AS m ON f.tenant_key = m.tenant_key AND f.burst = m.burst
),
reached AS (
  SELECT
    s.tenant_key,
    s.source_key,
    s.run,
    s.tool,
    s.started,
    s.ended,
    s.is_foreign,
    max(s.ended) OVER (
      PARTITION BY s.tenant_key, s.tool
      ORDER BY s.started, s.source_key
      ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
    ) AS reached
  FROM rest AS s
),
numbered AS (
  SELECT
    r.*,
    sum(
      CASE
        WHEN r.is_foreign AND r.started <= r.reached + $slow_campaign_gap THEN 0
        WHEN r.started <= r.reached + $campaign_gap THEN 0
        ELSE 1
      END
    ) OVER (
      PARTITION BY r.tenant_key, r.tool
      ORDER BY r.started, r.source_key
      ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    ) AS part
  FROM reached AS r
),
tried AS (
  SELECT
    n.tenant_key,
    n.tool,
    n.part,
    f.user_key,
    bool_or(n.is_foreign) AS is_foreign,
    max(f.on_account) AS peak,
    sum(CASE WHEN f.tried THEN 1 ELSE 0 END) AS attempts
  FROM numbered AS n
  INNER JOIN cold_failures AS f
    ON n.tenant_key = f.tenant_key AND n.source_key = f.source_key AND n.run = f.run
  GROUP BY n.tenant_key, n.tool, n.part, f.user_key
),
sized AS (
  SELECT
    t.tenant_key,
    t.tool,
    t.part,
    bool_or(t.is_foreign) AS is_foreign,
    count(*) AS users,
    max(t.peak) AS peak,
    sum(t.attempts) AS attempts
  FROM tried AS t
  GROUP BY t.tenant_key, t.tool, t.part
)
SELECT
  n.tenant_key,
  n.source_key,
  n.run,
  concat(
    'client ', n.tool, '|',
    CAST(min(n.started) OVER (PARTITION BY n.tenant_key, n.tool, n.part) AS VARCHAR)
  ) AS campaign_key
FROM numbered AS n
INNER JOIN sized AS z ON n.tenant_key = z.tenant_key AND n.tool = z.tool AND n.part = z.part
WHERE
  z.users >= $spray_users
  OR z.peak >= $brute_force_failures
  -- A client that nobody else has, seen on two accounts, is one attacker.
  OR (z.is_foreign AND z.users > 1)
