-- title: Elastic: excessive account lockouts
-- explain: At least 30 refusals with 50053 of at least 25 accounts within 30 minutes, of sign-ins with one factor, from
--   neither Microsoft's own networks nor private addresses.
-- source: elastic/detection-rules,
--   rules/integrations/azure/credential_access_entra_id_excessive_account_lockouts.toml (14cf530f0d);
--   it runs every 15 minutes over the last 30, so windows overlap and one burst may alert twice
-- defects: Its note says that every refusal is a smart lockout. It has no key, so two attacks at once are one, and an
--   attack on fewer than 25 accounts is none. Refusals that do not say how many factors were asked for are left out.
-- keep: yes
WITH refused AS (
  SELECT o.tenant_id, o.time, o.user_principal_name AS account, o.ip_address, o.sign_in_id
  FROM outcomes AS o
  WHERE
    o.error_code = 50053
    AND o.time IS NOT NULL
    AND o.authentication_requirement = 'singleFactorAuthentication'
    AND coalesce(o.asn, 0) NOT IN (8075, 8068, 8069, 8070, 12076)
    AND NOT coalesce(
      o.ip_address LIKE '10.%' OR o.ip_address LIKE '192.168.%'
      OR regexp_like(o.ip_address, '^172\.(1[6-9]|2[0-9]|3[01])\.'),
      false
    )
),
looked_at AS (
  SELECT r.*, date_bin(INTERVAL '15 minutes', r.time) AS window_start FROM refused AS r
  UNION ALL
  SELECT r.*, date_bin(INTERVAL '15 minutes', r.time) - INTERVAL '15 minutes' AS window_start FROM refused AS r
)
SELECT
  'elastic_account_lockouts' AS rule,
  l.tenant_id,
  l.window_start,
  l.window_start + INTERVAL '30 minutes' AS window_end,
  array_sort(array_agg(DISTINCT l.account) FILTER (WHERE l.account IS NOT NULL)) AS users,
  array_sort(array_agg(DISTINCT l.ip_address) FILTER (WHERE l.ip_address IS NOT NULL)) AS ip_addresses,
  count(*) AS events,
  array_agg(l.sign_in_id) AS sign_in_ids
FROM looked_at AS l
GROUP BY l.tenant_id, l.window_start
HAVING count(*) >= 30 AND count(DISTINCT l.account) >= 25
