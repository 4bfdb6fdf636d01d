-- title: What the input holds of each tenant, in parts
-- explain: Sign-ins, successful and refused ones. There may be several rows of one tenant: tenants adds them up.
-- fold: yes
SELECT
  o.tenant_key,
  count(*) AS sign_ins,
  count(*) FILTER (WHERE o.outcome = 'success') AS successes,
  count(*) FILTER (WHERE o.outcome = 'refused') AS refusals
FROM outcomes AS o
GROUP BY o.tenant_key
