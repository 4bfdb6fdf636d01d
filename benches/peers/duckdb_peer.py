"""DuckDB: duckdb_peer.py JOB INPUT OUT, where JOB may be J1.SPELLING. The forms are those that were quickest: lines as JSON and one list of paths
for a few fields (J0, J1, count), typed columns for many (J2)."""

import sys

import duckdb

from jobs import SQL

job, source, out = sys.argv[1:4]
db = duckdb.connect()
db.execute("SET preserve_insertion_order = false")

PATHS = ["userId", "createdDateTime", "ipAddress", "status.errorCode", "status.failureReason"]
FIVE = f"""
SELECT l[1] AS user_id, l[2]::TIMESTAMP AS time, l[3] AS ip_address, l[4]::INT AS error_code, l[5] AS failure_reason
FROM (SELECT json_extract_string(json, {["$.properties." + path for path in PATHS]}) AS l
      FROM read_json_objects('{source}', format = 'newline_delimited'))
"""
# The same of the other spellings. Text with nothing in it is a field that is not there.
def five(paths, of, time="l[2]::TIMESTAMP"):
    return f"""
SELECT l[1] AS user_id, {time} AS time, l[3] AS ip_address, l[4]::INT AS error_code, nullif(l[5], '') AS failure_reason
FROM (SELECT json_extract_string(json, {paths}) AS l FROM {of})
"""


GRAPH = ["$." + path for path in PATHS]
TABLE = ["$.UserId", "$.CreatedDateTime", "$.IPAddress", "$.ResultType", "$.ResultDescription"]
AUDIT = ["$.UserKey", "$.CreationTime", "$.ClientIP", "$.ErrorNumber", "$.NotThere"]
CSV = f"read_csv('{source}', header = true, all_varchar = true, delim = ',', quote = '\"', escape = '\"', strict_mode = true, " \
    "max_line_size = 4000000"
SPELLED = {
    "graph_array": five(GRAPH, f"read_json_objects('{source}', format = 'array')"),
    "graph_pages": five(GRAPH, f"""(SELECT unnest(value) AS json FROM read_json('{source}', format = 'newline_delimited',
        columns = {{value: 'JSON[]'}}, maximum_object_size = 67108864))"""),
    "log_analytics_lines": five(TABLE, f"read_json_objects('{source}', format = 'newline_delimited')"),
    "log_analytics_csv": f"""SELECT UserId AS user_id, strptime("CreatedDateTime [UTC]", '%-m/%-d/%Y, %-I:%M:%S.%g %p') AS time,
        IPAddress AS ip_address, ResultType::INT AS error_code, nullif(ResultDescription, '') AS failure_reason FROM {CSV})""",
    "audit_csv": five(AUDIT, f"(SELECT AuditData::JSON AS json FROM {CSV}))"),
}
# What the archive of J2 holds. signsift's has all 48 canonical columns.
COLUMNS = """properties: 'STRUCT(id VARCHAR, createdDateTime TIMESTAMP, correlationId VARCHAR, userId VARCHAR, userPrincipalName VARCHAR,
  userDisplayName VARCHAR, userType VARCHAR, appId VARCHAR, appDisplayName VARCHAR, resourceDisplayName VARCHAR, resourceId VARCHAR,
  ipAddress VARCHAR, clientAppUsed VARCHAR, userAgent VARCHAR, isInteractive BOOLEAN, autonomousSystemNumber BIGINT,
  conditionalAccessStatus VARCHAR, riskLevelDuringSignIn VARCHAR, riskState VARCHAR, authenticationRequirement VARCHAR,
  status STRUCT(errorCode INTEGER, failureReason VARCHAR, additionalDetails VARCHAR),
  deviceDetail STRUCT(deviceId VARCHAR, operatingSystem VARCHAR, browser VARCHAR),
  location STRUCT(city VARCHAR, state VARCHAR, countryOrRegion VARCHAR, geoCoordinates STRUCT(latitude DOUBLE, longitude DOUBLE)))'"""


def write(query):
    db.execute(f"COPY ({query}) TO '{out}' (FORMAT parquet, COMPRESSION zstd)")


if job.startswith("J1."):
    db.execute("CREATE TABLE ev AS " + SPELLED[job.removeprefix("J1.")])
    write(SQL["J1"].format(ev="ev"))
elif job == "J1":
    # Read once into a table: J1 asks three things of it.
    db.execute("CREATE TABLE ev AS " + FIVE)
    write(SQL[job].format(ev="ev"))
elif job in ("J0", "count"):
    db.execute("CREATE VIEW ev AS " + FIVE)
    write(SQL[job].format(ev="ev"))
elif job == "J2":
    write(f"""
SELECT * EXCLUDE (status, deviceDetail, location, createdDateTime), createdDateTime AS time, status.errorCode, status.failureReason,
  status.additionalDetails, deviceDetail.deviceId, deviceDetail.operatingSystem, deviceDetail.browser, location.city, location.state,
  location.countryOrRegion, location.geoCoordinates.latitude, location.geoCoordinates.longitude
FROM (SELECT unnest(properties) FROM read_json('{source}', columns = {{{COLUMNS}}}, format = 'newline_delimited'))""")
elif job == "J3":
    db.execute(f"""CREATE VIEW ev AS SELECT userId AS user_id, ipAddress AS ip_address, time, errorCode AS error_code,
      failureReason AS failure_reason FROM read_parquet('{source}')""")
    write(SQL[job].format(ev="ev"))
else:
    sys.exit(f"duckdb_peer.py knows no job {job}")
