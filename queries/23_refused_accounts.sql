-- title: Accounts that were refused
-- explain: One row for each.
-- keep: yes
-- by: user_key
SELECT r.user_key
FROM refusals AS r
WHERE r.user_key IS NOT NULL
GROUP BY r.user_key
