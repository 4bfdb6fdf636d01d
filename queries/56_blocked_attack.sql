-- title: Attack blocked before any password was tried
-- explain: The address is known for malicious activity, and nobody ever signed in from it, though the input holds
--   successful sign-ins of the tenant. Microsoft refused these without looking at the password. Sources that share a
--   client are one finding, if none of them had a password looked at.
-- source: learn.microsoft.com/entra/identity/authentication/howto-password-smart-lockout, default protections
-- cause: blocked_attack
-- severity: medium
-- attack: yes
-- technique: T1110
-- advice: The block worked; it does not tell whether a password was right. Search for sign-ins of these accounts from
--   other new addresses at the same time, and require a second factor for them.
-- advice-source: https://learn.microsoft.com/entra/architecture/security-operations-user-accounts
WITH blocked AS (
  SELECT
    n.refusal_no,
    concat(n.source_key, '|', coalesce(CAST(n.started AS VARCHAR), '')) AS finding_key,
    n.blocks
  FROM blocked_runs AS n
  INNER JOIN sources AS s ON n.tenant_key = s.tenant_key AND n.source_key = s.source_key
  -- Without any successful sign-in in the input, "nobody ever signed in from it" says nothing.
  INNER JOIN tenants AS t ON n.tenant_key = t.tenant_key AND t.successes > 0
  INNER JOIN refusals AS r ON n.refusal_no = r.refusal_no
  -- One block that is only inferred is too little to call an attack.
  WHERE NOT s.is_used AND (r.reason_basis = 'stated' OR n.blocks > 1)
)
SELECT
  b.refusal_no,
  coalesce(c.campaign_key, b.finding_key) AS finding_key,
  $confidence_stated AS confidence,
  make_array(
    named_struct(
      'feature', 'blocks of the sources',
      'value', CAST(coalesce(c.blocks, b.blocks) AS DOUBLE),
      'threshold', CAST(1 AS DOUBLE)
    ),
    named_struct(
      'feature', 'sign-ins that worked from the sources (none)',
      'value', CAST(0 AS DOUBLE),
      'threshold', CAST(0 AS DOUBLE)
    )
  ) AS evidence
FROM blocked AS b
LEFT JOIN campaign_refusals AS c ON b.refusal_no = c.refusal_no AND c.attempts = 0
