-- title: Episodes of one account and one source
-- explain: A run of failed attempts of one account from one source without a pause longer than episode_gap.
--   attempts: failures in it. wrong: wrong passwords among them. median_gap: seconds between attempts.
--   known_before: the account had signed in from this network, or with the registered device of most attempts, before. success_after: when it got in from there afterwards,
--   within forgotten_help_window. own_client: most attempts came with a client with which it signs in from there,
--   or with its own registered device.
--   Blocks of an address are no attempts: no password was looked at.
-- source: row_window_session in Sentinel SigninBruteForce-AzurePortal
-- keep: yes
-- only: user_id, user_principal_name = user_key of refusals
-- by: user_key = user_id, user_principal_name
WITH wanted AS (
  SELECT r.tenant_key, r.user_key, r.source_key
  FROM refusals AS r
  WHERE r.user_key IS NOT NULL AND r.source_key IS NOT NULL AND r.time IS NOT NULL
    AND r.reason IN ('lockout', 'unknown')
  GROUP BY r.tenant_key, r.user_key, r.source_key
),
own_clients AS (
  SELECT o.tenant_key, o.user_key, o.network_key, o.user_agent
  FROM wanted AS w
  RIGHT SEMI JOIN habits AS o ON w.tenant_key = o.tenant_key AND w.user_key = o.user_key
  WHERE o.first_success IS NOT NULL AND o.user_agent IS NOT NULL AND o.network_key IS NOT NULL
  GROUP BY o.tenant_key, o.user_key, o.network_key, o.user_agent
),
tries AS (
  SELECT
    f.tenant_key,
    f.user_key,
    f.source_key,
    f.network_key,
    f.time,
    f.kind,
    CASE WHEN c.user_agent IS NULL AND NOT f.is_own_device THEN 0.0 ELSE 1.0 END AS own_client,
    CASE WHEN f.is_own_device THEN 1.0 ELSE 0.0 END AS own_device,
    lag(f.time) OVER (PARTITION BY f.tenant_key, f.user_key, f.source_key ORDER BY f.time) AS previous
  FROM failures AS f
  LEFT SEMI JOIN wanted AS w
    ON f.tenant_key = w.tenant_key AND f.user_key = w.user_key AND f.source_key = w.source_key
  LEFT JOIN own_clients AS c
    ON f.tenant_key = c.tenant_key AND f.user_key = c.user_key AND f.network_key = c.network_key
    AND f.user_agent = c.user_agent
  WHERE f.time IS NOT NULL AND (f.tried OR f.reason = 'unknown')
),
numbered AS (
  SELECT
    t.tenant_key,
    t.user_key,
    t.source_key,
    t.network_key,
    t.time,
    t.kind,
    t.own_client,
    t.own_device,
    CASE
      WHEN t.time <= t.previous + $episode_gap
        THEN date_part('epoch', t.time) - date_part('epoch', t.previous)
    END AS gap_seconds,
    sum(CASE WHEN t.time <= t.previous + $episode_gap THEN 0 ELSE 1 END) OVER (
      PARTITION BY t.tenant_key, t.user_key, t.source_key
      ORDER BY t.time
    ) AS episode
  FROM tries AS t
),
episodes AS (
  SELECT
    n.tenant_key,
    n.user_key,
    n.source_key,
    max(n.network_key) AS network_key,
    n.episode,
    min(n.time) AS started,
    max(n.time) AS ended,
    count(*) AS attempts,
    count(*) FILTER (WHERE n.kind = 'bad_password') AS wrong,
    avg(n.own_client) >= $own_client_share AS own_client,
    avg(n.own_device) >= $own_client_share AS own_device,
    median(n.gap_seconds) AS median_gap
  FROM numbered AS n
  GROUP BY n.tenant_key, n.user_key, n.source_key, n.episode
)
SELECT
  e.tenant_key,
  e.user_key,
  e.source_key,
  e.started,
  e.ended,
  e.attempts,
  e.wrong,
  e.median_gap,
  e.own_client,
  e.own_device OR coalesce(k.first_success < e.started, false) AS known_before,
  min(o.time) AS success_after
FROM episodes AS e
LEFT JOIN familiar AS k
  ON e.tenant_key = k.tenant_key AND e.user_key = k.user_key AND e.network_key = k.network_key
LEFT JOIN outcomes AS o
  ON e.tenant_key = o.tenant_key AND e.user_key = o.user_key AND e.network_key = o.network_key
  AND o.outcome = 'success' AND o.time > e.ended AND o.time <= e.ended + $forgotten_help_window
GROUP BY
  e.tenant_key, e.user_key, e.source_key, e.started, e.ended, e.attempts, e.wrong, e.median_gap,
  e.own_client,
  e.own_device,
  k.first_success
