-- title: Every number that decides, by name
-- explain: One row. Other views say $name and get the number that stands here.
--   Change one for a run with --set name=value; the name is the text after AS.
-- source: Public rules, named beside each number. "own" marks a choice of this project.
SELECT
  -- Length of the tumbling windows of the view windows. Aligned to 1970-01-01T00:00:00Z. (own; --window sets it)
  INTERVAL '1 hour' AS window,
  -- Longest pause inside one episode of failures. (Sentinel, SigninBruteForce-AzurePortal: 20 minutes)
  INTERVAL '20 minutes' AS episode_gap,
  -- Longest pause inside one finding that has no episodes of its own. (Sentinel, same rule: at most 24 hours)
  INTERVAL '24 hours' AS finding_gap,
  -- How long after the last refusal a sign-in still belongs to the attack. (own: a first-seen network within a day)
  INTERVAL '24 hours' AS compromise_window,
  -- How long before the first refusal an attack may have begun, and have got in. (own)
  INTERVAL '1 hour' AS attack_lookback,
  -- Accounts on which one finding counts as many, so that it is of high severity. (own; Microsoft names no number)
  10 AS many_accounts,
  -- Confidence of a cause that only just meets its thresholds, 0 to 1; more evidence raises it. (own)
  0.6 AS confidence_floor,
  -- Confidence that no rule on counts goes beyond, 0 to 1. (own)
  0.95 AS confidence_ceiling,
  -- Confidence of a cause that follows from the stated reason and a yes-or-no fact, 0 to 1. (own)
  0.9 AS confidence_stated,
  -- Accounts that signed in from one address, at which it is surely shared. (Sentinel, SigninAttemptsByIPviaDisabledAccounts: 50)
  50 AS egress_users,
  -- Accounts that must have signed in from an address before we call it our own exit. (own: two, so that one person's VPN is not one)
  2 AS egress_least_users,
  -- Accounts tried from one source in one episode that make a spray. (Sentinel, SigninPasswordSpray: 5 in 20 minutes)
  5 AS spray_users,
  -- Most attempts on each account, on average, in a spray. (Elastic, Okta single-source spray: at most 8)
  8.0 AS spray_attempts_per_user,
  -- Longest pause inside one campaign of rotating sources. (own: three episode gaps)
  INTERVAL '1 hour' AS campaign_gap,
  -- Sources that share one client and make a distributed spray. (Elastic, Okta multi-source spray: 5)
  5 AS distributed_spray_sources,
  -- Accounts tried by one campaign of rotating sources. (Elastic, Okta multi-source spray: 8)
  8 AS distributed_spray_users,
  -- Most attempts on each account, on average, in such a campaign. (Elastic, same rule: 5)
  5.0 AS distributed_spray_attempts_per_user,
  -- Failures after which the tenant locks an account. (Entra's default: 10; US Government: 3; --lockout-threshold sets it)
  10 AS lockout_threshold,
  -- Failures on one account within brute_force_window that make guessing. (Entra's lockout threshold, Sentinel, Panther: 10)
  10 AS brute_force_failures,
  -- The window of brute_force_failures. (Sentinel, SigninBruteForce-AzurePortal: 20 minutes)
  INTERVAL '20 minutes' AS brute_force_window,
  -- Longest pause inside one guessing by many sources. (Elastic, Okta multi-source brute force: 30 minutes)
  INTERVAL '30 minutes' AS distributed_brute_force_gap,
  -- Failures on one account by many sources. (Elastic, same rule: 10)
  10 AS distributed_brute_force_failures,
  -- Sources of such a guessing. (Elastic, same rule: 5)
  5 AS distributed_brute_force_sources,
  -- Variety that shows that the sources are not one traveller; any one of the four is enough. (Elastic, same rule)
  2 AS distributed_brute_force_countries,
  3 AS distributed_brute_force_asns,
  8 AS distributed_brute_force_many_sources,
  3 AS distributed_brute_force_user_agents,
  -- Bursts of failures that a stale password must show. (own)
  3 AS stale_bursts,
  -- Days (UTC) on which it must show them. (own)
  2 AS stale_days,
  -- Coefficient of variation of the pauses, below which the cadence is a machine's. (own)
  0.3 AS stale_cv,
  -- Failures at which a person who forgot a password would have given up. (own: fewer than 15)
  15 AS forgotten_failures,
  -- Median pause between failures, in seconds, from which a person may be typing. (own: 10)
  10.0 AS human_gap_seconds,
  -- How soon after the last failure the person must get in. (own: one hour)
  INTERVAL '1 hour' AS forgotten_success_window,
  -- Version of these rules; part of every finding_id, so that ids change when the rules do.
  '1' AS rule_version
