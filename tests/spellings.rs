//! One story, fifty spellings: the same sign-ins, the same findings, whatever the form of the log,
//! alone or together, raw or converted, with much memory or little.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::Path;

use serde_json::{Map, Value, json};

use super::support::{
    Results, coverage, expected, lines, list, root, rows, run, sample, signsift, skipped, texts,
};

/// Every file or folder of `sample-data` that holds the story, and how signsift calls its spelling.
/// What each lacks is in `expected.json`.
pub(crate) const SPELLINGS: [(&str, &str); 49] = [
    ("diagnostic", "diagnostic_settings.json_lines"),
    ("event-hub.json", "diagnostic_settings.json_records"),
    (
        "event-hub-pretty.json.gz",
        "diagnostic_settings.json_records",
    ),
    ("diagnostic-flat.json.gz", "log_analytics.json_lines"),
    ("graph-v1-pages.json", "graph.json_pages"),
    ("graph-beta.ndjson.zst", "graph.json_lines"),
    (
        "InteractiveSignIns_2026-03-02_2026-03-04.json",
        "graph.json_array",
    ),
    (
        "20260305081500-interactiveUser-nonInteractiveUser-SignInLogs.json.gz",
        "graph.json_array",
    ),
    ("powershell-sdk.json.gz", "graph_powershell.json_array"),
    (
        "portal/InteractiveSignIns_2026-03-02_2026-03-04.csv.gz",
        "portal.csv",
    ),
    (
        "portal/NonInteractiveSignIns_2026-03-02_2026-03-04.csv",
        "portal.csv",
    ),
    (
        "portal/ApplicationSignIns_2026-03-02_2026-03-04.csv",
        "portal.csv",
    ),
    ("portal/MSISignIns_2026-03-02_2026-03-04.csv", "portal.csv"),
    ("log-analytics/query_data.csv.gz", "log_analytics.csv"),
    ("log-analytics/union.csv.gz", "log_analytics.csv"),
    ("log-analytics/projected.csv.gz", "log_analytics.csv"),
    (
        "log-analytics/query-api.json.gz",
        "log_analytics.json_tables",
    ),
    ("log-analytics/export", "log_analytics.json_lines"),
    (
        "unified-audit/search-unifiedauditlog.csv.gz",
        "unified_audit_export.csv",
    ),
    ("unified-audit/purview.csv.gz", "unified_audit_export.csv"),
    (
        "unified-audit/management-api.json.gz",
        "unified_audit_log.json_array",
    ),
    (
        "unified-audit/auditdata.ndjson.gz",
        "unified_audit_log.json_lines",
    ),
    (
        "unified-audit/graph-auditlogquery.json.gz",
        "unified_audit_export.json_array",
    ),
    (
        "unified-audit/extractor-UAL.json.gz",
        "unified_audit_export.json_array",
    ),
    (
        "defender-xdr/hunting-graph.json.gz",
        "defender_xdr.json_results",
    ),
    (
        "defender-xdr/hunting-api.json.gz",
        "defender_xdr.json_results",
    ),
    ("defender-xdr/hunting.csv.gz", "defender_xdr.csv"),
    ("elastic/search.json.gz", "diagnostic_settings.json_hits"),
    ("elastic/bulk.ndjson.gz", "elastic.json_lines"),
    ("elastic/fields.ndjson.gz", "elastic.json_lines"),
    ("splunk/export.json.gz", "diagnostic_settings.json_lines"),
    ("splunk/export.csv.gz", "diagnostic_settings.csv"),
    ("splunk/hec.ndjson.gz", "diagnostic_settings.json_lines"),
    (
        "wrapped/message.ndjson.gz",
        "diagnostic_settings.json_lines",
    ),
    ("wrapped/body.ndjson.gz", "diagnostic_settings.json_lines"),
    ("wrapped/log.ndjson.gz", "diagnostic_settings.json_lines"),
    ("ocsf/authentication.ndjson.gz", "ocsf.json_lines"),
    ("tools/goose.ndjson.gz", "graph.json_lines"),
    ("tools/extractor-combined.json.gz", "graph.json_array"),
    ("tools/extractor-one.json", "graph.json_objects"),
    ("tools/bitpusher.csv.gz", "graph_powershell.csv"),
    ("tools/analyzer-suite.csv.gz", "graph_powershell.csv"),
    ("tools/hawk.json.gz", "graph_powershell.json_array"),
    ("encodings/portal-utf16le.json.gz", "graph.json_array"),
    ("encodings/portal-utf16be.json.gz", "graph.json_array"),
    ("encodings/portal.json.bz2", "graph.json_array"),
    ("encodings/portal.json.xz", "graph.json_array"),
    ("encodings/exports.zip", "graph"),
    ("encodings/exports.tar.gz", "graph"),
];

/// What `expected.json` says of one spelling.
struct Spelling {
    file: &'static str,
    name: &'static str,
    said: Value,
}

fn spellings() -> Vec<Spelling> {
    let expected = expected();
    let said = expected["spellings"].as_object().unwrap();
    // The companion holds no sign-ins of its own.
    let files: Vec<_> = said
        .iter()
        .filter(|(_, said)| said["companion"] != true)
        .map(|(file, _)| file.as_str())
        .collect();
    assert_eq!(files.len(), SPELLINGS.len(), "{files:?}");
    SPELLINGS
        .into_iter()
        .map(|(file, name)| Spelling {
            file,
            name,
            said: said[file].clone(),
        })
        .collect()
}

impl Spelling {
    fn lacks(&self, column: &str) -> bool {
        list(&self.said["lacks"])
            .iter()
            .any(|lacking| lacking == column)
    }

    /// Whether this spelling says something else in `column`, or cannot say it at all.
    fn differs(&self, column: &str) -> bool {
        let differs = self.said["differs"].as_array();
        // Without the authentication steps, only a success and a wrong password would say it.
        let no_steps = column == "password_result" && self.said["no_steps"] == true;
        no_steps
            || ORIGIN.contains(&column)
            || self.lacks(column)
            || differs.is_some_and(|columns| columns.iter().any(|it| it == column))
    }

    /// To how many characters the text of a time is the same.
    fn precision(&self, column: &str) -> Option<usize> {
        match (column, self.said["time_precision"].as_str()) {
            ("time", Some("second")) => Some(SECONDS),
            ("time", Some("millisecond")) => Some(MILLISECONDS),
            // Some pipelines write the time of ingestion in whole seconds.
            ("ingested_at", _) => Some(SECONDS),
            _ => None,
        }
    }

    /// What of `value` can be compared in this spelling.
    fn comparable(&self, column: &str, value: &Value) -> Value {
        match (self.precision(column), value) {
            _ if self.differs(column) => Value::Null,
            (Some(length), Value::String(text)) => {
                let text = text.trim_end_matches('Z');
                json!(text.chars().take(length).collect::<String>())
            }
            _ => value.clone(),
        }
    }
}

/// `2026-03-02T08:00:00` and three digits of a second.
const SECONDS: usize = 19;
const MILLISECONDS: usize = 23;

/// The companion of the portal's download: the steps of its sign-ins.
const STEPS: &str = "portal/InteractiveSignIns_AuthDetails_2026-03-02_2026-03-04.csv";

/// Columns that say where a row comes from, and so differ.
const ORIGIN: [&str; 2] = ["source_file", "spelling"];

/// Tables that do not depend on where rows come from. `coverage.json` does.
const TABLES: [&str; 6] = ["findings", "events", "windows", "users", "ips", "timeline"];

type Rows = BTreeMap<String, Map<String, Value>>;

fn by_id(rows: Vec<Value>) -> Rows {
    rows.into_iter()
        .map(|row| match row {
            Value::Object(row) => (row["sign_in_id"].as_str().unwrap().to_owned(), row),
            other => panic!("{other} is no row"),
        })
        .collect()
}

fn sign_ins(input: &str) -> Rows {
    let rows = rows("SELECT * FROM signins", &[input]);
    let count = rows.len();
    let rows = by_id(rows);
    assert_eq!(rows.len(), count, "{input} gives a sign-in twice");
    rows
}

fn counts<'v>(rows: &Rows, of: impl Fn(&Map<String, Value>) -> Option<String> + 'v) -> Value {
    let mut counts = BTreeMap::new();
    for key in rows.values().filter_map(of) {
        *counts.entry(key).or_insert(0) += 1;
    }
    json!(counts)
}

fn text(row: &Map<String, Value>, column: &str) -> Option<String> {
    match &row[column] {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

/// Without the kinds that count nothing.
fn present(counts: &Value) -> Value {
    let counts = counts.as_object().unwrap().clone();
    counts
        .into_iter()
        .filter(|(_, count)| count.as_u64() != Some(0))
        .collect::<Map<_, _>>()
        .into()
}

#[test]
fn every_spelling_gives_the_same_sign_ins() {
    let expected = expected();
    let truth = sign_ins(&sample("diagnostic"));
    assert_eq!(
        counts(&truth, |row| text(row, "category")),
        expected["by_category"]
    );
    assert_eq!(
        counts(&truth, |row| text(row, "error_code")),
        expected["by_error_code"]
    );
    assert_eq!(
        counts(&truth, |row| text(row, "password_result")),
        expected["by_password_result"]
    );
    assert_eq!(
        truth.keys().cloned().collect::<Vec<_>>(),
        list(&expected["all_sign_in_ids"])
    );

    for spelling in spellings() {
        let Spelling { file, name, said } = &spelling;
        let categories = list(&said["categories"]);
        let rows = sign_ins(&sample(file));
        let ids: BTreeSet<_> = rows.keys().collect();
        let all = truth
            .iter()
            .filter(|(_, row)| categories.contains(&text(row, "category").unwrap()))
            .map(|(id, _)| id);
        let all: BTreeSet<_> = match said["only"].as_array() {
            Some(only) => all.filter(|id| only.contains(&json!(id))).collect(),
            None => all.collect(),
        };
        assert_eq!(ids, all, "{file}");
        assert_eq!(
            counts(&rows, |row| text(row, "stated_reason")),
            present(&said["by_stated_reason"]),
            "{file}"
        );
        assert_eq!(json!(rows.len()), said["sign_ins"], "{file}");
        for (id, row) in &rows {
            // Members of an archive have several framings.
            let told = row["spelling"].as_str().unwrap();
            let dialect = told.split('.').next().unwrap();
            assert!(told == *name || dialect == *name, "{told} in {file}");
            assert!(
                row["source_file"].as_str().unwrap().contains(file),
                "{file}"
            );
            for (column, value) in row {
                if spelling.lacks(column) {
                    assert_eq!(*value, Value::Null, "{column} of {id} in {file}");
                }
                let expected = spelling.comparable(column, &truth[id][column]);
                let value = spelling.comparable(column, value);
                assert_eq!(value, expected, "{column} of {id} in {file}");
            }
        }
    }
}

#[test]
fn every_record_is_counted_and_converted_unchanged() {
    let temp = tempfile::tempdir().unwrap();
    for spelling in spellings() {
        let Spelling { file, said, .. } = &spelling;
        let out = temp.path().join(file.replace('/', "-"));
        let mut command = signsift(["convert", "--quiet", &sample(file), "--out"]);
        command.arg(&out);
        run(command).ended(0);
        let totals = &coverage(&out)["totals"];
        assert_eq!(totals["records"], said["records"], "{file}");
        assert_eq!(totals["distinct"], said["sign_ins"], "{file}");
        let others = said["others"].as_u64().unwrap_or_default();
        assert_eq!(totals["other_records"], others, "{file}");
        let sign_ins = said["records"].as_u64().unwrap() - others;
        let copies = sign_ins - said["sign_ins"].as_u64().unwrap();
        assert_eq!(totals["duplicates"], copies, "{file}");
        for nothing in ["rejected", "without_id", "without_time", "outside"] {
            assert_eq!(totals[nothing], 0, "{nothing} in {file}");
        }
        assert_eq!(
            self::sign_ins(out.to_str().unwrap()),
            self::sign_ins(&sample(file)),
            "{file}"
        );
    }
}

/// What the story says of causes, against the tables of an analysis.
fn tells_the_story(results: &Results) {
    let expected = expected();
    let (findings, events) = (results.table("findings"), results.table("events"));
    let cause: BTreeMap<&str, &str> = findings
        .iter()
        .map(|row| {
            (
                row["finding_id"].as_str().unwrap(),
                row["cause"].as_str().unwrap(),
            )
        })
        .collect();
    let mut ids: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    let mut reasons: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for event in &events {
        let id = event["sign_in_id"].as_str().unwrap().to_owned();
        ids.entry(cause[event["finding_id"].as_str().unwrap()])
            .or_default()
            .push(id.clone());
        reasons
            .entry(event["stated_reason"].as_str().unwrap())
            .or_default()
            .push(id);
    }
    for lists in [&mut ids, &mut reasons] {
        lists.values_mut().for_each(|ids| ids.sort());
    }
    assert_eq!(json!(ids), expected["refusals_by_cause"]);
    assert_eq!(json!(reasons), expected["refusals_by_reason"]);
    let mut entered = BTreeSet::new();
    for (cause, said) in expected["causes"].as_object().unwrap() {
        let mut refusals = 0;
        let (mut users, mut addresses) = (BTreeSet::new(), BTreeSet::new());
        for finding in findings.iter().filter(|row| row["cause"] == cause.as_str()) {
            refusals += finding["refusal_count"].as_u64().unwrap();
            users.extend(list(&finding["users"]));
            addresses.extend(list(&finding["ip_addresses"]));
            entered.extend(list(&finding["compromised_users"]));
        }
        assert_eq!(said["refusals"], refusals, "{cause}");
        assert_eq!(said["users"], json!(users), "{cause}");
        assert_eq!(said["ip_addresses"], json!(addresses), "{cause}");
    }
    assert_eq!(json!(entered), expected["compromised_users"]);
}

fn same_tables(one: &Results, other: &Results) {
    same_tables_but(one, other, &[]);
}

/// The same, less what other routes add in these columns.
fn same_tables_but(one: &Results, other: &Results, added: &[&str]) {
    let less = |row: &Value| {
        let mut row = row.clone();
        for column in added {
            row.as_object_mut().unwrap().remove(*column);
        }
        row
    };
    for table in TABLES {
        let (one, other) = (one.table(table), other.table(table));
        assert_eq!(one.len(), other.len(), "{table}");
        for (one, other) in one.iter().zip(&other) {
            assert_eq!(less(one), less(other), "{table}");
        }
    }
}

#[test]
fn alone_together_and_converted_all_tell_the_story() {
    let temp = tempfile::tempdir().unwrap();
    let expected = expected();
    let alone = Results::of(&temp.path().join("alone"), &[sample("diagnostic")], &[]);
    tells_the_story(&alone);

    // The whole folder: every spelling, and the files that tell and make the story.
    let together = Results::of(&temp.path().join("together"), &["sample-data"], &[]);
    // The audit log has a name for the error, which no other route has.
    same_tables_but(&alone, &together, &["additional_details"]);
    let coverage = together.coverage();
    assert_eq!(coverage["totals"]["distinct"], expected["sign_ins"]);
    let sum = |count: &str| -> u64 {
        let spellings = expected["spellings"].as_object().unwrap().values();
        spellings.filter_map(|said| said[count].as_u64()).sum()
    };
    assert_eq!(coverage["totals"]["records"], sum("records"));
    let steps = coverage["totals"]["steps"].as_u64().unwrap();
    assert_eq!(steps, expected["spellings"][STEPS]["records"]);
    assert_eq!(
        coverage["totals"]["other_records"],
        sum("others") - steps,
        "records that are no sign-ins"
    );
    assert_eq!(
        coverage["totals"]["duplicates"],
        sum("records") - sum("others") - expected["sign_ins"].as_u64().unwrap()
    );
    let left_out: Vec<String> = coverage["inputs"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|input| input["status"] == "left_out")
        .map(|input| input["name"].as_str().unwrap().to_owned())
        .collect();
    let own = glob::glob(root().join("sample-data/*.py").to_str().unwrap()).unwrap();
    let own = own.map(|path| {
        path.unwrap()
            .file_name()
            .unwrap()
            .to_str()
            .unwrap()
            .to_owned()
    });
    let mut own: Vec<_> = own
        .chain(["README.md", "expected.json"].map(str::to_owned))
        .map(|name| sample(&name))
        .collect();
    own.sort();
    assert_eq!(left_out, own);

    let archive = temp.path().join("archive");
    let mut command = signsift(["convert", "--quiet", &sample("diagnostic"), "--out"]);
    command.arg(&archive);
    run(command).ended(0);
    let archive = archive.to_str().unwrap();
    let converted = Results::of(&temp.path().join("converted"), &[archive], &[]);
    same_tables(&alone, &converted);
    // An archive beside raw logs: the same once more.
    let both = [archive, &sample("event-hub.json")];
    same_tables(&alone, &Results::of(&temp.path().join("both"), &both, &[]));
}

/// One sign-in by several routes: what one lacks, another says.
#[test]
fn copies_complete_each_other() {
    let truth = sign_ins(&sample("diagnostic"));
    let portal = "portal/InteractiveSignIns_2026-03-02_2026-03-04.csv.gz";
    let audit = "unified-audit/management-api.json.gz";
    let defender = "defender-xdr/hunting.csv.gz";
    let flat = "log-analytics/projected.csv.gz";
    for (files, columns) in [
        // The rows of the audit log and of Defender are told why they were refused.
        (
            &[audit, flat][..],
            &["stated_reason", "failure_reason", "category"][..],
        ),
        (
            &[defender, portal],
            &["stated_reason", "failure_reason", "asn"],
        ),
        // The portal keeps the steps in a file of their own, which has no times.
        (&[STEPS, portal], &["password_result"]),
        (
            &[STEPS, defender, portal, flat],
            &["password_result", "stated_reason", "latitude"],
        ),
    ] {
        for files in [files.to_vec(), files.iter().rev().copied().collect()] {
            let files: Vec<String> = files.into_iter().map(sample).collect();
            let files: Vec<&str> = files.iter().map(String::as_str).collect();
            let rows = by_id(rows("SELECT * FROM signins", &files));
            assert!(rows.len() >= 272, "{files:?}");
            for (id, row) in &rows {
                let truth = &truth[id];
                for column in columns
                    .iter()
                    .filter(|_| truth["category"] == "interactive")
                {
                    assert_eq!(row[*column], truth[*column], "{column} of {id}, {files:?}");
                }
            }
        }
    }
    // By themselves the steps are nothing.
    let alone = run(signsift(["analyze", "--quiet", &sample(STEPS)]));
    alone.ended(1).says(&["only has the steps"]);
}

/// The poorest spelling, and the one that is furthest from JSON as it is served.
#[test]
fn a_poor_spelling_leads_to_the_same_causes() {
    let expected = expected();
    let temp = tempfile::tempdir().unwrap();
    for (file, lacks) in [("graph-v1-pages.json", 1), ("powershell-sdk.json.gz", 0)] {
        let results = Results::of(&temp.path().join(file), &[sample(file)], &[]);
        let findings = results.table("findings");
        let mut wrong = Vec::new();
        for (cause, said) in expected["causes"].as_object().unwrap() {
            let refusals: u64 = findings
                .iter()
                .filter(|row| row["cause"] == cause.as_str())
                .map(|row| row["refusal_count"].as_u64().unwrap())
                .sum();
            // Kamala's refusal without words is no interactive one.
            let lacking = if cause == "insufficient_data" {
                lacks
            } else {
                0
            };
            if refusals + lacking != said["refusals"].as_u64().unwrap() {
                wrong.push(format!("{cause}: {refusals} refusals"));
            }
        }
        assert!(wrong.is_empty(), "{file}: {wrong:?}");
        let mut entered = BTreeSet::new();
        findings
            .iter()
            .for_each(|row| entered.extend(list(&row["compromised_users"])));
        assert_eq!(json!(entered), expected["compromised_users"], "{file}");
    }
}

/// Real logs that others have published. They are not part of the project, so they may be missing.
#[test]
fn published_samples_are_read_without_loss() {
    let samples = root().join("../shared/samples");
    if !samples.is_dir() {
        return skipped("published samples", "there is no folder ../shared/samples");
    }
    for (input, spelling, records, refusals, without_time, rejected) in [
        ("datadog", "diagnostic_settings.json_lines", 5, 0, 0, 0),
        // Written by hand for tests; some leave the times out.
        ("panther", "diagnostic_settings.json_lines", 16, 2, 5, 0),
        (
            "splunk/azure_*",
            "diagnostic_settings.json_lines",
            1,
            0,
            0,
            0,
        ),
        (
            "splunk/o365_userloggedin*",
            "unified_audit_log.json_lines",
            1,
            0,
            0,
            0,
        ),
        // Its time has 65 seconds.
        (
            "splunk/o365_userloginfailed*",
            "unified_audit_log.json_lines",
            1,
            0,
            0,
            1,
        ),
        ("msticpy", "log_analytics.json_lines", 86, 0, 0, 0),
        ("sentinel_training_lab", "log_analytics.csv", 56, 0, 0, 0),
        // Headers alone.
        (
            "portal_csv_headers/interactive_signins_header_2024-10-23.csv",
            "portal.csv",
            0,
            0,
            0,
            0,
        ),
        (
            "portal_csv_headers/interactive_signins_header_2024-11-20.csv",
            "portal.csv",
            0,
            0,
            0,
            0,
        ),
        (
            "portal_csv_headers/interactive_signins_header_2025-01-24.csv",
            "portal.csv",
            0,
            0,
            0,
            0,
        ),
        (
            "portal_csv_headers/application_signins_header_2026-01-10.csv",
            "portal.csv",
            0,
            0,
            0,
            0,
        ),
    ] {
        let input = samples.join(input).display().to_string();
        let ran = run(signsift(["inspect", "--format", "json", &input]));
        let ran = ran.ended(if rejected > 0 { 3 } else { 0 });
        let inspected = lines(&ran.stdout);
        assert_eq!(inspected.len(), 1, "{input}");
        let inspected = &inspected[0];
        assert_eq!(inspected["spelling"], spelling, "{input}");
        assert_eq!(inspected["records"], records, "{input}");
        assert_eq!(inspected["sign_ins"], records - rejected, "{input}");
        assert_eq!(inspected["rejected"]["count"], rejected, "{input}");
        assert_eq!(inspected["refusals"], refusals, "{input}");
        assert_eq!(inspected["without_time"], without_time, "{input}");
        if records == rejected {
            continue;
        }
        // What inspect sees is what the others read.
        let temp = tempfile::tempdir().unwrap();
        let out = temp.path().join("archive");
        let mut command = signsift(["convert", "--quiet", &input, "--out"]);
        command.arg(&out);
        run(command).ended(0);
        let coverage = coverage(&out);
        let totals = &coverage["totals"];
        let rows = rows("SELECT * FROM signins", &[out.to_str().unwrap()]);
        assert_eq!(texts(&rows, "password_result").len(), rows.len(), "{input}");
        assert_eq!(totals["distinct"], rows.len(), "{input}");
        if !input.contains("panther") {
            assert_eq!(inspected["distinct_ids"], rows.len(), "{input}");
        }
    }
}

/// Writes the story `times` times to one file, each sign-in with an id of its own and each success
/// with a long user agent, so that the rows are more than a small memory holds.
fn long_story(path: &Path, times: usize) {
    let mut file = std::io::BufWriter::new(std::fs::File::create(path).unwrap());
    let blobs = glob::glob(
        root()
            .join("sample-data/diagnostic/**/*.json")
            .to_str()
            .unwrap(),
    );
    let story: String = blobs
        .unwrap()
        .map(|blob| std::fs::read_to_string(blob.unwrap()).unwrap() + "\n")
        .collect();
    let padding = "x".repeat(6000);
    for time in 0..times {
        for line in story.lines().filter(|line| !line.is_empty()) {
            let id = line
                .split("\"id\":\"")
                .nth(1)
                .unwrap()
                .split('"')
                .next()
                .unwrap();
            // The story's ids end in 00.
            let other = format!("{}{time:02x}", id.strip_suffix("00").unwrap());
            let line = line.replace(id, &other);
            let line = match line.contains("\"errorCode\":0") {
                true => line.replace("\"userAgent\":\"", &format!("\"userAgent\":\"{padding} ")),
                false => line,
            };
            file.write_all(line.as_bytes()).unwrap();
            file.write_all(b"\n").unwrap();
        }
    }
    file.into_inner().unwrap().sync_all().unwrap();
}

#[test]
fn little_memory_gives_the_same_results() {
    let temp = tempfile::tempdir().unwrap();
    let logs = temp.path().join("logs.json");
    long_story(&logs, 50);
    let logs = [logs.to_str().unwrap()];
    let much = Results::of(&temp.path().join("much"), &logs, &[]);

    // Rows over the budget go to a folder `signins` of days: it must be seen while that runs.
    let scratch = temp.path().join("scratch");
    std::fs::create_dir(&scratch).unwrap();
    let out = temp.path().join("little");
    let done = std::sync::atomic::AtomicBool::new(false);
    let (spilled, little) = std::thread::scope(|scope| {
        let watch = scope.spawn(|| {
            let pattern = scratch.join(".signsift-*/signins");
            let pattern = pattern.to_str().unwrap();
            let mut seen = false;
            while !seen && !done.load(std::sync::atomic::Ordering::Relaxed) {
                seen = glob::glob(pattern).unwrap().next().is_some();
                std::thread::sleep(std::time::Duration::from_millis(10));
            }
            seen
        });
        let flags = ["--memory-limit", "64MiB", "--threads", "2", "--temp-dir"];
        let flags = [&flags[..], &[scratch.to_str().unwrap()]].concat();
        let little = Results::of(&out, &logs, &flags);
        done.store(true, std::sync::atomic::Ordering::Relaxed);
        (watch.join().unwrap(), little)
    });
    assert!(
        spilled,
        "the story was not long enough for rows to go to disk"
    );
    same_tables(&much, &little);
    assert_eq!(much.coverage()["totals"], little.coverage()["totals"]);
    assert_eq!(little.coverage()["totals"]["distinct"], 293 * 50);
    assert!(
        super::support::names(&scratch).is_empty(),
        "temporary files were left"
    );
}
