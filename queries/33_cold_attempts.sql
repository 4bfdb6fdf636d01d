-- title: Attempts from cold sources
-- explain: Failed attempts and blocks from a source that more accounts only failed at than ever signed in from, on
--   accounts that had not signed in from that network before, and not with the account's own registered device. Attacks are looked for only here, so that a mistyped
--   password at home, in the office or behind a shared exit, or an old one on a device, cannot become part of one.
--   tool is the user agent and client in one text. is_busy: the account has as many failures as brute_force_failures or
--   distributed_brute_force_failures, so that some rule asks for them. is_lasting: all failures from the source are spread over
--   more than finding_gap, so that they may be several stretches. What comes next counts for these two alone.
-- source: the guard that failures outnumber successes is that of Sentinel SigninPasswordSpray
-- keep: yes
-- by: user_key; source_key
SELECT
  f.refusal_no,
  f.tenant_key,
  f.user_key,
  f.source_key,
  f.network_key,
  f.time,
  f.kind,
  f.reason,
  -- A refusal of unknown reason may be either, and one for high risk is aimed at the attempt and not at its address:
  -- both count as attempts.
  f.tried OR coalesce(f.reason IN ('unknown', 'high_confidence_risk'), false) AS tried,
  coalesce(f.reason IN ('lockout', 'unknown'), false) AS locked,
  f.asn,
  f.country,
  f.user_agent,
  f.client_app,
  md5(concat(coalesce(f.user_agent, ''), '|', coalesce(f.client_app, ''))) AS tool,
  b.user_key IS NOT NULL AS is_busy,
  s.is_lasting
FROM failures AS f
INNER JOIN sources AS s ON f.tenant_key = s.tenant_key AND f.source_key = s.source_key
LEFT JOIN familiar AS k
  ON f.tenant_key = k.tenant_key AND f.user_key = k.user_key AND f.network_key = k.network_key
LEFT JOIN busy_accounts AS b ON f.tenant_key = b.tenant_key AND f.user_key = b.user_key
LEFT ANTI JOIN rhythms AS m
  ON f.tenant_key = m.tenant_key AND f.user_key = m.user_key
  AND md5(concat(coalesce(f.user_agent, ''), '|', coalesce(f.client_app, ''))) = m.tool
  AND f.time >= m.started AND f.time <= m.ended
WHERE
  f.time IS NOT NULL
  AND f.user_key IS NOT NULL
  AND s.strangers > s.successful_users
  AND NOT s.is_trusted
  AND NOT f.is_own_device
  -- Who first signed in from there after strangers had failed, or as they began, was perhaps entered from there.
  AND NOT coalesce(k.first_success < f.time AND k.first_success < s.first_stranger - $brute_force_window, false)
