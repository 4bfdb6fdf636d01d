-- title: Password spray
-- explain: One or a few sources tried passwords on many accounts, a few on each, and these accounts never use the
--   network. Blocks of the sources in the same campaign belong to it.
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
  c.refusal_no,
  c.campaign_key AS finding_key,
  least($confidence_ceiling, $confidence_floor * c.users / $spray_users) AS confidence,
  make_array(
    named_struct(
      'feature', 'accounts tried that do not know the network',
      'value', CAST(c.users AS DOUBLE),
      'threshold', CAST($spray_users AS DOUBLE)
    ),
    named_struct(
      'feature', 'attempts on each account (mean, at most; more in rounds or on many accounts)',
      'value', CAST(c.mean_on_account AS DOUBLE),
      'threshold', CAST($spray_attempts_per_user AS DOUBLE)
    )
  ) AS evidence
FROM campaign_refusals AS c
WHERE
  c.users >= $spray_users
  AND c.guesses > 0
  AND c.users_tried >= least($spray_users, $tried_share * c.users)
  AND (
    c.mean_on_account <= $spray_attempts_per_user
    OR c.users >= $many_accounts
    -- In rounds, as a list is worked off.
    OR c.most_on_account <= $spray_evenness * c.mean_on_account
  )
