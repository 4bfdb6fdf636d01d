-- title: Accounts that first came with the client of a spray
-- explain: One row for each finding of a spray and each account whose password was right for the first time from a network with a
--   client that the spray uses (since): where the first guess is right an attack fails at nothing. Those at which it did fail are
--   among them, and those that came after its last attempt, in the same hour: watched leaves them out.
-- keep: yes
-- by: user_key; user_agent
SELECT c.finding_id, h.tenant_key, h.user_key, h.user_agent, min(h.first_right) AS since
FROM spray_clients AS c
INNER JOIN habits AS h
  ON c.tenant_key = h.tenant_key AND c.user_agent = h.user_agent
  AND coalesce(c.client_app, '') = coalesce(h.client_app, '')
  AND NOT h.is_registered
  AND h.first_right >= c.started - $attack_lookback
  AND date_trunc('hour', h.first_right) <= c.until
GROUP BY c.finding_id, h.tenant_key, h.user_key, h.user_agent
