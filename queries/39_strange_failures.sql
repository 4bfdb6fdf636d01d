-- title: Failures from networks the account does not know
-- explain: Failed attempts and blocks where the account had not yet signed in from that network. Attacks from many
--   sources are looked for only here, so that a mistyped password at home or in the office cannot become part of one.
--   tool is the user agent and client that made the attempt, in one text.
-- keep: yes
SELECT
  f.tenant_key,
  f.user_key,
  f.source_key,
  f.network_key,
  f.time,
  f.kind,
  f.reason,
  f.tried,
  f.asn,
  f.country,
  f.user_agent,
  f.client_app,
  md5(concat(coalesce(f.user_agent, ''), '|', coalesce(f.client_app, ''))) AS tool
FROM failures AS f
LEFT JOIN familiar AS k
  ON f.tenant_key = k.tenant_key AND f.user_key = k.user_key AND f.network_key = k.network_key
WHERE
  f.time IS NOT NULL
  AND f.user_key IS NOT NULL
  AND f.source_key IS NOT NULL
  AND NOT coalesce(k.first_success < f.time, false)
