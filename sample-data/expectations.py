"""The truth in numbers, told by the story and not by any reader of the files: expected.json."""
import hashlib

import story
from records import EVENT_TYPES, LOGS, USERS, graph_beta, newest_first
from spellings_audit import entries, repeated
from spellings_csv import DATES, auth_details
from spellings_tools import goose

PORTAL = f"InteractiveSignIns_{DATES}.json"
EXTRACTOR = "20260305081500-interactiveUser-nonInteractiveUser-SignInLogs.json.gz"
ZST = "graph-beta.ndjson.zst"
EVERY = tuple(LOGS)
INTERACTIVE = ("interactive",)
REASONS = ("lockout", "malicious_ip", "high_confidence_risk", "generic", "absent")

# The canonical table, but for the two columns that say where a row comes from.
COLUMNS = (
    "sign_in_id time ingested_at tenant_id category user_id user_principal_name user_display_name user_type ip_address"
    " ip_network asn country state city latitude longitude app_id app_display_name resource_id resource_display_name"
    " client_app authentication_protocol incoming_token_type user_agent device_id device_os device_browser"
    " device_compliant device_managed device_trust_type error_code failure_reason additional_details stated_reason"
    " password_result is_interactive authentication_requirement conditional_access_status risk_level risk_state"
    " risk_event_types network_location_names is_trusted_location correlation_id session_id").split()


def all_but(names):
    """What a spelling lacks that has only these columns."""
    return [name for name in COLUMNS if name not in names.split()]


NOTHING = []
BETA = ["ingested_at"]
NETWORKS = ["network_location_names", "is_trusted_location"]
V1 = ("ingested_at tenant_id user_type asn authentication_protocol incoming_token_type user_agent"
      " authentication_requirement network_location_names is_trusted_location session_id").split()
PORTAL_CSV = ["ingested_at", "latitude", "longitude", "additional_details", "is_interactive", "risk_level", "risk_state",
              "risk_event_types", *NETWORKS]
APPLICATION = all_but("sign_in_id time tenant_id category ip_address ip_network country state city app_id app_display_name"
                      " resource_id resource_display_name error_code failure_reason stated_reason password_result"
                      " conditional_access_status correlation_id")
PROJECTED = all_but("sign_in_id time ingested_at category user_principal_name ip_address ip_network error_code"
                    " failure_reason stated_reason app_display_name client_app password_result")
# AuditData has the address, the account and the number of the error, but not a word about it.
AUDIT = all_but("sign_in_id time tenant_id category user_id user_principal_name ip_address ip_network app_id resource_id"
                " user_agent device_os device_browser device_compliant device_managed error_code additional_details"
                " stated_reason password_result correlation_id session_id")
DEFENDER = ["ingested_at", "asn", "authentication_protocol", "incoming_token_type", "failure_reason", "additional_details",
            "risk_event_types", "is_interactive"]
OCSF = all_but("sign_in_id time category user_id user_principal_name user_display_name ip_address ip_network country city"
               " app_id app_display_name error_code failure_reason stated_reason user_agent password_result correlation_id")
SDK_TABLE = ["ingested_at", "risk_event_types", *NETWORKS]

SECOND, MILLISECOND = {"time_precision": "second"}, {"time_precision": "millisecond"}
# Without authentication steps `password_result` is unknown, and without text every refusal is `absent`.
NO_STEPS, NO_TEXT = {"no_steps": True}, {"no_text": True}
# Columns that say something else than elsewhere: a shorter name, another word, or what the reader makes of it.
AUDIT_NOTES = {**SECOND, **NO_STEPS, **NO_TEXT, "differs": ["category", "device_browser", "device_compliant",
                                                            "device_managed", "additional_details", "stated_reason"]}
DEFENDER_NOTES = {**NO_STEPS, **NO_TEXT, "differs": ["stated_reason"]}

# path: (categories, what it lacks, what else is to be known)
SPELLINGS = {
    "diagnostic": (EVERY, NOTHING, {}),
    "event-hub.json": (EVERY, NOTHING, {}),
    "event-hub-pretty.json.gz": (EVERY, NOTHING, {}),
    "diagnostic-flat.json.gz": (EVERY, NOTHING, {}),
    "graph-v1-pages.json": (INTERACTIVE, V1, {**SECOND, **NO_STEPS}),
    ZST: (tuple(EVENT_TYPES), BETA, {}),
    PORTAL: (INTERACTIVE, BETA, {}),
    EXTRACTOR: (USERS, BETA, {}),
    "powershell-sdk.json.gz": (USERS, BETA, MILLISECOND),
    f"portal/InteractiveSignIns_{DATES}.csv.gz": (INTERACTIVE, PORTAL_CSV, {**SECOND, **NO_STEPS}),
    f"portal/InteractiveSignIns_AuthDetails_{DATES}.csv": ((), COLUMNS, {"companion": True}),
    f"portal/NonInteractiveSignIns_{DATES}.csv":
        (("non_interactive",), PORTAL_CSV + ["session_id"], {**SECOND, **NO_STEPS}),
    f"portal/ApplicationSignIns_{DATES}.csv": (("service_principal",), APPLICATION, {**SECOND, **NO_STEPS}),
    f"portal/MSISignIns_{DATES}.csv": (("managed_identity",), APPLICATION, {**SECOND, **NO_STEPS}),
    "log-analytics/query_data.csv.gz": (INTERACTIVE, NOTHING, MILLISECOND),
    "log-analytics/union.csv.gz": (USERS, NOTHING, MILLISECOND),
    "log-analytics/projected.csv.gz": (INTERACTIVE, PROJECTED, {**MILLISECOND, **NO_STEPS}),
    "log-analytics/query-api.json.gz": (EVERY, NOTHING, MILLISECOND),
    "log-analytics/export": (INTERACTIVE, NOTHING, {}),
    **{f"unified-audit/{name}.gz": (INTERACTIVE, AUDIT, AUDIT_NOTES) for name in (
        "search-unifiedauditlog.csv", "purview.csv", "management-api.json", "auditdata.ndjson",
        "graph-auditlogquery.json", "extractor-UAL.json")},
    **{f"defender-xdr/{name}.gz": (USERS, DEFENDER, DEFENDER_NOTES) for name in (
        "hunting-graph.json", "hunting-api.json", "hunting.csv")},
    "elastic/search.json.gz": (EVERY, NOTHING, {}),
    "elastic/bulk.ndjson.gz": (EVERY, ["state", *NETWORKS], NO_STEPS),
    "elastic/fields.ndjson.gz": (EVERY, ["state", *NETWORKS], NO_STEPS),
    **{f"{name}.gz": (EVERY, NOTHING, {}) for name in (
        "splunk/export.json", "splunk/export.csv", "splunk/hec.ndjson",
        "wrapped/message.ndjson", "wrapped/body.ndjson", "wrapped/log.ndjson")},
    "ocsf/authentication.ndjson.gz": (tuple(EVENT_TYPES), OCSF, {**MILLISECOND, **NO_STEPS}),
    "tools/goose.ndjson.gz": (tuple(EVENT_TYPES), BETA, {}),
    "tools/extractor-combined.json.gz": (USERS, BETA, {}),
    "tools/extractor-one.json": (INTERACTIVE, BETA, {}),
    "tools/bitpusher.csv.gz": (USERS, SDK_TABLE, {**SECOND, **NO_STEPS}),
    "tools/analyzer-suite.csv.gz": (USERS, SDK_TABLE, {**SECOND, **NO_STEPS}),
    "tools/hawk.json.gz": (INTERACTIVE, V1, {**SECOND, **NO_STEPS}),
    "encodings/portal-utf16le.json.gz": (INTERACTIVE, BETA, {}),
    "encodings/portal-utf16be.json.gz": (INTERACTIVE, BETA, {}),
    "encodings/portal.json.bz2": (INTERACTIVE, BETA, {}),
    "encodings/portal.json.xz": (INTERACTIVE, BETA, {}),
    "encodings/exports.zip": (tuple(EVENT_TYPES), BETA, {}),
    "encodings/exports.tar.gz": (tuple(EVENT_TYPES), BETA, {}),
}


def counts(events):
    refused = [e for e in events if e["code"] == 50053]
    reasons = {r: sum(e["reason"] == r for e in refused) for r in REASONS}
    return {"sign_ins": len(events), "refusals": len(refused), "by_stated_reason": reasons}


def audit_others(data):
    return sum(not d["Operation"].startswith("UserLog") for d in data)


def odd_counts(events, written):
    """path: (records, records that are no sign-ins), where that is not one record for each sign-in."""
    data = entries(events)
    twice = repeated(data)
    steps = len(list(auth_details(events)))
    lines = sum(body.count(b'"time"') for path, body in written.items() if path.startswith("diagnostic/"))
    out = {f"unified-audit/{name}.gz": (len(data), audit_others(data)) for name in (
        "purview.csv", "management-api.json", "auditdata.ndjson", "graph-auditlogquery.json", "extractor-UAL.json")}
    out["unified-audit/search-unifiedauditlog.csv.gz"] = (len(twice), audit_others(twice))
    out[f"portal/InteractiveSignIns_AuthDetails_{DATES}.csv"] = (steps, steps)
    everything = len(events)  # each document has an action line before it
    out["elastic/bulk.ndjson.gz"] = (2 * everything, everything)
    out["tools/goose.ndjson.gz"] = (goose(events).count("\n"), 0)
    out["diagnostic"] = (lines, 0)
    return out


def spellings(events, written):
    missing = sorted(set(SPELLINGS) - set(written) - {"diagnostic", "log-analytics/export", ZST})
    if missing:
        raise ValueError(f"told of, but not written: {missing}")
    odd = odd_counts(events, written)
    out = {}
    for name, (categories, lacks, notes) in SPELLINGS.items():
        mine = [e for e in events if e["category"] in categories]
        if name == "tools/extractor-one.json":
            mine = [e for e in mine if e["id"] == newest_first(events, INTERACTIVE, graph_beta)[0]["id"]]
        said = counts(mine)
        if notes.get("no_text"):
            said["by_stated_reason"] = {r: said["refusals"] if r == "absent" else 0 for r in REASONS}
        records, others = odd.get(name, (len(mine), 0))
        out[name] = {"records": records, "categories": list(categories), **said, "lacks": list(lacks), **notes}
        if others:
            out[name]["others"] = others
        if name == "tools/extractor-one.json":
            out[name]["only"] = [e["id"] for e in mine]
    return out


def found(events):
    """The findings by cause, and the ids of the refusals in each."""
    causes, findings = {}, {}
    for e in events:
        if e["cause"] and e["code"] == 50053:
            causes.setdefault(e["cause"], []).append(e["id"])
            touched = findings.setdefault(e["cause"], {"refusals": 0, "users": set(), "ip_addresses": set()})
            touched["refusals"] += 1
            touched["users"].add(graph_beta(e)["userPrincipalName"])
            touched["ip_addresses"].add(e["ip"])
    return causes, findings


def expected(events, written, ndjson):
    causes, findings = found(events)
    passwords = {"correct": 0, "incorrect": 0, "unknown": 0}
    codes = {}
    for e in events:
        is_user = e["category"] in USERS + ("adfs",)
        passwords["unknown" if e["password"] is None or not is_user else "correct" if e["password"] else "incorrect"] += 1
        codes[str(e["code"])] = codes.get(str(e["code"]), 0) + 1
    return {
        **counts(events), "tenant_id": story.TENANT, "by_error_code": dict(sorted(codes.items(), key=lambda i: int(i[0]))),
        "by_category": {c: sum(e["category"] == c for e in events) for c in LOGS}, "by_password_result": passwords,
        "first_time": min(graph_beta(e)["createdDateTime"] for e in events),
        "last_time": max(graph_beta(e)["createdDateTime"] for e in events),
        "compromised_users": ["hamish.burr@contoso.example"], "spellings": spellings(events, written),
        "sha256_of_graph_beta_ndjson": hashlib.sha256(ndjson.encode()).hexdigest(),
        "causes": {c: {k: sorted(v) if isinstance(v, set) else v for k, v in f.items()} for c, f in sorted(findings.items())},
        "refusals_by_cause": {c: sorted(ids) for c, ids in sorted(causes.items())},
        "refusals_by_reason": {r: sorted(e["id"] for e in events if e["code"] == 50053 and e["reason"] == r) for r in REASONS},
        "all_sign_in_ids": sorted(e["id"] for e in events)}
