-- title: Habits of the watched
-- explain: The rows of habits for the accounts of watched_arrivals and suspects.
-- keep: yes
-- by: user_key
WITH watched_users AS (
  SELECT w.tenant_key, w.user_key
  FROM (
    SELECT a.tenant_key, a.user_key FROM watched_arrivals AS a
    UNION ALL
    SELECT s.tenant_key, s.user_key FROM suspects AS s
  ) AS w
  GROUP BY w.tenant_key, w.user_key
)
SELECT h.*
FROM watched_users AS u
RIGHT SEMI JOIN habits AS h ON u.tenant_key = h.tenant_key AND u.user_key = h.user_key
