"""What every contender has to answer, and in which form.

The jobs, on diagnostic settings lines of 4 to 5 KB:

    count    how many sign-ins were refused (error 50053)
    J0       refusals by user, address and hour: how many, of how many reasons, the first and the last
    J1       J0, with the wrong passwords of the user in the hour before, and with how many users, failures and
             successes each address saw; so all sign-ins count, not only the refused ones
    J2       lines to a Parquet archive
    J3       J1 from that archive

Each contender writes one Parquet file with these columns, so that answers can be compared row by row. Of J2 the
file is compared by what `CHECK` asks of it.
"""

# J1 in the SQL that DuckDB and DataFusion share, over a table ev(user_id, ip_address, time, error_code, failure_reason).
# DISTINCT in two steps is quicker in DataFusion and no slower in DuckDB.
J1 = """
WITH refused AS (
  SELECT user_id, ip_address, date_trunc('hour', time) AS hour, count(*) AS refusals, count(DISTINCT failure_reason) AS reasons,
    min(time) AS first_seen, max(time) AS last_seen
  FROM {ev} WHERE error_code = 50053 GROUP BY user_id, ip_address, date_trunc('hour', time)
),
bad AS (SELECT user_id, time FROM {ev} WHERE error_code = 50126),
by_user AS (
  SELECT ip_address, user_id, count(*) FILTER (WHERE error_code <> 0) AS failures, count(*) FILTER (WHERE error_code = 0) AS successes
  FROM {ev} GROUP BY ip_address, user_id
),
by_address AS (
  SELECT ip_address, count(*) AS users, sum(failures) AS failures, sum(successes) AS successes FROM by_user GROUP BY ip_address
),
with_bad AS (
  SELECT r.user_id, r.ip_address, r.hour, r.refusals, r.reasons, r.first_seen, r.last_seen, count(b.time) AS bad_before
  FROM refused AS r
  LEFT JOIN bad AS b
    ON b.user_id = r.user_id AND b.time < r.first_seen AND b.time >= r.first_seen - INTERVAL '1 hour'
  GROUP BY r.user_id, r.ip_address, r.hour, r.refusals, r.reasons, r.first_seen, r.last_seen
)
SELECT w.*, a.users, CAST(a.failures AS BIGINT) AS failures, CAST(a.successes AS BIGINT) AS successes
FROM with_bad AS w JOIN by_address AS a ON w.ip_address = a.ip_address
"""

J0 = """
SELECT user_id, ip_address, date_trunc('hour', time) AS hour, count(*) AS refusals, count(DISTINCT failure_reason) AS reasons,
  min(time) AS first_seen, max(time) AS last_seen
FROM {ev} WHERE error_code = 50053 GROUP BY user_id, ip_address, date_trunc('hour', time)
"""

COUNT = "SELECT count(*) AS refused FROM {ev} WHERE error_code = 50053"

# Asked of each archive, with the names that the contender gave its columns.
CHECK = """
SELECT count(*) AS sign_ins, count(DISTINCT {id}) AS ids, sum({code}) AS codes, min({time}) AS first, max({time}) AS last,
  count(DISTINCT {user}) AS users, count(DISTINCT {ip}) AS addresses, count(DISTINCT {agent}) AS agents, count({asn}) AS owners
FROM read_parquet('{files}')
"""

SQL = {"count": COUNT, "J0": J0, "J1": J1, "J3": J1}
