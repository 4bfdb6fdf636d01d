-- title: Accounts of findings that are no attacks
-- explain: One row for each, with the time of the finding and its addresses.
-- keep: yes
-- by: finding_id
SELECT
  g.finding_id,
  g.tenant_key,
  g.first_seen,
  g.last_seen,
  g.ip_addresses,
  unnest(g.accounts) AS user_key
FROM patterns AS g
INNER JOIN causes AS c ON g.cause = c.cause
WHERE NOT c.attack
