-- title: Where watched accounts came while they were watched
-- explain: One row for each watched account of which something was known before, and each of its habits that began while it was
--   watched (first_right). arrivals tells which of them are new to the account; few are left to look at then.
-- source: habit_span, compromise_window
-- keep: yes
-- by: user_key
SELECT
  a.finding_id,
  a.since,
  a.tool,
  h.tenant_key,
  h.user_key,
  h.network_key,
  h.user_agent,
  h.asn,
  h.first_right
FROM watched AS a
INNER JOIN habits AS h ON a.tenant_key = h.tenant_key AND a.user_key = h.user_key
-- Somebody of whom nothing was known before has no habits to break.
INNER JOIN first_sign_ins AS k ON h.tenant_key = k.tenant_key AND h.user_key = k.user_key
  AND k.first_success < a.since - $habit_span
WHERE
  h.first_right >= a.since
  AND h.first_right <= a.since + $compromise_window
  AND coalesce(a.tool = h.user_agent, true)
  AND NOT h.is_registered
  -- A guest's password is looked at by the tenant it comes from, and it is seen here only now and then.
  AND NOT h.is_guest
  AND h.network_key IS NOT NULL
  AND h.user_agent IS NOT NULL
