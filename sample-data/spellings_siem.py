"""The story as other products keep it: Defender XDR, Elastic, Splunk, OCSF, and records wrapped as text."""
import csv
import datetime
import json

import story
from records import (EVENT_TYPES, LOGS, USERS, compact, diagnostic, diagnostic_properties, envelope_line, graph_beta,
                     ingested, lines, table, users_of)
from story import guid, number

RISK_LEVELS = {"none": 0, "low": 10, "medium": 50, "high": 100}
RISK_STATES = {"none": 0, "atRisk": 4}
CONDITIONAL_ACCESS = {"success": 0, "failure": 1, "notApplied": 2}
FLAGS = {True: 1, False: 0, None: None}


# ---- Defender XDR ----

def hunting(e, old=False):
    """A row of EntraIdSignInEvents, or of AADSignInEventsBeta before it. No column says why."""
    g = graph_beta(e)
    device, place = g["deviceDetail"], g["location"]
    at = place["geoCoordinates"]
    row = {
        "Timestamp": g["createdDateTime"], "Application": g["appDisplayName"], "ApplicationId": g["appId"],
        "LogonType": compact(g["signInEventTypes"]), "EndpointCall": "Login:reprocess", "ErrorCode": e["code"],
        "CorrelationId": g["correlationId"], "SessionId": g["sessionId"], "AccountDisplayName": g["userDisplayName"],
        "AccountObjectId": g["userId"], "AccountUpn": g["userPrincipalName"],
        "IsExternalUser": 1 if g["userType"] == "guest" else 0, "IsGuestUser": g["userType"] == "guest",
        "AlternateSignInName": "", "LastPasswordChangeTimestamp": None, "ResourceDisplayName": g["resourceDisplayName"],
        "ResourceId": g["resourceId"], "ResourceTenantId": g["resourceTenantId"], "DeviceName": device["displayName"],
        "AadDeviceId" if old else "EntraIdDeviceId": device["deviceId"], "OSPlatform": device["operatingSystem"],
        "DeviceTrustType": device["trustType"], "IsManaged": FLAGS[device["isManaged"]],
        "IsCompliant": FLAGS[device["isCompliant"]],
        "AuthenticationProcessingDetails": compact(g["authenticationProcessingDetails"]),
        "AuthenticationRequirement": g["authenticationRequirement"], "TokenIssuerType": 0,
        "RiskLevelAggregated": RISK_LEVELS[g["riskLevelAggregated"]], "RiskDetails": 0,
        "RiskState": RISK_STATES[g["riskState"]], "UserAgent": g["userAgent"], "ClientAppUsed": g["clientAppUsed"],
        "Browser": device["browser"], "ConditionalAccessPolicies": compact(g["appliedConditionalAccessPolicies"]),
        "ConditionalAccessStatus": CONDITIONAL_ACCESS[g["conditionalAccessStatus"]], "IPAddress": g["ipAddress"],
        "Country": place["countryOrRegion"], "State": place["state"], "City": place["city"],
        "Latitude": str(at.get("latitude", "")), "Longitude": str(at.get("longitude", "")),
        "NetworkLocationDetails": compact(g["networkLocationDetails"]), "RequestId": g["id"],
        "ReportId": guid("report " + g["id"])}
    if not old:
        row.update(IsThroughGlobalSecureAccess=False, UniqueTokenId="")
    return row


def kind(name):
    if name in ("Timestamp", "LastPasswordChangeTimestamp"):
        return "DateTime"
    if name in ("IsGuestUser", "IsThroughGlobalSecureAccess"):
        return "SByte"
    whole = ("ErrorCode IsExternalUser IsManaged IsCompliant TokenIssuerType RiskLevelAggregated RiskDetails RiskState"
             " ConditionalAccessStatus").split()
    return "Int32" if name in whole else "String"


def defender(events):
    mine = users_of(events, *USERS)
    new, old = [hunting(e) for e in mine], [hunting(e, old=True) for e in mine]
    schema = [{"name": name, "type": kind(name)} for name in new[0]]
    stats = {"ExecutionTime": 0.1875, "resource_usage": {"cpu": {"total cpu": "00:00:00.0468750"}},
             "dataset_statistics": [{"table_row_count": len(old)}]}
    return {
        "defender-xdr/hunting-graph.json": compact({"schema": schema, "results": new}),
        "defender-xdr/hunting-api.json": compact(
            {"Stats": stats, "Schema": [{"Name": n, "Type": kind(n)} for n in old[0]], "Results": old}),
        "defender-xdr/hunting.csv": "\ufeff" + table(list(new[0]), new, quote=csv.QUOTE_MINIMAL)}


# ---- Elastic ----

NAMES = {"createdDateTime": "created_at", "processingTimeInMilliseconds": "processing_time_ms",
         "riskLevelDuringSignIn": "risk_level_during_signin", "riskEventTypes_v2": "risk_event_types_v2"}
# What the integration moves elsewhere or does not keep.
MOVED = ("ipAddress", "userAgent", "autonomousSystemNumber", "location", "authenticationDetails", "status",
         "networkLocationDetails", "authenticationProcessingDetails", "appliedConditionalAccessPolicies")


def snake(name):
    return NAMES.get(name) or "".join("_" + c.lower() if c.isupper() else c for c in name)


def document(e, original=False):
    record, p = diagnostic(e), diagnostic_properties(e)
    properties = {snake(k): {snake(n): v for n, v in value.items()} if isinstance(value, dict) else value
                  for k, value in p.items() if k not in MOVED}
    properties["status"] = {snake(k): v for k, v in p["status"].items() if k != "failureReason"}
    signinlogs = {
        "category": record["category"], "operation_name": record["operationName"],
        "operation_version": record["operationVersion"], "result_type": record["resultType"],
        "result_signature": record["resultSignature"], "identity": record.get("identity"),
        "result_description": record.get("resultDescription"), "properties": properties}
    doc = {"@timestamp": ingested(e)[:23] + "Z", "ecs": {"version": "8.11.0"},
           "azure": {"tenant_id": story.TENANT, "correlation_id": record["correlationId"],
                     "resource": {"id": record["resourceId"], "provider": "Microsoft.aadiam"},
                     "signinlogs": {k: v for k, v in signinlogs.items() if v is not None}},
           "cloud": {"provider": "azure"}, "data_stream": {"dataset": "azure.signinlogs", "namespace": "default", "type": "logs"},
           "event": {"action": "Sign-in activity", "category": ["authentication"], "dataset": "azure.signinlogs",
                     "duration": 0, "kind": "event", "outcome": "success" if e["code"] == 0 else "failure", "type": ["info"]}}
    if record.get("resultDescription"):
        doc["message"] = record["resultDescription"]
    if original:
        doc["event"]["original"] = envelope_line(record)
    if e["ip"]:
        doc["source"] = {"address": e["ip"], "ip": e["ip"]}
    if e["ip"] in story.PLACES:
        asn, country, state, city, lat, lon = story.PLACES[e["ip"]]
        # The country's name has been seen to be that of the state.
        geo = {"country_iso_code": country, "country_name": state, "city_name": city,
               "location": None if lat is None else {"lat": lat, "lon": lon}}
        doc["source"].update({"as": {"number": asn}, "geo": {k: v for k, v in geo.items() if v is not None}})
    if p.get("userAgent"):
        doc["user_agent"] = {"original": p["userAgent"]}
    return doc


def dotted(value, path=""):
    if not isinstance(value, dict):
        return {path: value}
    out = {}
    for key, inner in value.items():
        out.update(dotted(inner, f"{path}.{key}" if path else key))
    return out


def elastic(events):
    index = ".ds-logs-azure.signinlogs-default-2026.03.01-000001"
    mine = users_of(events, *LOGS)
    hits = [{"_index": index, "_id": guid("document " + e["id"])[:20], "_score": None, "_source": document(e, original=True),
             "sort": [len(mine) - n]} for n, e in enumerate(mine)]
    action = compact({"index": {"_index": "logs-azure.signinlogs-default"}}) + "\n"
    return {
        "elastic/search.json": compact({
            "took": 17, "timed_out": False, "_shards": {"total": 1, "successful": 1, "skipped": 0, "failed": 0},
            "hits": {"total": {"value": len(hits), "relation": "eq"}, "max_score": None, "hits": hits}}),
        "elastic/bulk.ndjson": "".join(action + compact(document(e)) + "\n" for e in mine),
        "elastic/fields.ndjson": lines(dotted(document(e)) for e in mine)}


# ---- Splunk, and whatever carries a record as text ----

def epoch(e):
    at = datetime.datetime.fromisoformat(ingested(e)[:19] + "+00:00")
    return f"{int(at.timestamp())}.{ingested(e)[20:23]}"


def carried(events):
    mine = [(e, envelope_line(diagnostic(e))) for e in users_of(events, *LOGS)]
    about = {"host": "hub.contoso.example", "index": "entra", "linecount": "1", "source": "azure_event_hub",
             "sourcetype": "azure:monitor:aad", "splunk_server": "idx1.contoso.example"}

    def shown(e):
        return ingested(e)[:23] + "+00:00"

    rows = [{"_raw": text, "_time": shown(e), **about, "punct": "{_\"\":_\"--::.\"", "timestartpos": "10"} for e, text in mine]
    last = {"lastrow": True}
    results = [{"preview": False, "offset": n, **(last if n == len(rows) - 1 else {}), "result": row}
               for n, row in enumerate(rows)]
    event = {"host": "hub.contoso.example", "source": "azure_event_hub", "sourcetype": "azure:monitor:aad", "index": "entra"}
    return {
        "splunk/export.json": lines(results),
        "splunk/export.csv": table(list(rows[0]), rows, line_end="\n"),
        "splunk/hec.ndjson": "".join(compact({"time": float(epoch(e)), **event, "event": json.loads(text)}) + "\n"
                                     for e, text in mine),
        "wrapped/message.ndjson": lines({"@timestamp": ingested(e)[:23] + "Z", "message": text,
                                         "host": {"name": "forwarder-1", "ip": [story.OFFICE]}} for e, text in mine),
        "wrapped/body.ndjson": lines({"body": text} for _, text in mine),
        "wrapped/log.ndjson": lines({"log": text + "\n", "stream": "stdout", "time": ingested(e)} for e, text in mine)}


# ---- OCSF ----

def authentication(e):
    """Class 3002, as pipelines map Graph's signIn to it."""
    g = graph_beta(e)
    at = datetime.datetime.fromisoformat(g["createdDateTime"][:19] + "+00:00")
    millis = int(at.timestamp()) * 1000 + int(g["createdDateTime"][20:23])
    fine = e["code"] == 0
    record = {
        "class_uid": 3002, "class_name": "Authentication", "category_uid": 3, "activity_id": 1, "activity_name": "Logon",
        "type_uid": 300201, "severity_id": 1, "time": g["createdDateTime"] if number("ocsf " + g["id"], 2) else millis,
        "metadata": {"uid": g["id"], "correlation_uid": g["correlationId"], "version": "1.5.0", "log_name": "signIns",
                     "product": {"name": "Entra ID", "vendor_name": "Microsoft"}},
        "service": {"uid": g["appId"], "name": g["appDisplayName"]}, "logon_type": g["signInEventTypes"][0],
        "status": "Success" if fine else "Failure", "status_id": 1 if fine else 2, "status_code": str(e["code"])}
    if g["status"]["failureReason"]:
        record["status_detail"] = g["status"]["failureReason"]
    if g["userPrincipalName"]:
        record["user"] = {"uid": g["userId"], "email_addr": g["userPrincipalName"], "full_name": g["userDisplayName"]}
    if g["ipAddress"]:
        place = {"city": g["location"]["city"], "country": g["location"]["countryOrRegion"]}
        record["src_endpoint"] = {"ip": g["ipAddress"], "location": place}
    if g["userAgent"]:
        record["http_request"] = {"user_agent": g["userAgent"]}
    return record


def files(events):
    """Path -> text."""
    return {**defender(events), **elastic(events), **carried(events),
            "ocsf/authentication.ndjson": lines(authentication(e) for e in users_of(events, *EVENT_TYPES))}
