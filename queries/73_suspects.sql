-- title: Sign-ins from the sources and with the clients of attacks
-- explain: One row for each finding of an attack and each sign-in with the right password that came from one of its sources
--   (how is source) or with a client of its own, which nobody else here has (client), from attack_lookback before its first
--   attempt to compromise_window after its last one. entries tells which of them are an account's own.
-- source: Timesketch (an hour after the failures), Sentinel (twenty minutes); the codes are those of outcomes
-- keep: yes
-- only: ip_address, ip_network = source_key of attacks; user_agent = user_agent of foreign_clients
WITH by_source AS (
  SELECT
    a.finding_id,
    'source' AS how,
    1 AS rank,
    a.started,
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
  FROM attacks AS a
  INNER JOIN outcomes AS o
    ON a.tenant_key = o.tenant_key AND a.source_key = o.source_key
    AND (o.outcome IN ('success', 'password_right') OR (o.outcome = 'refused' AND o.password_result = 'correct'))
    AND o.user_key IS NOT NULL
    AND o.time >= a.started - $attack_lookback
    AND o.time <= a.ended + $compromise_window
),
by_client AS (
  SELECT
    a.finding_id,
    'client' AS how,
    2 AS rank,
    a.started,
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
  FROM foreign_clients AS a
  INNER JOIN outcomes AS o
    ON a.tenant_key = o.tenant_key
    AND coalesce(a.user_agent, '') = coalesce(o.user_agent, '')
    AND coalesce(a.client_app, '') = coalesce(o.client_app, '')
    AND o.outcome IN ('success', 'password_right')
    AND o.user_key IS NOT NULL
    -- A registered device is its owner's.
    AND o.device_id IS NULL
    AND o.time >= a.started - $attack_lookback
    AND o.time <= a.ended + $compromise_window
)
SELECT * FROM by_source
UNION ALL
SELECT * FROM by_client
