"""The interactive sign-ins as the unified audit log of Microsoft 365 has them, in each of its exports.

There is no text of the failure here: `ErrorNumber` and `LogonError` do not tell one 50053 from another.
"""
import csv
import json

import story
from records import compact, graph_beta, lines, table, us_time, users_of
from story import guid, number

LOGON_ERRORS = {50034: "UserAccountNotFound", 50053: "IdsLocked", 50074: "UserStrongAuthClientAuthNRequiredInterrupt",
                50076: "UserStrongAuthClientAuthNRequired", 50126: "InvalidUserNameOrPassword", 500532: "IdsLocked"}
REQUESTS = {story.BROWSER: "Login:login", story.RICH: "OAuth2:Token", story.EAS: "OAuth2:Token", story.IMAP: "OAuth2:Token"}
RECORD_TYPES = {15: "AzureActiveDirectoryStsLogon", 6: "SharePointFileOperation", 50: "ExchangeItemAggregated"}
# What the same export holds beside sign-ins: (operation, record type, workload, who, when)
OTHERS = [("FileAccessed", 6, "SharePoint", "ines.tavares", "2026-03-02T09:05:11"),
          ("MailItemsAccessed", 50, "Exchange", "bruno.falk", "2026-03-02T10:40:02"),
          ("FileAccessed", 6, "SharePoint", "gwen.odell", "2026-03-03T09:55:30"),
          ("MailItemsAccessed", 50, "Exchange", "hamish.burr", "2026-03-03T06:12:45"),
          ("FileDownloaded", 6, "SharePoint", "moss.adeyemi", "2026-03-04T16:20:00")]
SEARCH = ("PSComputerName RunspaceId PSShowComputerName RecordType CreationDate UserIds Operations AuditData ResultIndex"
          " ResultCount Identity IsValid ObjectState").split()
PURVIEW = ("RecordId CreationDate RecordType Operation UserId AuditData AssociatedAdminUnits"
           " AssociatedAdminUnitsNames").split()


def client_ip(e):
    """Some addresses have a port, and those of IPv6 then stand in brackets."""
    port = 16000 + number("port " + e["id"], 40000)
    if number("with port " + e["id"], 4) or not e["ip"]:
        return e["ip"]
    return f"[{e['ip']}]:{port}" if ":" in e["ip"] else f"{e['ip']}:{port}"


def audit_data(e):
    g, code = graph_beta(e), e["code"]
    device = g["deviceDetail"]
    # Unlike Graph, this log keeps the capitals of a name as it was typed.
    upn = g["userPrincipalName"].title() if number("typed " + e["id"], 3) == 0 else g["userPrincipalName"]
    user = g["userId"] or "Not Available"
    extended = [("ResultStatusDetail", "Success"), ("UserAgent", g["userAgent"]), ("UserAuthenticationMethod", "1"),
                ("RequestType", REQUESTS.get(e["client"], "Login:login"))]
    properties = [("OS", device["operatingSystem"]), ("BrowserType", device["browser"].split(" ")[0]),
                  ("IsCompliantAndManaged", str(device["isManaged"] is True)), ("SessionId", g["sessionId"])]
    data = {
        "CreationTime": g["createdDateTime"][:19], "Id": g["id"],
        "Operation": "UserLoggedIn" if code in (0, 50140) else "UserLoginFailed", "OrganizationId": story.TENANT,
        "RecordType": 15, "ResultStatus": "Success", "UserKey": user, "UserType": 0, "Version": 1,
        "Workload": "AzureActiveDirectory", "ClientIP": client_ip(e), "ObjectId": g["resourceId"], "UserId": upn,
        "AzureActiveDirectoryEventType": 1,
        "ExtendedProperties": [{"Name": n, "Value": v} for n, v in extended if v],
        "ModifiedProperties": [], "Actor": [{"ID": user, "Type": 0}, {"ID": upn, "Type": 5}],
        "ActorContextId": story.TENANT, "ActorIpAddress": client_ip(e), "InterSystemsId": g["correlationId"],
        "IntraSystemId": g["id"], "SupportTicketId": "", "Target": [{"ID": g["resourceId"], "Type": 0}],
        "TargetContextId": story.TENANT, "ApplicationId": g["appId"],
        "DeviceProperties": [{"Name": n, "Value": v} for n, v in properties if v], "ErrorNumber": str(code)}
    if code in LOGON_ERRORS:
        data["LogonError"] = LOGON_ERRORS[code]
    return data


def other(operation, kind, workload, who, at):
    return {"CreationTime": at, "Id": guid(f"audit {operation} {at}"), "Operation": operation,
            "OrganizationId": story.TENANT, "RecordType": kind, "ResultStatus": "Succeeded",
            "UserKey": guid("user key " + who), "UserType": 0, "Version": 1, "Workload": workload,
            "ClientIP": story.OFFICE, "UserId": who + "@contoso.example", "ObjectId": "https://contoso.example/recipes.xlsx"}


def entries(events):
    """Sign-ins and what happened between them, newest first."""
    both = [audit_data(e) for e in users_of(events, "interactive")] + [other(*some) for some in OTHERS]
    return sorted(both, key=lambda data: (data["CreationTime"], data["Id"]), reverse=True)


def search_row(data, n, count):
    return {"PSComputerName": "outlook.office365.com", "RunspaceId": guid("runspace"), "PSShowComputerName": "False",
            "RecordType": RECORD_TYPES[data["RecordType"]], "CreationDate": us_time(data["CreationTime"]),
            "UserIds": data["UserId"], "Operations": data["Operation"], "AuditData": data, "ResultIndex": n + 1,
            "ResultCount": count, "Identity": data["Id"], "IsValid": "True", "ObjectState": "Unchanged"}


def repeated(data):
    """Pages overlap: about one row in twenty comes twice."""
    return [d for d in data for _ in range(2 if number("page " + d["Id"], 20) == 0 else 1)]


def purview_row(data):
    return {"RecordId": data["Id"], "CreationDate": data["CreationTime"] + ".0000000Z", "RecordType": data["RecordType"],
            "Operation": data["Operation"], "UserId": data["UserId"], "AuditData": data}


def graph_query(data):
    return {"id": data["Id"], "createdDateTime": data["CreationTime"] + "Z",
            "auditLogRecordType": RECORD_TYPES[data["RecordType"]], "operation": data["Operation"],
            "organizationId": story.TENANT, "userType": "Regular", "userId": data["UserId"],
            "service": data["Workload"], "objectId": data["ObjectId"], "userPrincipalName": data["UserId"],
            "clientIp": data["ClientIP"], "administrativeUnits": [""], "auditData": data}


def extractor(data):
    """Arrays one after the other with blank lines between them, and AuditData as an object."""
    rows = [search_row(d, n, len(data)) for n, d in enumerate(data)]
    parts = [json.dumps(rows[i:i + 100], ensure_ascii=False, indent=1) for i in range(0, len(rows), 100)]
    return "\ufeff" + ("\n\n".join(parts) + "\n\n").replace("\n", "\r\n")


def files(events):
    """Path -> text."""
    data = entries(events)
    twice = repeated(data)
    return {
        "unified-audit/search-unifiedauditlog.csv":
            "#TYPE Deserialized.Microsoft.Exchange.Management.Tasks.UnifiedAuditLogEvent\r\n"
            + table(SEARCH, [search_row(d, n, len(twice)) for n, d in enumerate(twice)]),
        "unified-audit/purview.csv": "\ufeff" + table(PURVIEW, map(purview_row, data), quote=csv.QUOTE_MINIMAL),
        "unified-audit/management-api.json": compact(data),
        "unified-audit/auditdata.ndjson": lines(data),
        "unified-audit/graph-auditlogquery.json": compact([graph_query(d) for d in data]),
        "unified-audit/extractor-UAL.json": extractor(data)}
