-- title: Episodes of one source
-- explain: A run of failures from one source, whatever the account, without a pause longer than episode_gap.
--   users_tried: accounts on which a password was surely tried. strangers_tried: those of them that had never signed
--   in from this network before. attempts: how often passwords were tried.
-- source: Sentinel SigninPasswordSpray, without its key on the application, which attackers rotate
-- keep: yes
WITH tries AS (
  SELECT
    f.tenant_key,
    f.source_key,
    f.network_key,
    f.user_key,
    f.tried,
    f.time,
    lag(f.time) OVER (PARTITION BY f.tenant_key, f.source_key ORDER BY f.time) AS previous
  FROM failures AS f
  LEFT SEMI JOIN sources AS s ON f.tenant_key = s.tenant_key AND f.source_key = s.source_key
  WHERE f.time IS NOT NULL
),
numbered AS (
  SELECT
    t.tenant_key,
    t.source_key,
    t.network_key,
    t.user_key,
    t.tried,
    t.time,
    sum(CASE WHEN t.time <= t.previous + $episode_gap THEN 0 ELSE 1 END) OVER (
      PARTITION BY t.tenant_key, t.source_key
      ORDER BY t.time
    ) AS episode
  FROM tries AS t
),
by_user AS (
  SELECT
    n.tenant_key,
    n.source_key,
    max(n.network_key) AS network_key,
    n.episode,
    n.user_key,
    min(n.time) AS started,
    max(n.time) AS ended,
    -- A failure without an account says nothing about how many accounts were tried.
    sum(CASE WHEN n.tried AND n.user_key IS NOT NULL THEN 1 ELSE 0 END) AS attempts
  FROM numbered AS n
  GROUP BY n.tenant_key, n.source_key, n.episode, n.user_key
)
SELECT
  b.tenant_key,
  b.source_key,
  min(b.started) AS started,
  max(b.ended) AS ended,
  sum(b.attempts) AS attempts,
  sum(CASE WHEN b.attempts > 0 THEN 1 ELSE 0 END) AS users_tried,
  sum(CASE WHEN b.attempts > 0 AND NOT coalesce(k.first_success < b.started, false) THEN 1 ELSE 0 END)
    AS strangers_tried
FROM by_user AS b
LEFT JOIN familiar AS k
  ON b.tenant_key = k.tenant_key AND b.user_key = k.user_key AND b.network_key = k.network_key
GROUP BY b.tenant_key, b.source_key, b.episode
