"""The generated diagnostic settings lines in the other spellings that come in bulk: same sign-ins, other words.

Each writer takes lines and gives lines, so that no log is ever whole in memory: what this process holds would count as
the peak of each contender that it starts.

    spellings.py KIND LINES OUT
"""

import csv
import io
import json
import sys

PAGE = 1000
# Field of Graph -> column of Log Analytics, where more than the first letter differs.
RENAMED = {"ipAddress": "IPAddress", "location": "LocationDetails", "appliedConditionalAccessPolicies": "ConditionalAccessPolicies",
           "resourceId": "ResourceIdentity", "tenantId": "AADTenantId"}
AUDIT_COLUMNS = ("RecordId", "CreationDate", "RecordType", "Operation", "UserId", "AuditData", "AssociatedAdminUnits",
                 "AssociatedAdminUnitsNames")


def compact(value):
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def graph_array(records):
    """One array, a record a line, as the portal downloads it."""
    before = "["
    for record in records:
        yield f"{before}{compact(record['properties'])}"
        before = ",\n"
    yield "]\n"


def graph_pages(records):
    """Pages of the Graph API, one a line."""
    page = []
    for record in records:
        page.append(record["properties"])
        if len(page) == PAGE:
            yield graph_page(page)
            page = []
    yield graph_page(page)


def graph_page(page):
    return compact({"@odata.context": "https://graph.microsoft.com/beta/$metadata#auditLogs/signIns", "value": page}) + "\n"


def columns(record):
    """A row of the table SigninLogs."""
    properties = record["properties"]
    row = {"TimeGenerated": record["time"], "OperationName": record["operationName"], "Category": record["category"],
           "ResultType": record["resultType"], "ResultSignature": "None",
           "ResultDescription": properties["status"].get("failureReason", ""), "Location": record["location"],
           "ResourceId": record["resourceId"], "Identity": record["identity"], "Level": record.get("level")}
    for name, value in properties.items():
        row[RENAMED.get(name, name[:1].upper() + name[1:])] = value
    for name in ("AuthenticationDetails", "AuthenticationProcessingDetails", "AuthenticationRequirementPolicies",
                 "NetworkLocationDetails", "SessionLifetimePolicies", "RiskEventTypes", "RiskEventTypes_v2"):
        row[name] = compact(row.get(name, []))
    return row | {"Type": "SigninLogs"}


def log_analytics_lines(records):
    """Blobs of a data export rule."""
    for record in records:
        yield compact(columns(record)) + "\n"


def log_analytics_csv(records):
    """What the Azure portal exports: times of the US, JSON over several lines inside cells."""
    header = None
    for record in records:
        row = columns(record)
        text = "\ufeff" if header is None else ""
        if header is None:
            header = list(row)
            times = {"TimeGenerated", "CreatedDateTime"}
            text += csv_line(name + " [UTC]" if name in times else name for name in header)
        yield text + csv_line(cell(name, row.get(name)) for name in header)


def cell(name, value):
    if name in ("TimeGenerated", "CreatedDateTime"):
        hour = int(value[11:13])
        return (f"{int(value[5:7])}/{int(value[8:10])}/{value[:4]}, {(hour + 11) % 12 + 1}{value[13:19]}.{value[20:23]} "
                f"{'AM' if hour < 12 else 'PM'}")
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, (dict, list)):
        return compact(value)
    if isinstance(value, str) and value[:2] in ('[{', '["', '{"'):
        return json.dumps(json.loads(value), ensure_ascii=False, indent=2).replace("\n", "\r\n")
    return value


def csv_line(cells):
    line = io.StringIO()
    csv.writer(line, lineterminator="\r\n").writerow(cells)
    return line.getvalue()


def audit_csv(records):
    """What Purview exports of the unified audit log."""
    yield csv_line(AUDIT_COLUMNS)
    for record in records:
        it = record["properties"]
        when, code = it["createdDateTime"][:19], it["status"]["errorCode"]
        operation = "UserLoginFailed" if code else "UserLoggedIn"
        tenant, user, name, ip = it["tenantId"], it["userId"], it["userPrincipalName"], it["ipAddress"]
        device = it["deviceDetail"]
        pairs = lambda *pairs: [{"Name": name, "Value": value} for name, value in pairs if value]
        data = {
            "CreationTime": when, "Id": it["id"], "Operation": operation, "OrganizationId": tenant, "RecordType": 15,
            "ResultStatus": "Success", "UserKey": user, "UserType": 0, "Version": 1, "Workload": "AzureActiveDirectory",
            "ClientIP": ip, "ObjectId": it["resourceId"], "UserId": name, "AzureActiveDirectoryEventType": 1,
            "ExtendedProperties": pairs(("ResultStatusDetail", "Success"), ("UserAgent", it.get("userAgent")),
                                        ("UserAuthenticationMethod", "1"), ("RequestType", "Login:login")),
            "ModifiedProperties": [], "Actor": [{"ID": user, "Type": 0}, {"ID": name, "Type": 5}], "ActorContextId": tenant,
            "ActorIpAddress": ip, "InterSystemsId": it["correlationId"], "IntraSystemId": it["id"], "SupportTicketId": "",
            "Target": [{"ID": it["resourceId"], "Type": 0}], "TargetContextId": tenant, "ApplicationId": it["appId"],
            "DeviceProperties": pairs(("OS", device.get("operatingSystem")), ("BrowserType", device.get("browser")),
                                      ("IsCompliantAndManaged", str(device.get("isManaged") is True)),
                                      ("SessionId", it.get("sessionId"))),
            "ErrorNumber": str(code)}
        if code == 50053:
            data["LogonError"] = "IdsLocked"
        yield csv_line([it["id"], when + ".0000000Z", 15, operation, name, compact(data), "", ""])


# Name of the job's variant -> (ending of the file, writer)
SPELLINGS = {
    "graph_array": ("json", graph_array),
    "graph_pages": ("json", graph_pages),
    "log_analytics_lines": ("json", log_analytics_lines),
    "log_analytics_csv": ("csv", log_analytics_csv),
    "audit_csv": ("csv", audit_csv),
}


def write(kind, lines, out):
    """Writes the log at `lines` to `out` in another spelling."""
    with open(lines, encoding="utf-8") as source, open(out, "w", encoding="utf-8", newline="") as target:
        for text in SPELLINGS[kind][1](map(json.loads, source)):
            target.write(text)


if __name__ == "__main__":
    write(*sys.argv[1:])
