//! Other products that carry sign-ins: unified audit log, Defender, Elastic, Splunk, OCSF.

use super::*;

const AUDIT: &str = r#"{"CreationTime":"2021-07-09T13:32:53","Id":"AAAA-1","Operation":"UserLoginFailed","OrganizationId":"T-1","RecordType":15,"ResultStatus":"Success","UserKey":"11111111-2222-3333-4444-555555555555","UserType":0,"Workload":"AzureActiveDirectory","ClientIP":"[2001:db8::5]:54088","ObjectId":"res-1","UserId":"GradyA@contoso.example","ErrorNumber":"50053","LogonError":"IdsLocked","ExtendedProperties":[{"Name":"ResultStatusDetail","Value":"Success"},{"Name":"UserAgent","Value":"UA"}],"DeviceProperties":[{"Name":"OS","Value":"Windows"},{"Name":"SessionId","Value":"s-1"}],"ActorIpAddress":"203.0.113.1","InterSystemsId":"c-1","ApplicationId":"app-1"}"#;

#[test]
fn the_audit_log_says_success_of_a_refused_sign_in() {
    let expected = [
        ("time", "2021-07-09T13:32:53Z"),
        ("sign_in_id", "aaaa-1"),
        ("tenant_id", "t-1"),
        ("user_principal_name", "gradya@contoso.example"),
        ("user_id", "11111111-2222-3333-4444-555555555555"),
        ("ip_address", "2001:db8::5"),
        ("error_code", "50053"),
        ("stated_reason", "absent"),
        ("user_agent", "UA"),
        ("device_os", "Windows"),
        ("session_id", "s-1"),
        ("correlation_id", "c-1"),
        ("app_id", "app-1"),
    ];
    let inside = serde_json::to_string(AUDIT).unwrap();
    let csv = AUDIT.replace('"', "\"\"");
    for (text, spelling) in [
        (AUDIT.to_owned(), "unified_audit_log.json_lines"),
        (format!("[{AUDIT}]"), "unified_audit_log.json_array"),
        (
            format!(
                r#"{{"id":"other","createdDateTime":"2021-07-09T13:32:53Z","auditLogRecordType":"x","operation":"UserLoginFailed","auditData":{AUDIT}}}"#
            ),
            "unified_audit_export.json_lines",
        ),
        (
            format!(
                r#"{{"RecordType":"AzureActiveDirectoryStsLogon","Operations":"UserLoginFailed","AuditData":{inside}}}"#
            ),
            "unified_audit_export.json_lines",
        ),
        (
            format!(
                "#TYPE Deserialized.Something\r\n\"CreationDate\",\"Operations\",\"AuditData\"\r\n\"7/9/2021 1:32:53 PM\",\"UserLoginFailed\",\"{csv}\"\r\n"
            ),
            "unified_audit_export.csv",
        ),
    ] {
        let row = row(&text);
        has(&row, &[("spelling", spelling)]);
        has(&row, &expected);
    }
}

#[test]
fn only_sign_ins_of_the_audit_log_are_sign_ins() {
    let other = AUDIT.replace("UserLoginFailed", "FileAccessed");
    let (rows, tally) = decode(format!("{AUDIT}\n{other}\n"));
    assert_eq!((rows.len(), tally.others["UnifiedAuditLog"]), (1, 1));
    let empty = "Operations,AuditData,UserIds\nUserLoggedIn,,a@contoso.example\nFileAccessed,,b@contoso.example\n";
    let (rows, tally) = decode(format!(
        "{empty}UserLoggedIn,\"{}\",c\n",
        AUDIT.replace('"', "\"\"")
    ));
    assert_eq!(
        (rows.len(), tally.rejected.count, tally.records),
        (1, 1, 3),
        "{tally:?}"
    );
    assert!(tally.rejected.samples[0].reason.contains("AuditData"));
}

#[test]
fn hunting_answers_and_tables_of_defender() {
    let event = r#"{"Timestamp":"2026-03-02T08:15:00.1234567Z","Application":"Portal","ApplicationId":"app-1","LogonType":"[\"nonInteractiveUser\"]","ErrorCode":50053,"CorrelationId":"c-1","AccountObjectId":"u-1","AccountUpn":"Ann@contoso.example","IsGuestUser":false,"RiskLevelAggregated":50,"RiskState":4,"ConditionalAccessStatus":2,"IPAddress":"203.0.113.9","Country":"SE","City":"Lund","Latitude":"55.5","IsManaged":1,"RequestId":"AAAA-1","ReportId":"r"}"#;
    for text in [
        event.to_owned(),
        format!(r#"{{"schema":[{{"name":"Timestamp","type":"DateTime"}}],"results":[{event}]}}"#),
        format!(r#"{{"Stats":{{"a":1}},"Schema":[{{"Name":"x"}}],"Results":[{event}]}}"#),
    ] {
        has(
            &row(&text),
            &[
                ("time", "2026-03-02T08:15:00.123456Z"),
                ("sign_in_id", "aaaa-1"),
                ("category", "non_interactive"),
                ("user_type", "member"),
                ("risk_level", "medium"),
                ("risk_state", "atRisk"),
                ("conditional_access_status", "notApplied"),
                ("country", "SE"),
                ("latitude", "55.5"),
                ("device_managed", "true"),
                ("app_display_name", "Portal"),
                ("stated_reason", "absent"),
            ],
        );
    }
    let csv = "Timestamp,ErrorCode,AccountUpn,RequestId,LogonType,IPAddress\n\"2026-03-02T08:15:00Z\",50053,a@contoso.example,AAAA-1,\"[\"\"interactiveUser\"\"]\",203.0.113.9\n";
    has(
        &row(csv),
        &[
            ("spelling", "defender_xdr.csv"),
            ("category", "interactive"),
        ],
    );
}

#[test]
fn a_record_inside_another_is_read_as_if_it_stood_alone() {
    let text = serde_json::to_string(&format!("{WHOLE}\n")).unwrap();
    let plain = row(WHOLE);
    let csv = WHOLE.replace('"', "\"\"");
    for (wrapped, framing) in [
        (
            format!(r#"{{"@timestamp":"x","message":{text},"host":{{"name":"h"}}}}"#),
            "json_lines",
        ),
        (format!(r#"{{"body":{text}}}"#), "json_lines"),
        (
            format!(r#"{{"log":{text},"stream":"stdout","time":"2026-03-02T08:15:00Z"}}"#),
            "json_lines",
        ),
        (
            format!(r#"{{"preview":false,"result":{{"_time":"1","_raw":{text}}}}}"#),
            "json_lines",
        ),
        (
            format!(r#"{{"results":[{{"_raw":{text}}}]}}"#),
            "json_results",
        ),
        (
            format!(r#"{{"time":1,"host":"h","sourcetype":"azure:monitor:aad","event":{WHOLE}}}"#),
            "json_lines",
        ),
        (
            format!(r#"{{"input":{{"message":{text}}},"expected":{{}}}}"#),
            "json_lines",
        ),
        (
            format!(
                r#"{{"message":"{{\"records\":[{}]}}"}}"#,
                WHOLE.replace('\\', "\\\\").replace('"', "\\\"")
            ),
            "json_lines",
        ),
        (format!("_time,_raw,host\n1,\"{csv}\",h\n"), "csv"),
        (
            format!(
                r#"{{"took":1,"hits":{{"total":{{"value":1}},"hits":[{{"_index":"i","_source":{{"event":{{"original":{text}}},"azure":{{"signinlogs":{{"result_type":"1"}}}}}}}}]}}}}"#
            ),
            "json_hits",
        ),
        (
            format!(r#"{{"class_uid":3002,"raw_data":{text}}}"#),
            "json_lines",
        ),
    ] {
        let mut row = row(&wrapped);
        let spelling = format!("diagnostic_settings.{framing}");
        has(&row, &[("spelling", &spelling)]);
        row.insert("spelling".to_owned(), plain["spelling"].clone());
        assert_eq!(row, plain, "{wrapped}");
    }
}

#[test]
fn wrapping_without_end_is_rejected() {
    let mut text = WHOLE.to_owned();
    for _ in 0..8 {
        text = format!(r#"{{"message":{}}}"#, serde_json::to_string(&text).unwrap());
    }
    let (rows, tally) = decode(format!("{WHOLE}\n{text}\n"));
    assert_eq!((rows.len(), tally.rejected.count), (1, 1), "{tally:?}");
    // Damage inside is damage of the record around it.
    let broken = r#"{"message":"{\"id\":"}"#;
    let (_, tally) = decode(format!("{WHOLE}\n{broken}\n"));
    assert_eq!(tally.rejected.count, 1, "{tally:?}");
    assert_eq!(tally.rejected.samples[0].offset, WHOLE.len() as u64 + 1);
}

#[test]
fn elastic_documents_without_the_original() {
    let nested = r#"{"@timestamp":"2026-03-02T08:20:00Z","azure":{"tenant_id":"T-1","signinlogs":{"category":"SignInLogs","result_type":"50053","result_description":"Account is locked","properties":{"id":"AAAA-1","created_at":"2026-03-02T08:15:00Z","user_principal_name":"Ann@contoso.example","user_id":"u-1","app_id":"app-1","status":{"error_code":50053},"device_detail":{"browser":"Edge"},"client_app_used":"Browser"}}},"source":{"ip":"203.0.113.9","as":{"number":64500},"geo":{"country_iso_code":"SE","city_name":"Lund","country_name":"Skane","location":{"lat":55.5,"lon":-13.25}}},"user_agent":{"original":"UA"},"event":{"outcome":"failure"},"message":"Account is locked"}"#;
    let flat = r#"{"@timestamp":"2026-03-02T08:20:00Z","azure.tenant_id":"T-1","azure.signinlogs.category":"SignInLogs","azure.signinlogs.result_type":"50053","azure.signinlogs.result_description":"Account is locked","azure.signinlogs.properties.id":"AAAA-1","azure.signinlogs.properties.created_at":"2026-03-02T08:15:00Z","azure.signinlogs.properties.user_principal_name":"Ann@contoso.example","azure.signinlogs.properties.user_id":"u-1","azure.signinlogs.properties.app_id":"app-1","azure.signinlogs.properties.status.error_code":50053,"azure.signinlogs.properties.device_detail.browser":"Edge","azure.signinlogs.properties.client_app_used":"Browser","source.ip":"203.0.113.9","source.as.number":64500,"source.geo.country_iso_code":"SE","source.geo.city_name":"Lund","source.geo.location.lat":55.5,"source.geo.location.lon":-13.25,"user_agent.original":"UA"}"#;
    for text in [
        nested.to_owned(),
        flat.to_owned(),
        format!("{{\"index\":{{}}}}\n{nested}\n"),
        flat.replace(
            r#""source.geo.location.lat":55.5,"source.geo.location.lon":-13.25"#,
            r#""source.geo.location":{"lon":-13.25,"lat":55.5}"#,
        ),
    ] {
        let (rows, _) = decode(&text);
        assert_eq!(rows.len(), 1);
        has(
            &rows[0],
            &[
                ("spelling", "elastic.json_lines"),
                ("time", "2026-03-02T08:15:00Z"),
                ("sign_in_id", "aaaa-1"),
                ("tenant_id", "t-1"),
                ("category", "interactive"),
                ("error_code", "50053"),
                ("stated_reason", "lockout"),
                ("ip_address", "203.0.113.9"),
                ("asn", "64500"),
                ("city", "Lund"),
                ("country", "SE"),
                ("latitude", "55.5"),
                ("longitude", "-13.25"),
                ("user_agent", "UA"),
                ("device_browser", "Edge"),
            ],
        );
    }
}

#[test]
fn ocsf_authentication() {
    let text = r#"{"class_uid":3002,"activity_id":1,"time":1772439300123,"metadata":{"uid":"AAAA-1","correlation_uid":"c-1"},"user":{"uid":"u-1","email_addr":"Ann@contoso.example","full_name":"Ann"},"service":{"uid":"app-1","name":"Portal"},"src_endpoint":{"ip":"203.0.113.9","location":{"city":"Lund","country":"SE"}},"status_id":2,"status_code":"50053","status_detail":"Account is locked","logon_type":"interactiveUser"}"#;
    has(
        &row(text),
        &[
            ("spelling", "ocsf.json_lines"),
            ("time", "2026-03-02T08:15:00.123Z"),
            ("sign_in_id", "aaaa-1"),
            ("user_principal_name", "ann@contoso.example"),
            ("app_display_name", "Portal"),
            ("city", "Lund"),
            ("country", "SE"),
            ("category", "interactive"),
            ("stated_reason", "lockout"),
        ],
    );
    let (rows, tally) = decode(format!("{text}\n{}\n", text.replace("3002", "3005")));
    assert_eq!((rows.len(), tally.others.len()), (1, 1));
}
