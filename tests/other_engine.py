"""Compares what signsift wrote with what DuckDB counts over the raw bytes, knowing nothing of signsift.

usage: other_engine.py RAW_FOLDER RESULTS ARCHIVE
"""
import sys

import duckdb

raw, results, archive = sys.argv[1:]
db = duckdb.connect()
db.execute("SET TimeZone = 'UTC'")

# One row a sign-in, straight from the blobs. A record that was delivered twice counts once.
db.execute(f"""
    CREATE TABLE raw AS
    SELECT
        json_extract_string(json, '$.properties.id') AS id,
        any_value(CAST(json_extract_string(json, '$.properties.createdDateTime') AS TIMESTAMPTZ)) AS time,
        any_value(CAST(json_extract_string(json, '$.properties.status.errorCode') AS INTEGER)) AS code,
        any_value(lower(json_extract_string(json, '$.properties.userPrincipalName'))) AS upn,
        any_value(json_extract_string(json, '$.properties.ipAddress')) AS ip,
        any_value(coalesce(json_extract_string(json, '$.properties.status.failureReason'), '')) AS words
    FROM read_json_objects('{raw}/**/*.json', format = 'newline_delimited')
    GROUP BY 1
""")
db.execute("""
    CREATE TABLE refused AS
    SELECT
        *,
        CASE
            WHEN code <> 50053 THEN NULL
            WHEN words = '' THEN 'absent'
            WHEN words LIKE '%malicious%' AND words LIKE '%account is locked%' THEN 'generic'
            WHEN words LIKE '%high confidence of risk%' THEN 'high_confidence_risk'
            WHEN words LIKE '%malicious%' THEN 'malicious_ip'
            WHEN words LIKE '%account is locked%' OR words LIKE '%Account is locked%' THEN 'lockout'
            ELSE 'generic'
        END AS reason
    FROM raw
    WHERE code = 50053
""")

wrong = 0


def same(what, theirs, ours):
    """One comparison: two queries with the same rows."""
    global wrong
    # As text: times with a zone would need a package more in Python.
    as_text = "SELECT CAST(COLUMNS(*) AS VARCHAR) FROM ({})"
    theirs, ours = (db.execute(as_text.format(query)).fetchall() for query in (theirs, ours))
    if theirs == ours and theirs:
        print(f"same: {what} ({len(theirs)} rows)")
        return
    wrong += 1
    print(f"NOT THE SAME: {what}")
    for name, rows, others in (("raw bytes", theirs, ours), ("signsift", ours, theirs)):
        for row in [row for row in rows if row not in others][:10]:
            print(f"  only in {name}: {row}")


for table in ("events", "windows", "findings", "users", "ips", "timeline"):
    db.execute(f"CREATE VIEW {table} AS SELECT * FROM '{results}/{table}.parquet'")
db.execute(f"""
    CREATE VIEW signins AS
    SELECT * FROM read_parquet('{archive}/*/*.parquet', hive_partitioning = true)
""")

same("refusals", "SELECT count(*) FROM refused", "SELECT count(*) FROM events")
same(
    "refusals by id and time",
    "SELECT id, time FROM refused ORDER BY 1",
    "SELECT sign_in_id, time FROM events ORDER BY 1",
)
same(
    "refusals by stated reason",
    "SELECT reason, count(*) FROM refused GROUP BY 1 ORDER BY 1",
    "SELECT stated_reason, count(*) FROM events GROUP BY 1 ORDER BY 1",
)
same(
    "windows of one hour: account, address, refusals by reason",
    """SELECT date_trunc('hour', time), upn, ip, count(*), count(*) FILTER (reason = 'lockout'),
           count(*) FILTER (reason = 'malicious_ip'), count(*) FILTER (reason = 'high_confidence_risk')
       FROM refused GROUP BY 1, 2, 3 ORDER BY 1, 2, 3""",
    """SELECT window_start, user_principal_name, ip_address, refusals, lockouts, malicious_ip_blocks, risk_blocks
       FROM windows ORDER BY 1, 2, 3""",
)
same(
    "bad passwords and successes beside the refusals of a window",
    """SELECT date_trunc('hour', time), upn, ip, count(*) FILTER (code = 50126), count(*) FILTER (code = 0)
       FROM raw GROUP BY 1, 2, 3 HAVING count(*) FILTER (code = 50053) > 0 ORDER BY 1, 2, 3""",
    """SELECT window_start, user_principal_name, ip_address, bad_passwords, successes
       FROM windows ORDER BY 1, 2, 3""",
)
same(
    "refusals of each account",
    "SELECT upn, count(*), min(time), max(time) FROM refused GROUP BY 1 ORDER BY 1",
    "SELECT user_principal_name, refusals, first_seen, last_seen FROM users ORDER BY 1",
)
same(
    "refusals and accounts of each address",
    "SELECT ip, count(*), count(DISTINCT upn) FROM refused GROUP BY 1 ORDER BY 1",
    "SELECT ip_address, refusals, user_count FROM ips ORDER BY 1",
)
same(
    "refusals by hour",
    "SELECT date_trunc('hour', time), count(*) FROM refused GROUP BY 1 ORDER BY 1",
    "SELECT hour, CAST(sum(refusals) AS BIGINT) FROM timeline GROUP BY 1 ORDER BY 1",
)
same(
    "every refusal is in one finding",
    "SELECT count(*) FROM refused",
    "SELECT CAST(sum(refusal_count) AS BIGINT) FROM findings",
)
same(
    "sign-ins of the archive",
    "SELECT id, time, code FROM raw ORDER BY 1",
    "SELECT sign_in_id, time, error_code FROM signins ORDER BY 1",
)
same(
    "days of the archive",
    "SELECT CAST(CAST(time AS DATE) AS VARCHAR), count(*) FROM raw GROUP BY 1 ORDER BY 1",
    "SELECT CAST(event_day AS VARCHAR), count(*) FROM signins GROUP BY 1 ORDER BY 1",
)
sys.exit(1 if wrong else 0)
