-- title: The accounts of silent refusals at that time
-- explain: One row for each refusal that states no reason and names an account: the account's wrong passwords before it, and
--   what was looked at elsewhere at the same time.
-- source: learn.microsoft.com/entra/identity/authentication/howto-password-smart-lockout
-- keep: yes
WITH own_places AS (
  -- Where these accounts sign in themselves.
  SELECT h.tenant_key, h.user_key, h.source_key, min(h.first_success) AS first_success, max(h.last_success) AS last_success
  FROM silent_habits AS h
  WHERE h.source_key IS NOT NULL
  GROUP BY h.tenant_key, h.user_key, h.source_key
),
-- The account: wrong passwords before, and what was looked at elsewhere at the same time.
account AS (
  SELECT s.refusal_no, s.tenant_key, s.user_key, s.source_key, s.time, 'refused' AS outcome, false AS is_strange
  FROM silent AS s
  WHERE s.user_key IS NOT NULL
  UNION ALL
  SELECT
    CAST(NULL AS BIGINT) AS refusal_no,
    n.tenant_key,
    n.user_key,
    n.source_key,
    n.time,
    n.outcome,
    n.outcome = 'bad_password' AND p.source_key IS NULL AS is_strange
  FROM neighbours AS n
  LEFT JOIN own_places AS p
    ON n.tenant_key = p.tenant_key AND n.user_key = p.user_key AND n.source_key = p.source_key
  WHERE n.of_user AND n.user_key IS NOT NULL
),
account_seen AS (
  SELECT
    a.refusal_no,
    a.tenant_key,
    a.user_key,
    a.source_key,
    a.time,
    a.outcome,
    -- Guesses from places that are not the account's own: familiar and unfamiliar places are locked apart.
    count(*) FILTER (WHERE a.is_strange) OVER (
      PARTITION BY a.tenant_key, a.user_key
      ORDER BY a.time
      RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    ) AS guessed,
    count(*) FILTER (WHERE a.outcome = 'bad_password') OVER (
      PARTITION BY a.tenant_key, a.user_key
      ORDER BY a.time
      RANGE BETWEEN $inference_lookback PRECEDING AND CURRENT ROW
    ) AS wrong_before,
    count(*) FILTER (WHERE a.outcome = 'bad_password') OVER (
      PARTITION BY a.tenant_key, a.user_key
      ORDER BY a.time
      RANGE BETWEEN $finding_gap PRECEDING AND CURRENT ROW
    ) AS wrong_day,
    count(*) FILTER (WHERE a.refusal_no IS NOT NULL) OVER (
      PARTITION BY a.tenant_key, a.user_key
      ORDER BY a.time
      RANGE BETWEEN $finding_gap PRECEDING AND CURRENT ROW
    ) AS refused_day,
    count(*) FILTER (WHERE a.outcome IN ('bad_password', 'password_right', 'success')) OVER (
      PARTITION BY a.tenant_key, a.user_key
      ORDER BY a.time
      RANGE BETWEEN $inference_moment PRECEDING AND $inference_moment FOLLOWING
    ) AS looked_now,
    count(*) FILTER (WHERE a.outcome IN ('bad_password', 'password_right', 'success')) OVER (
      PARTITION BY a.tenant_key, a.user_key, a.source_key
      ORDER BY a.time
      RANGE BETWEEN $inference_moment PRECEDING AND $inference_moment FOLLOWING
    ) AS looked_now_here,
    lag(a.time) OVER (PARTITION BY a.tenant_key, a.user_key ORDER BY a.time) AS previous
  FROM account AS a
),
-- A lock holds as long as attempts go on: the wrong passwords at its beginning count for all of its refusals.
account_runs_numbered AS (
  SELECT
    s.*,
    sum(CASE WHEN s.time <= s.previous + $episode_gap THEN 0 ELSE 1 END) OVER (
      PARTITION BY s.tenant_key, s.user_key
      ORDER BY s.time
      RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    ) AS run
  FROM account_seen AS s
),
of_account AS (
  SELECT
    n.refusal_no,
    max(n.wrong_before) OVER (
      PARTITION BY n.tenant_key, n.user_key, n.run
      ORDER BY n.time
      RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    ) AS wrong_before,
    n.wrong_day,
    n.refused_day - 1 AS refused_before,
    n.looked_now - n.looked_now_here AS looked_elsewhere,
    -- Each time a lock ends somebody's next guess is looked at. Never one from this source, of so many elsewhere?
    CASE
      WHEN count(*) FILTER (WHERE n.outcome IN ('bad_password', 'password_right')) OVER (
        PARTITION BY n.tenant_key, n.user_key, n.source_key, n.run
      ) = 0
        AND count(*) FILTER (WHERE n.refusal_no IS NOT NULL) OVER (
          PARTITION BY n.tenant_key, n.user_key, n.source_key, n.run
        ) >= $never_looked_refusals
        THEN max(n.guessed) FILTER (WHERE n.refusal_no IS NOT NULL) OVER (
          PARTITION BY n.tenant_key, n.user_key, n.source_key, n.run
        ) - min(n.guessed) FILTER (WHERE n.refusal_no IS NOT NULL) OVER (
          PARTITION BY n.tenant_key, n.user_key, n.source_key, n.run
        )
      ELSE 0
    END AS guessed_elsewhere
  FROM account_runs_numbered AS n
)
SELECT
  a.refusal_no,
  a.wrong_before,
  a.wrong_day,
  a.refused_before,
  a.looked_elsewhere,
  a.guessed_elsewhere
FROM of_account AS a
WHERE a.refusal_no IS NOT NULL
