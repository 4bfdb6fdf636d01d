//! Bytes in, rows out: the traps of real logs, each by name. Records here are invented.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::TimestampMicrosecondType;
use arrow::util::display::{ArrayFormatter, FormatOptions};

use super::*;
use crate::signin::Columns;

mod cuts;
mod fields;
mod recognise;
mod routes;
mod tables;

/// Every field of a row that is not NULL, as text.
type Row = BTreeMap<String, String>;

fn rows(batches: &[RecordBatch]) -> Vec<Row> {
    let options = FormatOptions::default();
    let mut rows = Vec::new();
    for batch in batches {
        for at in 0..batch.num_rows() {
            let mut row = Row::new();
            for (field, column) in batch.schema().fields().iter().zip(batch.columns()) {
                if column.is_valid(at) {
                    if let Some(times) = column.as_primitive_opt::<TimestampMicrosecondType>() {
                        let time = jiff::Timestamp::from_microsecond(times.value(at)).unwrap();
                        row.insert(field.name().clone(), time.to_string());
                        continue;
                    }
                    let shown = ArrayFormatter::try_new(column, &options).unwrap();
                    row.insert(field.name().clone(), shown.value(at).to_string());
                }
            }
            rows.push(row);
        }
    }
    rows
}

fn decode_with(bytes: &[u8], keep: Keep, limits: Limits) -> (Vec<Row>, Tally) {
    let mut decoder = Decoder::new("in.json", Columns::ALL, keep, limits);
    decoder.push(bytes).unwrap();
    let (batches, tally) = decoder.finish().unwrap();
    assert_adds_up(&tally);
    (rows(&batches), tally)
}

fn decode(bytes: impl AsRef<[u8]>) -> (Vec<Row>, Tally) {
    decode_with(bytes.as_ref(), Keep::default(), Limits::default())
}

#[track_caller]
fn assert_adds_up(tally: &Tally) {
    let others: u64 = tally.others.values().sum::<u64>() + tally.steps;
    let sum = tally.sign_ins + tally.outside + tally.rejected.count + others;
    assert_eq!(sum, tally.records, "{tally:?}");
}

/// The only row of one record.
#[track_caller]
fn row(record: &str) -> Row {
    let (mut rows, tally) = decode(record);
    assert_eq!((rows.len(), tally.records), (1, 1), "{tally:?}");
    rows.remove(0)
}

/// Why one record is rejected.
#[track_caller]
fn reason(record: &str) -> String {
    let (rows, tally) = decode(record);
    assert_eq!((rows.len(), tally.rejected.count), (0, 1), "{tally:?}");
    tally.rejected.samples[0].reason.clone()
}

/// A diagnostic record with `properties` of this content.
fn diagnostic(properties: &str) -> String {
    format!(
        r#"{{"time":"2026-03-02T08:20:00Z","category":"SignInLogs","properties":{{{properties}}}}}"#
    )
}

/// A Graph record with these fields beside the ones that make it a sign-in.
fn graph(fields: &str) -> String {
    format!(
        r#"{{"id":"A1","createdDateTime":"2026-03-02T08:15:00Z","clientAppUsed":"Browser","appId":"b",{fields}}}"#
    )
}

#[track_caller]
fn has(row: &Row, expected: &[(&str, &str)]) {
    for (name, value) in expected {
        assert_eq!(
            row.get(*name).map(String::as_str),
            Some(*value),
            "{name} of {row:#?}"
        );
    }
}

#[track_caller]
fn lacks(row: &Row, names: &[&str]) {
    for name in names {
        assert_eq!(row.get(*name), None, "{name}");
    }
}

const WHOLE: &str = r#"{"time":"2026-03-02T08:20:00.0000000Z","resourceId":"/tenants/T1/providers/Microsoft.aadiam","operationName":"Sign-in activity","category":"SignInLogs","tenantId":"AAAA-T1","resultType":"50053","resultSignature":"FAILURE","resultDescription":"ignored","durationMs":0,"callerIpAddress":"203.0.113.1","correlationId":"c-outer","identity":"Ann Example","Level":4,"location":"SE","properties":{"id":"ABC-1","createdDateTime":"2026-03-02T08:15:30.5431359+00:00","userDisplayName":"Ann Example","userPrincipalName":"Ann@Contoso.Example","userId":"U-1","appId":"app-1","appDisplayName":"Portal","ipAddress":"203.0.113.9:4711","status":{"errorCode":50053,"failureReason":"The account is locked, you've tried to sign in too many times with an incorrect user ID or password.","additionalDetails":"more"},"clientAppUsed":"Browser","userAgent":"UA \"quoted\" \u00e9","deviceDetail":{"deviceId":"","operatingSystem":"Windows10","browser":"Edge 124.0.0","isCompliant":true,"isManaged":false,"trustType":"Azure AD joined"},"location":{"city":"Lund","state":"Skane","countryOrRegion":"SE","geoCoordinates":{"latitude":55.5,"longitude":-13.25}},"correlationId":"c-inner","conditionalAccessStatus":"notApplied","appliedConditionalAccessPolicies":[{"id":"x","conditionsSatisfied":0}],"isInteractive":true,"networkLocationDetails":[{"networkType":"namedNetwork","networkNames":["Office","HQ"]},{"networkType":"trustedNamedLocation","networkNames":["Trusted"]}],"riskLevelAggregated":"low","riskLevelDuringSignIn":"high","riskState":"atRisk","riskEventTypes":["old"],"riskEventTypes_v2":["new","newer"],"resourceDisplayName":"Graph","resourceId":"res-1","tenantId":"inner-tenant","authenticationDetails":[{"authenticationMethod":"Password","succeeded":false,"authenticationStepResultDetail":"Correct password"}],"authenticationRequirement":"multiFactorAuthentication","userType":"Member","autonomousSystemNumber":64500,"incomingTokenType":"none","authenticationProtocol":"ropc","sessionId":"s-1"}}"#;

#[test]
fn one_whole_diagnostic_record_fills_every_column() {
    let row = row(WHOLE);
    assert_eq!(
        row.len(),
        49 - 1,
        "all but device_id, and richness: {row:#?}"
    );
    lacks(&row, &["device_id"]);
    has(
        &row,
        &[
            ("sign_in_id", "abc-1"),
            ("time", "2026-03-02T08:15:30.543135Z"),
            ("ingested_at", "2026-03-02T08:20:00Z"),
            ("tenant_id", "aaaa-t1"),
            ("category", "interactive"),
            ("user_id", "u-1"),
            ("user_principal_name", "ann@contoso.example"),
            ("user_type", "member"),
            ("ip_address", "203.0.113.9"),
            ("ip_network", "203.0.113.0/24"),
            ("asn", "64500"),
            ("country", "SE"),
            ("latitude", "55.5"),
            ("longitude", "-13.25"),
            ("resource_id", "res-1"),
            ("user_agent", "UA \"quoted\" é"),
            ("device_managed", "false"),
            ("error_code", "50053"),
            ("additional_details", "more"),
            ("stated_reason", "lockout"),
            ("password_result", "correct"),
            ("risk_level", "high"),
            ("risk_event_types", "[new, newer]"),
            ("network_location_names", "[Office, HQ, Trusted]"),
            ("is_trusted_location", "true"),
            ("correlation_id", "c-inner"),
            ("source_file", "in.json"),
            ("spelling", "diagnostic_settings.json_lines"),
            ("richness", "45"),
        ],
    );
}

/// Real logs of others, which are not part of this project. They are read where they have been laid
/// beside it.
#[test]
fn real_samples_lose_nothing() {
    let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/samples");
    let expected = [
        (
            "datadog/sign_in_logs.json",
            "diagnostic_settings.json_lines",
            5,
        ),
        (
            "panther/panther_signin_tests.ndjson",
            "diagnostic_settings.json_lines",
            16,
        ),
        (
            "splunk/azure_active_directory_sign_in_activity.example_log.json",
            "diagnostic_settings.json_lines",
            1,
        ),
        (
            "msticpy/aad_logons.SigninLogs.derived.ndjson",
            "log_analytics.json_lines",
            86,
        ),
        (
            "sentinel_training_lab/sign-in_adelete.csv",
            "log_analytics.csv",
            56,
        ),
    ];
    for (name, spelling, count) in expected {
        let Ok(bytes) = fs::read(samples.join(name)) else {
            eprintln!("SKIPPED: {name} is not here; this test checked nothing of it");
            continue;
        };
        let (rows, tally) = decode(&bytes);
        assert_eq!(
            (rows.len(), tally.sign_ins, tally.records),
            (count, count as u64, count as u64),
            "{name}"
        );
        for row in &rows {
            has(row, &[("spelling", spelling)]);
            assert!(
                row.contains_key("tenant_id") && row.contains_key("ip_address"),
                "{row:#?}"
            );
            assert!(
                row.contains_key("error_code") && row["category"] != "unknown",
                "{row:#?}"
            );
        }
        if name.starts_with("panther") {
            let of = |reason: &str| {
                rows.iter()
                    .filter(|row| row.get("stated_reason").is_some_and(|is| is == reason))
                    .count()
            };
            assert_eq!((of("lockout"), of("generic")), (2, 0));
            assert_eq!(
                rows.iter()
                    .filter(|row| row["error_code"] == "50126")
                    .count(),
                2
            );
        }
        if name.starts_with("msticpy") {
            assert!(
                rows.iter()
                    .all(|row| row["tenant_id"] == "4b2462a4-bbee-495a-a0e1-f23ae524cc9c")
            );
            assert!(
                rows.iter()
                    .all(|row| row.contains_key("time") && row.contains_key("city"))
            );
            assert_eq!(
                rows.iter()
                    .filter(|row| row["error_code"] == "90072")
                    .count(),
                2
            );
        }
    }
}
