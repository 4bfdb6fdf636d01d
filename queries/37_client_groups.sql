-- title: Cold sources that share a client
-- explain: Of the strands that hammer no account: those with the same client, without a pause longer than campaign_gap (slow_campaign_gap where
--   hardly anybody else uses that client). One row for each strand of a group that is large enough to be an attack of
--   its own: many accounts, or many attempts on one, or two accounts with a client that nobody else has.
-- source: Elastic Okta multi-source rules group by time alone; this one by what rotating sources cannot easily hide
-- keep: yes
WITH reached AS (
  SELECT
    s.tenant_key,
    s.source_key,
    s.run,
    s.tool,
    s.started,
    s.ended,
    c.is_foreign,
    max(s.ended) OVER (
      PARTITION BY s.tenant_key, s.tool
      ORDER BY s.started, s.source_key
      ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
    ) AS reached
  FROM strands AS s
  LEFT ANTI JOIN account_groups AS a
    ON s.tenant_key = a.tenant_key AND s.source_key = a.source_key AND s.run = a.run
  INNER JOIN clients AS c ON s.tenant_key = c.tenant_key AND s.tool = c.tool
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
