-- title: Networks from which sign-ins failed
-- explain: One row for each.
-- keep: yes
-- by: network_key
SELECT f.network_key
FROM failures AS f
WHERE f.network_key IS NOT NULL
GROUP BY f.network_key
