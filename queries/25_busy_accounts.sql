-- title: Accounts with many failures
-- explain: One row for each account with as many failures as brute_force_failures or distributed_brute_force_failures, so that
--   some rule asks for them.
-- keep: yes
-- by: user_key
SELECT f.tenant_key, f.user_key
FROM failures AS f
WHERE f.user_key IS NOT NULL AND f.time IS NOT NULL
GROUP BY f.tenant_key, f.user_key
HAVING count(*) >= least($brute_force_failures, $distributed_brute_force_failures)
