-- title: What the input holds of each tenant
-- explain: Sign-ins, successful and refused ones. Where no success is in the input (an export of failures only), nobody can say
--   that an address was never used by an honest account, or that a network is strange to it.
-- keep: yes
SELECT
  o.tenant_key,
  count(*) AS sign_ins,
  count(*) FILTER (WHERE o.outcome = 'success') AS successes,
  count(*) FILTER (WHERE o.outcome = 'refused') AS refusals
FROM outcomes AS o
GROUP BY o.tenant_key
