-- title: New places of watched accounts
-- explain: One row for each watched account and each network and client from which its password was right first while it was
--   watched (first_right), and which it had never used before: not the network, not the client, not another network of
--   the same owner. tool is the client of a spray that did not fail at the account.
-- source: learn.microsoft.com/security/operations/incident-response-playbook-password-spray; habit_span, compromise_window
-- keep: yes
-- by: user_key
WITH known_owners AS (
  SELECT h.tenant_key, h.user_key, h.asn, min(h.first_success) AS first_success
  FROM watched_habits AS h
  WHERE h.asn IS NOT NULL
  GROUP BY h.tenant_key, h.user_key, h.asn
),
-- A client that was also used from a network that the account knew before is its owner's.
own_clients AS (
  SELECT a.finding_id, h.tenant_key, h.user_key, h.user_agent
  FROM (
    SELECT w.finding_id, w.tenant_key, w.user_key, w.since
    FROM watched_arrivals AS w
    GROUP BY w.finding_id, w.tenant_key, w.user_key, w.since
  ) AS a
  INNER JOIN watched_habits AS h ON a.tenant_key = h.tenant_key AND a.user_key = h.user_key
  INNER JOIN watched_known_networks AS n
    ON h.tenant_key = n.tenant_key AND h.user_key = n.user_key AND h.network_key = n.network_key
    AND n.first_success < a.since
  WHERE h.user_agent IS NOT NULL AND NOT h.is_registered
  GROUP BY a.finding_id, h.tenant_key, h.user_key, h.user_agent
)
SELECT
  a.finding_id,
  a.since,
  a.tool,
  a.tenant_key,
  a.user_key,
  a.network_key,
  a.user_agent,
  a.first_right
FROM watched_arrivals AS a
LEFT JOIN watched_known_networks AS n
  ON a.tenant_key = n.tenant_key AND a.user_key = n.user_key AND a.network_key = n.network_key
LEFT JOIN watched_known_clients AS c
  ON a.tenant_key = c.tenant_key AND a.user_key = c.user_key AND a.user_agent = c.user_agent
LEFT JOIN known_owners AS w
  ON a.tenant_key = w.tenant_key AND a.user_key = w.user_key AND a.asn = w.asn
LEFT ANTI JOIN own_clients AS x
  ON a.finding_id = x.finding_id AND a.tenant_key = x.tenant_key AND a.user_key = x.user_key
  AND a.user_agent = x.user_agent
WHERE
  NOT coalesce(n.first_success < a.since, false)
  AND NOT coalesce(c.first_success < a.since, false)
  AND NOT coalesce(w.first_success < a.since, false)
