//! What the fields of one record mean.

use super::*;

#[test]
fn the_event_time_counts_and_never_the_envelope() {
    let row = row(&diagnostic(r#""id":"a""#));
    lacks(&row, &["time"]);
    has(&row, &[("ingested_at", "2026-03-02T08:20:00Z")]);
    let (_, tally) = decode(diagnostic(r#""id":"a""#));
    assert_eq!(
        (tally.without_time, tally.without_id, tally.first_time),
        (1, 0, None)
    );
}

#[test]
fn american_ingestion_time_of_late_2025() {
    let record = r#"{"time":"11/14/2025 1:48:53 AM","category":"SignInLogs","properties":{"createdDateTime":"2025-11-14T01:40:00Z"}}"#;
    has(
        &row(record),
        &[
            ("ingested_at", "2025-11-14T01:48:53Z"),
            ("time", "2025-11-14T01:40:00Z"),
        ],
    );
    let odd = record.replace("11/14/2025 1:48:53 AM", "some day");
    lacks(&row(&odd), &["ingested_at"]);
}

#[test]
fn a_part_counts_more_than_a_column_of_its_name_in_either_order() {
    let part = r#""location":{"city":"Oslo","geoCoordinates":{"latitude":59.9}},"status":{"errorCode":50053}"#;
    let columns = r#""city":"Rome","latitude":41.9,"errorCode":0,"deviceId":"d1""#;
    for both in [format!("{part},{columns}"), format!("{columns},{part}")] {
        let told = [
            ("city", "Oslo"),
            ("latitude", "59.9"),
            ("error_code", "50053"),
            ("device_id", "d1"),
        ];
        has(&row(&diagnostic(&both)), &told);
    }
}

#[test]
fn a_date_that_does_not_exist_rejects_the_record() {
    let reason = reason(&diagnostic(r#""createdDateTime":"2021-02-30T10:00:00Z""#));
    assert_eq!(reason, "its event time is not a date that exists");
}

#[test]
fn the_code_is_exact_and_comes_in_many_types() {
    let code = |status: &str| {
        row(&diagnostic(&format!(
            r#""status":{{"errorCode":{status}}}"#
        )))
        .remove("error_code")
    };
    assert_eq!(code("50053").as_deref(), Some("50053"));
    assert_eq!(code(r#""50053""#).as_deref(), Some("50053"));
    assert_eq!(code("500532").as_deref(), Some("500532"));
    assert_eq!(code("null"), None);
    assert_eq!(code("[1]"), None);
    let only_outer = |value: &str| {
        format!(r#"{{"category":"SignInLogs","resultType":{value},"properties":{{}}}}"#)
    };
    has(&row(&only_outer("50126")), &[("error_code", "50126")]);
    has(&row(&only_outer(r#""Success""#)), &[("error_code", "0")]);
    lacks(&row(&only_outer(r#""Failure""#)), &["error_code"]);
    assert!(reason(&only_outer("99999999999")).contains("error code"));
    assert!(reason(&only_outer("1.5")).contains("error code"));
}

#[test]
fn five_hundred_thousand_something_is_no_refusal() {
    let record = diagnostic(
        r#""status":{"errorCode":500532,"failureReason":"The account is locked, you've tried to sign in too many times with an incorrect user ID or password."}"#,
    );
    lacks(&row(&record), &["stated_reason"]);
}

#[test]
fn the_three_meanings_and_the_text_that_names_two() {
    let stated = |text: &str| {
        row(&diagnostic(&format!(
            r#""status":{{"errorCode":50053,"failureReason":{text}}}"#
        )))
        .remove("stated_reason")
        .unwrap()
    };
    assert_eq!(
        stated(
            r#""The account is locked, you\u2019ve tried to sign in too many times with an incorrect user ID or password.""#
        ),
        "lockout"
    );
    assert_eq!(
        stated(
            r#""Sign-in was blocked because it came from an IP address with malicious activity""#
        ),
        "malicious_ip"
    );
    assert_eq!(
        stated(r#""Sign-in was blocked by built-in protections due to high confidence of risk.""#),
        "high_confidence_risk"
    );
    assert_eq!(
        stated(
            r#""The account is locked. Or it came from an IP address with malicious activity.""#
        ),
        "generic"
    );
    assert_eq!(stated("null"), "absent");
    assert_eq!(stated(r#""""#), "absent");
}

#[test]
fn the_outer_description_is_the_reason_where_the_inner_one_is_missing() {
    let record = r#"{"category":"SignInLogs","resultType":"50053","resultDescription":"Account is locked","properties":{"id":"1"}}"#;
    has(
        &row(record),
        &[
            ("failure_reason", "Account is locked"),
            ("stated_reason", "lockout"),
        ],
    );
}

#[test]
fn other_is_no_reason_on_success() {
    let success = row(&graph(
        r#""status":{"errorCode":0,"failureReason":"Other."}"#,
    ));
    lacks(&success, &["failure_reason", "stated_reason"]);
    has(
        &row(&graph(
            r#""status":{"errorCode":1,"failureReason":"Other."}"#,
        )),
        &[("failure_reason", "Other.")],
    );
}

#[test]
fn empty_null_and_absent_are_all_null() {
    let row = row(&diagnostic(
        r#""userId":"","userPrincipalName":null,"ipAddress":"","deviceDetail":{"deviceId":""},"location":null,"riskEventTypes":null,"networkLocationDetails":null"#,
    ));
    lacks(
        &row,
        &[
            "user_id",
            "user_principal_name",
            "ip_address",
            "ip_network",
            "device_id",
            "country",
        ],
    );
    lacks(
        &row,
        &[
            "risk_event_types",
            "network_location_names",
            "is_trusted_location",
        ],
    );
    has(&row, &[("password_result", "unknown")]);
}

#[test]
fn an_empty_list_is_not_an_absent_one() {
    let row = row(&diagnostic(
        r#""riskEventTypes_v2":[],"networkLocationDetails":[]"#,
    ));
    has(
        &row,
        &[
            ("risk_event_types", "[]"),
            ("network_location_names", "[]"),
            ("is_trusted_location", "false"),
        ],
    );
}

#[test]
fn an_address_falls_back_to_the_caller() {
    let record = |inner: &str| {
        format!(
            r#"{{"category":"SignInLogs","callerIpAddress":"[2001:db8::7]:443","properties":{{"ipAddress":"{inner}"}}}}"#
        )
    };
    for inner in ["", "hidden"] {
        has(
            &row(&record(inner)),
            &[
                ("ip_address", "2001:db8::7"),
                ("ip_network", "2001:db8::/64"),
            ],
        );
    }
    has(&row(&record("192.0.2.1")), &[("ip_address", "192.0.2.1")]);
}

#[test]
fn names_that_mean_something_else_in_the_envelope() {
    let record = r#"{"category":"SignInLogs","resourceId":"/tenants/x","location":"NO","tenantId":"OUTER","correlationId":"c","identity":"Nils","properties":{"resourceId":"app","userId":"u","tenantId":"inner"}}"#;
    has(
        &row(record),
        &[
            ("resource_id", "app"),
            ("country", "NO"),
            ("tenant_id", "outer"),
            ("correlation_id", "c"),
            ("user_display_name", "Nils"),
        ],
    );
    let no_user = row(&record.replace(r#""userId":"u","#, ""));
    lacks(&no_user, &["user_display_name"]);
}

#[test]
fn categories_of_diagnostic_settings_in_any_letter_case() {
    let category = |name: &str| {
        row(&diagnostic("").replace("SignInLogs", name))
            .remove("category")
            .unwrap()
    };
    assert_eq!(category("signinlogs"), "interactive");
    assert_eq!(category("NonInteractiveUserSignInLogs"), "non_interactive");
    assert_eq!(category("ServicePrincipalSignInLogs"), "service_principal");
    assert_eq!(
        category("MicrosoftServicePrincipalSignInLogs"),
        "service_principal"
    );
    assert_eq!(category("ManagedIdentitySignInLogs"), "managed_identity");
    assert_eq!(category("ADFSSignInLogs"), "adfs");
}

#[test]
fn other_logs_are_counted_by_known_names_only() {
    let known = diagnostic("").replace("SignInLogs", "AuditLogs");
    let unknown = diagnostic("").replace("SignInLogs", "<script>");
    let nothing = r#"{"some":"thing"}"#;
    let (rows, tally) = decode(
        [&diagnostic(""), &known, &unknown, nothing, &known]
            .map(str::to_owned)
            .join("\n"),
    );
    assert_eq!((rows.len(), tally.records), (1, 5));
    assert_eq!(
        tally.others,
        BTreeMap::from([("AuditLogs".to_owned(), 2), ("other".to_owned(), 2)])
    );
}

#[test]
fn categories_of_graph() {
    let category = |fields: &str| row(&graph(fields)).remove("category").unwrap();
    assert_eq!(category(r#""isInteractive":true"#), "interactive");
    assert_eq!(category(r#""isInteractive":false"#), "non_interactive");
    assert_eq!(
        category(r#""isInteractive":true,"signInEventTypes":["nonInteractiveUser"]"#),
        "non_interactive"
    );
    assert_eq!(
        category(r#""signInEventTypes":["managedIdentity"]"#),
        "managed_identity"
    );
    assert_eq!(
        category(r#""servicePrincipalId":"sp","isInteractive":false"#),
        "service_principal"
    );
    assert_eq!(
        category(r#""servicePrincipalId":"","userId":"u""#),
        "unknown"
    );
}

#[test]
fn tenants_of_graph_in_their_order() {
    let tenant = |fields: &str| row(&graph(fields)).remove("tenant_id");
    assert_eq!(tenant(r#""homeTenantId":"H""#).as_deref(), Some("h"));
    assert_eq!(
        tenant(r#""homeTenantId":"H","resourceTenantId":"R""#).as_deref(),
        Some("r")
    );
    assert_eq!(
        tenant(r#""tenantId":"T","homeTenantId":"H","resourceTenantId":"R""#).as_deref(),
        Some("t")
    );
}

#[test]
fn the_last_of_a_repeated_key_counts() {
    has(
        &row(&graph(r#""homeTenantId":"one","homeTenantId":"two""#)),
        &[("tenant_id", "two")],
    );
}

#[test]
fn a_value_of_the_wrong_type_costs_only_itself() {
    let row = row(&graph(
        r#""userId":17,"userAgent":{"a":[1]},"status":7,"deviceDetail":"x","location":["y"],"isInteractive":"TRUE","autonomousSystemNumber":"64500","riskEventTypes":"one","latitude":true,"authenticationDetails":"not json","networkLocationDetails":"[{\"networkType\":\"trustedNamedLocation\",\"networkNames\":[\"HQ\"]}]","userPrincipalName":true"#,
    ));
    has(
        &row,
        &[
            ("user_id", "17"),
            ("is_interactive", "true"),
            ("asn", "64500"),
            ("risk_event_types", "[one]"),
            ("user_principal_name", "true"),
        ],
    );
    has(
        &row,
        &[
            ("is_trusted_location", "true"),
            ("network_location_names", "[HQ]"),
        ],
    );
    lacks(&row, &["user_agent", "error_code", "device_os", "city"]);
}

#[test]
fn places_that_are_no_numbers_are_null() {
    let place = |latitude: &str| {
        row(&graph(&format!(
            r#""location":{{"geoCoordinates":{{"latitude":{latitude}}}}}"#
        )))
        .remove("latitude")
    };
    assert_eq!(place(r#""55.5""#).as_deref(), Some("55.5"));
    assert_eq!(place("-7").as_deref(), Some("-7.0"));
    for latitude in [r#""NaN""#, r#""inf""#, r#""1e999""#, "null", r#""north""#] {
        assert_eq!(place(latitude), None, "{latitude}");
    }
}

#[test]
fn risk_falls_back_to_the_older_names() {
    let row = row(&graph(
        r#""riskLevelAggregated":"low","riskEventTypes":["a"],"riskEventTypes_v2":[]"#,
    ));
    has(&row, &[("risk_level", "low"), ("risk_event_types", "[a]")]);
}

#[test]
fn the_flat_form_with_json_inside_text() {
    let record = r#"{"TenantId":"workspace","AADTenantId":"T-1","TimeGenerated":"2026-03-02T08:20:00Z","ResourceId":"/tenants/x","ResourceIdentity":"res","Category":"NonInteractiveUserSignInLogs","ResultType":"50053","ResultDescription":"Sign-in was blocked because it came from an IP address with malicious activity.","Location":"DE","CreatedDateTime":"2026-03-02T08:15:00Z","Id":"I-1","IPAddress":"198.51.100.4","UserPrincipalName":"B@contoso.example","AutonomousSystemNumber":"64501","Status":"{\"errorCode\":50053,\"additionalDetails\":\"x\"}","DeviceDetail":"{\"operatingSystem\":\"Windows \\\"10\\\"\",\"isManaged\":true}","LocationDetails":"{\"city\":\"Kiel\",\"geoCoordinates\":{\"latitude\":54.3}}","AuthenticationDetails":"[\r\n {\"authenticationStepResultDetail\":\"Incorrect password\"}\r\n]","RiskEventTypes_V2":"[\"x\",\"y\"]","NetworkLocationDetails":"[]"}"#;
    let row = row(record);
    has(
        &row,
        &[
            ("spelling", "log_analytics.json_lines"),
            ("tenant_id", "t-1"),
            ("category", "non_interactive"),
            ("resource_id", "res"),
            ("country", "DE"),
            ("city", "Kiel"),
            ("latitude", "54.3"),
            ("error_code", "50053"),
            ("stated_reason", "malicious_ip"),
            ("additional_details", "x"),
            ("device_os", "Windows \"10\""),
            ("device_managed", "true"),
            ("password_result", "incorrect"),
            ("risk_event_types", "[x, y]"),
            ("network_location_names", "[]"),
            ("asn", "64501"),
        ],
    );
}

#[test]
fn the_flat_form_of_service_principals_has_no_time_and_no_properties() {
    let record = r#"{"AADTenantId":"t","Agent":"{}","AppId":"a","Category":"ServicePrincipalSignInLogs","CreatedDateTime":"2025-07-01T00:00:00Z","DurationMs":0,"IPAddress":"192.0.2.4","Id":"i","ResultSignature":"SUCCESS","ResultType":"0"}"#;
    has(
        &row(record),
        &[
            ("category", "service_principal"),
            ("error_code", "0"),
            ("app_id", "a"),
        ],
    );
}

#[test]
fn columns_that_a_union_renamed() {
    let record = r#"{"AADTenantId":"t","Type":"AADNonInteractiveUserSignInLogs","CreatedDateTime":"2026-03-02T08:15:00Z","Id":"i","IPAddress":"192.0.2.4","Status_string":"{\"errorCode\":50126}","Status_dynamic":null,"LocationDetails_dynamic":{"city":"Oslo"},"ResultType":"50126"}"#;
    has(
        &row(record),
        &[
            ("category", "non_interactive"),
            ("error_code", "50126"),
            ("city", "Oslo"),
        ],
    );
}

#[test]
fn powershell_objects() {
    let record = r#"[{"AppDisplayName":"Portal","AppId":"a","ClientAppUsed":"Browser","ConditionalAccessStatus":"success","CreatedDateTime":"\/Date(1772439300000)\/","DeviceDetail":{"Browser":"Edge","OperatingSystem":"Windows10","AdditionalProperties":{"isCompliant":true}},"IPAddress":"192.0.2.7","Id":"X","IsInteractive":true,"Location":{"City":"Bergen","CountryOrRegion":"NO","GeoCoordinates":{"Latitude":60.4,"Longitude":5.3}},"Status":{"AdditionalDetails":null,"ErrorCode":50053,"FailureReason":"Account is locked"},"UserPrincipalName":"C@contoso.example","AdditionalProperties":{"userAgent":"UA","autonomousSystemNumber":64502,"signInEventTypes":["interactiveUser"]},"UserAgent":null}]"#;
    has(
        &row(record),
        &[
            ("spelling", "graph_powershell.json_array"),
            ("time", "2026-03-02T08:15:00Z"),
            ("user_agent", "UA"),
            ("asn", "64502"),
            ("category", "interactive"),
            ("city", "Bergen"),
            ("latitude", "60.4"),
            ("device_compliant", "true"),
            ("device_browser", "Edge"),
            ("stated_reason", "lockout"),
        ],
    );
}

#[test]
fn a_sign_in_in_another_dialect_than_the_file_is_still_read() {
    let (rows, tally) = decode(format!(
        "{}\n{}\n",
        diagnostic(r#""id":"1""#),
        graph(r#""isInteractive":true"#)
    ));
    assert_eq!(rows.len(), 2);
    has(&rows[0], &[("spelling", "diagnostic_settings.json_lines")]);
    has(
        &rows[1],
        &[("spelling", "graph.json_lines"), ("sign_in_id", "a1")],
    );
    assert_eq!(
        tally.dialects,
        BTreeMap::from([("diagnostic_settings", 1), ("graph", 1)])
    );
}

#[test]
fn objects_of_graph_that_are_no_sign_ins_are_not_taken_for_one() {
    let user = r#"{"id":"1","createdDateTime":"2026-01-01T00:00:00Z","userPrincipalName":"a@contoso.example","userType":"Guest"}"#;
    let app =
        r#"{"id":"1","createdDateTime":"2026-01-01T00:00:00Z","appId":"x","appDisplayName":"y"}"#;
    let risk = r#"{"id":"1","detectedDateTime":"2026-01-01T00:00:00Z","ipAddress":"192.0.2.1","userId":"u","correlationId":"c","userPrincipalName":"a"}"#;
    let (rows, tally) = decode(
        [&graph(r#""userId":"u""#), user, app, risk]
            .map(str::to_owned)
            .join("\n"),
    );
    assert_eq!((rows.len(), tally.others["other"]), (1, 3));
}

#[test]
fn what_is_wanted_is_kept_and_the_rest_is_counted() {
    let record = |time: &str, tenant: &str| {
        format!(
            r#"{{"category":"SignInLogs","tenantId":"{tenant}","properties":{{"createdDateTime":"{time}"}}}}"#
        )
    };
    let text = [
        record("2026-03-01T23:59:59.999999Z", "t1"),
        record("2026-03-02T00:00:00Z", "T1"),
        record("2026-03-02T00:00:00Z", "t2"),
        record("2026-03-03T00:00:00Z", "t1"),
        record("", "t1"),
    ];
    let day = |text: &str| match time::read(text) {
        Ok(time::Time::At(time)) => time,
        other => panic!("{text}: {other:?}"),
    };
    let keep = Keep {
        since: Some(day("2026-03-02T00:00:00Z")),
        until: Some(day("2026-03-03T00:00:00Z")),
        tenants: vec!["t1".to_owned()],
    };
    let (rows, tally) = decode_with(text.join("\n").as_bytes(), keep, Limits::default());
    assert_eq!((rows.len(), tally.outside, tally.records), (1, 4, 5));
    assert_eq!(
        (tally.first_time, tally.last_time),
        (
            Some(day("2026-03-02T00:00:00Z")),
            Some(day("2026-03-02T00:00:00Z"))
        )
    );
}

#[test]
fn hostile_text_is_kept_as_it_is() {
    let record = graph(r#""userAgent":"\u001b[31m=HYPERLINK(\u0000","appDisplayName":"a\nb""#);
    has(
        &row(&record),
        &[
            ("user_agent", "\u{1b}[31m=HYPERLINK(\0"),
            ("app_display_name", "a\nb"),
        ],
    );
}
