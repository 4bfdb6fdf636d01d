-- title: Blocked for high confidence of risk
-- explain: Microsoft's built-in protection refused the sign-in because it looked malicious in itself. Most of these use
--   an old mail protocol (IMAP, POP, SMTP) that knows no second factor.
-- source: learn.microsoft.com/entra/id-protection/howto-identity-protection-remediate-unblock
-- cause: high_risk_block
-- severity: medium
-- attack: no
-- advice: Find the device or program by client and user agent. If it is the user's own, move it to modern
--   authentication; if not, leave it blocked. Block legacy authentication for everybody by Conditional Access.
-- advice-source: https://learn.microsoft.com/entra/id-protection/howto-identity-protection-remediate-unblock
SELECT
  n.refusal_no,
  coalesce(c.campaign_key, concat(n.subject, '|', coalesce(CAST(n.started AS VARCHAR), ''))) AS finding_key,
  $confidence_stated AS confidence,
  make_array(
    named_struct(
      'feature', 'refusals that state high confidence of risk',
      'value', CAST(1 AS DOUBLE),
      'threshold', CAST(1 AS DOUBLE)
    )
  ) AS evidence
FROM account_runs AS n
LEFT JOIN campaign_refusals AS c ON n.refusal_no = c.refusal_no AND c.guesses = 0
WHERE n.reason = 'high_confidence_risk'
