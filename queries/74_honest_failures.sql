-- title: Wrong passwords of accounts of findings that are no attacks
-- explain: One row for each finding and account with any. Honest accounts share their addresses with others: only their own
--   failures count.
-- keep: yes
-- by: user_key
SELECT
  u.finding_id,
  u.user_key,
  count(*) AS bad_passwords
FROM honest_users AS u
INNER JOIN failures AS f
  ON u.tenant_key = f.tenant_key AND u.user_key = f.user_key
  AND f.kind = 'bad_password'
  AND f.time >= u.first_seen - $episode_gap
  AND f.time <= u.last_seen + $episode_gap
WHERE array_has(u.ip_addresses, f.ip_address)
GROUP BY u.finding_id, u.user_key
