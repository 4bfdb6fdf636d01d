-- title: Refusals that state no reason
-- explain: One row for each refusal that states no reason and has a time, where anything can be known of its neighbours.
-- keep: yes
SELECT
  r.refusal_no,
  r.tenant_key,
  r.user_key,
  r.source_key,
  r.time,
  r.user_agent,
  r.indicators IS NOT NULL AS is_listed,
  r.is_legacy
FROM refused AS r
-- Without any other sign-in of the tenant nothing is known of the neighbours.
INNER JOIN tenants AS t ON r.tenant_key = t.tenant_key AND t.sign_ins > t.refusals
WHERE NOT r.is_stated AND r.time IS NOT NULL
