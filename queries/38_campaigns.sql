-- title: Campaigns: cold sources that belong together
-- explain: One row for each strand that is part of an attack, with the campaign's own numbers: sources, accounts tried,
--   attempts (guesses, and refusals for high risk), guesses (wrong passwords, lockouts, refusals of unknown reason),
--   attempts on each account, days, and how long an
--   account was kept locked. A strand belongs to the group of its account if that is hammered, else to that of its client, else to a burst:
--   sources that appear together in time and share nothing else, as attackers do who change their user agent too.
-- source: campaigns by shared features follow Araña (USENIX Security 2023) and the Elastic Okta multi-source rules
-- keep: yes
WITH by_hour AS (
  SELECT
    m.tenant_key,
    m.campaign_key,
    f.user_key,
    date_trunc('hour', f.time) AS hour,
    sum(CASE WHEN f.tried THEN 1 ELSE 0 END) AS attempts,
    sum(CASE WHEN f.kind <> 'refused' OR f.locked THEN 1 ELSE 0 END) AS guesses,
    sum(CASE WHEN f.kind = 'refused' AND NOT f.tried THEN 1 ELSE 0 END) AS blocks,
    sum(CASE WHEN f.locked THEN 1 ELSE 0 END) AS locked,
    max(CASE WHEN f.kind = 'unknown_user' THEN 1 ELSE 0 END) AS is_unknown
  FROM campaign_members AS m
  INNER JOIN cold_failures AS f
    ON m.tenant_key = f.tenant_key AND m.source_key = f.source_key AND m.run = f.run
  GROUP BY m.tenant_key, m.campaign_key, f.user_key, date_trunc('hour', f.time)
),
by_day AS (
  SELECT
    h.tenant_key,
    h.campaign_key,
    h.user_key,
    sum(h.attempts) AS attempts,
    sum(h.guesses) AS guesses,
    sum(h.blocks) AS blocks,
    sum(h.locked) AS locked,
    max(h.is_unknown) AS is_unknown,
    sum(CASE WHEN h.locked > 0 THEN 1 ELSE 0 END) AS locked_hours
  FROM by_hour AS h
  GROUP BY h.tenant_key, h.campaign_key, h.user_key, date_trunc('day', h.hour)
),
tried AS (
  SELECT
    d.tenant_key,
    d.campaign_key,
    d.user_key,
    sum(d.attempts) AS attempts,
    sum(d.guesses) AS guesses,
    sum(d.blocks) AS blocks,
    sum(d.locked) AS locked,
    max(d.is_unknown) AS is_unknown,
    count(*) AS days,
    sum(d.locked_hours) AS locked_hours
  FROM by_day AS d
  GROUP BY d.tenant_key, d.campaign_key, d.user_key
),
by_account AS (
  SELECT
    t.tenant_key,
    t.campaign_key,
    count(*) AS users,
    sum(CASE WHEN t.attempts > 0 THEN 1 ELSE 0 END) AS users_tried,
    sum(t.is_unknown) AS unknown_users,
    sum(t.attempts) AS attempts,
    sum(t.guesses) AS guesses,
    sum(t.blocks) AS blocks,
    max(t.attempts) AS most_on_account,
    sum(t.locked) AS locked,
    CAST(sum(t.attempts + t.blocks) AS DOUBLE) / sum(t.days) AS daily_on_account,
    max(t.locked_hours) AS locked_hours
  FROM tried AS t
  GROUP BY t.tenant_key, t.campaign_key
),
paced AS (
  SELECT
    m.tenant_key,
    m.campaign_key,
    f.source_key,
    f.time,
    f.country,
    f.asn,
    f.user_agent,
    count(*) OVER (
      PARTITION BY m.tenant_key, m.campaign_key
      ORDER BY f.time
      RANGE BETWEEN $brute_force_window PRECEDING AND CURRENT ROW
    ) AS pace
  FROM campaign_members AS m
  INNER JOIN cold_failures AS f
    ON m.tenant_key = f.tenant_key AND m.source_key = f.source_key AND m.run = f.run
),
pressed AS (
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
  -- Of all other accounts no rule asks how hard they were pressed.
  WHERE f.on_account_many > 0
),
peaks AS (
  SELECT p.tenant_key, p.campaign_key, max(p.on_account) AS peak, max(p.on_account_many) AS peak_many
  FROM pressed AS p
  GROUP BY p.tenant_key, p.campaign_key
),
by_source AS (
  SELECT
    p.tenant_key,
    p.campaign_key,
    count(DISTINCT p.source_key) AS sources,
    count(DISTINCT p.country) AS countries,
    count(DISTINCT p.asn) AS asns,
    count(DISTINCT p.user_agent) AS user_agents,
    count(DISTINCT date_trunc('day', p.time)) AS days,
    max(p.pace) AS pace,
    median(p.pace) AS median_pace,
    min(p.time) AS started,
    max(p.time) AS ended
  FROM paced AS p
  GROUP BY p.tenant_key, p.campaign_key
)
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
INNER JOIN by_account AS a ON m.tenant_key = a.tenant_key AND m.campaign_key = a.campaign_key
INNER JOIN by_source AS s ON m.tenant_key = s.tenant_key AND m.campaign_key = s.campaign_key
LEFT JOIN peaks AS k ON m.tenant_key = k.tenant_key AND m.campaign_key = k.campaign_key
