-- title: Networks where an account got in by guessing
-- explain: Accounts that failed on a network (/24 or /64) as often as guessing does before the first sign-in that worked
--   there, or failed before it and went on failing as no person does who has just got in. Such a network is not familiar.
--   Failures with the account's own registered device are its owner's.
-- source: brute_force_failures; stranger_failures
-- keep: yes
-- by: user_key
WITH arrived AS (
  SELECT p.tenant_key, p.user_key, p.network_key, min(p.first_success) AS first_success
  FROM (SELECT f.tenant_key, f.user_key FROM failures AS f GROUP BY f.tenant_key, f.user_key) AS u
  RIGHT SEMI JOIN places AS p ON u.tenant_key = p.tenant_key AND u.user_key = p.user_key
  WHERE p.network_key IS NOT NULL
  GROUP BY p.tenant_key, p.user_key, p.network_key
),
-- Grouped and joined: a window for each of many accounts costs more.
anywhere AS (
  SELECT a.tenant_key, a.user_key, min(a.first_success) AS first_success
  FROM arrived AS a
  GROUP BY a.tenant_key, a.user_key
),
placed AS (
  SELECT a.*, w.first_success AS first_anywhere
  FROM arrived AS a
  INNER JOIN anywhere AS w ON a.tenant_key = w.tenant_key AND a.user_key = w.user_key
),
failed AS (
  SELECT
    f.tenant_key,
    f.user_key,
    f.network_key,
    p.first_success > p.first_anywhere AS was_elsewhere,
    sum(CASE WHEN f.time < p.first_success THEN 1 ELSE 0 END) AS before,
    sum(
      CASE
        WHEN f.time >= p.first_success - $brute_force_window AND f.time <= p.first_success + $brute_force_window THEN 1
        ELSE 0
      END
    ) AS around
  FROM failures AS f
  INNER JOIN placed AS p
    ON f.tenant_key = p.tenant_key AND f.user_key = p.user_key AND f.network_key = p.network_key
  WHERE NOT f.is_own_device
  GROUP BY f.tenant_key, f.user_key, f.network_key, p.first_success, p.first_anywhere
)
SELECT f.tenant_key, f.user_key, f.network_key
FROM failed AS f
WHERE
  f.before >= $brute_force_failures
  OR (f.around >= $stranger_failures AND (f.before > 0 OR f.was_elsewhere))
