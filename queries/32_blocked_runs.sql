-- title: Blocks of one source that belong together in time
-- explain: For each refusal that states a malicious address the start of its run and how many blocks are in it.
--   A run ends with a pause longer than finding_gap. A block without a time joins the last run.
-- keep: yes
-- by: source_key
WITH blocks AS (
  SELECT r.refusal_no, r.time, r.tenant_key, r.source_key
  FROM refusals AS r
  WHERE r.reason = 'malicious_ip' AND r.source_key IS NOT NULL
),
-- All blocks of most sources are one run: a window for each of them would cost more than all the rest.
brief AS (
  SELECT b.tenant_key, b.source_key, min(b.time) AS started, count(*) AS blocks
  FROM blocks AS b
  GROUP BY b.tenant_key, b.source_key
  HAVING coalesce(max(b.time) <= min(b.time) + $finding_gap, true)
),
marked AS (
  SELECT
    b.*,
    lag(b.time) OVER (PARTITION BY b.tenant_key, b.source_key ORDER BY b.refusal_no) AS previous
  FROM blocks AS b
  LEFT ANTI JOIN brief AS s ON b.tenant_key = s.tenant_key AND b.source_key = s.source_key
),
numbered AS (
  SELECT
    m.*,
    sum(CASE WHEN m.time IS NULL OR m.time <= m.previous + $finding_gap THEN 0 ELSE 1 END) OVER (
      PARTITION BY m.tenant_key, m.source_key
      ORDER BY m.refusal_no
    ) AS run
  FROM marked AS m
)
SELECT
  n.refusal_no,
  n.tenant_key,
  n.source_key,
  min(n.time) OVER (PARTITION BY n.tenant_key, n.source_key, n.run) AS started,
  count(*) OVER (PARTITION BY n.tenant_key, n.source_key, n.run) AS blocks
FROM numbered AS n
UNION ALL
SELECT b.refusal_no, b.tenant_key, b.source_key, s.started, s.blocks
FROM blocks AS b
INNER JOIN brief AS s ON b.tenant_key = s.tenant_key AND b.source_key = s.source_key
