-- title: Accounts that an attack got into
-- explain: One row for each finding of an attack and each sign-in by which an account was entered, or its password shown to
--   be right; is_first marks the strongest proof of each account. how says why it is counted: source, the event came from a source of the attack; client, it
--   came with the attack's own client, which nobody else here has; new place, an attacked account signed in from a
--   network and with a client that it had never used before (and not two accounts before the attack), within compromise_window;
--   first guess, the same of an account at which a spray did not fail, with a client that the spray uses, while it goes on.
--   From attack_lookback before the first attempt on. A sign-in from a network that the account knew before the attack is never counted.
-- source: Timesketch (an hour after the failures), Sentinel (twenty minutes), learn.microsoft.com/security/operations/
--   incident-response-playbook-password-spray; the codes are those of outcomes
-- keep: yes
-- only: user_id, user_principal_name = user_key of arrivals
WITH by_place AS (
  SELECT
    s.finding_id,
    CASE WHEN s.tool IS NULL THEN 'new place' ELSE 'first guess' END AS how,
    CASE WHEN s.tool IS NULL THEN 3 ELSE 4 END AS rank,
    s.since AS started,
    o.sign_in_id,
    o.time,
    o.tenant_id,
    o.user_id,
    o.user_principal_name,
    o.ip_address,
    o.country,
    o.city,
    o.app_display_name,
    o.client_app,
    o.user_agent,
    o.outcome,
    o.error_code,
    o.failure_reason,
    o.tenant_key,
    o.user_key,
    o.network_key
  FROM arrivals AS s
  INNER JOIN outcomes AS o
    ON s.tenant_key = o.tenant_key AND s.user_key = o.user_key AND s.first_right = o.time
    AND s.network_key = o.network_key AND s.user_agent = o.user_agent
    AND o.outcome IN ('success', 'password_right')
),
elsewhere AS (
  SELECT c.*
  FROM suspects AS c
  LEFT JOIN watched_known_clients AS k
    ON c.tenant_key = k.tenant_key AND c.user_key = k.user_key AND c.user_agent = k.user_agent
  -- Who used it before the attack did happens to have the same.
  WHERE c.how = 'client' AND NOT coalesce(k.first_success < c.started - $attack_lookback, false)
  UNION ALL
  SELECT * FROM by_place
),
counted AS (
  SELECT * FROM suspects AS s WHERE s.how = 'source'
  UNION ALL
  SELECT s.*
  FROM elsewhere AS s
  LEFT JOIN common_networks AS e ON s.tenant_key = e.tenant_key AND s.network_key = e.network_key
  WHERE NOT coalesce(e.first_success < s.started - $attack_lookback, false)
),
-- One event may be suspect in several ways.
proven AS (
  SELECT
    s.*,
    row_number() OVER (
      PARTITION BY s.finding_id, s.user_key
      ORDER BY s.rank, s.time, s.ip_address, s.error_code, s.sign_in_id
    ) AS place,
    row_number() OVER (
      PARTITION BY s.finding_id, s.user_key, s.time, s.sign_in_id, s.ip_address
      ORDER BY s.rank
    ) AS way
  FROM counted AS s
  LEFT JOIN watched_known_networks AS k
    ON s.tenant_key = k.tenant_key AND s.user_key = k.user_key AND s.network_key = k.network_key
  LEFT JOIN guessed_networks AS g
    ON s.tenant_key = g.tenant_key AND s.user_key = g.user_key AND s.network_key = g.network_key
  WHERE g.network_key IS NOT NULL OR NOT coalesce(k.first_success < s.started - $attack_lookback, false)
)
SELECT
  p.finding_id,
  p.user_key,
  coalesce(p.user_principal_name, p.user_id) AS user_name,
  p.time,
  p.sign_in_id,
  p.how,
  p.place = 1 AS is_first,
  p.tenant_id,
  p.user_id,
  p.user_principal_name,
  p.ip_address,
  p.country,
  p.city,
  p.app_display_name,
  p.client_app,
  p.user_agent,
  p.outcome,
  p.error_code,
  p.failure_reason
FROM proven AS p
WHERE p.way = 1
