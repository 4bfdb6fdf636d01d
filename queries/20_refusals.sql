-- title: Every refusal (error 50053) with its reason
-- explain: One row for each refused sign-in. Where Microsoft's text states the reason, that is the reason. Where it does
--   not (unified audit log, Defender, a text that fits none or several), the neighbouring sign-ins may tell it; then
--   reason_basis is inferred, with a confidence below 1. Otherwise it stays unknown. An inference never overwrites a
--   statement. reason_evidence holds the words or the facts on which the reason rests.
-- source: learn.microsoft.com/entra/id-protection/howto-identity-protection-remediate-unblock (the third reason)
-- keep: yes
-- by: refusal_no
SELECT
  r.refusal_no,
  r.sign_in_id,
  r.time,
  r.tenant_id,
  r.category,
  r.user_id,
  r.user_principal_name,
  r.ip_address,
  r.asn,
  r.country,
  r.city,
  r.app_id,
  r.app_display_name,
  r.client_app,
  r.user_agent,
  r.device_id,
  r.is_trusted_location,
  r.indicators,
  r.failure_reason,
  r.additional_details,
  r.password_result,
  r.stated_reason,
  CASE WHEN r.is_stated THEN r.stated_reason ELSE coalesce(i.reason, 'unknown') END AS reason,
  CASE
    WHEN r.is_stated THEN 'stated'
    WHEN coalesce(i.reason, 'unknown') <> 'unknown' THEN 'inferred'
    ELSE 'none'
  END AS reason_basis,
  CASE
    WHEN r.is_stated THEN 1.0
    WHEN coalesce(i.reason, 'unknown') <> 'unknown' THEN i.confidence
    ELSE 0.0
  END AS reason_confidence,
  CASE
    WHEN r.is_stated THEN make_array(coalesce(r.failure_reason, 'the reason is stated'))
    ELSE array_concat(
      make_array(
        CASE
          WHEN r.stated_reason = 'generic' THEN coalesce(r.failure_reason, 'the text fits no single reason')
          ELSE 'no text states the reason'
        END
      ),
      i.evidence
    )
  END AS reason_evidence,
  r.tenant_key,
  r.user_key,
  r.source_key,
  r.network_key
FROM refused AS r
LEFT JOIN inferences AS i ON r.refusal_no = i.refusal_no
