-- title: What the input holds of each tenant
-- explain: Sign-ins, successful and refused ones. Where no success is in the input (an export of failures only), nobody can say
--   that an address was never used by an honest account, or that a network is strange to it.
-- keep: yes
SELECT
  t.tenant_key,
  sum(t.sign_ins) AS sign_ins,
  sum(t.successes) AS successes,
  sum(t.refusals) AS refusals
FROM tenant_parts AS t
GROUP BY t.tenant_key
