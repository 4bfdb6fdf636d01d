#!/usr/bin/env python3
"""Writes the story of story.py in every spelling in which people hold sign-in logs.

    make.py [DIR]       write everything into DIR (default: the folder of this script)
    make.py --check     compare what is committed with what would be written; exit 1 on a difference
    make.py --ndjson    print the lines of graph-beta.ndjson, to be packed with zstd (see README.md)

Python 3.9 or later, standard library only. The same script always writes the same content; only the
packing of .gz files may differ between versions of zlib, so --check compares what is inside.
"""
import copy
import datetime
import gzip
import hashlib
import io
import json
import pathlib
import shutil
import subprocess
import sys

sys.dont_write_bytecode = True
import story  # noqa: E402
from story import guid, number  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent
PORTAL = "InteractiveSignIns_2026-03-02_2026-03-04.json"
EXTRACTOR = "20260305081500-interactiveUser-nonInteractiveUser-SignInLogs.json.gz"
ZST = "graph-beta.ndjson.zst"
EVENT_TYPES = {"interactive": "interactiveUser", "non_interactive": "nonInteractiveUser",
               "service_principal": "servicePrincipal", "managed_identity": "managedIdentity"}
LOGS = {"interactive": "SignInLogs", "non_interactive": "NonInteractiveUserSignInLogs",
        "service_principal": "ServicePrincipalSignInLogs",
        "managed_identity": "ManagedIdentitySignInLogs", "adfs": "ADFSSignInLogs"}
USERS = ("interactive", "non_interactive")


# ---- one sign-in as Graph (beta) knows it; every other spelling is made from this ----

def graph_beta(e):
    who, code = e["who"], e["code"]
    is_user = e["category"] in USERS + ("adfs",)
    guest = who == "lucia"
    upn = ("lucia.prieto@example.com" if guest else
           f"{story.UPNS.get(who, who)}@contoso.example") if is_user else None
    known = is_user and who in story.PEOPLE
    name = story.PEOPLE[who][0] if known else ""
    agent, system, browser = e["agent"]
    managed = known and e["ip"] in (story.OFFICE, story.VPN, story.PEOPLE[who][1]) and browser is not None
    asn, country, state, city, lat, lon = story.PLACES.get(e["ip"], (None,) * 6)
    stamp = f"{e['day']}T{e['clock']}.{e['fraction']:07}Z"
    legacy = e["client"] in (story.EAS, story.IMAP)
    mfa = code in (50074, 50076) or (code == 0 and not legacy and number("mfa " + e["id"], 2) == 0)
    steps = [{
        "authenticationStepDateTime": stamp, "authenticationMethod": "Password",
        "authenticationMethodDetail": "Pass-through Authentication", "succeeded": e["password"],
        "authenticationStepResultDetail": "Correct password" if e["password"] else
        "Invalid username or password or Invalid on-premise username or password.",
        "authenticationStepRequirement": "Primary authentication"}] if is_user and e["password"] is not None else []
    risk = "low" if code == 50126 and not managed and e["cause"] else "none"
    networks = ([{"networkType": "namedNetwork", "networkNames": ["Bristol bakery"]}] if e["ip"] == story.OFFICE else
                [{"networkType": "trustedNamedLocation", "networkNames": ["Head office VPN"]}] if e["ip"] == story.VPN
                else [])
    policies = [{"id": guid("policy mfa"), "displayName": "CA01: MFA away from the office",
                 "enforcedGrantControls": ["Mfa"], "enforcedSessionControls": [], "result": "success",
                 "conditionsSatisfied": "application,users", "conditionsNotSatisfied": "none"}] if mfa else []
    return {
        "id": e["id"], "createdDateTime": stamp, "userDisplayName": name, "userPrincipalName": upn or "",
        "userId": guid("user " + who) if known else "", "appId": e["app"][1], "appDisplayName": e["app"][0],
        "ipAddress": e["ip"],
        "status": {"errorCode": code, "failureReason": "Other." if code == 0 else e["text"],
                   "additionalDetails": "MFA requirement satisfied by claim in the token" if code == 0 and mfa else None},
        "clientAppUsed": e["client"] or "", "userAgent": agent,
        "deviceDetail": {"deviceId": guid("device " + who) if managed else "", "displayName": f"CB-{who.upper()}" if managed else None,
                         "operatingSystem": system or "", "browser": browser or "", "isCompliant": managed or None,
                         "isManaged": managed or None, "trustType": "Hybrid Azure AD joined" if managed else None},
        "location": {"city": city or "", "state": state or "", "countryOrRegion": country or "",
                     "geoCoordinates": {} if lat is None else {"altitude": None, "latitude": lat, "longitude": lon}},
        "correlationId": guid("correlation " + e["id"]),
        "conditionalAccessStatus": "success" if mfa and code == 0 else "notApplied",
        "appliedConditionalAccessPolicies": policies,
        "originalRequestId": e["id"], "isInteractive": e["category"] not in ("non_interactive",) and is_user,
        "tokenIssuerType": "ADFederationServices" if e["category"] == "adfs" else "AzureAD",
        "authenticationProcessingDetails": [{"key": "Is CAE Token", "value": "False"}],
        "networkLocationDetails": networks,
        "processingTimeInMilliseconds": 40 + number("ms " + e["id"], 300), "riskDetail": "none",
        "riskLevelAggregated": risk, "riskLevelDuringSignIn": risk, "riskState": "none" if risk == "none" else "atRisk",
        "riskEventTypes": [], "riskEventTypes_v2": [] if risk == "none" else ["unfamiliarFeatures"],
        "resourceDisplayName": story.GRAPH[0], "resourceId": story.GRAPH[1], "resourceTenantId": story.TENANT,
        "homeTenantId": story.GUEST_TENANT if guest else story.TENANT, "tenantId": story.TENANT,
        "authenticationDetails": steps,
        "authenticationRequirement": None if not is_user else
        "multiFactorAuthentication" if mfa else "singleFactorAuthentication",
        "signInEventTypes": [EVENT_TYPES[e["category"]]] if e["category"] in EVENT_TYPES else [],
        "servicePrincipalId": "" if is_user else guid("principal " + who), "servicePrincipalName": None if is_user else e["app"][0],
        "userType": None if not is_user else "guest" if guest else "member", "flaggedForReview": False,
        "autonomousSystemNumber": asn, "crossTenantAccessType": "b2bCollaboration" if guest else "none",
        "incomingTokenType": "primaryRefreshToken" if e["category"] == "non_interactive" else "none",
        "authenticationProtocol": "none",
        "sessionId": guid("session " + e["id"]) if code == 0 and is_user else None,
    }


# ---- diagnostic settings ----

def without_nulls(value):
    if isinstance(value, dict):
        return {k: without_nulls(v) for k, v in value.items() if v is not None}
    return [without_nulls(v) for v in value] if isinstance(value, list) else value


def diagnostic_properties(e):
    p = without_nulls(graph_beta(e))
    p["createdDateTime"] = p["createdDateTime"].replace("Z", "+00:00")
    del p["signInEventTypes"]
    for k, step in enumerate(p["authenticationDetails"]):
        step["authenticationStepDateTime"] = p["createdDateTime"]
        step.update(StatusSequence=0, RequestSequence=k)
    for policy in p["appliedConditionalAccessPolicies"]:
        policy.update(conditionsSatisfied=3, conditionsNotSatisfied=0)
    if e["code"] == 0:
        del p["status"]["failureReason"]
    if e["category"] not in USERS + ("adfs",):
        for key in ("userDisplayName", "userPrincipalName", "deviceDetail", "clientAppUsed"):
            del p[key]
        return p
    p["userType"] = p["userType"].capitalize()
    if number("case " + e["id"], 12) == 0:  # diagnostic logs do not always fold the case of names
        p["userPrincipalName"] = p["userPrincipalName"].title()
    return p


def delivered(e, again=0):
    """When the record reached the archive: half a minute to a quarter of an hour after the event."""
    at = datetime.datetime.fromisoformat(f"{e['day']}T{e['clock']}")
    late = 30 + number(f"late {e['id']}", 970) + again
    return at + datetime.timedelta(seconds=late), number(f"late fraction {e['id']} {again}", 10_000_000)


def diagnostic(e, again=0):
    at, fraction = delivered(e, again)
    drift = number("drift " + e["id"], 10)
    hour = at.hour % 12 or 12
    stamp = (f"{at.month}/{at.day}/{at.year} {hour}:{at:%M:%S} {'AM' if at.hour < 12 else 'PM'}" if drift == 9
             else f"{at:%Y-%m-%dT%H:%M:%S}.{fraction:07}Z")
    properties = diagnostic_properties(e)
    failed = e["code"] != 0
    record = {
        "time": stamp, "resourceId": f"/tenants/{story.TENANT}/providers/Microsoft.aadiam",
        "operationName": "Sign-in activity", "operationVersion": "1.0", "category": LOGS[e["category"]],
        "tenantId": story.TENANT, "resultType": str(e["code"]),
        "resultSignature": "None" if drift < 3 else "FAILURE" if failed else "SUCCESS"}
    if failed and e["text"]:
        record["resultDescription"] = e["text"]
    record["durationMs"] = "0" if drift in (4, 5) else 0
    if e["ip"]:
        record["callerIpAddress"] = e["ip"]
    record["correlationId"] = properties["correlationId"]
    if properties.get("userDisplayName"):
        record["identity"] = properties["userDisplayName"]
    record.update({"Level": 4} if drift < 5 else {"level": "4"} if drift < 9 else {"level": "Informational"})
    if e["ip"] in story.PLACES:
        record["location"] = story.PLACES[e["ip"]][1]
    record["properties"] = properties
    return record


def compact(value):
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def envelope_line(record):
    """Blobs have blanks in the envelope and none in the properties."""
    inner = compact(record["properties"])
    outer = {k: v for k, v in record.items() if k != "properties"}
    return "{ " + json.dumps(outer, ensure_ascii=False)[1:-1] + f', "properties": {inner}}}'


def diagnostic_folder(events):
    """path -> lines. About 4 % of the sign-ins come a second time, in a later blob."""
    blobs = {}
    for e in events:
        for again in (0, 5400) if number("again " + e["id"], 25) == 0 else (0,):
            at, _ = delivered(e, again)
            path = (f"diagnostic/insights-logs-{LOGS[e['category']].lower()}/tenantId={story.TENANT}/"
                    f"y={at:%Y}/m={at:%m}/d={at:%d}/h={at:%H}/m=00/PT1H.json")
            blobs.setdefault(path, []).append((delivered(e, again), envelope_line(diagnostic(e, again))))
    out = {}
    for n, (path, lines) in enumerate(sorted(blobs.items())):
        text = "".join(line + "\r\n" for _, line in sorted(lines))
        out[path] = (text[:-2] if n == 7 else text).encode()  # one blob without its last line end
    return out


def flat(e):
    """The column names of Log Analytics on the diagnostic route; some columns hold JSON as text."""
    p = diagnostic_properties(e)
    at, fraction = delivered(e)
    out = {"TenantId": guid("workspace"), "AADTenantId": story.TENANT, "TimeGenerated": f"{at:%Y-%m-%dT%H:%M:%S}.{fraction:07}Z",
           "OperationName": "Sign-in activity", "OperationVersion": "1.0", "Category": LOGS[e["category"]],
           "ResultType": str(e["code"]), "ResultSignature": "None", "ResultDescription": e["text"] or "",
           "DurationMs": 0, "Identity": p.get("userDisplayName", ""), "Level": "4",
           "ResourceId": f"/tenants/{story.TENANT}/providers/Microsoft.aadiam"}
    renamed = {"ipAddress": "IPAddress", "location": "LocationDetails", "resourceId": "ResourceIdentity",
               "appliedConditionalAccessPolicies": "ConditionalAccessPolicies", "riskEventTypes_v2": "RiskEventTypes_V2"}
    always_text = ("authenticationDetails", "authenticationProcessingDetails", "networkLocationDetails", "riskEventTypes",
                   "riskEventTypes_v2")
    for key, value in p.items():
        as_text = key in always_text or (isinstance(value, (dict, list)) and e["category"] != "interactive")
        if key == "tenantId":  # here TenantId is the workspace, and the tenant is AADTenantId
            continue
        if key == "autonomousSystemNumber" and e["category"] == "non_interactive":
            value = str(value)
        out[renamed.get(key, key[0].upper() + key[1:])] = compact(value) if as_text else value
    out["CreatedDateTime"] = p["createdDateTime"].replace("+00:00", "Z")
    out["Location"] = story.PLACES[e["ip"]][1] if e["ip"] in story.PLACES else ""
    out["Type"] = "SigninLogs" if e["category"] == "interactive" else "AAD" + LOGS[e["category"]]
    return out


# ---- Microsoft Graph ----

V1_KEYS = ("id createdDateTime userDisplayName userPrincipalName userId appId appDisplayName ipAddress clientAppUsed"
           " correlationId conditionalAccessStatus isInteractive riskDetail riskLevelAggregated riskLevelDuringSignIn"
           " riskState riskEventTypes riskEventTypes_v2 resourceDisplayName resourceId status deviceDetail location"
           " appliedConditionalAccessPolicies").split()


def graph_v1(e):
    beta = graph_beta(e)
    record = {k: beta[k] for k in V1_KEYS}
    record["createdDateTime"] = record["createdDateTime"][:19] + "Z"
    return record


def pages(records, size):
    base = "https://graph.microsoft.com/v1.0"
    out = []
    for start in range(0, len(records), size):
        page = {"@odata.context": f"{base}/$metadata#auditLogs/signIns"}
        if start + size < len(records):
            page["@odata.nextLink"] = f"{base}/auditLogs/signIns?$skiptoken={guid(f'page {start}').replace('-', '')}"
        page["value"] = records[start:start + size]
        out.append(compact(page))
    return "\n".join(out) + "\n"


def pascal(value):
    if isinstance(value, dict):
        out = {k[0].upper() + k[1:]: pascal(v) for k, v in value.items()}
        out["AdditionalProperties"] = {}
        return out
    return [pascal(v) for v in value] if isinstance(value, list) else value


def powershell_date(text):
    at = datetime.datetime.fromisoformat(text[:19] + "+00:00")
    return f"/Date({int(at.timestamp()) * 1000 + int(text[20:23])})/"


def powershell(e):
    beta = graph_beta(e)
    beta["status"]["failureReason"] = beta["status"]["failureReason"] or ""
    out = pascal(beta)
    out["CreatedDateTime"] = powershell_date(beta["createdDateTime"])
    for step in out["AuthenticationDetails"]:
        step["AuthenticationStepDateTime"] = out["CreatedDateTime"]
    # What the module has no property for, it leaves here, spelled as the service sent it.
    out["AdditionalProperties"] = {"isThroughGlobalSecureAccess": False}
    return out


def powershell_text(records, indent):
    text = json.dumps(records, ensure_ascii=False, indent=indent).replace("/Date(", "\\/Date(").replace(")/\"", ")\\/\"")
    return text.replace("\n", "\r\n") + "\r\n"


# ---- all files ----

def gz(*members):
    """One gzip member per part, without a date, so that the bytes stay the same."""
    out = io.BytesIO()
    for part in members:
        with gzip.GzipFile(filename="", mode="wb", fileobj=out, mtime=0, compresslevel=9) as f:
            f.write(part.encode())
    return out.getvalue()


def newest_first(events, categories, shape):
    return [shape(e) for e in reversed(events) if e["category"] in categories]


def ndjson(events):
    return "".join(compact(r) + "\n" for r in newest_first(events, EVENT_TYPES, graph_beta))


def files(events):
    out = diagnostic_folder(events)
    records = [diagnostic(e) for e in events]
    out["event-hub.json"] = "".join(
        compact({"records": records[i:i + 12]}) + "\n" for i in range(0, len(records), 12)).encode()
    pretty = json.dumps({"records": records}, ensure_ascii=False, indent=2)
    out["event-hub-pretty.json.gz"] = gz(pretty[:len(pretty) // 2], pretty[len(pretty) // 2:])
    out["diagnostic-flat.json.gz"] = gz("".join(compact(flat(e)) + "\n" for e in events))
    out["graph-v1-pages.json"] = pages(newest_first(events, ("interactive",), graph_v1), 100).encode()
    out[PORTAL] = compact(newest_first(events, ("interactive",), graph_beta)).encode()
    sdk = newest_first(events, USERS, graph_beta)
    out[EXTRACTOR] = gz("\ufeff" + "".join(
        powershell_text(sdk[i:i + 100], 2) for i in range(0, len(sdk), 100)))
    out["powershell-sdk.json.gz"] = gz("\ufeff" + powershell_text(newest_first(events, USERS, powershell), 4))
    out["expected.json"] = (json.dumps(expected(events, out), indent=1, ensure_ascii=False) + "\n").encode()
    return out


def counts(events):
    refused = [e for e in events if e["code"] == 50053]
    reasons = {r: sum(e["reason"] == r for e in refused)
               for r in ("lockout", "malicious_ip", "high_confidence_risk", "generic", "absent")}
    return {"sign_ins": len(events), "refusals": len(refused), "by_stated_reason": reasons}


def expected(events, written):
    """The truth, told by the story and not by any reader of the files."""
    lines = sum(body.count(b'"time"') for path, body in written.items() if path.startswith("diagnostic/"))
    causes, findings = {}, {}
    for e in events:
        if e["cause"] and e["code"] == 50053:
            causes.setdefault(e["cause"], []).append(e["id"])
            touched = findings.setdefault(e["cause"], {"refusals": 0, "users": set(), "ip_addresses": set()})
            touched["refusals"] += 1
            touched["users"].add(graph_beta(e)["userPrincipalName"])
            touched["ip_addresses"].add(e["ip"])
    passwords = {"correct": 0, "incorrect": 0, "unknown": 0}
    for e in events:
        is_user = e["category"] in USERS + ("adfs",)
        passwords["unknown" if e["password"] is None or not is_user else "correct" if e["password"] else "incorrect"] += 1
    every = tuple(LOGS)
    holds = {"diagnostic": every, "event-hub.json": every, "event-hub-pretty.json.gz": every, "diagnostic-flat.json.gz": every,
             "graph-v1-pages.json": ("interactive",), ZST: tuple(EVENT_TYPES), PORTAL: ("interactive",),
             EXTRACTOR: USERS, "powershell-sdk.json.gz": USERS}
    spellings = {}
    for name, categories in holds.items():
        mine = [e for e in events if e["category"] in categories]
        spellings[name] = {"records": lines if name == "diagnostic" else len(mine), "categories": list(categories), **counts(mine)}
    codes = {}
    for e in events:
        codes[str(e["code"])] = codes.get(str(e["code"]), 0) + 1
    return {
        **counts(events), "tenant_id": story.TENANT, "by_error_code": dict(sorted(codes.items(), key=lambda i: int(i[0]))),
        "by_category": {c: sum(e["category"] == c for e in events) for c in LOGS}, "by_password_result": passwords,
        "first_time": min(graph_beta(e)["createdDateTime"] for e in events),
        "last_time": max(graph_beta(e)["createdDateTime"] for e in events),
        "compromised_users": ["hamish.burr@contoso.example"], "spellings": spellings,
        "sha256_of_graph_beta_ndjson": hashlib.sha256(ndjson(events).encode()).hexdigest(),
        "causes": {c: {k: sorted(v) if isinstance(v, set) else v for k, v in f.items()} for c, f in sorted(findings.items())},
        "refusals_by_cause": {c: sorted(ids) for c, ids in sorted(causes.items())},
        "refusals_by_reason": {r: sorted(e["id"] for e in events if e["code"] == 50053 and e["reason"] == r)
                               for r in ("lockout", "malicious_ip", "high_confidence_risk", "generic", "absent")},
        "all_sign_in_ids": sorted(e["id"] for e in events)}


def content(name, body):
    return gzip.decompress(body) if name.endswith(".gz") else body


def check(wanted, events):
    """Names of what differs from the committed files."""
    wrong = [n for n, body in wanted.items()
             if not (HERE / n).is_file() or content(n, (HERE / n).read_bytes()) != content(n, body)]
    there = {p.relative_to(HERE).as_posix() for p in (HERE / "diagnostic").rglob("*") if p.is_file()}
    wrong += sorted(there - wanted.keys())
    if shutil.which("zstd") is None:
        print(f"not checked: {ZST} (there is no zstd program here)", file=sys.stderr)
    else:
        unpacked = subprocess.run(["zstd", "-dcq", str(HERE / ZST)], stdout=subprocess.PIPE, check=False).stdout
        wrong += [ZST] if unpacked != ndjson(events).encode() else []
    return wrong


def main(args):
    events = story.tell()
    if args == ["--ndjson"]:
        sys.stdout.buffer.write(ndjson(events).encode())
        return 0
    wanted = files(copy.deepcopy(events))
    if args == ["--check"]:
        wrong = check(wanted, events)
        for name in wrong:
            print(f"differs: {name}", file=sys.stderr)
        return 1 if wrong else 0
    if len(args) > 1 or any(a.startswith("-") for a in args):
        print(__doc__, file=sys.stderr)
        return 2
    target = pathlib.Path(args[0]) if args else HERE
    if (target / "diagnostic").is_dir():
        shutil.rmtree(target / "diagnostic")
    for name, body in wanted.items():
        path = target / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.is_file() or content(name, path.read_bytes()) != content(name, body):
            path.write_bytes(body)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
