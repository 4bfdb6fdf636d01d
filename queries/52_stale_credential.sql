-- title: Old password saved on a device
-- explain: One account is locked again and again from a place where it also signs in, by the same client, with the
--   even rhythm of a machine, day after day. A device or program still holds an old password.
-- source: own rule, after learn.microsoft.com/entra/identity/authentication/howto-password-smart-lockout; on tenants
--   without pass-through authentication one repeated password does not lock, so there may be several old passwords
-- cause: stale_credential
-- severity: low
-- attack: no
-- advice: Find the device or program by user agent, client and application, and renew or remove the password saved
--   there. Let the user reset the password through "I forgot my password", which ends the lockout at once.
-- advice-source: https://learn.microsoft.com/entra/identity/authentication/howto-password-smart-lockout
WITH wanted AS (
  SELECT r.tenant_key, r.user_key, r.source_key
  FROM refusals AS r
  WHERE r.user_key IS NOT NULL AND r.source_key IS NOT NULL AND r.time IS NOT NULL
    AND r.reason IN ('lockout', 'unknown')
  GROUP BY r.tenant_key, r.user_key, r.source_key
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
  LEFT SEMI JOIN wanted AS w
    ON f.tenant_key = w.tenant_key AND f.user_key = w.user_key AND f.source_key = w.source_key
  WHERE f.time IS NOT NULL AND (f.tried OR f.reason = 'unknown')
),
tries AS (
  SELECT
    f.*,
    lag(f.time) OVER (PARTITION BY f.tenant_key, f.user_key, f.source_key, f.tool ORDER BY f.time) AS previous
  FROM failed AS f
),
numbered AS (
  SELECT
    t.*,
    CASE
      WHEN t.time <= t.previous + $finding_gap THEN date_part('epoch', t.time) - date_part('epoch', t.previous)
    END AS gap_seconds,
    CASE WHEN NOT coalesce(t.time <= t.previous + $episode_gap, false) THEN t.time END AS burst,
    sum(CASE WHEN t.time <= t.previous + $finding_gap THEN 0 ELSE 1 END) OVER (
      PARTITION BY t.tenant_key, t.user_key, t.source_key, t.tool
      ORDER BY t.time
    ) AS run
  FROM tries AS t
),
spaced AS (
  SELECT
    n.*,
    date_part('epoch', n.burst) - date_part('epoch', max(n.burst) OVER (
      PARTITION BY n.tenant_key, n.user_key, n.source_key, n.tool, n.run
      ORDER BY n.time
      ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
    )) AS burst_gap_seconds
  FROM numbered AS n
),
rhythm AS (
  SELECT
    s.tenant_key,
    s.user_key,
    s.source_key,
    s.tool,
    max(s.network_key) AS network_key,
    min(s.time) AS started,
    max(s.time) AS ended,
    count(*) AS attempts,
    count(s.burst) AS bursts,
    count(DISTINCT date_trunc('day', s.time)) AS days,
    stddev_pop(s.gap_seconds) / nullif(avg(s.gap_seconds), 0) AS attempt_cv,
    stddev_pop(s.burst_gap_seconds) / nullif(avg(s.burst_gap_seconds), 0) AS burst_cv
  FROM spaced AS s
  GROUP BY s.tenant_key, s.user_key, s.source_key, s.tool, s.run
),
judged AS (
  SELECT
    y.*,
    -- The rhythm may be that of single attempts or that of bursts of them: the more even one counts.
    CASE WHEN y.bursts >= $stale_bursts THEN least(y.attempt_cv, y.burst_cv) ELSE y.attempt_cv END AS cv
  FROM rhythm AS y
)
SELECT
  r.refusal_no,
  concat(j.user_key, '|', j.source_key, '|', j.tool, '|', CAST(j.started AS VARCHAR)) AS finding_key,
  least($confidence_ceiling, $confidence_floor * j.days / $stale_days) AS confidence,
  make_array(
    named_struct(
      'feature', 'attempts in the run',
      'value', CAST(j.attempts AS DOUBLE),
      'threshold', CAST($stale_bursts AS DOUBLE)
    ),
    named_struct(
      'feature', 'days with attempts',
      'value', CAST(j.days AS DOUBLE),
      'threshold', CAST($stale_days AS DOUBLE)
    ),
    named_struct(
      'feature', 'variation of the pauses (less than)',
      'value', j.cv,
      'threshold', CAST($stale_cv AS DOUBLE)
    )
  ) AS evidence
FROM judged AS j
INNER JOIN familiar AS k
  ON j.tenant_key = k.tenant_key AND j.user_key = k.user_key AND j.network_key = k.network_key
INNER JOIN refusals AS r
  ON j.tenant_key = r.tenant_key AND j.user_key = r.user_key AND j.source_key = r.source_key
  AND r.time >= j.started AND r.time <= j.ended
WHERE
  j.attempts >= $stale_bursts
  AND j.days >= $stale_days
  AND j.cv < $stale_cv
  AND k.first_success <= j.ended
  AND r.reason IN ('lockout', 'unknown')
  AND md5(concat(coalesce(r.user_agent, ''), '|', coalesce(r.client_app, ''))) = j.tool
