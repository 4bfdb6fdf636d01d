-- title: Every refusal (error 50053) with what Microsoft states
-- explain: One row for each refused sign-in, numbered in order of time. stated_reason is lockout, malicious_ip or
--   high_confidence_risk; generic is a text that fits none or several of them, absent a route that carries no text.
-- source: learn.microsoft.com/entra/id-protection/howto-identity-protection-remediate-unblock (the third reason)
-- keep: yes
-- only: error_code is not 0
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
  o.device_id,
  o.is_trusted_location,
  o.indicators,
  o.is_legacy,
  o.failure_reason,
  o.additional_details,
  o.password_result,
  o.stated_reason,
  coalesce(o.stated_reason IN ('lockout', 'malicious_ip', 'high_confidence_risk'), false) AS is_stated,
  o.tenant_key,
  o.user_key,
  o.source_key,
  o.network_key
FROM outcomes AS o
WHERE o.outcome = 'refused'
