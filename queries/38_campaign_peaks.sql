-- title: How hard campaigns press an account
-- explain: One row for each campaign with an account that is busy: the most attempts on one account within brute_force_window (peak),
--   and failures within distributed_brute_force_window (peak_many). Of all other accounts no rule asks.
-- keep: yes
-- by: campaign_key
WITH pressed AS (
  SELECT
    f.tenant_key,
    f.campaign_key,
    sum(CASE WHEN f.tried THEN 1 ELSE 0 END) OVER (
      PARTITION BY f.tenant_key, f.campaign_key, f.user_key
      ORDER BY f.time
      RANGE BETWEEN $brute_force_window PRECEDING AND CURRENT ROW
    ) AS on_account,
    count(*) OVER (
      PARTITION BY f.tenant_key, f.campaign_key, f.user_key
      ORDER BY f.time
      RANGE BETWEEN $distributed_brute_force_window PRECEDING AND CURRENT ROW
    ) AS on_account_many
  FROM campaign_own_failures AS f
  WHERE f.on_account_many > 0
)
SELECT p.tenant_key, p.campaign_key, max(p.on_account) AS peak, max(p.on_account_many) AS peak_many
FROM pressed AS p
GROUP BY p.tenant_key, p.campaign_key
