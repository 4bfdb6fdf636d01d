-- title: What could not be judged
-- explain: One row for each thing that the inputs do not allow to judge, with the reason and what would help.
--   It goes into coverage.json and under the summary.
-- keep: yes
WITH whole AS (
  SELECT
    coalesce(sum(c.sign_ins), 0) AS sign_ins,
    coalesce(sum(c.successes), 0) AS successes,
    coalesce(sum(c.refusals), 0) AS refusals,
    coalesce(sum(c.bad_passwords), 0) AS bad_passwords,
    coalesce(sum(c.sign_ins) FILTER (WHERE c.category = 'interactive'), 0) AS interactive,
    coalesce(sum(c.sign_ins) FILTER (WHERE c.category = 'non_interactive'), 0) AS non_interactive,
    coalesce(sum(c.without_code), 0) AS without_code,
    coalesce(sum(c.refusals_without_ip), 0) AS without_ip,
    coalesce(sum(c.refusals_without_user), 0) AS without_user,
    coalesce(sum(c.refusals_without_time), 0) AS without_time,
    coalesce(sum(c.refusals_without_user_agent), 0) AS without_user_agent
  FROM categories AS c
),
reasons AS (
  SELECT
    coalesce(sum(s.refusals) FILTER (WHERE s.stated_reason = 'absent'), 0) AS absent,
    coalesce(sum(s.refusals) FILTER (WHERE s.stated_reason = 'generic'), 0) AS generic
  FROM summary_reasons AS s
)
SELECT
  'the causes' AS what,
  concat(
    'the input holds nothing but refusals (error 50053), so what came before and after is not known. ',
    'Export all sign-ins of the time, not only the failed ones with this code.'
  ) AS why
FROM whole AS w
WHERE w.refusals > 0 AND w.refusals = w.sign_ins
UNION ALL
SELECT
  'whether anyone got in, and which sources are familiar' AS what,
  'the input holds no successful sign-in. Export successful sign-ins too.' AS why
FROM whole AS w
WHERE w.refusals > 0 AND w.refusals < w.sign_ins AND w.successes = 0
UNION ALL
SELECT
  concat('the reason of ', CAST(r.absent AS VARCHAR), CASE WHEN r.absent = 1 THEN ' refusal' ELSE ' refusals' END) AS what,
  'this route carries no text that states it. Add the same time from Microsoft Graph or the diagnostic settings.' AS why
FROM reasons AS r
WHERE r.absent > 0
UNION ALL
SELECT
  concat('the reason of ', CAST(r.generic AS VARCHAR), CASE WHEN r.generic = 1 THEN ' refusal' ELSE ' refusals' END) AS what,
  'the text fits none of the three reasons, or more than one of them.' AS why
FROM reasons AS r
WHERE r.generic > 0
UNION ALL
SELECT
  'password guessing before a lockout' AS what,
  'the input holds no wrong password (error 50126 and its like), so attempts before a refusal cannot be counted.' AS why
FROM whole AS w
WHERE w.refusals > 0 AND w.refusals < w.sign_ins AND w.bad_passwords = 0
UNION ALL
SELECT
  'sign-ins of apps on behalf of a user' AS what,
  'the input holds no non-interactive sign-ins; stale credentials and token use show there. Export them too.' AS why
FROM whole AS w
WHERE w.refusals > 0 AND w.interactive > 0 AND w.non_interactive = 0
UNION ALL
SELECT
  concat('the windows of ', CAST(w.without_time AS VARCHAR), CASE WHEN w.without_time = 1 THEN ' refusal' ELSE ' refusals' END) AS what,
  'the records carry no event time (createdDateTime); the time of delivery is not used in its place.' AS why
FROM whole AS w
WHERE w.without_time > 0
UNION ALL
SELECT
  concat('the source of ', CAST(w.without_ip AS VARCHAR), CASE WHEN w.without_ip = 1 THEN ' refusal' ELSE ' refusals' END) AS what,
  'the records carry no readable IP address.' AS why
FROM whole AS w
WHERE w.without_ip > 0
UNION ALL
SELECT
  concat('the account of ', CAST(w.without_user AS VARCHAR), CASE WHEN w.without_user = 1 THEN ' refusal' ELSE ' refusals' END) AS what,
  'the records carry neither a user id nor a user principal name.' AS why
FROM whole AS w
WHERE w.without_user > 0
UNION ALL
SELECT
  'campaigns of rotating sources' AS what,
  'no refusal carries a user agent (Graph v1.0 leaves it out), and campaigns are told by what they share. Export the beta.' AS why
FROM whole AS w
WHERE w.refusals > 0 AND w.without_user_agent = w.refusals
UNION ALL
SELECT
  concat('the outcome of ', CAST(w.without_code AS VARCHAR), CASE WHEN w.without_code = 1 THEN ' sign-in' ELSE ' sign-ins' END) AS what,
  'the records carry no error code that is a number.' AS why
FROM whole AS w
WHERE w.without_code > 0
ORDER BY what, why
