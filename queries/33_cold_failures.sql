-- title: Failures from cold sources
-- explain: The rows of cold_attempts with what was counted around each. run counts, for each source, the
--   stretches of attempts without a pause longer than finding_gap.
--   on_account are the attempts on the same account from cold sources within brute_force_window before it,
--   on_account_many its failures, blocks among them, within distributed_brute_force_window; both are 0 where the account has fewer
--   failures than brute_force_failures and distributed_brute_force_failures, so that no rule asks for them.
-- source: the guard that failures outnumber successes is that of Sentinel SigninPasswordSpray
-- keep: yes
WITH spaced AS (
  SELECT
    c.*,
    lag(c.time) OVER (PARTITION BY c.tenant_key, c.source_key ORDER BY c.time) AS previous
  FROM cold_attempts AS c
  WHERE c.is_lasting
),
-- A window for each of thousands of sources and accounts costs more than all else: it is opened only where it can tell
-- something.
runs AS (
  SELECT
    s.* EXCEPT (previous),
    sum(CASE WHEN s.time <= s.previous + $finding_gap THEN 0 ELSE 1 END) OVER (
      PARTITION BY s.tenant_key, s.source_key
      ORDER BY s.time
      RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    ) AS run
  FROM spaced AS s
  UNION ALL
  SELECT c.*, 1 AS run FROM cold_attempts AS c WHERE NOT c.is_lasting
)
SELECT
  r.* EXCEPT (is_busy, is_lasting),
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
FROM runs AS r
WHERE r.is_busy
UNION ALL
SELECT r.* EXCEPT (is_busy, is_lasting), 0 AS on_account, 0 AS on_account_many
FROM runs AS r
WHERE NOT r.is_busy
