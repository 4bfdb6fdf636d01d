-- title: The one cause of each refusal
-- explain: Of all causes that claim a refusal the first in order wins. Refusals with the same cause and key form one
--   finding; its id is a hash of the rule version, the tenant, the cause, the key and the first refusal in it.
-- keep: yes
WITH ranked AS (
  SELECT
    c.refusal_no,
    c.cause,
    c.finding_key,
    c.confidence,
    row_number() OVER (PARTITION BY c.refusal_no ORDER BY c.rank, c.finding_key) AS place
  FROM claims AS c
),
won AS (
  SELECT
    w.refusal_no,
    w.cause,
    w.finding_key,
    w.confidence,
    r.tenant_key,
    min(r.time) OVER (PARTITION BY r.tenant_key, w.cause, w.finding_key) AS first_seen
  FROM ranked AS w
  INNER JOIN refusals AS r ON w.refusal_no = r.refusal_no
  WHERE w.place = 1
)
SELECT
  w.refusal_no,
  w.tenant_key,
  w.finding_key,
  substr(
    encode(
      sha256(
        concat(
          $rule_version, '|', w.tenant_key, '|', w.cause, '|', w.finding_key, '|',
          coalesce(CAST(w.first_seen AS VARCHAR), '')
        )
      ),
      'hex'
    ),
    1,
    16
  ) AS finding_id,
  w.cause,
  w.confidence
FROM won AS w
