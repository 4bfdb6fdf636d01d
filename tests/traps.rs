//! The twelve traps on which readers of these logs break, each a test as a user would meet it: files
//! in a folder, and the sign-ins that come out. Records here are invented.

use std::path::Path;

use serde_json::{Value, json};

use super::support::{rows, run, signsift};

const LOCKED: &str = "The account is locked, you've tried to sign in too many times with an incorrect user ID or password.";
const BLOCKED: &str =
    "Sign-in was blocked because it came from an IP address with malicious activity";

/// The sign-ins of a folder with these files, by id.
#[track_caller]
fn signins(files: &[(&str, &[u8])]) -> Vec<Value> {
    let folder = folder(files);
    rows(
        "SELECT * FROM signins ORDER BY sign_in_id",
        &[folder.path().to_str().unwrap()],
    )
}

fn folder(files: &[(&str, &[u8])]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in files {
        std::fs::write(folder.path().join(name), bytes).unwrap();
    }
    folder
}

/// The only sign-in of one file.
#[track_caller]
fn signin(name: &str, text: impl AsRef<[u8]>) -> Value {
    let mut rows = signins(&[(name, text.as_ref())]);
    assert_eq!(rows.len(), 1, "{name}: {rows:?}");
    rows.remove(0)
}

/// A Graph record with this id, code and text.
fn graph(id: &str, code: i32, text: &str) -> String {
    json!({
        "id": id, "createdDateTime": "2026-03-02T08:15:00Z", "userPrincipalName": "ann@contoso.example",
        "userId": "11111111-2222-3333-4444-555555555555", "appDisplayName": "Portal",
        "ipAddress": "203.0.113.9", "clientAppUsed": "Browser",
        "status": {"errorCode": code, "failureReason": text, "additionalDetails": null},
    })
    .to_string()
}

#[track_caller]
fn stated(text: &str) -> String {
    let row = signin("in.json", graph("a", 50053, text));
    row["stated_reason"].as_str().unwrap().to_owned()
}

#[test]
fn trap_01_neither_number_nor_name_tells_the_reason() {
    assert_eq!(stated(LOCKED), "lockout");
    assert_eq!(stated(BLOCKED), "malicious_ip");
    let risk = "Sign-in was blocked by built-in protections due to high confidence of risk.";
    assert_eq!(stated(risk), "high_confidence_risk");
    assert_eq!(stated("IdsLocked"), "generic");
    // The reference text of the code names both of the first two.
    let both = format!(
        "This error can result from two different reasons: IdsLocked - {LOCKED} Or, {BLOCKED}."
    );
    assert_eq!(stated(&both), "generic");
    let audit = r#"{"CreationTime":"2026-03-02T08:15:00","Id":"a","Operation":"UserLoginFailed","RecordType":15,"Workload":"AzureActiveDirectory","UserId":"ann@contoso.example","ErrorNumber":"50053","LogonError":"IdsLocked"}"#;
    assert_eq!(signin("audit.json", audit)["stated_reason"], "absent");
    let hunt = r#"{"schema":[],"results":[{"Timestamp":"2026-03-02T08:15:00Z","RequestId":"a","ErrorCode":50053,"AccountUpn":"ann@contoso.example","Application":"Portal","IPAddress":"203.0.113.9"}]}"#;
    assert_eq!(signin("hunt.json", hunt)["stated_reason"], "absent");
}

#[test]
fn trap_02_the_text_drifts() {
    for text in [
        "The account is locked, you’ve tried to sign in too many times with an incorrect user ID or password.",
        "Account is locked because user tried to sign in too many times with an incorrect user ID or password.",
        "IdsLocked - The account is locked because the user tried to sign in too many times with an incorrect user ID or password. The user is blocked due to repeated sign-in attempts.",
        "You've tried to sign in too many times with an incorrect user ID or password.\r\nTrace ID: x",
        "THE ACCOUNT IS LOCKED,  you've tried to sign in too many  times with an incorrect user id or password",
    ] {
        assert_eq!(stated(text), "lockout", "{text}");
    }
    for text in [
        BLOCKED.to_owned(),
        format!("{BLOCKED}."),
        BLOCKED.to_lowercase(),
    ] {
        assert_eq!(stated(&text), "malicious_ip", "{text}");
    }
}

#[test]
fn trap_03_the_event_has_its_own_clock() {
    let blob = r#"{"time":"2026-03-03T00:04:10.0000000Z","category":"SignInLogs","resultType":"0","properties":{"id":"a","createdDateTime":"2026-03-02T23:58:01.1234567+00:00","status":{"errorCode":0}}}"#;
    let table = "TimeGenerated [UTC],CreatedDateTime [UTC],Id,ResultType,UserPrincipalName\n\"3/3/2026, 12:04:10.000 AM\",\"3/2/2026, 11:58:01.123 PM\",a,0,ann@contoso.example\n";
    for (name, text, event) in [
        ("blob.json", blob, "2026-03-02T23:58:01.123456Z"),
        ("table.csv", table, "2026-03-02T23:58:01.123Z"),
    ] {
        let row = signin(name, text);
        assert_eq!(row["time"], event, "{name}");
        assert_eq!(row["ingested_at"], "2026-03-03T00:04:10Z", "{name}");
    }
    // Without the event's clock there is no time: that of the delivery is never used in its place.
    let late = r#"{"time":"2026-03-03T00:04:10Z","category":"SignInLogs","resultType":"0","properties":{"id":"a","status":{"errorCode":0}}}"#;
    assert!(signin("late.json", late)["time"].is_null());
}

#[test]
fn trap_04_deliveries_repeat_and_routes_overlap() {
    let one = graph("a", 50053, LOCKED);
    let again = format!(
        "{}\n{}\n",
        r#"{"time":"2026-03-02T08:16:00Z","category":"SignInLogs","properties":P}"#
            .replace('P', &one),
        r#"{"time":"2026-03-02T09:20:00Z","category":"SignInLogs","properties":P}"#
            .replace('P', &one),
    );
    // The id is the key: a correlation id is shared by several sign-ins.
    let other = one.replace(r#""id":"a""#, r#""id":"b","correlationId":"c""#);
    let one = one.replace(r#""id":"a""#, r#""id":"A","correlationId":"c""#);
    let rows = signins(&[
        ("blob.json", again.as_bytes()),
        (
            "page.json",
            format!(r#"{{"value":[{one},{other},{one}]}}"#).as_bytes(),
        ),
    ]);
    let ids: Vec<_> = rows.iter().map(|row| &row["sign_in_id"]).collect();
    assert_eq!(ids, ["a", "b"]);
}

#[test]
fn trap_05_the_file_is_not_what_its_name_says() {
    let (a, b) = (graph("a", 0, "Other."), graph("b", 50053, BLOCKED));
    let utf16: Vec<u8> = format!("\u{feff}[{a},{b}]")
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    let wrapped = |name: &str| {
        let record = |properties: &str| {
            format!(
                r#"{{"time":"2026-03-02T08:16:00Z","category":"SignInLogs","properties":{properties}}}"#
            )
        };
        format!(r#"{{"{name}":[{},{}]}}"#, record(&a), record(&b))
    };
    for (name, text) in [
        ("array.ndjson", format!("[{a},{b}]").into_bytes()),
        ("lines.json", format!("{a}\r\n{b}\r\n").into_bytes()),
        (
            "pages.log",
            format!(r#"{{"value":[{a},{b}]}}"#).into_bytes(),
        ),
        ("records.csv", wrapped("records").into_bytes()),
        ("two-arrays.txt", format!("[{a}]\r\n\r\n[{b}]").into_bytes()),
        ("broken-merge.json", format!("[{a}][{b},]").into_bytes()),
        ("bare.json", format!("{a}{b}").into_bytes()),
        ("bom.json", format!("\u{feff}[{a},{b}]").into_bytes()),
        ("powershell.json", utf16),
        ("no-name", format!("\n\n{a}\n\n{b}").into_bytes()),
    ] {
        let rows = signins(&[(name, &text)]);
        let codes: Vec<_> = rows
            .iter()
            .map(|row| row["error_code"].as_i64().unwrap())
            .collect();
        assert_eq!(codes, [0, 50053], "{name}");
    }
}

#[test]
fn trap_06_the_code_changes_type_and_place() {
    let audit = r#"{"CreationTime":"2026-03-02T08:15:00","Id":"a","Operation":"UserLoginFailed","RecordType":15,"Workload":"AzureActiveDirectory","UserId":"ann@contoso.example","N":"50053"}"#;
    for (name, text) in [
        ("graph.json", graph("a", 50053, LOCKED)),
        ("text.json", graph("a", 50053, LOCKED).replace("50053", "\"50053\"")),
        ("outer.json", r#"{"time":"2026-03-02T08:16:00Z","category":"SignInLogs","resultType":"50053","properties":{"id":"a","createdDateTime":"2026-03-02T08:15:00Z"}}"#.to_owned()),
        ("table.csv", "CreatedDateTime,Id,ResultType,UserPrincipalName\n2026-03-02T08:15:00Z,a,50053,ann@contoso.example\n".to_owned()),
        ("portal.csv", "\"Date (UTC)\",\"Request ID\",\"Username\",\"Status\",\"Sign-in error code\"\n\"2026-03-02T08:15:00Z\",\"a\",\"ann@contoso.example\",\"Failure\",\"50053\"\n".to_owned()),
        ("number.json", audit.replace("\"N\"", "\"ErrorNumber\"")),
        ("code.json", audit.replace("\"N\"", "\"ErrorCode\"")),
    ] {
        assert_eq!(signin(name, text)["error_code"], 50053, "{name}");
    }
    // Other codes begin with it, and may carry the very text: they are no refusals.
    for code in [500_532, 500_121, 5_005] {
        let row = signin("other.json", graph("a", code, LOCKED));
        assert_eq!(row["error_code"], code);
        let folder = folder(&[("in.json", graph("a", code, LOCKED).as_bytes())]);
        let refusals = rows("SELECT * FROM refusals", &[folder.path().to_str().unwrap()]);
        assert!(refusals.is_empty(), "{code}");
    }
}

#[test]
fn trap_07_json_stands_inside_text() {
    let status = format!(r#"{{"errorCode":50053,"failureReason":"{BLOCKED}"}}"#);
    let place = r#"{"city":"Lund","countryOrRegion":"SE"}"#;
    let as_text = |text: &str| serde_json::to_string(text).unwrap();
    let cell = |text: &str| format!("\"{}\"", text.replace('"', "\"\""));
    let head = r#""TimeGenerated":"2026-03-02T08:16:00Z","CreatedDateTime":"2026-03-02T08:15:00Z","Id":"a","UserPrincipalName":"ann@contoso.example","Type":"AADNonInteractiveUserSignInLogs""#;
    for (name, text) in [
        (
            "object.json",
            format!(r#"{{{head},"Status":{status},"LocationDetails":{place}}}"#),
        ),
        (
            "text.json",
            format!(
                r#"{{{head},"Status":{},"LocationDetails":{}}}"#,
                as_text(&status),
                as_text(place)
            ),
        ),
        // A union of two tables splits each column in two, one of them empty.
        (
            "union.csv",
            format!(
                "TimeGenerated,CreatedDateTime,Id,UserPrincipalName,Type,Status_dynamic,Status_string,LocationDetails_dynamic,LocationDetails_string\n2026-03-02T08:16:00Z,2026-03-02T08:15:00Z,a,ann@contoso.example,AADNonInteractiveUserSignInLogs,,{},,{}\n",
                cell(&status),
                cell(place)
            ),
        ),
        // Pretty-printed: the cell spans lines.
        (
            "lines.csv",
            format!(
                "TimeGenerated,CreatedDateTime,Id,UserPrincipalName,Type,Status,LocationDetails\r\n2026-03-02T08:16:00Z,2026-03-02T08:15:00Z,a,ann@contoso.example,AADNonInteractiveUserSignInLogs,{},{}\r\n",
                cell(&status.replace(',', ",\r\n")),
                cell(&place.replace(',', ",\r\n"))
            ),
        ),
    ] {
        let row = signin(name, text);
        assert_eq!(row["error_code"], 50053, "{name}");
        assert_eq!(row["stated_reason"], "malicious_ip", "{name}");
        assert_eq!(row["country"], "SE", "{name}");
        assert_eq!(row["category"], "non_interactive", "{name}");
    }
}

#[test]
fn trap_08_dates_come_in_every_form() {
    let ms = 1_772_439_300_120_i64;
    for (text, time) in [
        (
            "2026-03-02T08:15:00.1234567Z",
            "2026-03-02T08:15:00.123456Z",
        ),
        (
            "2026-03-02T08:15:00.123456789Z",
            "2026-03-02T08:15:00.123456Z",
        ),
        ("2026-03-02T08:15:00.123456Z", "2026-03-02T08:15:00.123456Z"),
        ("2026-03-02T08:15:00.123Z", "2026-03-02T08:15:00.123Z"),
        ("2026-03-02T08:15:00.12Z", "2026-03-02T08:15:00.120Z"),
        ("2026-03-02T08:15:00Z", "2026-03-02T08:15:00Z"),
        ("2026-03-02T08:15:00+00:00", "2026-03-02T08:15:00Z"),
        ("2026-03-02T03:15:00-05:00", "2026-03-02T08:15:00Z"),
        ("2026-03-02T10:15:00+02:00", "2026-03-02T08:15:00Z"),
        ("2026-03-02T08:15:00", "2026-03-02T08:15:00Z"),
        ("2026-03-02 08:15:00", "2026-03-02T08:15:00Z"),
        ("11/14/2025 1:48:53 AM", "2025-11-14T01:48:53Z"),
        ("4/28/2021, 2:08:45.221 PM", "2021-04-28T14:08:45.221Z"),
        ("7/9/2021 1:32:53 PM", "2021-07-09T13:32:53Z"),
        (&format!("/Date({ms})/"), "2026-03-02T08:15:00.120Z"),
    ] {
        let record = graph("a", 0, "").replace("2026-03-02T08:15:00Z", text);
        let row = signin("in.json", record);
        let got: jiff::Timestamp = row["time"].as_str().unwrap().parse().unwrap();
        let time: jiff::Timestamp = time.parse().unwrap();
        assert_eq!(got, time, "{text}");
    }
    // A date that does not exist is no date: the record is shown, and not guessed.
    let folder = folder(&[(
        "in.json",
        graph("a", 0, "")
            .replace("08:15:00Z", "17:08:65Z")
            .as_bytes(),
    )]);
    let ran = run(signsift(["analyze", folder.path().to_str().unwrap()]));
    ran.ended(1).says(&["not a date that exists"]);
}

#[test]
fn trap_09_the_same_word_means_another_thing() {
    // TenantId of Log Analytics is the workspace; ResourceId is a path, ResourceIdentity the resource.
    let table = r#"{"TenantId":"workspace","AADTenantId":"tenant","CreatedDateTime":"2026-03-02T08:15:00Z","Id":"a","UserPrincipalName":"ann@contoso.example","ResultType":"0","ResourceId":"/tenants/tenant/providers/Microsoft.aadiam","ResourceIdentity":"resource","Location":"SE","LocationDetails":{"city":"Lund"},"Level":"4","RiskEventTypes_V2":"[\"x\"]"}"#;
    let blob = r#"{"time":"2026-03-02T08:16:00Z","tenantId":"tenant","category":"SignInLogs","resourceId":"/tenants/tenant/providers/Microsoft.aadiam","location":"SE","Level":4,"properties":{"id":"a","createdDateTime":"2026-03-02T08:15:00Z","resourceId":"resource","location":{"city":"Lund","countryOrRegion":"SE"},"status":{"errorCode":0},"riskEventTypes_v2":["x"]}}"#;
    for (name, text) in [
        ("table.json", table.to_owned()),
        ("blob.json", blob.to_owned()),
        (
            "informational.json",
            blob.replace(r#""Level":4"#, r#""level":"Informational""#),
        ),
    ] {
        let row = signin(name, text);
        for (column, value) in [
            ("tenant_id", "tenant"),
            ("resource_id", "resource"),
            ("country", "SE"),
            ("city", "Lund"),
        ] {
            assert_eq!(row[column], value, "{column} of {name}");
        }
        assert_eq!(row["risk_event_types"], json!(["x"]), "{name}");
    }
    // Whole records in PascalCase mean the same as in camelCase.
    let pascal = r#"{"Id":"a","CreatedDateTime":"2026-03-02T08:15:00Z","UserPrincipalName":"Ann@Contoso.example","IpAddress":"203.0.113.9","AppDisplayName":"Portal","Status":{"ErrorCode":50053,"FailureReason":"x"},"Location":{"City":"Lund","CountryOrRegion":"SE"}}"#;
    let row = signin("pascal.json", pascal);
    assert_eq!(
        (&row["error_code"], &row["city"]),
        (&json!(50053), &json!("Lund"))
    );
}

#[test]
fn trap_10_portal_csv_repeats_names_and_has_odd_blanks() {
    let header = r#""Date (UTC)","Request ID","Username","Incoming token type","Application","Application ID ","Resource ID ","IP address","Location","Status","Sign-in error code","Failure reason","Autonomous system  number","Incoming token type""#;
    let line = format!(
        r#""2026-03-02T08:15:00Z","a","ann@contoso.example","none","Portal","app","res","203.0.113.9","Winston-Salem, Forsyth, North Carolina, US","Failure","50053","{BLOCKED}","64500","Primary refresh token""#
    );
    let details = "\"Request ID\",\"Authentication method\",\"Succeeded\",\"Result detail\"\n\"a\",\"Password\",\"false\",\"Correct password\"\n";
    let rows = signins(&[
        (
            "InteractiveSignIns_2026.csv",
            format!("{header}\n{line}\n").as_bytes(),
        ),
        (
            "InteractiveSignIns_AuthDetails_2026.csv",
            details.as_bytes(),
        ),
    ]);
    assert_eq!(rows.len(), 1, "the companion holds no sign-ins: {rows:?}");
    for (column, value) in [
        ("app_id", json!("app")),
        ("resource_id", json!("res")),
        ("asn", json!(64500)),
        ("country", json!("US")),
        ("state", json!("North Carolina")),
        ("city", json!("Winston-Salem, Forsyth")),
        ("stated_reason", json!("malicious_ip")),
        ("password_result", json!("correct")),
        ("category", json!("interactive")),
    ] {
        assert_eq!(rows[0][column], value, "{column}");
    }
}

#[test]
fn trap_11_success_and_failure_fields_lie() {
    let audit = |operation: &str, code: &str| {
        format!(
            r#"{{"CreationTime":"2026-03-02T08:15:00","Id":"a","Operation":"{operation}","ResultStatus":"Success","RecordType":15,"Workload":"AzureActiveDirectory","UserId":"ann@contoso.example","ErrorNumber":"{code}"}}"#
        )
    };
    for (name, text, code) in [
        ("failed.json", audit("UserLoginFailed", "50053"), 50053),
        ("logged-in.json", audit("UserLoggedIn", "50140"), 50140),
        ("other.json", graph("a", 0, "Other."), 0),
    ] {
        let row = signin(name, text);
        assert_eq!(row["error_code"], code, "{name}");
        assert!(
            row["failure_reason"].is_null() || code != 0,
            "{name}: {row}"
        );
    }
    // Empty text, null and absent all mean that nothing is known.
    for id in [r#""userId":"","#, r#""userId":null,"#, ""] {
        let record =
            graph("a", 0, "").replace(r#""userId":"11111111-2222-3333-4444-555555555555","#, id);
        assert!(signin("in.json", record)["user_id"].is_null(), "{id}");
    }
}

#[test]
fn trap_12_addresses_need_reading() {
    for (text, address) in [
        ("203.0.113.9:16902", json!("203.0.113.9")),
        (
            "[2001:db8:c02:282a::5]:54088",
            json!("2001:db8:c02:282a::5"),
        ),
        ("2001:DB8:0:0:0:0:0:5", json!("2001:db8::5")),
        ("::ffff:203.0.113.9", json!("203.0.113.9")),
        ("fe80::1%eth0", json!("fe80::1")),
        ("::1", json!("::1")),
        ("10.1.2.3", json!("10.1.2.3")),
        ("", Value::Null),
        ("not an address", Value::Null),
    ] {
        let record = graph("a", 50053, BLOCKED).replace("203.0.113.9", text);
        assert_eq!(signin("in.json", record)["ip_address"], address, "{text:?}");
    }
}

#[test]
fn every_trap_of_the_list_has_its_test() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file!());
    let source = std::fs::read_to_string(path).unwrap();
    for number in 1..=12 {
        assert!(
            source.contains(&format!("fn trap_{number:02}_")),
            "{number}"
        );
    }
}
