-- title: Runs of failures with the rhythm of a machine
-- explain: One row for each account and client whose failures come in bursts at even pauses, mostly from networks where
--   the account also signs in: a device or program that still holds an old password. A burst ends with a pause longer
--   than burst_gap; a run with one longer than finding_gap. regular is the share of the pauses between bursts that lie
--   within stale_tolerance of their median. own is the share of failures from networks where the account signs in, or
--   from sources where others do.
-- source: own rule; the rhythm of a machine, day and night
-- keep: yes
-- by: user_key
WITH wanted AS (
  SELECT r.tenant_key, r.user_key
  FROM refusals AS r
  WHERE r.user_key IS NOT NULL AND r.time IS NOT NULL AND r.reason IN ('lockout', 'unknown')
  GROUP BY r.tenant_key, r.user_key
  -- Fewer refusals than bursts are no repeated lockout.
  HAVING count(*) >= $stale_bursts
),
failed AS (
  SELECT
    f.tenant_key,
    f.user_key,
    f.source_key,
    f.network_key,
    f.time,
    md5(concat(coalesce(f.user_agent, ''), '|', coalesce(f.client_app, ''))) AS tool
  FROM failures AS f
  LEFT SEMI JOIN wanted AS w ON f.tenant_key = w.tenant_key AND f.user_key = w.user_key
  WHERE f.time IS NOT NULL AND f.kind IN ('refused', 'bad_password')
),
placed AS (
  SELECT
    f.*,
    h.user_key IS NOT NULL AS is_own,
    lag(f.time) OVER (PARTITION BY f.tenant_key, f.user_key, f.tool ORDER BY f.time) AS previous
  FROM failed AS f
  LEFT JOIN failed_homes AS h
    ON f.tenant_key = h.tenant_key AND f.user_key = h.user_key
    AND coalesce(f.source_key, '') = coalesce(h.source_key, '') AND coalesce(f.network_key, '') = coalesce(h.network_key, '')
),
numbered AS (
  SELECT
    p.*,
    CASE WHEN p.time <= p.previous + $burst_gap THEN NULL ELSE p.time END AS burst,
    sum(CASE WHEN p.time <= p.previous + $finding_gap THEN 0 ELSE 1 END) OVER (
      PARTITION BY p.tenant_key, p.user_key, p.tool
      ORDER BY p.time
      RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    ) AS run
  FROM placed AS p
),
spaced AS (
  SELECT
    n.*,
    date_part('epoch', n.burst) - date_part('epoch', lag(n.burst) OVER (
      PARTITION BY n.tenant_key, n.user_key, n.tool, n.run, n.burst IS NULL
      ORDER BY n.time
    )) AS pause
  FROM numbered AS n
),
measured AS (
  -- Only what begins a burst has a pause, so the median is one of bursts.
  SELECT
    s.*,
    median(s.pause) OVER (PARTITION BY s.tenant_key, s.user_key, s.tool, s.run) AS median_pause
  FROM spaced AS s
),
runs AS (
  SELECT
    m.tenant_key,
    m.user_key,
    m.tool,
    min(m.time) AS started,
    max(m.time) AS ended,
    count(*) AS attempts,
    count(m.burst) AS bursts,
    count(DISTINCT date_trunc('day', m.time)) AS days,
    max(m.median_pause) AS median_pause,
    avg(CASE WHEN m.is_own THEN 1.0 ELSE 0.0 END) AS own,
    avg(
      CASE
        WHEN m.pause IS NULL THEN NULL
        WHEN abs(m.pause - m.median_pause) <= $stale_tolerance * m.median_pause THEN 1.0
        ELSE 0.0
      END
    ) AS regular
  FROM measured AS m
  GROUP BY m.tenant_key, m.user_key, m.tool, m.run
)
SELECT
  r.tenant_key,
  r.user_key,
  r.tool,
  r.started,
  r.ended,
  r.attempts,
  r.bursts,
  r.days,
  r.median_pause,
  r.own,
  r.regular
FROM runs AS r
WHERE
  r.own >= $stale_own_share
  AND r.regular >= $stale_regular_share
  AND ((r.bursts >= $stale_bursts AND r.days >= $stale_days) OR r.bursts >= $stale_many_bursts)
