"""The story as investigators' tools leave it, and in every encoding and container that people send.

`files` gives text, `packed` bytes, and `inside` what is in packed bytes whatever the version of the packer.
"""
import bz2
import gzip
import io
import json
import lzma
import tarfile
import zipfile

from records import EVENT_TYPES, USERS, compact, graph_beta, graph_v1, gz, lines, newest_first, pascal, table

INTERACTIVE = "InteractiveSignIns_2026-03-02_2026-03-04.json"


# ---- tools ----

def extractor_combined(events):
    """`-MergeOutput`: each file less its first `[` and last `]`, with commas between.

    A file that already held two arrays stays broken: `][` inside the one that was made of them.
    """
    mine = newest_first(events, USERS, graph_beta)
    parts = [json.dumps(mine[i:j], ensure_ascii=False, indent=2) for i, j in ((0, 90), (90, 180), (180, None))]
    first, second = parts[0] + "\n" + parts[1], parts[2]
    merged = "[" + first[1:-1] + ",\n" + second[1:-1] + "]\n"
    return "\ufeff" + merged.replace("\n", "\r\n")


def goose(events):
    """Appended to by a second run, so the newest of the first run come again."""
    mine = newest_first(events, EVENT_TYPES, graph_beta)
    return lines(mine[12:] + mine[:24])


def dotted(record):
    """SDK objects as a table: names of properties joined by dots, lists left out."""
    out = {}
    for key, value in record.items():
        name = key[0].upper() + key[1:]
        if isinstance(value, dict):
            out.update({f"{name}.{k}": v for k, v in dotted(value).items()})
        elif key == "signInEventTypes":
            out[name] = " ".join(value)
        elif not isinstance(value, list):
            out[name] = value
    out.pop("Location.GeoCoordinates.Altitude", None)
    return out


def bitpusher(events):
    rows = [dotted(graph_beta(e)) for e in reversed(events) if e["category"] in USERS]
    for row in rows:
        row["CreatedDateTime"] = row["CreatedDateTime"][:19] + "Z"
    names = list(dict.fromkeys(name for row in rows for name in row))
    return "\ufeff" + table(names, rows)


def analyzer_row(e):
    g = graph_beta(e)
    device, place, status = g["deviceDetail"], g["location"], g["status"]
    same = ("UserDisplayName UserPrincipalName UserId UserType AppDisplayName AppId ClientAppUsed CorrelationId"
            " ConditionalAccessStatus OriginalRequestId IsInteractive TokenIssuerType ProcessingTimeInMilliseconds RiskDetail"
            " RiskLevelAggregated RiskLevelDuringSignIn RiskState ResourceDisplayName ResourceId ResourceTenantId"
            " HomeTenantId AuthenticationProtocol IncomingTokenType AuthenticationRequirement SessionId UserAgent").split()
    return {
        "Id": g["id"], "CreatedDateTime": g["createdDateTime"][:19].replace("T", " "),
        **{name: g[name[0].lower() + name[1:]] for name in same},
        "ErrorCode": e["code"], "FailureReason": status["failureReason"], "AdditionalDetails": status["additionalDetails"],
        "IpAddress": g["ipAddress"], "ASN": g["autonomousSystemNumber"], "City": place["city"], "State": place["state"],
        "CountryOrRegion": place["countryOrRegion"], "Latitude": place["geoCoordinates"].get("latitude"),
        "Longitude": place["geoCoordinates"].get("longitude"), "DeviceId": device["deviceId"],
        "DisplayName": device["displayName"], "OperatingSystem": device["operatingSystem"], "Browser": device["browser"],
        "IsCompliant": device["isCompliant"], "IsManaged": device["isManaged"], "TrustType": device["trustType"],
        "SignInEventTypes": " ".join(g["signInEventTypes"])}


def analyzer_suite(events):
    rows = [analyzer_row(e) for e in reversed(events) if e["category"] in USERS]
    return "\ufeff" + table(list(rows[0]), rows)


def files(events):
    """Path -> text."""
    interactive = newest_first(events, ("interactive",), graph_beta)
    hawk = [pascal(record) for record in newest_first(events, ("interactive",), graph_v1)]
    return {
        "tools/goose.ndjson": goose(events),
        "tools/extractor-combined.json": extractor_combined(events),
        "tools/extractor-one.json": "\ufeff" + json.dumps(interactive[0], ensure_ascii=False, indent=2).replace(
            "\n", "\r\n") + "\r\n",
        "tools/bitpusher.csv": bitpusher(events),
        "tools/analyzer-suite.csv": analyzer_suite(events),
        "tools/hawk.json": "\ufeff" + json.dumps(hawk, ensure_ascii=False, indent=4).replace("\n", "\r\n") + "\r\n"}


# ---- encodings and containers ----

WHEN = (2026, 3, 5, 8, 15, 0)
SECONDS_SINCE_1970 = 1772698500


def zipped(members):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, body in members:
            about = zipfile.ZipInfo(name, WHEN)
            about.compress_type = zipfile.ZIP_DEFLATED
            about.create_system = 3
            about.external_attr = 0o644 << 16
            archive.writestr(about, body)
    return out.getvalue()


def tarred(members):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, body in members:
            about = tarfile.TarInfo(name)
            about.size, about.mtime, about.mode = len(body), SECONDS_SINCE_1970, 0o644
            archive.addfile(about, io.BytesIO(body))
    return out.getvalue()


def packed(events, gz_bytes):
    """Path -> bytes."""
    interactive = newest_first(events, ("interactive",), graph_beta)
    text = compact(interactive)
    other = lines(newest_first(events, [c for c in EVENT_TYPES if c != "interactive"], graph_beta))
    pretty = "\ufeff" + json.dumps(interactive, ensure_ascii=False, indent=2).replace("\n", "\r\n")
    return {
        "encodings/portal-utf16le.json.gz": gz_bytes(pretty.encode("utf-16-le")),
        "encodings/portal-utf16be.json.gz": gz_bytes(("\ufeff" + text).encode("utf-16-be")),
        "encodings/portal.json.bz2": bz2.compress(text.encode()),
        "encodings/portal.json.xz": lzma.compress(text.encode(), preset=9),
        "encodings/exports.zip": zipped([(f"export/portal/{INTERACTIVE}", text.encode()),
                                         ("export/graph/2026-03/others.ndjson.gz", gz(other))]),
        "encodings/exports.tar.gz": gz_bytes(tarred([(f"export/portal/{INTERACTIVE}", text.encode()),
                                                     ("export/graph/2026-03/others.ndjson", other.encode())]))}


def inside(name, body):
    """What is packed in `body`: the bytes, or for a container the names, dates and bytes of its members."""
    if name.endswith(".gz"):
        return inside(name[:-3], gzip.decompress(body))
    if name.endswith(".bz2"):
        return bz2.decompress(body)
    if name.endswith(".xz"):
        return lzma.decompress(body)
    if name.endswith(".zip"):
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            return [(m.filename, m.date_time, inside(m.filename, archive.read(m))) for m in archive.infolist()]
    return body
