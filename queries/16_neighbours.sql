-- title: Sign-ins beside the refusals that state no reason
-- explain: Sign-ins in which Entra looked at a password (or accepted a token), by the accounts and from the sources of
--   refusals that state no reason, near them in time. What happened beside a refusal tells what it was. A wrong
--   password of such an account is here whenever it was; other sign-ins only within twenty minutes or so.
-- source: the evidence table of this project's facts on 50053; each number is in 00_thresholds.sql
-- keep: yes
-- only: user_id, user_principal_name = user_key of silent; ip_address, ip_network = source_key of silent
WITH silent_slots AS (
  SELECT
    r.tenant_key,
    r.user_key,
    r.source_key,
    date_bin($inference_window, r.time) AS slot
  FROM silent AS r
  GROUP BY r.tenant_key, r.user_key, r.source_key, date_bin($inference_window, r.time)
),
-- A sign-in is near when it is in the same slot of inference_window or in one beside it.
slots AS (
  SELECT s.tenant_key, s.user_key, s.source_key, s.slot FROM silent_slots AS s
  UNION ALL
  SELECT s.tenant_key, s.user_key, s.source_key, s.slot - $inference_window AS slot FROM silent_slots AS s
  UNION ALL
  SELECT s.tenant_key, s.user_key, s.source_key, s.slot + $inference_window AS slot FROM silent_slots AS s
),
of_users AS (
  SELECT s.tenant_key, s.user_key, s.slot FROM slots AS s WHERE s.user_key IS NOT NULL
  GROUP BY s.tenant_key, s.user_key, s.slot
),
of_sources AS (
  SELECT s.tenant_key, s.source_key, s.slot FROM slots AS s WHERE s.source_key IS NOT NULL
  GROUP BY s.tenant_key, s.source_key, s.slot
),
users AS (
  SELECT s.tenant_key, s.user_key FROM silent_slots AS s WHERE s.user_key IS NOT NULL
  GROUP BY s.tenant_key, s.user_key
),
looked AS (
  SELECT
    o.tenant_key,
    o.user_key,
    o.source_key,
    o.time,
    o.outcome,
    date_bin($inference_window, o.time) AS slot
  FROM outcomes AS o
  WHERE o.outcome IN ('success', 'bad_password', 'password_right', 'unknown_user') AND o.time IS NOT NULL
),
tagged AS (
  SELECT
    l.tenant_key,
    l.user_key,
    l.source_key,
    l.time,
    l.outcome,
    nu.slot IS NOT NULL OR (l.outcome = 'bad_password' AND u.user_key IS NOT NULL) AS of_user,
    ns.slot IS NOT NULL AS of_source
  FROM looked AS l
  LEFT JOIN of_users AS nu
    ON l.tenant_key = nu.tenant_key AND l.user_key = nu.user_key AND l.slot = nu.slot
  LEFT JOIN users AS u
    ON l.tenant_key = u.tenant_key AND l.user_key = u.user_key
  LEFT JOIN of_sources AS ns
    ON l.tenant_key = ns.tenant_key AND l.source_key = ns.source_key AND l.slot = ns.slot
)
SELECT t.tenant_key, t.user_key, t.source_key, t.time, t.outcome, t.of_user, t.of_source
FROM tagged AS t
WHERE t.of_user OR t.of_source
