"""chDB (ClickHouse): chdb_peer.py JOB INPUT OUT. The forms are those that were quickest: whole lines, and one JSONExtract
of the wanted fields; where only refusals count, lines are first searched for the number."""

import sys

import chdb

job, source, out = sys.argv[1:4]
FIELDS = "Tuple(userId String, createdDateTime String, ipAddress String, status Tuple(errorCode Int32, failureReason Nullable(String)))"


def events(where=""):
    return f"""
SELECT f.1 AS user_id, parseDateTime64BestEffort(f.2, 6, 'UTC') AS time, f.3 AS ip_address, f.4.1 AS error_code, f.4.2 AS failure_reason
FROM (SELECT JSONExtract(line, 'properties', '{FIELDS}') AS f FROM file('{source}', 'LineAsString', 'line String') {where})"""


J0 = """
SELECT user_id, ip_address, toStartOfHour(time) AS hour, count() AS refusals, uniqExact(failure_reason) AS reasons,
  min(time) AS first_seen, max(time) AS last_seen
FROM {ev} WHERE error_code = 50053 GROUP BY user_id, ip_address, hour"""
J1 = """
WITH bad AS (SELECT user_id, time FROM {ev} WHERE error_code = 50126),
refused AS (""" + J0 + """),
by_address AS (
  SELECT ip_address, uniqExact(user_id) AS users, countIf(error_code <> 0) AS failures, countIf(error_code = 0) AS successes
  FROM {ev} GROUP BY ip_address
)
SELECT r.user_id AS user_id, r.ip_address AS ip_address, r.hour AS hour, r.refusals AS refusals, r.reasons AS reasons,
  r.first_seen AS first_seen, r.last_seen AS last_seen, countIf(b.time < r.first_seen AND b.time >= r.first_seen - INTERVAL 1 HOUR AND b.user_id <> '') AS bad_before,
  any(a.users) AS users, any(a.failures) AS failures, any(a.successes) AS successes
FROM refused AS r
LEFT JOIN bad AS b ON b.user_id = r.user_id
JOIN by_address AS a ON a.ip_address = r.ip_address
GROUP BY r.user_id, r.ip_address, r.hour, r.refusals, r.reasons, r.first_seen, r.last_seen"""

session = chdb.session.Session()
only = "WHERE position(line, '50053') > 0"
if job == "J1":
    session.query(f"CREATE TABLE ev ENGINE = Memory AS {events()}")
    query = J1.format(ev="ev")
elif job == "J0":
    query = J0.format(ev=f"({events(only)})")
elif job == "count":
    query = f"SELECT count() AS refused FROM ({events(only)}) WHERE error_code = 50053"
else:
    sys.exit(f"chdb_peer.py knows no job {job}")
session.query(f"{query} INTO OUTFILE '{out}' TRUNCATE FORMAT Parquet")
