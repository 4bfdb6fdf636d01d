-- title: On what each finding rests
-- explain: One row for each finding. Every claim of one finding carries the same evidence: that of its first refusal stands for all.
-- keep: yes
-- by: finding_key
SELECT p.finding_id, p.finding_key, p.evidence
FROM (
  SELECT
    g.finding_id,
    g.finding_key,
    c.evidence,
    row_number() OVER (PARTITION BY g.finding_id ORDER BY c.confidence DESC) AS place
  FROM patterns AS g
  INNER JOIN claims AS c
    ON g.first_refusal = c.refusal_no AND g.cause = c.cause AND g.finding_key = coalesce(c.finding_key, '')
) AS p
WHERE p.place = 1
