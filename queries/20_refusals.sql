-- title: Every refusal (error 50053) with its reason
-- explain: One row for each refused sign-in. The reason is what Microsoft's text states: lockout, malicious_ip or
--   high_confidence_risk. A text that fits none or several of them, or no text, leaves it unknown.
--   reason_evidence holds the words on which the reason rests.
-- source: learn.microsoft.com/entra/id-protection/howto-identity-protection-remediate-unblock (the third reason)
-- keep: yes
SELECT
  CAST(row_number() OVER (
    ORDER BY
      o.time ASC NULLS LAST,
      o.sign_in_id ASC NULLS LAST,
      o.tenant_id ASC NULLS LAST,
      o.user_id ASC NULLS LAST,
      o.user_principal_name ASC NULLS LAST,
      o.ip_address ASC NULLS LAST,
      o.app_id ASC NULLS LAST,
      o.correlation_id ASC NULLS LAST,
      o.user_agent ASC NULLS LAST,
      o.stated_reason ASC NULLS LAST
  ) AS BIGINT) AS refusal_no,
  o.sign_in_id,
  o.time,
  o.tenant_id,
  o.category,
  o.user_id,
  o.user_principal_name,
  o.ip_address,
  o.asn,
  o.country,
  o.city,
  o.app_id,
  o.app_display_name,
  o.client_app,
  o.user_agent,
  o.is_trusted_location,
  o.indicators,
  o.failure_reason,
  o.additional_details,
  o.stated_reason,
  CASE
    WHEN o.stated_reason IN ('lockout', 'malicious_ip', 'high_confidence_risk') THEN o.stated_reason
    ELSE 'unknown'
  END AS reason,
  CASE
    WHEN o.stated_reason IN ('lockout', 'malicious_ip', 'high_confidence_risk') THEN 'stated'
    ELSE 'none'
  END AS reason_basis,
  CASE
    WHEN o.stated_reason IN ('lockout', 'malicious_ip', 'high_confidence_risk') THEN 1.0
    ELSE 0.0
  END AS reason_confidence,
  make_array(
    CASE
      WHEN o.stated_reason IN ('lockout', 'malicious_ip', 'high_confidence_risk')
        THEN coalesce(o.failure_reason, 'the reason is stated')
      WHEN o.stated_reason = 'generic' THEN coalesce(o.failure_reason, 'the text fits no single reason')
      ELSE 'no text states the reason'
    END
  ) AS reason_evidence,
  o.tenant_key,
  o.user_key,
  o.source_key,
  o.network_key
FROM outcomes AS o
WHERE o.outcome = 'refused'
