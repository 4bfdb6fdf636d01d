-- title: Guessing on one account from many sources
-- explain: Many sources of different kinds tried one account, or very few, within a short time, all from networks it does
--   not know.
-- source: Elastic Okta multi-source brute force (5 sources, 10 attempts, and 2 countries or 3 network owners or 8
--   sources or 3 user agents, in 30 minutes)
-- cause: distributed_brute_force
-- severity: medium
-- attack: yes
-- technique: T1110.001
-- advice: Require a strong second factor or passwordless sign-in for the account, and block the countries or networks
--   it never uses. Keep the lockout threshold at 10 or lower. If a password was right, reset it and revoke the sessions.
-- advice-source: https://learn.microsoft.com/entra/identity/authentication/howto-password-smart-lockout
SELECT
  c.refusal_no,
  c.campaign_key AS finding_key,
  least($confidence_ceiling, $confidence_floor * c.sources / $distributed_brute_force_sources) AS confidence,
  make_array(
    named_struct(
      'feature', 'failures on one account within half an hour',
      'value', CAST(c.peak_many AS DOUBLE),
      'threshold', CAST($distributed_brute_force_failures AS DOUBLE)
    ),
    named_struct(
      'feature', 'sources that do not belong to the account',
      'value', CAST(c.sources AS DOUBLE),
      'threshold', CAST($distributed_brute_force_sources AS DOUBLE)
    ),
    named_struct(
      'feature', 'countries (one of four signs of variety)',
      'value', CAST(c.countries AS DOUBLE),
      'threshold', CAST($distributed_brute_force_countries AS DOUBLE)
    ),
    named_struct(
      'feature', 'network owners (one of four signs of variety)',
      'value', CAST(c.asns AS DOUBLE),
      'threshold', CAST($distributed_brute_force_asns AS DOUBLE)
    ),
    named_struct(
      'feature', 'sources (one of four signs of variety)',
      'value', CAST(c.sources AS DOUBLE),
      'threshold', CAST($distributed_brute_force_many_sources AS DOUBLE)
    ),
    named_struct(
      'feature', 'user agents (one of four signs of variety)',
      'value', CAST(c.user_agents AS DOUBLE),
      'threshold', CAST($distributed_brute_force_user_agents AS DOUBLE)
    )
  ) AS evidence
FROM campaign_refusals AS c
WHERE
  c.guesses > 0
  AND c.peak_many >= $distributed_brute_force_failures
  AND c.sources >= $distributed_brute_force_sources
  AND (
    c.countries >= $distributed_brute_force_countries
    OR c.asns >= $distributed_brute_force_asns
    OR c.sources >= $distributed_brute_force_many_sources
    OR c.user_agents >= $distributed_brute_force_user_agents
  )
