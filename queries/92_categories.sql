-- title: Sign-ins by category
-- explain: Which of the sign-in tables the inputs hold: interactive, non_interactive, service_principal,
--   managed_identity, adfs or unknown; and what became of the sign-ins in each.
-- keep: yes
SELECT
  coalesce(o.category, 'unknown') AS category,
  count(*) AS sign_ins,
  count(*) FILTER (WHERE o.outcome = 'success') AS successes,
  count(*) FILTER (WHERE o.outcome = 'refused') AS refusals,
  count(*) FILTER (WHERE o.outcome IN ('bad_password', 'unknown_user')) AS bad_passwords,
  count(*) FILTER (WHERE o.error_code IS NULL) AS without_code,
  count(*) FILTER (WHERE o.outcome = 'refused' AND o.ip_address IS NULL) AS refusals_without_ip,
  count(*) FILTER (WHERE o.outcome = 'refused' AND o.user_key IS NULL) AS refusals_without_user,
  count(*) FILTER (WHERE o.outcome = 'refused' AND o.time IS NULL) AS refusals_without_time,
  count(*) FILTER (WHERE o.outcome = 'refused' AND o.user_agent IS NULL) AS refusals_without_user_agent
FROM outcomes AS o
GROUP BY coalesce(o.category, 'unknown')
ORDER BY coalesce(o.category, 'unknown')
