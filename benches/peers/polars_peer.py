"""Polars: polars_peer.py JOB INPUT OUT. Its quickest form: a lazy scan with the schema of the wanted fields, streaming."""

import sys

import polars as pl

job, source, out = sys.argv[1:4]
STATUS = pl.Struct({"errorCode": pl.Int32, "failureReason": pl.String})
FIVE = {"userId": pl.String, "createdDateTime": pl.String, "ipAddress": pl.String, "status": STATUS}
p = pl.col("properties").struct


def events():
    lines = pl.scan_ndjson(source, schema={"properties": pl.Struct(FIVE)})
    return lines.select(
        user_id=p["userId"],
        time=p["createdDateTime"].str.to_datetime(time_unit="us", time_zone="UTC").dt.replace_time_zone(None),
        ip_address=p["ipAddress"],
        error_code=p["status"].struct["errorCode"],
        failure_reason=p["status"].struct["failureReason"],
    )


def refusals(ev):
    return (
        ev.filter(pl.col("error_code") == 50053)
        .group_by("user_id", "ip_address", hour=pl.col("time").dt.truncate("1h"))
        .agg(
            refusals=pl.len(),
            reasons=pl.col("failure_reason").drop_nulls().n_unique(),
            first_seen=pl.col("time").min(),
            last_seen=pl.col("time").max(),
        )
    )


def whole(ev):
    keys = ["user_id", "ip_address", "hour"]
    bad = ev.filter(pl.col("error_code") == 50126).select("user_id", bad="time")
    before = (pl.col("bad") < pl.col("first_seen")) & (pl.col("bad") >= pl.col("first_seen") - pl.duration(hours=1))
    refused = refusals(ev)
    counted = refused.join(bad, on="user_id", how="left").group_by(keys).agg(bad_before=before.fill_null(False).sum())
    addresses = ev.group_by("ip_address").agg(
        users=pl.col("user_id").n_unique(),
        failures=(pl.col("error_code") != 0).sum(),
        successes=(pl.col("error_code") == 0).sum(),
    )
    return refused.join(counted, on=keys).join(addresses, on="ip_address")


if job == "J1":
    answer = whole(events().collect(engine="streaming").lazy())
elif job == "J0":
    answer = refusals(events())
elif job == "count":
    answer = events().filter(pl.col("error_code") == 50053).select(refused=pl.len())
else:
    sys.exit(f"polars_peer.py knows no job {job}")
answer.sink_parquet(out)
