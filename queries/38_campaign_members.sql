-- title: Which campaign each strand belongs to
-- explain: A strand belongs to the group of its account if that is hammered, else to that of its client, else to a burst:
--   sources that appear together in time and share nothing else, as attackers do who change their user agent too.
-- keep: yes
WITH rest AS (
  SELECT s.tenant_key, s.source_key, s.run, s.started, s.ended
  FROM strands AS s
  LEFT ANTI JOIN client_groups AS g
    ON s.tenant_key = g.tenant_key AND s.source_key = g.source_key AND s.run = g.run
  LEFT ANTI JOIN account_groups AS a
    ON s.tenant_key = a.tenant_key AND s.source_key = a.source_key AND s.run = a.run
),
reached AS (
  SELECT
    r.*,
    max(r.ended) OVER (
      PARTITION BY r.tenant_key
      ORDER BY r.started, r.source_key
      ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
    ) AS reached
  FROM rest AS r
),
numbered AS (
  SELECT
    r.*,
    sum(CASE WHEN r.started <= r.reached + $episode_gap THEN 0 ELSE 1 END) OVER (
      PARTITION BY r.tenant_key
      ORDER BY r.started, r.source_key
      ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    ) AS part
  FROM reached AS r
),
burst_users AS (
  SELECT n.tenant_key, n.part, f.user_key
  FROM numbered AS n
  INNER JOIN cold_failures AS f
    ON n.tenant_key = f.tenant_key AND n.source_key = f.source_key AND n.run = f.run
  GROUP BY n.tenant_key, n.part, f.user_key
),
burst_sizes AS (
  SELECT u.tenant_key, u.part, count(*) AS users
  FROM burst_users AS u
  GROUP BY u.tenant_key, u.part
),
burst_sources AS (
  SELECT n.tenant_key, n.part, count(DISTINCT n.source_key) AS sources, min(n.started) AS started
  FROM numbered AS n
  GROUP BY n.tenant_key, n.part
),
members AS (
  SELECT g.tenant_key, g.source_key, g.run, g.campaign_key FROM client_groups AS g
  UNION ALL
  SELECT a.tenant_key, a.source_key, a.run, a.campaign_key FROM account_groups AS a
  UNION ALL
  SELECT
    n.tenant_key,
    n.source_key,
    n.run,
    concat('burst ', CAST(b.started AS VARCHAR)) AS campaign_key
  FROM numbered AS n
  INNER JOIN burst_sources AS b ON n.tenant_key = b.tenant_key AND n.part = b.part
  INNER JOIN burst_sizes AS z ON n.tenant_key = z.tenant_key AND n.part = z.part
  WHERE b.sources >= $distributed_spray_sources AND z.users >= $distributed_spray_users
)
-- What concat makes is text of another kind.
SELECT m.tenant_key, m.source_key, m.run, CAST(m.campaign_key AS VARCHAR) AS campaign_key
FROM members AS m
