-- title: Every refusal, explained
-- explain: One row for each distinct refusal: who, from where, with what, the reason and on what it rests, and the
--   finding it belongs to.
-- result: events
SELECT
  r.sign_in_id,
  r.time,
  r.tenant_id,
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
  r.category,
  r.additional_details,
  r.stated_reason,
  r.reason,
  r.reason_basis,
  r.reason_confidence,
  r.reason_evidence,
  r.indicators,
  v.cause,
  v.finding_id
FROM refusals AS r
INNER JOIN verdicts AS v ON r.refusal_no = v.refusal_no
ORDER BY r.refusal_no
