-- title: Refusals of one account that belong together in time
-- explain: For each refusal the start of its run and how many refusals are in it. A run is kept by account, or by
--   source where no account is known, and ends with a pause longer than finding_gap. A refusal without a time joins
--   the last run.
-- keep: yes
-- by: user_key
WITH named AS (
  SELECT
    r.refusal_no,
    r.time,
    r.tenant_key,
    r.user_key,
    r.reason,
    coalesce('account ' || r.user_key, 'source ' || r.source_key, 'nobody') AS subject
  FROM refusals AS r
),
-- All refusals of most accounts are one run: a window for each of them would cost more than all the rest.
brief AS (
  SELECT n.tenant_key, n.subject, min(n.time) AS started, count(*) AS refusals
  FROM named AS n
  GROUP BY n.tenant_key, n.subject
  HAVING coalesce(max(n.time) <= min(n.time) + $finding_gap, true)
),
marked AS (
  SELECT
    n.*,
    lag(n.time) OVER (PARTITION BY n.tenant_key, n.subject ORDER BY n.refusal_no) AS previous
  FROM named AS n
  LEFT ANTI JOIN brief AS b ON n.tenant_key = b.tenant_key AND n.subject = b.subject
),
numbered AS (
  SELECT
    m.*,
    sum(CASE WHEN m.time IS NULL OR m.time <= m.previous + $finding_gap THEN 0 ELSE 1 END) OVER (
      PARTITION BY m.tenant_key, m.subject
      ORDER BY m.refusal_no
    ) AS run
  FROM marked AS m
)
SELECT
  n.refusal_no,
  n.tenant_key,
  n.user_key,
  n.reason,
  n.subject,
  min(n.time) OVER (PARTITION BY n.tenant_key, n.subject, n.run) AS started,
  count(*) OVER (PARTITION BY n.tenant_key, n.subject, n.run) AS refusals
FROM numbered AS n
UNION ALL
SELECT n.refusal_no, n.tenant_key, n.user_key, n.reason, n.subject, b.started, b.refusals
FROM named AS n
INNER JOIN brief AS b ON n.tenant_key = b.tenant_key AND n.subject = b.subject
