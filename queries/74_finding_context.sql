-- title: What the analyst knows about each finding
-- explain: One row for each finding that touches it: vips are those of its accounts that --vip names, by sign-in name
--   or object id. indicators are the labels of the --indicators that its refusals match, and listed_refusals counts
--   the refusals that match any.
-- keep: yes
-- by: finding_id
WITH named AS (
  SELECT g.finding_id, unnest(g.accounts) AS account
  FROM patterns AS g
  UNION ALL
  SELECT g.finding_id, unnest(g.users) AS account
  FROM patterns AS g
),
important AS (
  SELECT n.finding_id, array_sort(array_distinct(array_agg(v.account))) AS vips
  FROM named AS n
  INNER JOIN vips AS v ON n.account = v.account
  GROUP BY n.finding_id
),
counted AS (
  SELECT v.finding_id, count(*) AS listed_refusals
  FROM verdicts AS v
  WHERE v.indicators IS NOT NULL
  GROUP BY v.finding_id
),
matched AS (
  SELECT v.finding_id, unnest(v.indicators) AS indicator
  FROM verdicts AS v
),
listed AS (
  SELECT m.finding_id, array_sort(array_distinct(array_agg(m.indicator))) AS indicators
  FROM matched AS m
  GROUP BY m.finding_id
)
SELECT
  coalesce(i.finding_id, c.finding_id) AS finding_id,
  i.vips,
  l.indicators,
  coalesce(c.listed_refusals, 0) AS listed_refusals
FROM important AS i
FULL JOIN counted AS c ON i.finding_id = c.finding_id
LEFT JOIN listed AS l ON c.finding_id = l.finding_id
