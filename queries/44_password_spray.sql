-- title: Password spray
-- explain: One source tried passwords on many accounts, a few on each, and most of these accounts never use this
--   network. Blocks of the address in the same episode belong to it.
-- source: Sentinel SigninPasswordSpray (5 accounts in 20 minutes, failed more than successful); Elastic Okta
--   single-source spray (attempts on each account)
-- cause: password_spray
-- severity: medium
-- attack: yes
-- technique: T1110.003
-- advice: Block the source in Conditional Access. Reset the password and revoke the sessions of every account whose
--   password was right. Ban weak passwords, block legacy authentication, require a second factor.
-- advice-source: https://learn.microsoft.com/security/operations/incident-response-playbook-password-spray
SELECT
  r.refusal_no,
  concat(e.source_key, '|', CAST(e.started AS VARCHAR)) AS finding_key,
  least($confidence_ceiling, $confidence_floor * e.strangers_tried / $spray_users) AS confidence,
  make_array(
    named_struct(
      'feature', 'accounts tried that do not know the network',
      'value', CAST(e.strangers_tried AS DOUBLE),
      'threshold', CAST($spray_users AS DOUBLE)
    ),
    named_struct(
      'feature', 'attempts on each account (mean, at most)',
      'value', CAST(e.attempts AS DOUBLE) / e.users_tried,
      'threshold', CAST($spray_attempts_per_user AS DOUBLE)
    ),
    named_struct(
      'feature', 'accounts tried, more than accounts that signed in from the source',
      'value', CAST(e.users_tried AS DOUBLE),
      'threshold', CAST(s.successful_users AS DOUBLE)
    )
  ) AS evidence
FROM source_episodes AS e
INNER JOIN sources AS s ON e.tenant_key = s.tenant_key AND e.source_key = s.source_key
INNER JOIN refusals AS r
  ON e.tenant_key = r.tenant_key AND e.source_key = r.source_key
  AND r.time >= e.started AND r.time <= e.ended
WHERE
  e.strangers_tried >= $spray_users
  AND CAST(e.attempts AS DOUBLE) / e.users_tried <= $spray_attempts_per_user
  AND e.users_tried > s.successful_users
