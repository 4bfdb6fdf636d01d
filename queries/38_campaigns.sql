-- title: Campaigns: cold sources that belong together
-- explain: One row for each strand that is part of an attack, with the campaign's own numbers: sources, accounts tried,
--   attempts (guesses, and refusals for high risk), guesses (wrong passwords, lockouts, refusals of unknown reason),
--   attempts on each account, days, and how long an
--   account was kept locked. A strand belongs to the group of its account if that is hammered, else to that of its client, else to a burst:
--   sources that appear together in time and share nothing else, as attackers do who change their user agent too.
-- source: campaigns by shared features follow Araña (USENIX Security 2023) and the Elastic Okta multi-source rules
-- keep: yes
SELECT
  m.tenant_key,
  m.source_key,
  m.run,
  m.campaign_key,
  s.sources,
  s.countries,
  s.asns,
  s.user_agents,
  s.days,
  s.pace,
  s.median_pace,
  s.started,
  s.ended,
  a.users,
  a.users_tried,
  a.unknown_users,
  a.attempts,
  a.guesses,
  a.blocks,
  a.most_on_account,
  CAST(a.attempts AS DOUBLE) / nullif(a.users_tried, 0) AS mean_on_account,
  a.daily_on_account,
  coalesce(k.peak, 0) AS peak,
  coalesce(k.peak_many, 0) AS peak_many,
  a.locked,
  a.locked_hours
FROM campaign_members AS m
INNER JOIN campaign_tried AS a ON m.tenant_key = a.tenant_key AND m.campaign_key = a.campaign_key
INNER JOIN campaign_paces AS s ON m.tenant_key = s.tenant_key AND m.campaign_key = s.campaign_key
LEFT JOIN campaign_peaks AS k ON m.tenant_key = k.tenant_key AND m.campaign_key = k.campaign_key
