-- title: Failures from cold sources
-- explain: The rows of cold_runs with what was counted around each.
--   on_account are the attempts on the same account from cold sources within brute_force_window before it,
--   on_account_many its failures, blocks among them, within distributed_brute_force_window; both are 0 where the account has fewer
--   failures than brute_force_failures and distributed_brute_force_failures, so that no rule asks for them.
-- source: the guard that failures outnumber successes is that of Sentinel SigninPasswordSpray
-- keep: yes
-- by: user_key
SELECT
  r.* EXCEPT (is_busy),
  -- A window for each of thousands of accounts costs more than all else: it is opened only where it can tell something.
  sum(CASE WHEN r.tried THEN 1 ELSE 0 END) OVER (
    PARTITION BY r.tenant_key, r.user_key
    ORDER BY r.time
    RANGE BETWEEN $brute_force_window PRECEDING AND CURRENT ROW
  ) AS on_account,
  count(*) OVER (
    PARTITION BY r.tenant_key, r.user_key
    ORDER BY r.time
    RANGE BETWEEN $distributed_brute_force_window PRECEDING AND CURRENT ROW
  ) AS on_account_many
FROM cold_runs AS r
WHERE r.is_busy
UNION ALL
SELECT r.* EXCEPT (is_busy), 0 AS on_account, 0 AS on_account_many
FROM cold_runs AS r
WHERE NOT r.is_busy
