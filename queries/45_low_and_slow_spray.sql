-- title: Low-and-slow password spray
-- explain: A few passwords on many accounts, spread over days so that no hour shows it: hardly more than one attempt on
--   each account and day, from sources that share a client.
-- source: Microsoft on Storm-0940 (2024-10-31: about 80 % of accounts see one attempt a day); the unit of source and day
--   is that of Araña (USENIX Security 2023)
-- cause: low_and_slow_spray
-- severity: medium
-- attack: yes
-- technique: T1110.003
-- advice: Look months back for the same client and sources. Block what the sources share, block legacy authentication,
--   and reset the password and revoke the sessions of every account whose password was right.
-- advice-source: https://learn.microsoft.com/security/operations/incident-response-playbook-password-spray
SELECT
  c.refusal_no,
  c.campaign_key AS finding_key,
  least($confidence_ceiling, $confidence_floor * c.users / $spray_users) AS confidence,
  make_array(
    named_struct(
      'feature', 'accounts tried that do not know the networks',
      'value', CAST(c.users AS DOUBLE),
      'threshold', CAST($spray_users AS DOUBLE)
    ),
    named_struct(
      'feature', 'attempts on each account and day (mean, at most)',
      'value', CAST(c.daily_on_account AS DOUBLE),
      'threshold', CAST($slow_attempts_per_day AS DOUBLE)
    ),
    named_struct(
      'feature', 'attempts within 20 minutes (median, fewer than)',
      'value', CAST(c.median_pace AS DOUBLE),
      'threshold', CAST($slow_pace AS DOUBLE)
    ),
    named_struct(
      'feature', 'hours from the first attempt to the last',
      'value', CAST((date_part('epoch', c.ended) - date_part('epoch', c.started)) / 3600 AS DOUBLE),
      'threshold', CAST((date_part('epoch', c.started + $slow_span) - date_part('epoch', c.started)) / 3600 AS DOUBLE)
    )
  ) AS evidence
FROM campaign_refusals AS c
WHERE
  c.users >= $spray_users
  AND c.guesses > 0
  AND c.users_tried >= least($spray_users, $tried_share * c.users)
  AND c.daily_on_account <= $slow_attempts_per_day
  AND c.median_pace < $slow_pace
  AND c.ended >= c.started + $slow_span
