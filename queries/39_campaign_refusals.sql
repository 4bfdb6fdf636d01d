-- title: Refusals that are part of a campaign
-- explain: One row for each refusal that a campaign made: those of its cold sources, and those of its victims, that is
--   lockouts of an account under attack where its owner usually signs in (is_victim). With the numbers of the campaign,
--   which the causes of attacks compare with their thresholds.
-- source: once an account is locked it is locked everywhere (learn.microsoft.com/entra/identity/authentication/
--   howto-password-smart-lockout)
-- keep: yes
WITH members AS (
  SELECT f.tenant_key, f.campaign_key, f.refusal_no, f.user_key, f.time, f.locked
  FROM campaign_own_failures AS f
),
-- Hours in which the campaign met, or made, a lock on the account.
locked AS (
  SELECT m.tenant_key, m.campaign_key, m.user_key, date_trunc('hour', m.time) AS hour
  FROM members AS m
  WHERE m.locked
  GROUP BY m.tenant_key, m.campaign_key, m.user_key, date_trunc('hour', m.time)
),
victims AS (
  SELECT
    r.refusal_no,
    a.tenant_key,
    a.campaign_key,
    row_number() OVER (PARTITION BY r.refusal_no ORDER BY a.hour DESC, a.campaign_key) AS place
  FROM refusals AS r
  INNER JOIN locked AS a
    ON r.tenant_key = a.tenant_key AND r.user_key = a.user_key
    AND r.time >= a.hour AND r.time <= a.hour + $collateral_window
  LEFT ANTI JOIN cold_failures AS f ON r.refusal_no = f.refusal_no
  LEFT ANTI JOIN rhythms AS m
    ON r.tenant_key = m.tenant_key AND r.user_key = m.user_key
    AND md5(concat(coalesce(r.user_agent, ''), '|', coalesce(r.client_app, ''))) = m.tool
    AND r.time >= m.started AND r.time <= m.ended
  WHERE r.reason = 'lockout'
),
refused AS (
  SELECT m.refusal_no, m.tenant_key, m.campaign_key, false AS is_victim
  FROM members AS m
  WHERE m.refusal_no IS NOT NULL
  UNION ALL
  SELECT v.refusal_no, v.tenant_key, v.campaign_key, true AS is_victim
  FROM victims AS v
  WHERE v.place = 1
),
-- Every strand of a campaign carries the campaign's numbers: one of them is enough.
numbers AS (
  SELECT c.*, row_number() OVER (PARTITION BY c.tenant_key, c.campaign_key ORDER BY c.source_key, c.run) AS place
  FROM campaigns AS c
)
SELECT
  r.refusal_no,
  r.is_victim,
  n.tenant_key,
  n.campaign_key,
  n.sources,
  n.countries,
  n.asns,
  n.user_agents,
  n.days,
  n.pace,
  n.median_pace,
  n.started,
  n.ended,
  n.users,
  n.users_tried,
  n.unknown_users,
  n.attempts,
  n.guesses,
  n.blocks,
  n.most_on_account,
  n.mean_on_account,
  n.daily_on_account,
  n.peak,
  n.peak_many,
  n.locked,
  n.locked_hours
FROM refused AS r
INNER JOIN numbers AS n ON r.tenant_key = n.tenant_key AND r.campaign_key = n.campaign_key AND n.place = 1
