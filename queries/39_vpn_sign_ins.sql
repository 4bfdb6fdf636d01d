-- title: Sign-ins of the blocked at the same time
-- explain: One row for each run of vpn_blocks of one account (started) during which it signed in elsewhere, with the same client, from a
--   network that it knew: how often (sign_ins), about the time of the block for which it did so most.
-- keep: yes
-- only: user_id, user_principal_name = user_key of vpn_blocks
-- by: user_key = user_id, user_principal_name
WITH own AS (
  SELECT b.refusal_no, b.tenant_key, b.source_key, b.started, b.user_key, count(*) AS sign_ins
  FROM vpn_blocks AS b
  INNER JOIN outcomes AS o
    ON b.tenant_key = o.tenant_key AND b.user_key = o.user_key AND b.user_agent = o.user_agent
    AND o.outcome = 'success'
    AND o.time >= b.time - $vpn_window AND o.time <= b.time + $vpn_window
  INNER JOIN familiar AS k
    ON o.tenant_key = k.tenant_key AND o.user_key = k.user_key AND o.network_key = k.network_key
  WHERE k.first_success < b.time
  GROUP BY b.refusal_no, b.tenant_key, b.source_key, b.started, b.user_key
)
SELECT o.tenant_key, o.source_key, o.started, o.user_key, max(o.sign_ins) AS sign_ins
FROM own AS o
GROUP BY o.tenant_key, o.source_key, o.started, o.user_key
