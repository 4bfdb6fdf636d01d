-- title: Password spray from rotating sources
-- explain: Many sources tried a few passwords each on many accounts. The sources share a client, or at least their time,
--   and belong to networks that these accounts do not know.
-- source: Elastic Okta multi-source spray (5 sources, 8 accounts, at most 5 attempts on each)
-- cause: distributed_spray
-- severity: medium
-- attack: yes
-- technique: T1110.003
-- advice: Block what the sources share (user agent, client, network owner), not single addresses. Block legacy
--   authentication. Reset the password and revoke the sessions of every account whose password was right.
-- advice-source: https://learn.microsoft.com/security/operations/incident-response-playbook-password-spray
SELECT
  c.refusal_no,
  c.campaign_key AS finding_key,
  least($confidence_ceiling, $confidence_floor * c.users / $distributed_spray_users) AS confidence,
  make_array(
    named_struct(
      'feature', 'sources of the campaign',
      'value', CAST(c.sources AS DOUBLE),
      'threshold', CAST($distributed_spray_sources AS DOUBLE)
    ),
    named_struct(
      'feature', 'accounts tried that do not know the networks',
      'value', CAST(c.users AS DOUBLE),
      'threshold', CAST($distributed_spray_users AS DOUBLE)
    ),
    named_struct(
      'feature', 'attempts on each account (mean, at most)',
      'value', CAST(c.mean_on_account AS DOUBLE),
      'threshold', CAST($distributed_spray_attempts_per_user AS DOUBLE)
    )
  ) AS evidence
FROM campaign_refusals AS c
-- Without any sign-in of the tenant nobody can tell a strange network from a known one.
INNER JOIN tenants AS t ON c.tenant_key = t.tenant_key AND t.successes > 0
WHERE
  c.sources >= $distributed_spray_sources
  AND c.users >= $distributed_spray_users
  -- Blocks alone prove no attempt on a password: they are blocked_attack.
  AND c.guesses > 0
  AND c.users_tried >= least($spray_users, $tried_share * c.users)
  AND c.mean_on_account <= $distributed_spray_attempts_per_user
