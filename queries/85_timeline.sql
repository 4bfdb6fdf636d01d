-- title: Refusals by hour, reason and cause
-- explain: One row for each hour (UTC) with refusals, reason and cause. Refusals without a time are in the row without
--   an hour, so that the counts add up.
-- result: timeline
SELECT
  date_trunc('hour', r.time) AS hour,
  r.reason,
  v.cause,
  count(*) AS refusals,
  count(DISTINCT r.user_key) AS users,
  count(DISTINCT r.ip_address) AS ips
FROM refusals AS r
INNER JOIN verdicts AS v ON r.refusal_no = v.refusal_no
GROUP BY date_trunc('hour', r.time), r.reason, v.cause
ORDER BY hour, r.reason, v.cause
