"""The story as tables: the downloads of the Entra portal, and Log Analytics in each of its ways out."""
import csv
import json


from records import (LOGS, USERS, compact, delivered, flat, graph_beta, ingested, lines, table,
                     us_time, users_of)
from story import guid, number

DATES = "2026-03-02_2026-03-04"

# Labels as the page shows them, odd blanks and the repeated one included.
PORTAL_57 = (
    "Date (UTC)|Request ID|User agent|Correlation ID|User ID|User|Username|User type|Cross tenant access type|"
    "Incoming token type|Authentication Protocol|Unique token identifier|Original transfer method|Client credential type|"
    "Token Protection - Sign In Session|Token Protection - Sign In Session StatusCode|Application|Application ID |"
    "App owner tenant ID|Resource|Resource ID |Resource tenant ID|Resource owner tenant ID|Home tenant ID|Home tenant name|"
    "IP address|Location|Status|Sign-in error code|Failure reason|Client app|Device ID|Browser|Operating System|Compliant|"
    "Managed|Join Type|Multifactor authentication result|Multifactor authentication auth method|"
    "Multifactor authentication auth detail|Authentication requirement|Sign-in identifier|Session ID|"
    "IP address (seen by resource)|Through Global Secure Access|Global Secure Access IP address|Autonomous system  number|"
    "Flagged for review|Token issuer type|Incoming token type|Token issuer name|Latency|Conditional Access|"
    "Managed Identity type|Associated Resource Id|Federated Token Id|Federated Token Issuer").split("|")
PORTAL_54 = [n for n in PORTAL_57 if n not in ("App owner tenant ID", "Resource owner tenant ID", "Session ID")]
PORTAL_APPLICATION = (
    "Date (UTC)|Request ID|Correlation ID|Service principal ID|Service principal name|Credential key ID|"
    "Credential thumbprint|Application|Application ID |App owner tenant ID|Resource|Resource ID |Resource tenant ID|"
    "Resource owner tenant ID|Home tenant ID|Home tenant name|IP address|Location|Status|Sign-in error code|"
    "Failure reason|Conditional Access").split("|")
AUTH_DETAILS = ["Date (UTC)", "Request ID", "Authentication method", "Authentication method detail", "Succeeded",
                "Result detail"]
INTERRUPTS = (50074, 50076, 50140)


# ---- the portal ----

def portal_row(e):
    g = graph_beta(e)
    place, device, code = g["location"], g["deviceDetail"], e["code"]
    where = [place["city"], place["state"], place["countryOrRegion"]]
    yes = {True: "true", None: ""}
    return {
        "Date (UTC)": g["createdDateTime"][:19] + "Z", "Request ID": g["id"], "User agent": g["userAgent"],
        "Correlation ID": g["correlationId"], "User ID": g["userId"], "User": g["userDisplayName"],
        "Username": g["userPrincipalName"], "User type": g["userType"],
        "Cross tenant access type": g["crossTenantAccessType"], "Incoming token type": g["incomingTokenType"],
        "Authentication Protocol": g["authenticationProtocol"], "Original transfer method": "none",
        "Client credential type": "none", "Token Protection - Sign In Session": "Unbound",
        "Application": g["appDisplayName"], "Application ID ": g["appId"], "Resource": g["resourceDisplayName"],
        "Resource ID ": g["resourceId"], "Resource tenant ID": g["resourceTenantId"],
        "Home tenant ID": g["homeTenantId"], "IP address": g["ipAddress"],
        "Location": ", ".join(where) if where[2] else "",
        "Status": "Success" if code == 0 else "Interrupted" if code in INTERRUPTS else "Failure",
        # A success leaves the code empty in one download and says 0 in another.
        "Sign-in error code": "" if code == 0 and e["category"] == "interactive" else code,
        "Failure reason": g["status"]["failureReason"], "Client app": g["clientAppUsed"],
        "Device ID": device["deviceId"], "Browser": device["browser"], "Operating System": device["operatingSystem"],
        "Compliant": yes[device["isCompliant"]], "Managed": yes[device["isManaged"]], "Join Type": device["trustType"],
        "Multifactor authentication result": g["status"]["additionalDetails"],
        "Authentication requirement": g["authenticationRequirement"], "Session ID": g["sessionId"],
        "Through Global Secure Access": "false", "Autonomous system  number": g["autonomousSystemNumber"],
        "Flagged for review": "false", "Token issuer type": g["tokenIssuerType"],
        "Latency": g["processingTimeInMilliseconds"], "Conditional Access": g["conditionalAccessStatus"],
        "Managed Identity type": "None", "Service principal ID": g["servicePrincipalId"],
        "Service principal name": g["servicePrincipalName"]}


def auth_details(events):
    for e in users_of(events, "interactive"):
        g = graph_beta(e)
        for step in g["authenticationDetails"]:
            yield {"Date (UTC)": g["createdDateTime"][:19] + "Z", "Request ID": g["id"],
                   "Authentication method": step["authenticationMethod"],
                   "Authentication method detail": step["authenticationMethodDetail"],
                   "Succeeded": "true" if step["succeeded"] else "false",
                   "Result detail": step["authenticationStepResultDetail"]}


def portal(events):
    def of(category):
        return [portal_row(e) for e in users_of(events, category)]

    return {
        f"portal/InteractiveSignIns_{DATES}.csv": table(PORTAL_57, of("interactive")),
        f"portal/InteractiveSignIns_AuthDetails_{DATES}.csv": table(AUTH_DETAILS, auth_details(events)),
        f"portal/NonInteractiveSignIns_{DATES}.csv": table(PORTAL_54, of("non_interactive")),
        f"portal/ApplicationSignIns_{DATES}.csv":
            table(PORTAL_APPLICATION, of("service_principal"), quote=csv.QUOTE_MINIMAL),
        f"portal/MSISignIns_{DATES}.csv":
            table(PORTAL_APPLICATION, of("managed_identity"), quote=csv.QUOTE_MINIMAL)}


# ---- Log Analytics ----

# The columns of SigninLogs in the order of the portal's export.
SIGNIN_LOGS = (
    "TenantId SourceSystem TimeGenerated ResourceId OperationName OperationVersion Category ResultType ResultSignature"
    " ResultDescription DurationMs CorrelationId Resource ResourceGroup ResourceProvider Identity Level Location"
    " AlternateSignInName AppDisplayName AppId AuthenticationDetails AuthenticationMethodsUsed"
    " AuthenticationProcessingDetails AuthenticationRequirement AuthenticationRequirementPolicies ClientAppUsed"
    " ConditionalAccessPolicies ConditionalAccessStatus CreatedDateTime DeviceDetail IsInteractive Id IPAddress IsRisky"
    " LocationDetails MfaDetail NetworkLocationDetails OriginalRequestId ProcessingTimeInMilliseconds RiskDetail"
    " RiskEventTypes RiskEventTypes_V2 RiskLevelAggregated RiskLevelDuringSignIn RiskState ResourceDisplayName"
    " ResourceIdentity ServicePrincipalId ServicePrincipalName Status TokenIssuerName TokenIssuerType UserAgent"
    " UserDisplayName UserId UserPrincipalName AADTenantId UserType FlaggedForReview ResourceTenantId HomeTenantId"
    " AutonomousSystemNumber AuthenticationProtocol CrossTenantAccessType IncomingTokenType SessionId Type").split()
DATETIMES = ("TimeGenerated", "CreatedDateTime")
TWO_TYPES = ("ConditionalAccessPolicies", "DeviceDetail", "LocationDetails", "MfaDetail", "Status")
PROJECTED = ("TimeGenerated CreatedDateTime Id UserPrincipalName IPAddress ResultType ResultDescription AppDisplayName"
             " ClientAppUsed Type").split()


def logged(e):
    """A row of one of the five tables."""
    row = {**flat(e), "SourceSystem": "Azure AD", "Resource": "Microsoft.aadiam", "ResourceGroup": "Microsoft.aadiam"}
    if e["category"] == "interactive":
        row["MfaDetail"] = {}
    elif e["category"] == "non_interactive":
        row["MfaDetail"] = "{}"
        row["ProcessingTimeInMs"] = row.pop("ProcessingTimeInMilliseconds")
    elif e["category"] == "adfs":
        row["Type"] = LOGS["adfs"]
    return row


def csv_cell(name, value):
    """How the portal shows a value: US dates, TRUE, and text that holds JSON over several lines."""
    if name in DATETIMES:
        return us_time(value, comma=",", fraction=True)
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, str) and value[:2] in ("[{", "[\"", "{\""):
        return json.dumps(json.loads(value), ensure_ascii=False, indent=2).replace("\n", "\r\n")
    return 1 if name == "OperationVersion" else value


def portal_export(names, rows):
    shown = [{name: csv_cell(name, value) for name, value in row.items()} for row in rows]
    header = [name + " [UTC]" if name in DATETIMES else name for name in names]
    return "\ufeff" + table(names, shown, header, quote=csv.QUOTE_MINIMAL)


def union(rows):
    """What `union` makes of two tables: one column for each type, suffixed with it."""
    names = []
    for name in SIGNIN_LOGS:
        names += [name + "_dynamic", name + "_string"] if name in TWO_TYPES else [name]
    names.insert(names.index("ProcessingTimeInMilliseconds") + 1, "ProcessingTimeInMs")
    for row in rows:
        kind = "_dynamic" if row["Type"] == "SigninLogs" else "_string"
        for name in TWO_TYPES:
            row[name + kind] = row.pop(name)
    return portal_export(names, rows)


KUSTO = {bool: "bool", int: "int", dict: "dynamic", list: "dynamic"}


def query_api(events):
    """All five tables in one answer. A dynamic cell is text in some rows and an object in others."""
    rows = []
    for e in users_of(events, *LOGS):
        row = logged(e)
        as_text = number("dynamic " + e["id"], 2) == 0
        row = {k: compact(v) if as_text and isinstance(v, (dict, list)) else v for k, v in row.items()}
        row.update({k: row[k][:23] + "Z" for k in DATETIMES})
        rows.append(row)
    names = SIGNIN_LOGS[:-1] + ["ProcessingTimeInMs", "Type"]
    types = {name: KUSTO.get(type(value), "string") for row in rows for name, value in row.items()}
    types.update({name: "dynamic" for name in TWO_TYPES}, **{name: "datetime" for name in DATETIMES})
    columns = [{"name": name, "type": types.get(name, "string")} for name in names]
    return compact({"tables": [{"name": "PrimaryResult", "columns": columns,
                                "rows": [[row.get(name) for name in names] for row in rows]}]})


def data_export(events):
    """Blobs of a data export rule; they go by the time of ingestion, here one for each day."""
    days = {}
    for e in events:
        if e["category"] == "interactive":
            at, _ = delivered(e)
            days.setdefault(at.date(), []).append(e)
    workspace = (f"WorkspaceResourceId=/subscriptions/{guid('subscription')}/resourcegroups/rg-logs/providers/"
                 "microsoft.operationalinsights/workspaces/contoso-bakeries")
    return {f"log-analytics/export/am-SigninLogs/{workspace}/y={day:%Y}/m={day:%m}/d={day:%d}/h=23/m=55/PT05M.json":
            lines(logged(e) for e in sorted(some, key=ingested)) for day, some in sorted(days.items())}


def log_analytics(events):
    mine = users_of(events, "interactive")
    return {
        "log-analytics/query_data.csv": portal_export(SIGNIN_LOGS, [logged(e) for e in mine]),
        "log-analytics/union.csv": union([logged(e) for e in users_of(events, *USERS)]),
        "log-analytics/projected.csv": portal_export(PROJECTED, [logged(e) for e in mine]),
        "log-analytics/query-api.json": query_api(events), **data_export(events)}


def files(events):
    """Path -> text."""
    return {**portal(events), **log_analytics(events)}
