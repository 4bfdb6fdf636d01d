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
  -- For how long an account must have been seen before an attack for a new network and client to be strange to it. (own)
  INTERVAL '12 hours' AS habit_span,
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
  -- Most attempts on any account, in times the mean, where accounts are tried in rounds. (own)
  1.5 AS spray_evenness,
  -- Share of the accounts of a campaign, up to spray_users, whose password must have been looked at, for it to be a spray:
  -- where all but a few were blocked before that, the addresses are what matters (blocked_attack). (own)
  0.2 AS tried_share,
  -- Longest pause inside one campaign of rotating sources. (own: three episode gaps)
  INTERVAL '1 hour' AS campaign_gap,
  -- How long after the beginning of an hour in which an attack met a lock a lockout of its victim elsewhere is its doing.
  -- (own: this hour and the next)
  INTERVAL '2 hours' AS collateral_window,
  -- Longest pause between sources that hammer the same account. (own: three hours)
  INTERVAL '3 hours' AS hammer_gap,
  -- How near in time two groups of sources must begin, and end, to be two halves of one attack. (own)
  INTERVAL '5 minutes' AS synchrony,
  -- Longest pause inside one campaign whose client hardly anybody else uses. (own: half a day)
  INTERVAL '12 hours' AS slow_campaign_gap,
  -- Sources that share one client and make a distributed spray. (Elastic, Okta multi-source spray: 5)
  5 AS distributed_spray_sources,
  -- Accounts tried by one campaign of rotating sources. (Elastic, Okta multi-source spray: 8)
  8 AS distributed_spray_users,
  -- Most attempts on each account, on average, in such a campaign. (Elastic, same rule: 5)
  5.0 AS distributed_spray_attempts_per_user,
  -- Accounts that sign in with a client, for each account that fails with it from cold sources, up to which the client is
  -- foreign to the tenant. (own)
  0.2 AS foreign_client_share,
  -- Share of attempts that the most used client of a source, or of a burst of sources, may have at most, for the client to
  -- be changed on purpose. (own)
  0.5 AS changing_client_share,
  -- Different clients that a burst of sources must show for that. (own: as many as the sources of a distributed spray)
  5 AS changing_clients,
  -- Accounts of a credential stuffing. (Elastic, Okta single-source stuffing: 15)
  15 AS stuffing_users,
  -- Most attempts on each account, on average, in a credential stuffing. (Elastic, same rule: at most 2)
  2.0 AS stuffing_attempts_per_user,
  -- Share of tried accounts that do not exist, from which a list from elsewhere was tried. (own)
  0.2 AS stuffing_unknown_share,
  -- Shortest time over which a low-and-slow spray stretches. (own: half a day; windows of an hour cannot see it)
  INTERVAL '12 hours' AS slow_span,
  -- Most attempts on each account and day, on average, in a low-and-slow spray. (Microsoft on Storm-0940, 2024-10-31: mostly
  -- one a day; a second, and what falls to the day's edge)
  3.0 AS slow_attempts_per_day,
  -- Attempts within 20 minutes, as the median over the attempts, below which a spray is slow. (own: fewer than spray_users)
  5.0 AS slow_pace,
  -- Hours in which one account was locked, from which locking is the aim. (own proposal: a quarter of a day)
  6 AS denial_hours,
  -- Share of its attempts that must meet a lock: guessing ends there, or waits. (own: half)
  0.5 AS denial_locked_share,
  -- How near in time a sign-in with the same client from a known network shows who is behind a blocked address. (own)
  INTERVAL '2 hours' AS vpn_window,
  -- Accounts that may fail at the address of one honest user's VPN. (own: the user, and one by chance)
  2 AS vpn_users,
  -- Failures on one account within brute_force_window that make guessing. (Entra's lockout threshold, Sentinel, Panther: 10)
  10 AS brute_force_failures,
  -- Failures from one source within brute_force_window of its first sign-in, on either side, after which it was a guess
  -- that worked. (own: three times as many)
  30 AS stranger_failures,
  -- The window of brute_force_failures. (Sentinel, SigninBruteForce-AzurePortal: 20 minutes)
  INTERVAL '20 minutes' AS brute_force_window,
  -- The window of distributed_brute_force_failures. (Elastic, Okta multi-source brute force: 30 minutes)
  INTERVAL '30 minutes' AS distributed_brute_force_window,
  -- Failures on one account by many sources within that window. (Elastic, same rule: 10)
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
  -- Pause that ends a burst of attempts of a machine. (own: longer than a machine waits between two tries)
  INTERVAL '1 minute' AS burst_gap,
  -- How far a pause may be from the median of all, as a share of it, and still be even. (own: 0.3, as the usual bound on
  -- the coefficient of variation)
  0.3 AS stale_tolerance,
  -- Share of even pauses from which the rhythm is a machine's. (own)
  0.7 AS stale_regular_share,
  -- Share of the attempts that must come from places where the account, or others here, sign in. (own)
  0.5 AS stale_own_share,
  -- Bursts within a single day that show a machine as well as two days do. (own: so many even pauses are no chance)
  8 AS stale_many_bursts,
  -- Failures at which a person who forgot a password would have given up. (own: fewer than 15)
  15 AS forgotten_failures,
  -- The same, where the person uses the client and network with which the account signs in. (own: four locks of smart
  -- lockout, which come after ten failures and then after each further one)
  60 AS forgotten_failures_own_client,
  -- Share of a person's attempts that must come with the account's own client for that. (own: half)
  0.5 AS own_client_share,
  -- How soon such a person must get in: a help desk may take its time. (own)
  INTERVAL '12 hours' AS forgotten_help_window,
  -- Median pause between failures, in seconds, from which a person may be typing. (own: 10)
  10.0 AS human_gap_seconds,
  -- How soon after the last failure the person must get in. (own: one hour)
  INTERVAL '1 hour' AS forgotten_success_window,
  -- Wrong passwords that lock an account in this tenant. (Microsoft, smart lockout: 10; 3 for US Government; --lockout-threshold)
  10 AS lockout_threshold,
  -- How long before a refusal without a stated reason wrong passwords still explain a lock. (own: one hour)
  INTERVAL '1 hour' AS inference_lookback,
  -- How near a sign-in from the same source must be to tell whether the source is blocked. (Sentinel's session gap: 20 minutes)
  INTERVAL '20 minutes' AS inference_window,
  -- How near in time a sign-in of the same account elsewhere must be to tell that the account was not locked. (own)
  INTERVAL '1 minute' AS inference_moment,
  -- Accounts refused from a source that had no password looked at, that make it a blocked source. (own: 3)
  3 AS blocked_source_users,
  -- The same, at which it counts twice. (own: three times as many)
  9 AS blocked_source_many_users,
  -- Refusals of one account from one source within a day, from which a machine may be at work; all of them for high risk, it is
  -- no part of a campaign. (own)
  5 AS machine_refusals,
  -- Refusals of one account from one source in a row, and wrong passwords of it from elsewhere meanwhile, at which a lock
  -- should have let one of them through. (own; an attempt is let through each time a lock ends)
  5 AS never_looked_refusals,
  5 AS never_looked_guesses,
  -- Weights of evidence, in log-odds. For a lockout: (own; checked by simulation)
  3.0 AS weight_threshold_reached,
  1.0 AS weight_threshold_in_day,
  2.5 AS weight_source_not_blocked,
  2.5 AS weight_source_known,
  -- Against a lockout, and so for a blocked address: (own)
  3.0 AS weight_source_always_blocked,
  1.5 AS weight_listed,
  3.0 AS weight_never_looked,
  1.0 AS weight_account_open_elsewhere,
  1.5 AS weight_too_few_wrong,
  -- Log-odds at which a reason is said at all; nearer to 0 it stays unknown. (own)
  1.0 AS inference_margin,
  -- Version of these rules; part of every finding_id, so that ids change when the rules do.
  '1' AS rule_version
