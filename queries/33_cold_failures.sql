-- title: Failures from cold sources
-- explain: Failed attempts and blocks from a source that more accounts only failed at than ever signed in from, on
--   accounts that had not signed in from that network before, and not with the account's own registered device. Attacks are looked for only here, so that a mistyped
--   password at home, in the office or behind a shared exit, or an old one on a device, cannot become part of one. run counts, for each source, the
--   stretches of attempts without a pause longer than finding_gap. tool is the user agent and client in one text.
--   on_account are the attempts on the same account from cold sources within brute_force_window before it,
--   on_account_many its failures, blocks among them, within distributed_brute_force_window; both are 0 where the account has fewer
--   failures than brute_force_failures and distributed_brute_force_failures, so that no rule asks for them.
-- source: the guard that failures outnumber successes is that of Sentinel SigninPasswordSpray
-- keep: yes
WITH busy AS (
  SELECT f.tenant_key, f.user_key
  FROM failures AS f
  WHERE f.user_key IS NOT NULL AND f.time IS NOT NULL
  GROUP BY f.tenant_key, f.user_key
  HAVING count(*) >= least($brute_force_failures, $distributed_brute_force_failures)
),
cold AS (
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
    -- All other accounts are counted as one, and not looked at: a window for each of thousands costs more than all else.
    b.user_key AS busy_key
  FROM failures AS f
  INNER JOIN sources AS s ON f.tenant_key = s.tenant_key AND f.source_key = s.source_key
  LEFT JOIN familiar AS k
    ON f.tenant_key = k.tenant_key AND f.user_key = k.user_key AND f.network_key = k.network_key
  LEFT JOIN busy AS b ON f.tenant_key = b.tenant_key AND f.user_key = b.user_key
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
),
counted AS (
  SELECT
    c.*,
    sum(CASE WHEN c.tried THEN 1 ELSE 0 END) OVER (
      PARTITION BY c.tenant_key, c.busy_key
      ORDER BY c.time
      RANGE BETWEEN $brute_force_window PRECEDING AND CURRENT ROW
    ) AS on_account,
    count(*) OVER (
      PARTITION BY c.tenant_key, c.busy_key
      ORDER BY c.time
      RANGE BETWEEN $distributed_brute_force_window PRECEDING AND CURRENT ROW
    ) AS on_account_many
  FROM cold AS c
),
spaced AS (
  SELECT
    c.*,
    lag(c.time) OVER (PARTITION BY c.tenant_key, c.source_key ORDER BY c.time) AS previous
  FROM counted AS c
)
SELECT
  s.refusal_no,
  s.tenant_key,
  s.user_key,
  s.source_key,
  s.network_key,
  s.time,
  s.kind,
  s.reason,
  s.tried,
  s.locked,
  s.asn,
  s.country,
  s.user_agent,
  s.client_app,
  s.tool,
  CASE WHEN s.busy_key IS NULL THEN 0 ELSE s.on_account END AS on_account,
  CASE WHEN s.busy_key IS NULL THEN 0 ELSE s.on_account_many END AS on_account_many,
  sum(CASE WHEN s.time <= s.previous + $finding_gap THEN 0 ELSE 1 END) OVER (
    PARTITION BY s.tenant_key, s.source_key
    ORDER BY s.time
    RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
  ) AS run
FROM spaced AS s
