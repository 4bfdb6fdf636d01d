"""One sign-in of story.py as Graph, diagnostic settings, Log Analytics and PowerShell write it down.

Every spelling is made from these shapes. Nothing here knows files; make.py and its neighbours do.
"""
import csv
import datetime
import gzip
import io
import json

import story
from story import guid, number

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


# ---- bytes ----

def gz(*members):
    """One gzip member per part, without a date, so that the bytes stay the same."""
    out = io.BytesIO()
    for part in members:
        with gzip.GzipFile(filename="", mode="wb", fileobj=out, mtime=0, compresslevel=9) as f:
            f.write(part.encode())
    return out.getvalue()


def newest_first(events, categories, shape):
    return [shape(e) for e in reversed(events) if e["category"] in categories]


def gz_bytes(body):
    """One gzip member of bytes, without a date."""
    out = io.BytesIO()
    with gzip.GzipFile(filename="", mode="wb", fileobj=out, mtime=0, compresslevel=9) as f:
        f.write(body)
    return out.getvalue()


def lines(records, line_end="\n"):
    """One compact object a line."""
    return "".join(compact(record) + line_end for record in records)


def table(names, rows, header=None, quote=csv.QUOTE_ALL, line_end="\r\n"):
    """CSV of dictionaries, by name; `header` is the first line if it is not just the names."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator=line_end, quoting=quote)
    writer.writerow(header or names)
    writer.writerows([cell(row.get(name)) for name in names] for row in rows)
    return out.getvalue()


def cell(value):
    """What a table shows of a value: text, an empty cell, or compact JSON."""
    if value is None:
        return ""
    return compact(value) if isinstance(value, (dict, list)) else str(value)


def us_time(text, comma="", fraction=False):
    """`3/2/2026 9:41:00 AM`, in UTC and without saying so."""
    at = datetime.datetime.fromisoformat(text[:19])
    part = "." + text[20:23] if fraction else ""
    return (f"{at.month}/{at.day}/{at.year}{comma} {at.hour % 12 or 12}:{at:%M:%S}{part}"
            f" {'AM' if at.hour < 12 else 'PM'}")


def ingested(e):
    """The time of ingestion, as ISO text with seven digits."""
    at, fraction = delivered(e)
    return f"{at:%Y-%m-%dT%H:%M:%S}.{fraction:07}Z"


def users_of(events, *categories):
    """The sign-ins of these categories, newest first."""
    return [e for e in reversed(events) if e["category"] in categories]
