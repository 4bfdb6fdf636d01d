-- title: Credential stuffing
-- explain: A list of names and passwords from elsewhere was tried: many accounts, once or twice each, and many of the
--   names do not exist here.
-- source: Elastic Okta single-source stuffing (15 accounts, at most 2 attempts on each); that unknown names show a foreign
--   list is this project's own rule
-- cause: credential_stuffing
-- severity: medium
-- attack: yes
-- technique: T1110.004
-- advice: Reset the password and revoke the sessions of every account whose password was right; it is known from a leak,
--   so check the other accounts of these people for reused passwords. Require a second factor, block legacy
--   authentication, and turn on leaked-credential detection.
-- advice-source: https://learn.microsoft.com/entra/id-protection/concept-identity-protection-risks
SELECT
  c.refusal_no,
  c.campaign_key AS finding_key,
  least($confidence_ceiling, $confidence_floor * c.users / $stuffing_users) AS confidence,
  make_array(
    named_struct(
      'feature', 'accounts tried that do not know the networks',
      'value', CAST(c.users AS DOUBLE),
      'threshold', CAST($stuffing_users AS DOUBLE)
    ),
    named_struct(
      'feature', 'attempts on each account (mean, at most)',
      'value', CAST(c.mean_on_account AS DOUBLE),
      'threshold', CAST($stuffing_attempts_per_user AS DOUBLE)
    ),
    named_struct(
      'feature', 'share of accounts that do not exist, of those whose password was looked at',
      'value', CAST(CAST(c.unknown_users AS DOUBLE) / c.users_tried AS DOUBLE),
      'threshold', CAST($stuffing_unknown_share AS DOUBLE)
    )
  ) AS evidence
FROM campaign_refusals AS c
WHERE
  c.users >= $stuffing_users
  AND c.guesses > 0
  AND c.users_tried >= least($spray_users, $tried_share * c.users)
  AND c.mean_on_account <= $stuffing_attempts_per_user
  AND c.unknown_users >= $stuffing_unknown_share * c.users_tried
