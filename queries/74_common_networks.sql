-- title: Networks of the tenant itself
-- explain: One row for each network to which a watched account came, or from which a client of an attack, when it was that of
--   two accounts: from the first sign-in of the second one on it is the tenant's own.
-- keep: yes
-- by: network_key
SELECT n.tenant_key, n.network_key, n.first_success
FROM (
  SELECT
    k.tenant_key,
    k.network_key,
    k.first_success,
    row_number() OVER (PARTITION BY k.tenant_key, k.network_key ORDER BY k.first_success, k.user_key) AS place
  FROM (
    SELECT h.tenant_key, h.network_key, h.user_key, min(h.first_success) AS first_success
    FROM (
      SELECT a.tenant_key, a.network_key
      FROM (
        SELECT s.tenant_key, s.network_key FROM arrivals AS s
        UNION ALL
        SELECT c.tenant_key, c.network_key FROM suspects AS c WHERE c.how = 'client'
      ) AS a
      GROUP BY a.tenant_key, a.network_key
    ) AS w
    RIGHT SEMI JOIN habits AS h ON w.tenant_key = h.tenant_key AND w.network_key = h.network_key
    LEFT ANTI JOIN guessed_networks AS g
      ON h.tenant_key = g.tenant_key AND h.user_key = g.user_key AND h.network_key = g.network_key
    WHERE h.first_success IS NOT NULL
    GROUP BY h.tenant_key, h.network_key, h.user_key
  ) AS k
) AS n
WHERE n.place = $egress_least_users
