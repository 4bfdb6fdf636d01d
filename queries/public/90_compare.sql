-- title: What the public rules say of this data, beside what signsift says
-- explain: One row for each rule. refusals_covered are refusals with 50053 that any of its alerts counts; of these
--   lockouts to unknown_reason are what signsift says they were, and honest those whose cause is of low severity.
--   findings_met are findings of signsift that share a refusal with an alert, or an account at the same time; the others
--   are missed, attacks_missed among them. differs says in words where signsift says something else.
-- source: own
-- keep: yes
WITH rules AS (
  SELECT column1 AS place, column2 AS rule, column3 AS calls_them_lockouts
  FROM (
    VALUES
      (1, 'sentinel_password_spray', false),
      (2, 'sentinel_distributed_cracking', false),
      (3, 'sentinel_smart_lockouts', true),
      (4, 'elastic_account_lockouts', true),
      (5, 'elastic_audit_lockouts', true),
      (6, 'sigma_account_lockout', true),
      (7, 'panther_account_lockouts', true),
      (8, 'bertjanp_accounts_locked', true),
      (9, 'splunk_failed_authentications', false)
  )
),
counted AS (
  SELECT a.alert_no, a.rule, unnest(a.sign_in_ids) AS sign_in_id
  FROM alerts AS a
),
covered AS (
  SELECT c.alert_no, c.rule, r.refusal_no, r.reason, v.cause, v.finding_id,
    w.severity IN ('informational', 'low') AND v.cause <> 'insufficient_data' AS is_honest
  FROM counted AS c
  INNER JOIN refusals AS r ON c.sign_in_id = r.sign_in_id
  INNER JOIN verdicts AS v ON r.refusal_no = v.refusal_no
  INNER JOIN causes AS w ON v.cause = w.cause
),
-- Overlapping windows count a refusal twice.
once AS (
  SELECT c.rule, c.refusal_no, c.reason, c.cause, c.is_honest
  FROM covered AS c
  GROUP BY c.rule, c.refusal_no, c.reason, c.cause, c.is_honest
),
by_reason AS (
  SELECT
    o.rule,
    count(*) AS refusals_covered,
    count(*) FILTER (WHERE o.reason = 'lockout') AS lockouts,
    count(*) FILTER (WHERE o.reason = 'malicious_ip') AS malicious_ip_blocks,
    count(*) FILTER (WHERE o.reason = 'high_confidence_risk') AS risk_blocks,
    count(*) FILTER (WHERE o.reason = 'unknown') AS unknown_reason,
    count(*) FILTER (WHERE o.is_honest) AS honest,
    array_to_string(
      array_sort(array_agg(DISTINCT o.cause) FILTER (WHERE o.is_honest)), ', '
    ) AS honest_causes
  FROM once AS o
  GROUP BY o.rule
),
accounts_alerted AS (
  SELECT a.alert_no, a.rule, a.tenant_id, a.window_start, a.window_end, unnest(a.users) AS account
  FROM alerts AS a
  -- An alert on one event meets what it counts, which covered knows.
  WHERE a.window_start < a.window_end
),
accounts_found AS (
  SELECT f.finding_id, f.tenant_id, f.first_seen, f.last_seen, unnest(f.users) AS account
  FROM findings AS f
),
met AS (
  SELECT m.alert_no, m.rule, m.finding_id
  FROM (
    SELECT c.alert_no, c.rule, c.finding_id FROM covered AS c
    UNION ALL
    SELECT a.alert_no, a.rule, f.finding_id
    FROM accounts_alerted AS a
    INNER JOIN accounts_found AS f
      ON coalesce(a.tenant_id, '') = coalesce(f.tenant_id, '') AND a.account = f.account
      -- The wrong passwords of a finding lie so far around its refusals.
      AND a.window_start <= f.last_seen + $episode_gap AND a.window_end > f.first_seen - $episode_gap
  ) AS m
  GROUP BY m.alert_no, m.rule, m.finding_id
),
alerts_met AS (
  SELECT a.rule, count(*) AS alerts, count(m.alert_no) AS alerts_with_finding
  FROM alerts AS a
  LEFT JOIN (SELECT n.alert_no FROM met AS n GROUP BY n.alert_no) AS m ON a.alert_no = m.alert_no
  GROUP BY a.rule
),
judged AS (
  SELECT
    u.rule,
    f.finding_id,
    f.cause,
    w.attack,
    f.compromised_users IS NOT NULL AS got_in,
    m.finding_id IS NOT NULL AS is_met
  FROM rules AS u
  CROSS JOIN findings AS f
  INNER JOIN causes AS w ON f.cause = w.cause
  LEFT JOIN (SELECT n.rule, n.finding_id FROM met AS n GROUP BY n.rule, n.finding_id) AS m
    ON u.rule = m.rule AND f.finding_id = m.finding_id
),
by_finding AS (
  SELECT
    j.rule,
    count(*) FILTER (WHERE j.is_met) AS findings_met,
    count(*) FILTER (WHERE NOT j.is_met) AS findings_missed,
    count(*) FILTER (WHERE NOT j.is_met AND j.attack) AS attacks_missed,
    count(*) FILTER (WHERE NOT j.is_met AND j.got_in) AS break_ins_missed,
    array_to_string(
      array_sort(array_agg(DISTINCT j.cause) FILTER (WHERE NOT j.is_met AND j.attack)), ', '
    ) AS causes_missed
  FROM judged AS j
  GROUP BY j.rule
),
numbers AS (
  SELECT
    u.place,
    u.rule,
    u.calls_them_lockouts,
    coalesce(a.alerts, 0) AS alerts,
    coalesce(a.alerts - a.alerts_with_finding, 0) AS alerts_without_finding,
    coalesce(r.refusals_covered, 0) AS refusals_covered,
    coalesce(r.lockouts, 0) AS lockouts,
    coalesce(r.malicious_ip_blocks, 0) AS malicious_ip_blocks,
    coalesce(r.risk_blocks, 0) AS risk_blocks,
    coalesce(r.unknown_reason, 0) AS unknown_reason,
    coalesce(r.honest, 0) AS honest,
    r.honest_causes,
    coalesce(f.findings_met, 0) AS findings_met,
    coalesce(f.findings_missed, 0) AS findings_missed,
    coalesce(f.attacks_missed, 0) AS attacks_missed,
    coalesce(f.break_ins_missed, 0) AS break_ins_missed,
    f.causes_missed
  FROM rules AS u
  LEFT JOIN alerts_met AS a ON u.rule = a.rule
  LEFT JOIN by_reason AS r ON u.rule = r.rule
  LEFT JOIN by_finding AS f ON u.rule = f.rule
)
SELECT
  n.rule,
  n.alerts,
  n.refusals_covered,
  n.lockouts,
  n.malicious_ip_blocks,
  n.risk_blocks,
  n.unknown_reason,
  n.honest,
  n.findings_met,
  n.findings_missed,
  n.attacks_missed,
  n.alerts_without_finding,
  coalesce(
    nullif(
      concat_ws(
        ' ',
        CASE WHEN n.alerts = 0 THEN 'No alert.' END,
        CASE
          WHEN n.calls_them_lockouts AND n.malicious_ip_blocks > 0
            THEN concat('Calls lockouts what were blocks of an address: ', CAST(n.malicious_ip_blocks AS VARCHAR), '.')
        END,
        CASE
          WHEN n.calls_them_lockouts AND n.risk_blocks > 0
            THEN concat('Calls lockouts what were blocks for risk: ', CAST(n.risk_blocks AS VARCHAR), '.')
        END,
        CASE
          WHEN n.honest > 0
            THEN concat('Counts refusals that no attack caused: ', CAST(n.honest AS VARCHAR), ' (', n.honest_causes, ').')
        END,
        CASE
          WHEN n.findings_met > 0 AND n.alerts > n.findings_met
            THEN concat(
              'Says in ', CAST(n.alerts AS VARCHAR), ' alerts what signsift says in ', CAST(n.findings_met AS VARCHAR),
              CASE WHEN n.findings_met = 1 THEN ' finding.' ELSE ' findings.' END
            )
        END,
        CASE
          WHEN n.attacks_missed > 0
            THEN concat(
              'Silent on attacks that signsift finds: ', CAST(n.attacks_missed AS VARCHAR), ' (', n.causes_missed, ')',
              CASE
                WHEN n.break_ins_missed > 0
                  THEN concat(', somebody got in by: ', CAST(n.break_ins_missed AS VARCHAR))
                ELSE ''
              END,
              '.'
            )
        END,
        CASE
          WHEN n.alerts_without_finding > 0
            THEN concat(
              'Alerts on failures far from any refusal, which are no finding here: ',
              CAST(n.alerts_without_finding AS VARCHAR), '.'
            )
        END
      ),
      ''
    ),
    'Nowhere.'
  ) AS differs
FROM numbers AS n
ORDER BY n.place
