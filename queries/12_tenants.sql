-- title: What the input holds of each tenant
-- explain: Sign-ins and successful ones. Where no success is in the input (an export of failures only), nobody can say
--   that an address was never used by an honest account, or that a network is strange to it.
-- keep: yes
SELECT
  o.tenant_key,
  count(*) AS sign_ins,
  count(*) FILTER (WHERE o.outcome = 'success') AS successes
FROM outcomes AS o
GROUP BY o.tenant_key
