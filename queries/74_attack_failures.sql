-- title: What failed at the sources of attacks
-- explain: One row for each finding of an attack, each of its sources and each account that failed there in its time: whatever did
--   belongs to the attack, whoever was tried.
-- keep: yes
-- by: source_key
SELECT
  a.finding_id,
  a.source_key,
  f.user_key,
  count(*) FILTER (WHERE f.kind = 'bad_password') AS bad_passwords
FROM attacks AS a
INNER JOIN cold_failures AS f
  ON a.tenant_key = f.tenant_key AND a.source_key = f.source_key
  AND f.time >= a.started
  AND f.time <= a.ended
GROUP BY a.finding_id, a.source_key, f.user_key
