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
WITH spans AS (
  SELECT a.finding_id, a.tenant_key, a.campaign_key, min(a.started) AS started, max(a.ended) AS ended
  FROM attacks AS a
  GROUP BY a.finding_id, a.tenant_key, a.campaign_key
),
attack_clients AS (
  SELECT DISTINCT
    s.finding_id,
    s.tenant_key,
    coalesce(c.user_agent, '') AS user_agent,
    coalesce(c.client_app, '') AS client_app,
    s.started,
    s.ended
  FROM spans AS s
  INNER JOIN campaigns AS m ON s.tenant_key = m.tenant_key AND s.campaign_key = m.campaign_key
  INNER JOIN strands AS d ON m.tenant_key = d.tenant_key AND m.source_key = d.source_key AND m.run = d.run
  INNER JOIN clients AS c ON d.tenant_key = c.tenant_key AND d.tool = c.tool
  WHERE c.is_foreign
),
attacked AS (
  SELECT s.finding_id, f.tenant_key, f.user_key, min(f.time) AS since
  FROM spans AS s
  INNER JOIN campaigns AS m ON s.tenant_key = m.tenant_key AND s.campaign_key = m.campaign_key
  INNER JOIN cold_failures AS f
    ON m.tenant_key = f.tenant_key AND m.source_key = f.source_key AND m.run = f.run
  GROUP BY s.finding_id, f.tenant_key, f.user_key
),
-- Where the first guess is right an attack fails at nothing. What there is then is a sign-in with one of its clients.
tools AS (
  SELECT s.finding_id, s.tenant_key, f.user_agent, f.client_app, s.started, s.ended
  FROM spans AS s
  INNER JOIN campaigns AS m ON s.tenant_key = m.tenant_key AND s.campaign_key = m.campaign_key
  INNER JOIN cold_failures AS f
    ON m.tenant_key = f.tenant_key AND m.source_key = f.source_key AND m.run = f.run
  WHERE m.users >= $spray_users
  GROUP BY s.finding_id, s.tenant_key, f.user_agent, f.client_app, s.started, s.ended
),
newcomers AS (
  SELECT t.finding_id, o.tenant_key, o.user_key, o.user_agent, min(o.time) AS since
  FROM tools AS t
  INNER JOIN outcomes AS o
    ON t.tenant_key = o.tenant_key AND t.user_agent = o.user_agent
    AND coalesce(t.client_app, '') = coalesce(o.client_app, '')
    AND o.outcome IN ('success', 'password_right')
    AND o.user_key IS NOT NULL
    AND o.device_id IS NULL
    AND o.time >= t.started - $attack_lookback
    AND o.time <= t.ended
  LEFT ANTI JOIN attacked AS a
    ON t.finding_id = a.finding_id AND o.tenant_key = a.tenant_key AND o.user_key = a.user_key
  GROUP BY t.finding_id, o.tenant_key, o.user_key, o.user_agent
),
by_source AS (
  SELECT a.finding_id, 'source' AS how, 1 AS rank, a.started, o.*
  FROM attacks AS a
  INNER JOIN outcomes AS o
    ON a.tenant_key = o.tenant_key AND a.source_key = o.source_key
    AND (o.outcome IN ('success', 'password_right') OR (o.outcome = 'refused' AND o.password_result = 'correct'))
    AND o.user_key IS NOT NULL
    AND o.time >= a.started - $attack_lookback
    AND o.time <= a.ended + $compromise_window
),
by_client AS (
  SELECT a.finding_id, 'client' AS how, 2 AS rank, a.started, o.*
  FROM attack_clients AS a
  INNER JOIN outcomes AS o
    ON a.tenant_key = o.tenant_key
    AND a.user_agent = coalesce(o.user_agent, '') AND a.client_app = coalesce(o.client_app, '')
    AND o.outcome IN ('success', 'password_right')
    AND o.user_key IS NOT NULL
    -- A registered device is its owner's.
    AND o.device_id IS NULL
    AND o.time >= a.started - $attack_lookback
    AND o.time <= a.ended + $compromise_window
),
watched AS (
  SELECT a.finding_id, a.tenant_key, a.user_key, a.since, CAST(NULL AS VARCHAR) AS tool FROM attacked AS a
  UNION ALL
  SELECT n.finding_id, n.tenant_key, n.user_key, n.since, n.user_agent AS tool FROM newcomers AS n
),
watched_users AS (
  SELECT w.tenant_key, w.user_key
  FROM (
    SELECT w.tenant_key, w.user_key FROM watched AS w
    UNION ALL
    SELECT s.tenant_key, s.user_key FROM by_source AS s
    UNION ALL
    SELECT c.tenant_key, c.user_key FROM by_client AS c
  ) AS w
  GROUP BY w.tenant_key, w.user_key
),
-- All that these accounts ever did, folded.
history AS (
  SELECT
    o.tenant_key,
    o.user_key,
    o.network_key,
    o.user_agent,
    o.asn,
    o.device_id,
    bool_or(coalesce(o.user_type = 'guest', false) OR coalesce(o.user_principal_name LIKE '%#ext#%', false)) AS is_guest,
    min(o.time) FILTER (WHERE o.outcome = 'success') AS first_success,
    min(o.time) AS first_right
  FROM watched_users AS u
  RIGHT SEMI JOIN outcomes AS o ON u.tenant_key = o.tenant_key AND u.user_key = o.user_key
  WHERE o.outcome IN ('success', 'password_right') AND o.time IS NOT NULL
  GROUP BY o.tenant_key, o.user_key, o.network_key, o.user_agent, o.asn, o.device_id
),
known AS (
  SELECT h.tenant_key, h.user_key, min(h.first_success) AS first_success
  FROM history AS h
  GROUP BY h.tenant_key, h.user_key
),
known_networks AS (
  SELECT h.tenant_key, h.user_key, h.network_key, min(h.first_success) AS first_success
  FROM history AS h
  WHERE h.network_key IS NOT NULL
  GROUP BY h.tenant_key, h.user_key, h.network_key
),
-- A browser that only ever came from a registered device is another one without it.
known_clients AS (
  SELECT h.tenant_key, h.user_key, h.user_agent, min(h.first_success) AS first_success
  FROM history AS h
  WHERE h.user_agent IS NOT NULL AND h.device_id IS NULL
  GROUP BY h.tenant_key, h.user_key, h.user_agent
),
known_owners AS (
  SELECT h.tenant_key, h.user_key, h.asn, min(h.first_success) AS first_success
  FROM history AS h
  WHERE h.asn IS NOT NULL
  GROUP BY h.tenant_key, h.user_key, h.asn
),
-- A client that was also used from a network that the account knew before is its owner's.
own_clients AS (
  SELECT a.finding_id, h.tenant_key, h.user_key, h.user_agent
  FROM watched AS a
  INNER JOIN history AS h ON a.tenant_key = h.tenant_key AND a.user_key = h.user_key
  INNER JOIN known_networks AS n
    ON h.tenant_key = n.tenant_key AND h.user_key = n.user_key AND h.network_key = n.network_key
    AND n.first_success < a.since
  WHERE h.user_agent IS NOT NULL AND h.device_id IS NULL
  GROUP BY a.finding_id, h.tenant_key, h.user_key, h.user_agent
),
strange AS (
  SELECT
    a.finding_id,
    a.since,
    a.tool,
    h.tenant_key,
    h.user_key,
    h.network_key,
    h.user_agent,
    h.first_right
  FROM watched AS a
  INNER JOIN history AS h ON a.tenant_key = h.tenant_key AND a.user_key = h.user_key
  -- Somebody of whom nothing was known before has no habits to break.
  INNER JOIN known AS k ON h.tenant_key = k.tenant_key AND h.user_key = k.user_key
    AND k.first_success < a.since - $habit_span
  LEFT JOIN known_networks AS n
    ON h.tenant_key = n.tenant_key AND h.user_key = n.user_key AND h.network_key = n.network_key
  LEFT JOIN known_clients AS c
    ON h.tenant_key = c.tenant_key AND h.user_key = c.user_key AND h.user_agent = c.user_agent
  LEFT JOIN known_owners AS w
    ON h.tenant_key = w.tenant_key AND h.user_key = w.user_key AND h.asn = w.asn
  LEFT ANTI JOIN own_clients AS x
    ON a.finding_id = x.finding_id AND h.tenant_key = x.tenant_key AND h.user_key = x.user_key
    AND h.user_agent = x.user_agent
  WHERE
    h.first_right >= a.since
    AND h.first_right <= a.since + $compromise_window
    AND coalesce(a.tool = h.user_agent, true)
    AND h.device_id IS NULL
    -- A guest's password is looked at by the tenant it comes from, and it is seen here only now and then.
    AND NOT h.is_guest
    AND h.network_key IS NOT NULL
    AND h.user_agent IS NOT NULL
    AND NOT coalesce(n.first_success < a.since, false)
    AND NOT coalesce(c.first_success < a.since, false)
    AND NOT coalesce(w.first_success < a.since, false)
),
-- A network is the tenant's own from the first sign-in of a second account on.
shared_networks AS (
  SELECT n.tenant_key, n.network_key, n.first_success
  FROM (
    SELECT
      k.tenant_key,
      k.network_key,
      k.first_success,
      row_number() OVER (PARTITION BY k.tenant_key, k.network_key ORDER BY k.first_success, k.user_key) AS place
    FROM (
      SELECT o.tenant_key, o.network_key, o.user_key, min(o.time) AS first_success
      FROM (
        SELECT s.tenant_key, s.network_key FROM strange AS s
        UNION ALL
        SELECT c.tenant_key, c.network_key FROM by_client AS c
      ) AS w
      RIGHT SEMI JOIN outcomes AS o ON w.tenant_key = o.tenant_key AND w.network_key = o.network_key
      LEFT ANTI JOIN guessed_networks AS g
        ON o.tenant_key = g.tenant_key AND o.user_key = g.user_key AND o.network_key = g.network_key
      WHERE o.outcome = 'success' AND o.user_key IS NOT NULL
      GROUP BY o.tenant_key, o.network_key, o.user_key
    ) AS k
  ) AS n
  WHERE n.place = $egress_least_users
),
by_place AS (
  SELECT
    s.finding_id,
    CASE WHEN s.tool IS NULL THEN 'new place' ELSE 'first guess' END AS how,
    CASE WHEN s.tool IS NULL THEN 3 ELSE 4 END AS rank,
    s.since AS started,
    o.*
  FROM strange AS s
  INNER JOIN outcomes AS o
    ON s.tenant_key = o.tenant_key AND s.user_key = o.user_key AND s.first_right = o.time
    AND s.network_key = o.network_key AND s.user_agent = o.user_agent
    AND o.outcome IN ('success', 'password_right')
),
elsewhere AS (
  SELECT b.*
  FROM by_client AS b
  LEFT JOIN known_clients AS c
    ON b.tenant_key = c.tenant_key AND b.user_key = c.user_key AND b.user_agent = c.user_agent
  -- Who used it before the attack did happens to have the same.
  WHERE NOT coalesce(c.first_success < b.started - $attack_lookback, false)
  UNION ALL
  SELECT * FROM by_place
),
suspects AS (
  SELECT * FROM by_source
  UNION ALL
  SELECT s.*
  FROM elsewhere AS s
  LEFT JOIN shared_networks AS e ON s.tenant_key = e.tenant_key AND s.network_key = e.network_key
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
  FROM suspects AS s
  LEFT JOIN known_networks AS k
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
