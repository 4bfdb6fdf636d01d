-- title: The sources of each attack
-- explain: One row for each finding of an attack and each source that took part in it, those without a refusal too, with
--   the first and last attempt of the whole attack.
-- keep: yes
WITH attacks AS (
  SELECT p.finding_id, p.finding_key, p.tenant_key, p.first_seen, p.last_seen
  FROM patterns AS p
  INNER JOIN causes AS c ON p.cause = c.cause
  WHERE c.attack AND p.first_seen IS NOT NULL
),
members AS (
  SELECT
    a.finding_id,
    a.tenant_key,
    a.finding_key AS campaign_key,
    c.source_key,
    min(c.started) AS started,
    max(c.ended) AS ended
  FROM attacks AS a
  INNER JOIN campaigns AS c ON a.tenant_key = c.tenant_key AND a.finding_key = c.campaign_key
  GROUP BY a.finding_id, a.tenant_key, a.finding_key, c.source_key
)
SELECT m.finding_id, m.tenant_key, m.campaign_key, m.source_key, m.started, m.ended
FROM members AS m
UNION ALL
SELECT
  a.finding_id,
  a.tenant_key,
  CAST(NULL AS VARCHAR) AS campaign_key,
  v.source_key,
  a.first_seen AS started,
  a.last_seen AS ended
FROM attacks AS a
LEFT ANTI JOIN members AS m ON a.finding_id = m.finding_id
INNER JOIN verdicts AS v ON a.finding_id = v.finding_id
WHERE v.source_key IS NOT NULL
GROUP BY a.finding_id, a.tenant_key, v.source_key, a.first_seen, a.last_seen
