-- title: The claim that wins each refusal
-- explain: Of all causes that claim a refusal the first in order wins. With what the finding will tell of the refusal; is_victim:
--   its account is under attack, and was locked out where its owner usually signs in.
-- keep: yes
-- by: refusal_no
WITH ranked AS (
  SELECT
    c.refusal_no,
    c.cause,
    coalesce(c.finding_key, '') AS finding_key,
    c.confidence,
    row_number() OVER (PARTITION BY c.refusal_no ORDER BY c.rank, c.finding_key) AS place
  FROM claims AS c
)
SELECT
  w.refusal_no,
  w.cause,
  w.finding_key,
  w.confidence,
  r.time,
  r.tenant_id,
  r.tenant_key,
  r.user_key,
  coalesce(r.user_principal_name, r.user_id) AS user_name,
  r.source_key,
  r.ip_address,
  r.asn,
  r.country,
  r.app_display_name,
  r.client_app,
  r.user_agent,
  r.reason,
  r.indicators,
  coalesce(c.is_victim, false) AS is_victim
FROM ranked AS w
INNER JOIN refusals AS r ON w.refusal_no = r.refusal_no
LEFT JOIN campaign_refusals AS c ON w.refusal_no = c.refusal_no AND w.finding_key = c.campaign_key
WHERE w.place = 1
