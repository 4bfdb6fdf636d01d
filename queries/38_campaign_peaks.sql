-- title: How hard campaigns press an account
-- explain: One row for each campaign with an account that is busy: the most attempts on one account within brute_force_window (peak),
--   and failures within distributed_brute_force_window (peak_many). Of all other accounts no rule asks.
-- keep: yes
WITH pressed AS (
  SELECT
    m.tenant_key,
    m.campaign_key,
    sum(CASE WHEN f.tried THEN 1 ELSE 0 END) OVER (
      PARTITION BY m.tenant_key, m.campaign_key, f.user_key
      ORDER BY f.time
      RANGE BETWEEN $brute_force_window PRECEDING AND CURRENT ROW
    ) AS on_account,
    count(*) OVER (
      PARTITION BY m.tenant_key, m.campaign_key, f.user_key
      ORDER BY f.time
      RANGE BETWEEN $distributed_brute_force_window PRECEDING AND CURRENT ROW
    ) AS on_account_many
  FROM campaign_members AS m
  INNER JOIN cold_failures AS f
    ON m.tenant_key = f.tenant_key AND m.source_key = f.source_key AND m.run = f.run
  WHERE f.on_account_many > 0
)
SELECT p.tenant_key, p.campaign_key, max(p.on_account) AS peak, max(p.on_account_many) AS peak_many
FROM pressed AS p
GROUP BY p.tenant_key, p.campaign_key
