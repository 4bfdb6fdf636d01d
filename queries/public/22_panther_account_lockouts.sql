-- title: Panther: excessive account lockouts
-- explain: At least 20 refusals of one account within an hour, from networks that are not Microsoft's own.
-- source: panther-labs/panther-analysis, rules/azure_signin_rules/azure_excessive_account_lockouts.py (daa10c88); its
--   hour begins with a first refusal, and so does ours, after any pause of an hour; later hours follow on
-- defects: It keeps the words of the failure but decides without them. It counts for each account alone, so one lockout
--   each of a hundred accounts is never seen.
-- keep: yes
WITH refused AS (
  SELECT
    o.tenant_key,
    o.tenant_id,
    o.time,
    o.user_principal_name AS account,
    o.ip_address,
    o.sign_in_id,
    lag(o.time) OVER (PARTITION BY o.tenant_key, o.user_principal_name ORDER BY o.time) AS before
  FROM outcomes AS o
  WHERE
    o.error_code = 50053
    AND o.time IS NOT NULL
    AND o.user_principal_name IS NOT NULL
    AND coalesce(o.asn, 0) NOT IN (8075, 8068, 8069, 8070, 12076)
),
runs AS (
  SELECT
    r.*,
    max(CASE WHEN r.before IS NULL OR r.time >= r.before + INTERVAL '60 minutes' THEN r.time END) OVER (
      PARTITION BY r.tenant_key, r.account ORDER BY r.time RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    ) AS started
  FROM refused AS r
),
hours AS (
  SELECT
    r.*,
    CAST(floor((date_part('epoch', r.time) - date_part('epoch', r.started)) / 3600) AS BIGINT) AS hour
  FROM runs AS r
)
SELECT
  'panther_account_lockouts' AS rule,
  h.tenant_id,
  min(h.time) AS window_start,
  min(h.time) + INTERVAL '60 minutes' AS window_end,
  make_array(h.account) AS users,
  array_sort(array_agg(DISTINCT h.ip_address) FILTER (WHERE h.ip_address IS NOT NULL)) AS ip_addresses,
  count(*) AS events,
  array_agg(h.sign_in_id) AS sign_in_ids
FROM hours AS h
GROUP BY h.tenant_id, h.account, h.started, h.hour
HAVING count(*) >= 20
