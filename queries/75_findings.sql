-- title: What happened
-- explain: One row for each explained pattern, the gravest first. reason is mixed where the refusals of a finding have
--   different reasons; the counts beside it tell them apart. users are the accounts that were refused; accounts_tried
--   counts, for an attack, every account with a failure from its sources in its time. bad_passwords are of these (for
--   other causes only of the users themselves). compromised_users are accounts that got in, or whose password was
--   right; compromise_events holds the strongest proof for each, and how it proves it; the
--   result break_ins has every such sign-in with its id.
--   severity is that of the cause; high from many_accounts on, or when a VIP is among the users of a cause that is no
--   honest mistake; critical when somebody got in. vips and indicators are what the analyst brought.
-- result: findings
-- keep: yes
-- by: finding_id
WITH tried AS (
  SELECT a.finding_id, a.user_key, sum(a.bad_passwords) AS bad_passwords
  FROM attack_failures AS a
  GROUP BY a.finding_id, a.user_key
  UNION ALL
  SELECT h.finding_id, h.user_key, h.bad_passwords
  FROM honest_failures AS h
),
wrong AS (
  SELECT t.finding_id, sum(t.bad_passwords) AS bad_passwords, count(t.user_key) AS accounts_tried
  FROM tried AS t
  GROUP BY t.finding_id
),
got_in AS (
  SELECT
    e.finding_id,
    array_sort(array_agg(e.user_name)) AS compromised_users,
    min(e.time) AS first_success,
    array_agg(
      named_struct(
        'user', e.user_name,
        'time', e.time,
        'ip_address', e.ip_address,
        'error_code', e.error_code,
        'how', e.how
      )
      ORDER BY e.time, e.user_name
    ) AS compromise_events
  FROM entries AS e
  WHERE e.is_first
  GROUP BY e.finding_id
),
judged AS (
  SELECT
    g.*,
    v.confidence,
    CASE
      WHEN x.listed_refusals > 0 THEN array_append(
        e.evidence,
        named_struct(
          'feature', 'refusals that match an indicator of the analyst',
          'value', CAST(x.listed_refusals AS DOUBLE),
          'threshold', CAST(1 AS DOUBLE)
        )
      )
      ELSE e.evidence
    END AS evidence,
    x.vips,
    x.indicators,
    CAST(coalesce(array_length(g.accounts), 0) AS BIGINT) AS user_count,
    CAST(coalesce(array_length(g.ip_addresses), 0) AS BIGINT) AS ip_count,
    greatest(
      CAST(coalesce(array_length(g.accounts), 0) AS BIGINT),
      coalesce(w.accounts_tried, 0)
    ) AS accounts_tried,
    c.title AS cause_title,
    CASE
      WHEN s.finding_id IS NOT NULL THEN 'critical'
      WHEN greatest(CAST(array_length(g.accounts) AS BIGINT), w.accounts_tried) >= $many_accounts THEN 'high'
      WHEN x.vips IS NOT NULL AND (c.severity = 'medium' OR c.cause = 'insufficient_data') THEN 'high'
      ELSE c.severity
    END AS severity,
    coalesce(w.bad_passwords, 0) AS bad_passwords,
    s.compromised_users,
    s.first_success,
    s.compromise_events,
    c.technique,
    c.advice,
    c.advice_source,
    c.explanation AS explanation
  FROM patterns AS g
  INNER JOIN causes AS c ON g.cause = c.cause
  INNER JOIN verdicts AS v ON g.first_refusal = v.refusal_no
  INNER JOIN proofs AS e ON g.finding_id = e.finding_id
  LEFT JOIN wrong AS w ON g.finding_id = w.finding_id
  LEFT JOIN got_in AS s ON g.finding_id = s.finding_id
  LEFT JOIN finding_context AS x ON g.finding_id = x.finding_id
)
SELECT
  j.finding_id,
  j.tenant_id,
  j.cause,
  j.reason,
  j.severity,
  j.confidence,
  concat(
    j.cause_title,
    ': ',
    CASE
      WHEN j.user_count = 0 THEN 'no known account'
      WHEN j.user_count = 1 THEN coalesce(j.users[1], 'one account')
      ELSE concat(CAST(j.user_count AS VARCHAR), ' accounts')
    END,
    CASE
      WHEN j.accounts_tried > j.user_count THEN concat(' (', CAST(j.accounts_tried AS VARCHAR), ' accounts tried)')
      ELSE ''
    END,
    ' from ',
    CASE
      WHEN j.ip_count = 0 THEN 'no known address'
      WHEN j.ip_count = 1 THEN j.ip_addresses[1]
      ELSE concat(CAST(j.ip_count AS VARCHAR), ' addresses')
    END
  ) AS title,
  j.first_seen,
  j.last_seen,
  j.refusal_count,
  j.lockouts,
  j.malicious_ip_blocks,
  j.risk_blocks,
  j.bad_passwords,
  j.user_count,
  j.users,
  j.collateral_users,
  j.vips,
  j.accounts_tried,
  j.ip_count,
  j.ip_addresses,
  j.asns,
  j.countries,
  j.app_names,
  j.client_apps,
  j.user_agents,
  j.compromised_users,
  j.first_success,
  j.compromise_events,
  j.indicators,
  j.evidence,
  CASE WHEN j.technique = '' THEN NULL ELSE string_to_array(j.technique, ',') END AS attack_techniques,
  j.explanation,
  j.advice,
  j.advice_source
FROM judged AS j
ORDER BY
  CASE j.severity
    WHEN 'critical' THEN 0 WHEN 'high' THEN 1 WHEN 'medium' THEN 2 WHEN 'low' THEN 3 ELSE 4
  END,
  j.refusal_count DESC,
  j.first_seen,
  j.finding_id
