-- title: Findings and refusals by cause
-- explain: One row for each cause that was found, the most refusals first. What the summary on the terminal shows.
-- keep: yes
SELECT
  f.cause,
  count(*) AS findings,
  sum(f.refusal_count) AS refusals
FROM findings AS f
GROUP BY f.cause
ORDER BY sum(f.refusal_count) DESC, f.cause
