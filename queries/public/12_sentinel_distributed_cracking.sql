-- title: Sentinel: distributed password cracking
-- explain: One account with more than 30 failed passwords and lockouts within a day, from three places or more. A place
--   is country, state and city.
-- source: Azure/Azure-Sentinel, Solutions/Microsoft Entra ID/Analytic Rules/DistribPassCrackAttempt.yaml, version 1.0.5;
--   its run over one day is a day of UTC here
-- defects: It reads the status out of the details of the device, so that column is empty. An attacker with many
--   addresses in one place is not seen, nor is a slow one.
-- keep: yes
WITH failed AS (
  SELECT
    o.tenant_id,
    o.category,
    date_bin(INTERVAL '1 day', o.time) AS window_start,
    o.user_principal_name AS account,
    o.ip_address,
    o.sign_in_id,
    concat_ws('|', coalesce(o.country, ''), coalesce(o.state, ''), coalesce(o.city, '')) AS place
  FROM outcomes AS o
  WHERE
    o.error_code IN (50126, 50053, 50055, 50056)
    AND o.user_principal_name IS NOT NULL
    AND o.time IS NOT NULL
)
SELECT
  'sentinel_distributed_cracking' AS rule,
  f.tenant_id,
  f.window_start,
  f.window_start + INTERVAL '1 day' AS window_end,
  make_array(f.account) AS users,
  array_sort(array_agg(DISTINCT f.ip_address) FILTER (WHERE f.ip_address IS NOT NULL)) AS ip_addresses,
  count(*) AS events,
  array_agg(f.sign_in_id) AS sign_in_ids
FROM failed AS f
GROUP BY f.tenant_id, f.category, f.window_start, f.account
HAVING count(*) > 30 AND count(DISTINCT f.place) >= 3
