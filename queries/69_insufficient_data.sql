-- title: Not enough to say why
-- explain: These refusals meet no rule. They are shown by account, so that nothing is lost; no cause is claimed.
-- source: own rule; saying nothing is better than a wrong cause
-- cause: insufficient_data
-- severity: informational
-- attack: no
-- advice: Watch whether it comes again. Add logs of more days, or the non-interactive sign-ins, if they are missing:
--   a cause shows only next to other sign-ins of the same account and address.
-- advice-source: https://learn.microsoft.com/entra/identity/monitoring-health/concept-sign-ins
SELECT
  n.refusal_no,
  concat(n.subject, '|', coalesce(CAST(n.started AS VARCHAR), '')) AS finding_key,
  CAST(0 AS DOUBLE) AS confidence,
  make_array(
    named_struct(
      'feature', 'refusals of the account, of any cause, without a day between them; guessing needs',
      'value', CAST(n.refusals AS DOUBLE),
      'threshold', CAST($brute_force_failures AS DOUBLE)
    )
  ) AS evidence
FROM account_runs AS n
