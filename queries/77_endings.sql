-- title: When each finding has ended
-- explain: From ends_at on nothing can join the finding any more and nobody can get in by it: each length of time by
--   which a rule looks ahead has passed since its last refusal. A stream says then that the finding is final. A finding
--   without a time has no end of its own.
-- source: own
-- keep: yes
SELECT
  g.finding_id,
  greatest(
    g.last_seen + $episode_gap,
    g.last_seen + $campaign_gap,
    g.last_seen + $slow_campaign_gap,
    g.last_seen + $hammer_gap,
    g.last_seen + $distributed_brute_force_window,
    g.last_seen + $forgotten_help_window,
    g.last_seen + $collateral_window,
    g.last_seen + $vpn_window,
    g.last_seen + $finding_gap,
    g.last_seen + $compromise_window
  ) AS ends_at
FROM patterns AS g
