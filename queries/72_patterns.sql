-- title: The refusals of each finding, put together
-- explain: One row for each finding, with what its own refusals tell: counts by reason, the time, and each account,
--   address, network owner, country, application, client and user agent once. collateral_users are the owners of attacked
--   accounts who were locked out where they usually sign in; the places of these refusals are not those of the attack. findings adds what happened around it.
-- keep: yes
-- by: finding_id
WITH folded AS (
  -- Equal refusals are folded before the lists are made: an attack repeats itself a thousand times.
  SELECT
    v.finding_id,
    v.finding_key,
    v.cause,
    v.tenant_id,
    v.tenant_key,
    v.reason,
    v.user_key,
    v.user_name,
    v.ip_address,
    v.asn,
    v.country,
    v.app_display_name,
    v.client_app,
    v.user_agent,
    v.is_victim,
    count(*) AS refusals,
    min(v.time) AS first_seen,
    max(v.time) AS last_seen,
    min(v.refusal_no) AS first_refusal
  FROM verdicts AS v
  GROUP BY
    v.finding_id, v.finding_key, v.cause, v.tenant_id, v.tenant_key, v.reason, v.user_key, v.user_name,
    v.ip_address, v.asn, v.country, v.app_display_name, v.client_app, v.user_agent, v.is_victim
)
SELECT
  f.finding_id,
  f.finding_key,
  f.cause,
  f.tenant_id,
  f.tenant_key,
  CASE WHEN min(f.reason) < max(f.reason) THEN 'mixed' ELSE min(f.reason) END AS reason,
  min(f.first_seen) AS first_seen,
  max(f.last_seen) AS last_seen,
  min(f.first_refusal) AS first_refusal,
  sum(f.refusals) AS refusal_count,
  coalesce(sum(f.refusals) FILTER (WHERE f.reason = 'lockout'), 0) AS lockouts,
  coalesce(sum(f.refusals) FILTER (WHERE f.reason = 'malicious_ip'), 0) AS malicious_ip_blocks,
  coalesce(sum(f.refusals) FILTER (WHERE f.reason = 'high_confidence_risk'), 0) AS risk_blocks,
  array_distinct(array_agg(f.user_key) FILTER (WHERE f.user_key IS NOT NULL)) AS accounts,
  array_sort(array_distinct(array_agg(f.user_name) FILTER (WHERE f.user_name IS NOT NULL))) AS users,
  array_sort(array_distinct(array_agg(f.user_name) FILTER (WHERE f.is_victim AND f.user_name IS NOT NULL)))
    AS collateral_users,
  array_sort(array_distinct(array_agg(f.ip_address) FILTER (WHERE NOT f.is_victim AND f.ip_address IS NOT NULL))) AS ip_addresses,
  array_sort(array_distinct(array_agg(f.asn) FILTER (WHERE NOT f.is_victim AND f.asn IS NOT NULL))) AS asns,
  array_sort(array_distinct(array_agg(f.country) FILTER (WHERE NOT f.is_victim AND f.country IS NOT NULL))) AS countries,
  array_sort(array_distinct(array_agg(f.app_display_name) FILTER (WHERE NOT f.is_victim AND f.app_display_name IS NOT NULL)))
    AS app_names,
  array_sort(array_distinct(array_agg(f.client_app) FILTER (WHERE NOT f.is_victim AND f.client_app IS NOT NULL))) AS client_apps,
  array_sort(array_distinct(array_agg(f.user_agent) FILTER (WHERE NOT f.is_victim AND f.user_agent IS NOT NULL))) AS user_agents
FROM folded AS f
GROUP BY f.finding_id, f.finding_key, f.cause, f.tenant_id, f.tenant_key
