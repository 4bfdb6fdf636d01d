-- title: Refusals by hour, reason and cause
-- explain: One row for each hour (UTC) with refusals, reason and cause. Refusals without a time are in the row without
--   an hour, so that the counts add up.
-- result: timeline
WITH refused AS (
  SELECT
    v.refusal_no,
    date_trunc('hour', v.time) AS hour,
    v.reason,
    v.cause,
    v.user_key,
    v.ip_address
  FROM verdicts AS v
),
-- Counting the first row of each is kinder to memory than a set of names for each hour.
placed AS (
  SELECT
    r.*,
    row_number() OVER (PARTITION BY r.hour, r.reason, r.cause, r.user_key ORDER BY r.refusal_no) AS of_user,
    row_number() OVER (PARTITION BY r.hour, r.reason, r.cause, r.ip_address ORDER BY r.refusal_no) AS of_ip
  FROM refused AS r
)
SELECT
  p.hour,
  p.reason,
  p.cause,
  count(*) AS refusals,
  count(*) FILTER (WHERE p.of_user = 1 AND p.user_key IS NOT NULL) AS users,
  count(*) FILTER (WHERE p.of_ip = 1 AND p.ip_address IS NOT NULL) AS ips
FROM placed AS p
GROUP BY p.hour, p.reason, p.cause
ORDER BY p.hour, p.reason, p.cause
