//! Sign-ins as rows of cells: CSV of the portal, of Log Analytics, of tools, and JSON tables.

use super::*;
use crate::signin::RICHNESS;

/// A row of these names and values as CSV of one record.
fn csv(cells: &[(&str, &str)]) -> String {
    let line = |cells: Vec<&str>| {
        let quoted: Vec<_> = cells
            .iter()
            .map(|cell| format!("\"{}\"", cell.replace('"', "\"\"")))
            .collect();
        quoted.join(",") + "\r\n"
    };
    let (names, values) = cells.iter().copied().unzip();
    line(names) + &line(values)
}

const PORTAL: &[(&str, &str)] = &[
    ("Date (UTC)", "2025-12-04T08:19:41Z"),
    ("Request ID", "AAAA-1"),
    ("User agent", "UA, \"quoted\""),
    ("Correlation ID", "c-1"),
    ("User ID", "u-1"),
    ("User", "Ann Example"),
    ("Username", "Ann@contoso.example"),
    ("User type", "Member"),
    ("Incoming token type", "none"),
    ("Application", "Portal"),
    ("Application ID ", "app-1"),
    ("Resource ID ", "res-1"),
    ("Home tenant ID", "T-1"),
    ("IP address", "203.0.113.9"),
    ("Location", "Washington, D.C., District of Columbia, US"),
    ("Status", "Failure"),
    ("Sign-in error code", "50053"),
    (
        "Failure reason",
        "Sign-in was blocked because it came from an IP address with malicious activity.",
    ),
    ("Client app", "Browser"),
    ("Compliant", "False"),
    ("Session ID", "s-1"),
    ("Autonomous system  number", "64500"),
    ("Incoming token type", ""),
    ("Conditional Access", "Not Applied"),
];

#[test]
fn portal_csv_has_repeated_names_and_odd_blanks() {
    has(
        &row(&csv(PORTAL)),
        &[
            ("spelling", "portal.csv"),
            ("time", "2025-12-04T08:19:41Z"),
            ("sign_in_id", "aaaa-1"),
            ("user_agent", "UA, \"quoted\""),
            ("user_principal_name", "ann@contoso.example"),
            ("app_id", "app-1"),
            ("resource_id", "res-1"),
            ("country", "US"),
            ("state", "District of Columbia"),
            ("city", "Washington, D.C."),
            ("error_code", "50053"),
            ("stated_reason", "malicious_ip"),
            ("asn", "64500"),
            ("incoming_token_type", "none"),
            ("device_compliant", "false"),
            ("category", "unknown"),
        ],
    );
}

#[test]
fn only_the_name_of_a_portal_file_tells_its_category() {
    for (name, category) in [
        (
            "x/InteractiveSignIns_2026-03-02_2026-03-04.csv",
            "interactive",
        ),
        ("NonInteractiveSignIns_1.csv", "non_interactive"),
        ("in.csv", "unknown"),
    ] {
        let mut decoder = Decoder::new(name, Columns::ALL, Keep::default(), Limits::default());
        decoder.push(csv(PORTAL).as_bytes()).unwrap();
        let (batches, _) = decoder.finish().unwrap();
        has(&rows(&batches)[0], &[("category", category)]);
    }
    let application: Vec<_> = PORTAL
        .iter()
        .filter(|(name, _)| !name.starts_with("User"))
        .copied()
        .chain([("Service principal ID", "sp-1")])
        .collect();
    has(
        &row(&csv(&application)),
        &[("category", "service_principal")],
    );
}

#[test]
fn a_success_of_the_portal_is_one_without_its_code_too() {
    let mut cells = PORTAL.to_vec();
    cells[15].1 = "Success";
    cells[16].1 = "";
    has(&row(&csv(&cells)), &[("error_code", "0")]);
}

#[test]
fn authentication_details_are_never_sign_ins() {
    let text = csv(&[
        ("Request ID", "AAAA-1"),
        ("Authentication method", "Password"),
        ("Succeeded", "True"),
        ("Result detail", "Correct password"),
    ]);
    let (rows, tally) = decode(&text);
    assert_eq!((tally.steps, tally.sign_ins, tally.records), (1, 0, 1));
    let expected = [
        ("sign_in_id", "aaaa-1"),
        ("password_result", "correct"),
        (RICHNESS, "0"),
    ];
    let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(rows, [Row::from(expected)]);
}

/// Columns of Log Analytics as its portal exports them.
const WORKSPACE: &[(&str, &str)] = &[
    ("TenantId", "workspace"),
    ("TimeGenerated [UTC]", "4/28/2021, 2:08:45.221 PM"),
    ("CreatedDateTime [UTC]", "4/28/2021, 2:05:01.002 PM"),
    ("AADTenantId", "T-1"),
    ("Category", "SignInLogs"),
    ("ResultType", "50053"),
    (
        "ResultDescription",
        "The account is locked, you\u{2019}ve tried to sign in too many times with an incorrect user ID or password.",
    ),
    ("Id", "AAAA-2"),
    ("UserPrincipalName", "Ann@contoso.example"),
    ("IPAddress", "2001:db8::1"),
    ("Location", "SE"),
    ("LocationDetails_dynamic", ""),
    (
        "LocationDetails_string",
        "{\"city\":\"Lund\",\"countryOrRegion\":\"SE\"}",
    ),
    (
        "AuthenticationDetails",
        "[\r\n  {\r\n    \"authenticationMethod\": \"Password\",\r\n    \"authenticationStepResultDetail\": \"Correct password\"\r\n  }\r\n]",
    ),
    ("IsInteractive", "TRUE"),
];

#[test]
fn log_analytics_csv_has_json_in_cells_over_many_lines() {
    let text = format!("\u{feff}{}", csv(WORKSPACE));
    has(
        &row(&text),
        &[
            ("spelling", "log_analytics.csv"),
            ("time", "2021-04-28T14:05:01.002Z"),
            ("ingested_at", "2021-04-28T14:08:45.221Z"),
            ("tenant_id", "t-1"),
            ("stated_reason", "lockout"),
            ("city", "Lund"),
            ("password_result", "correct"),
            ("is_interactive", "true"),
        ],
    );
}

#[test]
fn the_query_api_gives_tables_whose_columns_come_first() {
    let table = |rows: &str| {
        format!(
            r#"{{"tables":[{{"name":"PrimaryResult","columns":[{{"name":"CreatedDateTime","type":"datetime"}},{{"name":"Id","type":"string"}},{{"name":"Unknown","type":"dynamic"}},{{"name":"IPAddress","type":"string"}},{{"name":"ResultType","type":"string"}},{{"name":"Status","type":"dynamic"}},{{"name":"UserPrincipalName","type":"string"}}],"rows":[{rows}]}}]}}"#
        )
    };
    let one = r#"["2021-04-28T14:05:01.002Z","AAAA-3",{"a":[1]},"203.0.113.9","50053",{"errorCode":50053,"failureReason":"Account is locked"},"a@contoso.example"]"#;
    let other = one.replace("AAAA-3", "AAAA-4").replace(
        r#"{"errorCode":50053,"failureReason":"Account is locked"}"#,
        r#""{\"errorCode\":50053}""#,
    );
    let text = table(&format!("{one},\n{other}"));
    let (rows, tally) = decode(&text);
    assert_eq!((rows.len(), tally.records), (2, 2), "{tally:?}");
    has(
        &rows[0],
        &[
            ("spelling", "log_analytics.json_tables"),
            ("time", "2021-04-28T14:05:01.002Z"),
            ("stated_reason", "lockout"),
        ],
    );
    has(
        &rows[1],
        &[("sign_in_id", "aaaa-4"), ("stated_reason", "absent")],
    );
    // One answer a line, and another in front of something else.
    let (rows, tally) = decode(format!(
        "{text}\n{text}\n{}\n",
        graph(r#""ipAddress":"203.0.113.9""#)
    ));
    assert_eq!((rows.len(), tally.records), (5, 5), "{tally:?}");
    // A row of another length.
    let (rows, tally) = decode(table(&format!("{one},[\"x\"]")));
    assert_eq!((rows.len(), tally.rejected.count), (1, 1), "{tally:?}");
}

#[test]
fn a_table_may_be_cut_anywhere() {
    let text = format!("\u{feff}sep=,\r\n{}{}", csv(WORKSPACE), csv(WORKSPACE));
    let text = text.as_bytes();
    let whole = decode(text);
    assert_eq!(whole.0.len(), 2);
    for cut in 0..text.len() {
        let spelling = detect(text, true).unwrap();
        let mut framer = Framer::new(spelling.framing, Limits::default());
        let mut decoder = BlockDecoder::new(
            spelling,
            "in.json",
            Columns::ALL,
            Keep::default(),
            Limits::default(),
        );
        let mut batches = Vec::new();
        let mut tally = Tally::default();
        let mut take = |block: Option<Block>| {
            if let Some(block) = block {
                let decoded = decoder.decode(&block).unwrap();
                batches.extend(decoded.batch);
                tally += decoded.tally;
            }
        };
        framer.push(&text[..cut]);
        take(framer.cut());
        framer.push(&text[cut..]);
        take(framer.cut());
        take(framer.finish());
        assert_eq!((rows(&batches), tally), whole, "cut at {cut}");
    }
}

#[test]
fn rows_that_are_not_whole_are_rejected_and_the_rest_goes_on() {
    let text = csv(PORTAL);
    let good = text.split_once("\r\n").unwrap().1.to_owned();
    let (rows, tally) = decode(format!("{text}only,three,cells\r\n{good}"));
    assert_eq!((rows.len(), tally.rejected.count), (2, 1), "{tally:?}");
    assert!(tally.rejected.samples[0].reason.contains("cells"));
    // A quote that nothing closes costs its own line.
    let (rows, tally) = decode(format!(
        "{text}\"open,row\r\n{}",
        good.replace('"', "").replace(", ", " ")
    ));
    assert_eq!((rows.len(), tally.rejected.count), (2, 1), "{tally:?}");
    // Cut off in the middle of the last row.
    let (rows, tally) = decode(&text[..text.len() - 40]);
    assert_eq!((rows.len(), tally.rejected.count), (0, 1), "{tally:?}");
}

#[test]
fn tables_of_tools() {
    let dotted = csv(&[
        ("CreatedDateTime", "2026-03-02 08:15:00"),
        ("Id", "AAAA-5"),
        ("UserPrincipalName", "ann@contoso.example"),
        ("IPAddress", "203.0.113.9"),
        ("ClientAppUsed", "Browser"),
        ("Location.City", "Lund"),
        ("Location.CountryOrRegion", "SE"),
        ("Status.ErrorCode", "50053"),
        ("Status.FailureReason", "Account is locked"),
        ("DeviceDetail.Browser", "Edge"),
    ]);
    has(
        &row(&dotted),
        &[
            ("spelling", "graph_powershell.csv"),
            ("time", "2026-03-02T08:15:00Z"),
            ("city", "Lund"),
            ("country", "SE"),
            ("error_code", "50053"),
            ("stated_reason", "lockout"),
            ("device_browser", "Edge"),
        ],
    );
    let semicolons = dotted.replace("\",\"", "\";\"");
    has(
        &row(&semicolons),
        &[("sign_in_id", "aaaa-5"), ("city", "Lund")],
    );
}
