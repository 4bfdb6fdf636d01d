-- title: The one cause of each refusal
-- explain: Refusals with the same cause and key form one finding; its id is a hash of the rule version, the tenant, the cause,
--   the key and the first refusal in it. One row for each refusal, with what the finding tells of it.
-- keep: yes
-- by: finding_key
WITH named AS (
  SELECT
    w.tenant_key,
    w.cause,
    w.finding_key,
    substr(
      encode(
        sha256(
          concat(
            $rule_version, '|', w.tenant_key, '|', w.cause, '|', w.finding_key, '|',
            coalesce(CAST(min(w.time) AS VARCHAR), '')
          )
        ),
        'hex'
      ),
      1,
      16
    ) AS finding_id
  FROM won_claims AS w
  GROUP BY w.tenant_key, w.cause, w.finding_key
)
SELECT n.finding_id, w.*
FROM named AS n
INNER JOIN won_claims AS w ON n.tenant_key = w.tenant_key AND n.cause = w.cause AND n.finding_key = w.finding_key
