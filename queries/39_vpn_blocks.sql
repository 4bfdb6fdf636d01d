-- title: Blocks where hardly anybody failed
-- explain: Blocks of a malicious address at which no more accounts failed than vpn_users, with the start of their run: what
--   flagged_vpn looks at.
-- keep: yes
-- by: source_key
SELECT
  n.refusal_no,
  n.started,
  r.tenant_key,
  r.user_key,
  r.source_key,
  r.time,
  r.user_agent,
  s.failed_users
FROM blocked_runs AS n
INNER JOIN refusals AS r ON n.refusal_no = r.refusal_no
INNER JOIN sources AS s ON n.tenant_key = s.tenant_key AND n.source_key = s.source_key
WHERE s.failed_users <= $vpn_users AND r.user_key IS NOT NULL AND r.time IS NOT NULL
