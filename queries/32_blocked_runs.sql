-- title: Blocks of one source that belong together in time
-- explain: For each refusal that states a malicious address the start of its run and how many blocks are in it.
--   A run ends with a pause longer than finding_gap. A block without a time joins the last run.
-- keep: yes
WITH marked AS (
  SELECT
    r.refusal_no,
    r.time,
    r.tenant_key,
    r.source_key,
    lag(r.time) OVER (PARTITION BY r.tenant_key, r.source_key ORDER BY r.refusal_no) AS previous
  FROM refusals AS r
  WHERE r.reason = 'malicious_ip' AND r.source_key IS NOT NULL
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
