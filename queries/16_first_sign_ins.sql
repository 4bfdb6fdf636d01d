-- title: When accounts first signed in
-- explain: One row for each account that signed in, from habits.
-- keep: yes
-- by: user_key
SELECT h.tenant_key, h.user_key, min(h.first_success) AS first_success
FROM habits AS h
WHERE h.first_success IS NOT NULL
GROUP BY h.tenant_key, h.user_key
