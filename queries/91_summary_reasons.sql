-- title: Refusals by stated reason
-- explain: One row for each reason that the logs state. generic is a text that fits none or several of them;
--   absent is a route that carries no text.
-- keep: yes
SELECT
  coalesce(r.stated_reason, 'absent') AS stated_reason,
  count(*) AS refusals
FROM refusals AS r
GROUP BY coalesce(r.stated_reason, 'absent')
ORDER BY count(*) DESC, coalesce(r.stated_reason, 'absent')
