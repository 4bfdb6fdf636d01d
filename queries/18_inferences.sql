-- title: What a refusal without a stated reason probably was
-- explain: One row for each refusal that states no reason and has a time: how much speaks for a lockout (score above 0)
--   or for a blocked address (below 0), and what it was. Every piece of evidence has its weight in 00_thresholds.sql;
--   the weights are log-odds and add up. An input of nothing but refusals has no neighbours, and so no inference.
-- source: learn.microsoft.com/entra/identity/authentication/howto-password-smart-lockout (a lockout needs wrong
--   passwords, and is the account's everywhere; a blocked address is refused before the password is looked at)
-- keep: yes
-- only: ip_address, ip_network = source_key of silent
WITH own_places AS (
  -- Where these accounts sign in themselves.
  SELECT h.tenant_key, h.user_key, h.source_key, min(h.first_success) AS first_success, max(h.last_success) AS last_success
  FROM silent_habits AS h
  WHERE h.source_key IS NOT NULL
  GROUP BY h.tenant_key, h.user_key, h.source_key
),
-- The clients with which they do.
own_clients AS (
  SELECT h.tenant_key, h.user_key, h.user_agent
  FROM silent_habits AS h
  WHERE h.user_agent IS NOT NULL
  GROUP BY h.tenant_key, h.user_key, h.user_agent
),
-- The source: was it able to have passwords looked at?
source AS (
  SELECT s.refusal_no, s.tenant_key, s.user_key, s.source_key, s.time, false AS looked
  FROM silent AS s
  WHERE s.source_key IS NOT NULL
  UNION ALL
  SELECT CAST(NULL AS BIGINT) AS refusal_no, n.tenant_key, n.user_key, n.source_key, n.time, true AS looked
  FROM neighbours AS n
  -- A success may be a token that was renewed: only a password that was looked at shows an open source.
  WHERE n.of_source AND n.source_key IS NOT NULL AND n.outcome <> 'success'
),
of_source AS (
  SELECT
    s.refusal_no,
    s.tenant_key,
    s.source_key,
    s.user_key,
    s.time,
    count(*) FILTER (WHERE s.looked) OVER (
      PARTITION BY s.tenant_key, s.source_key
      ORDER BY s.time
      RANGE BETWEEN $inference_window PRECEDING AND CURRENT ROW
    ) AS looked_before,
    count(*) FILTER (WHERE s.looked) OVER (
      PARTITION BY s.tenant_key, s.source_key
      ORDER BY s.time
      RANGE BETWEEN CURRENT ROW AND $inference_window FOLLOWING
    ) AS looked_after,
    -- A streak: refusals without a sign-in between them that was looked at, and without a long pause.
    CASE WHEN s.looked THEN 1 ELSE 0 END AS ends_streak,
    lag(s.time) OVER (PARTITION BY s.tenant_key, s.source_key ORDER BY s.time) AS previous
  FROM source AS s
),
source_runs_numbered AS (
  SELECT
    o.*,
    sum(CASE WHEN o.time <= o.previous + $finding_gap THEN o.ends_streak ELSE 1 END) OVER (
      PARTITION BY o.tenant_key, o.source_key
      ORDER BY o.time
      RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    ) AS run
  FROM of_source AS o
),
source_users AS (
  SELECT c.tenant_key, c.source_key, c.run, count(*) AS users_refused
  FROM (
    SELECT n.tenant_key, n.source_key, n.run, n.user_key
    FROM source_runs_numbered AS n
    -- An account with so many wrong passwords may well be locked: only the others show that it is the source.
    INNER JOIN silent_accounts AS a ON n.refusal_no = a.refusal_no AND a.wrong_day < $lockout_threshold
    WHERE n.refusal_no IS NOT NULL AND n.user_key IS NOT NULL
    GROUP BY n.tenant_key, n.source_key, n.run, n.user_key
  ) AS c
  GROUP BY c.tenant_key, c.source_key, c.run
),
-- Old protocols from the source whose password was looked at. Where one was, an old protocol is no high risk.
legacy AS (
  SELECT s.refusal_no, s.tenant_key, s.source_key, s.time FROM silent AS s WHERE s.is_legacy AND s.source_key IS NOT NULL
  UNION ALL
  SELECT CAST(NULL AS BIGINT) AS refusal_no, o.tenant_key, o.source_key, o.time
  FROM silent AS s
  RIGHT SEMI JOIN outcomes AS o ON s.tenant_key = o.tenant_key AND s.source_key = o.source_key
  WHERE o.is_legacy AND o.outcome IN ('success', 'bad_password', 'password_right') AND o.time IS NOT NULL
),
of_legacy AS (
  SELECT
    l.refusal_no,
    count(*) FILTER (WHERE l.refusal_no IS NULL) OVER (
      PARTITION BY l.tenant_key, l.source_key
      ORDER BY l.time
      RANGE BETWEEN $finding_gap PRECEDING AND $finding_gap FOLLOWING
    ) AS looked
  FROM legacy AS l
),
-- What Microsoft states of others from the source, and of the account there, at about that time.
stated AS (
  SELECT r.refusal_no, r.tenant_key, r.user_key, r.source_key, r.time, r.is_stated, r.stated_reason
  FROM (SELECT s.tenant_key, s.source_key FROM silent AS s GROUP BY s.tenant_key, s.source_key) AS s
  RIGHT SEMI JOIN refused AS r ON s.tenant_key = r.tenant_key AND s.source_key = r.source_key
  WHERE r.source_key IS NOT NULL AND r.time IS NOT NULL
),
beside AS (
  SELECT
    s.refusal_no,
    s.is_stated,
    count(*) FILTER (WHERE s.stated_reason = 'lockout') OVER (
      PARTITION BY s.tenant_key, s.source_key, s.user_key
      ORDER BY s.time
      RANGE BETWEEN $inference_window PRECEDING AND $inference_window FOLLOWING
    ) AS lockouts,
    count(*) FILTER (WHERE s.stated_reason = 'malicious_ip') OVER (
      PARTITION BY s.tenant_key, s.source_key
      ORDER BY s.time
      RANGE BETWEEN $inference_window PRECEDING AND $inference_window FOLLOWING
    ) AS blocks,
    count(*) FILTER (WHERE s.stated_reason = 'high_confidence_risk') OVER (
      PARTITION BY s.tenant_key, s.source_key
      ORDER BY s.time
      RANGE BETWEEN $inference_window PRECEDING AND $inference_window FOLLOWING
    ) AS risks,
    count(*) OVER (
      PARTITION BY s.tenant_key, s.source_key, s.user_key
      ORDER BY s.time
      RANGE BETWEEN $finding_gap PRECEDING AND $finding_gap FOLLOWING
    ) AS of_pair
  FROM stated AS s
),
facts AS (
  SELECT
    s.refusal_no,
    s.is_listed,
    coalesce(a.wrong_before, 0) AS wrong_before,
    coalesce(a.wrong_day, 0) AS wrong_day,
    coalesce(a.refused_before, 0) AS refused_before,
    coalesce(a.looked_elsewhere, 0) AS looked_elsewhere,
    coalesce(a.guessed_elsewhere, 0) AS guessed_elsewhere,
    o.refusal_no IS NOT NULL AS has_source,
    coalesce(o.looked_before, 0) AS looked_before,
    coalesce(o.looked_after, 0) AS looked_after,
    coalesce(u.users_refused, 0) AS users_refused,
    coalesce(b.lockouts, 0) AS lockouts,
    coalesce(b.blocks, 0) AS blocks,
    coalesce(b.risks, 0) AS risks,
    coalesce(b.of_pair, 0) AS of_pair,
    coalesce(p.first_success < s.time, false) AS own_before,
    coalesce(p.last_success > s.time, false) AS own_after,
    c.user_agent IS NOT NULL AS own_client,
    s.is_legacy AND coalesce(g.looked, 0) = 0 AS maybe_risk
  FROM silent AS s
  LEFT JOIN silent_accounts AS a ON s.refusal_no = a.refusal_no
  LEFT JOIN source_runs_numbered AS o ON s.refusal_no = o.refusal_no
  LEFT JOIN beside AS b ON s.refusal_no = b.refusal_no
  LEFT JOIN own_places AS p
    ON s.tenant_key = p.tenant_key AND s.user_key = p.user_key AND s.source_key = p.source_key
  LEFT JOIN own_clients AS c
    ON s.tenant_key = c.tenant_key AND s.user_key = c.user_key AND s.user_agent = c.user_agent
  LEFT JOIN of_legacy AS g ON s.refusal_no = g.refusal_no
  LEFT JOIN source_users AS u
    ON o.tenant_key = u.tenant_key AND o.source_key = u.source_key AND o.run = u.run
),
weighed AS (
  SELECT
    f.*,
    CASE WHEN f.wrong_before >= $lockout_threshold THEN $weight_threshold_reached ELSE 0.0 END AS w_reached,
    CASE
      WHEN f.wrong_before < $lockout_threshold AND f.wrong_day >= $lockout_threshold THEN $weight_threshold_in_day
      ELSE 0.0
    END AS w_day,
    CASE WHEN f.looked_after > 0 THEN $weight_source_not_blocked ELSE 0.0 END AS w_open,
    CASE
      WHEN f.own_before AND f.own_after AND (f.of_pair > 1 OR f.refused_before > 0 OR f.wrong_day > 0)
        THEN $weight_source_known
      ELSE 0.0
    END AS w_known,
    CASE
      WHEN f.has_source AND f.users_refused >= $blocked_source_many_users THEN 2.0 * $weight_source_always_blocked
      WHEN f.has_source AND f.users_refused >= $blocked_source_users THEN $weight_source_always_blocked
      ELSE 0.0
    END AS w_blocked,
    CASE WHEN f.is_listed THEN $weight_listed ELSE 0.0 END AS w_listed,
    CASE WHEN f.looked_elsewhere > 0 THEN $weight_account_open_elsewhere ELSE 0.0 END AS w_elsewhere,
    CASE WHEN f.guessed_elsewhere >= $never_looked_guesses THEN $weight_never_looked ELSE 0.0 END AS w_never,
    CASE
      -- One account refused from one source again and again may be a machine that speaks an old protocol: that is blocked
      -- for its risk, and nothing here tells the two apart, unless it is a client with which the account signs in.
      WHEN
        f.wrong_day * 2 < $lockout_threshold AND f.looked_after = 0
        AND (f.of_pair < $machine_refusals OR f.users_refused > 1 OR f.own_client)
        -- A refusal that stands alone is too little to go by.
        AND (f.of_pair > 1 OR f.users_refused > 1 OR f.refused_before > 0)
        THEN $weight_too_few_wrong
      ELSE 0.0
    END AS w_few
  FROM facts AS f
),
summed AS (
  SELECT
    w.*,
    w.w_reached + w.w_day + w.w_open + w.w_known = 0.0 AND w.w_blocked + w.w_listed + w.w_elsewhere + w.w_few + w.w_never = 0.0 AS is_bare,
    w.w_reached + w.w_day + w.w_open + w.w_known - w.w_blocked - w.w_listed - w.w_elsewhere - w.w_few - w.w_never AS score
  FROM weighed AS w
)
SELECT
  s.refusal_no,
  s.score,
  CASE
    WHEN s.risks > 0 AND s.lockouts + s.blocks = 0 THEN 'high_confidence_risk'
    -- Statements that disagree say no more than none; what the neighbours tell is not put above them.
    WHEN s.risks > 0 OR (s.lockouts > 0 AND s.blocks > 0) THEN 'unknown'
    WHEN s.lockouts > 0 THEN 'lockout'
    WHEN s.blocks > 0 THEN 'malicious_ip'
    -- A high risk looks like either of the two then: no password is looked at, whatever the account's state is.
    WHEN s.maybe_risk AND NOT s.is_listed THEN 'unknown'
    WHEN s.score >= $inference_margin THEN 'lockout'
    WHEN s.score <= -$inference_margin THEN 'malicious_ip'
    ELSE 'unknown'
  END AS reason,
  CASE
    WHEN s.risks + s.lockouts + s.blocks > 0 THEN $confidence_stated
    ELSE 1.0 / (1.0 + exp(-abs(s.score)))
  END AS confidence,
  string_to_array(
    concat_ws(
      '; ',
      CASE WHEN s.risks + s.lockouts + s.blocks > 0 THEN
        concat(
          'stated of the same source at about that time: ',
          CAST(s.lockouts AS VARCHAR), ' lockouts of the account, ', CAST(s.blocks AS VARCHAR), ' blocks, ',
          CAST(s.risks AS VARCHAR), ' risk blocks'
        )
      END,
      CASE WHEN s.w_reached <> 0.0 THEN
        concat(CAST(s.wrong_before AS VARCHAR), ' wrong passwords of the account before it: a lockout')
      END,
      CASE WHEN s.w_day <> 0.0 THEN
        concat(CAST(s.wrong_day AS VARCHAR), ' wrong passwords of the account within a day: a lockout')
      END,
      CASE WHEN s.w_open <> 0.0 THEN
        concat(CAST(s.looked_after AS VARCHAR), ' sign-ins from the source were looked at soon after it: no block')
      END,
      CASE WHEN s.w_known <> 0.0 THEN
        'the account signed in from the source before and after it: no block'
      END,
      CASE WHEN s.w_blocked <> 0.0 THEN
        concat(CAST(s.users_refused AS VARCHAR), ' accounts without so many wrong passwords were refused from the source in a row: a block')
      END,
      CASE WHEN s.w_listed <> 0.0 THEN 'the source is on a list of the analyst: a block' END,
      CASE WHEN s.w_elsewhere <> 0.0 THEN
        concat(CAST(s.looked_elsewhere AS VARCHAR), ' sign-ins of the account elsewhere were looked at then: no lockout')
      END,
      CASE WHEN s.w_few <> 0.0 THEN
        concat('only ', CAST(s.wrong_day AS VARCHAR), ' wrong passwords of the account within a day: no lockout')
      END,
      CASE WHEN s.w_never <> 0.0 THEN
        concat(
          'no password from the source was looked at, while ', CAST(s.guessed_elsewhere AS VARCHAR),
          ' of the account from elsewhere were: hardly a lockout'
        )
      END,
      CASE WHEN s.maybe_risk AND NOT s.is_listed THEN
        'an old protocol, of which no password from the source was looked at for a day: it may be a block for high risk'
      END,
      CASE WHEN s.is_bare THEN 'no neighbouring sign-in tells what it was' END
    ),
    '; '
  ) AS evidence
FROM summed AS s
