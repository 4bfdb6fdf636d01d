-- title: What campaigns did to accounts
-- explain: One row for each campaign: accounts and attempts on them, as campaigns has them.
-- keep: yes
-- by: campaign_key
WITH by_hour AS (
  SELECT
    f.tenant_key,
    f.campaign_key,
    f.user_key,
    date_trunc('hour', f.time) AS hour,
    sum(CASE WHEN f.tried THEN 1 ELSE 0 END) AS attempts,
    sum(CASE WHEN f.kind <> 'refused' OR f.locked THEN 1 ELSE 0 END) AS guesses,
    sum(CASE WHEN f.kind = 'refused' AND NOT f.tried THEN 1 ELSE 0 END) AS blocks,
    sum(CASE WHEN f.locked THEN 1 ELSE 0 END) AS locked,
    max(CASE WHEN f.kind = 'unknown_user' THEN 1 ELSE 0 END) AS is_unknown
  FROM campaign_own_failures AS f
  GROUP BY f.tenant_key, f.campaign_key, f.user_key, date_trunc('hour', f.time)
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
)
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
