-- title: Elastic: many accounts locked, by the audit log
-- explain: At least ten refusals of at least ten accounts in a bin of five minutes. In the unified audit log, for which
--   the rule is written, every 50053 bears the name IdsLocked, which is what the rule asks for.
-- source: elastic/detection-rules, rules/integrations/o365/credential_access_identity_user_account_lockouts.toml
--   (14cf530f0d)
-- defects: The name IdsLocked stands for blocks of addresses too. It has no key but time: a burst over the edge of a bin
--   is halved.
-- keep: yes
SELECT
  'elastic_audit_lockouts' AS rule,
  o.tenant_id,
  date_bin(INTERVAL '5 minutes', o.time) AS window_start,
  date_bin(INTERVAL '5 minutes', o.time) + INTERVAL '5 minutes' AS window_end,
  array_sort(array_agg(DISTINCT o.user_principal_name) FILTER (WHERE o.user_principal_name IS NOT NULL)) AS users,
  array_sort(array_agg(DISTINCT o.ip_address) FILTER (WHERE o.ip_address IS NOT NULL)) AS ip_addresses,
  count(*) AS events,
  array_agg(o.sign_in_id) AS sign_in_ids
FROM outcomes AS o
WHERE o.error_code = 50053 AND o.time IS NOT NULL
GROUP BY o.tenant_id, date_bin(INTERVAL '5 minutes', o.time)
HAVING count(*) >= 10 AND count(DISTINCT o.user_principal_name) >= 10
