//! One story, nine spellings: the same sign-ins, the same findings, whatever the form of the log,
//! alone or together, raw or converted, with much memory or little.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::Path;

use serde_json::{Map, Value, json};

use super::support::{
    Results, coverage, expected, list, root, rows, run, sample, signsift, skipped, texts,
};

/// What a spelling does not say.
struct Spelling {
    /// The file or folder in `sample-data`.
    file: &'static str,
    /// How signsift calls it.
    name: &'static str,
    /// Columns that it does not carry: NULL in every row.
    lacks: &'static [&'static str],
    /// Columns that it carries less exactly, and to how many characters the text is the same.
    coarse: &'static [(&'static str, usize)],
}

/// `2026-03-02T08:00:00` and three digits of a second.
const SECONDS: usize = 19;
const MILLISECONDS: usize = 23;

const SPELLINGS: [Spelling; 9] = [
    Spelling {
        file: "diagnostic",
        name: "diagnostic_settings.json_lines",
        lacks: &[],
        coarse: &[],
    },
    Spelling {
        file: "event-hub.json",
        name: "diagnostic_settings.json_records",
        lacks: &[],
        coarse: &[],
    },
    Spelling {
        file: "event-hub-pretty.json.gz",
        name: "diagnostic_settings.json_records",
        lacks: &[],
        coarse: &[],
    },
    Spelling {
        file: "diagnostic-flat.json.gz",
        name: "log_analytics.json_lines",
        lacks: &[],
        // The time of ingestion is exact here; some records of the other form give whole seconds.
        coarse: &[("ingested_at", SECONDS)],
    },
    Spelling {
        file: "graph-v1-pages.json",
        name: "graph.json_pages",
        lacks: &[
            "ingested_at",
            "tenant_id",
            "user_type",
            "asn",
            "authentication_protocol",
            "incoming_token_type",
            "user_agent",
            "authentication_requirement",
            "network_location_names",
            "is_trusted_location",
            "session_id",
        ],
        coarse: &[("time", SECONDS)],
    },
    Spelling {
        file: "graph-beta.ndjson.zst",
        name: "graph.json_lines",
        lacks: &["ingested_at"],
        coarse: &[],
    },
    Spelling {
        file: "InteractiveSignIns_2026-03-02_2026-03-04.json",
        name: "graph.json_array",
        lacks: &["ingested_at"],
        coarse: &[],
    },
    Spelling {
        file: "20260305081500-interactiveUser-nonInteractiveUser-SignInLogs.json.gz",
        name: "graph.json_array",
        lacks: &["ingested_at"],
        coarse: &[],
    },
    Spelling {
        file: "powershell-sdk.json.gz",
        name: "graph_powershell.json_array",
        lacks: &["ingested_at"],
        coarse: &[("time", MILLISECONDS)],
    },
];

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

    for spelling in SPELLINGS {
        let file = spelling.file;
        let said = &expected["spellings"][file];
        let categories = list(&said["categories"]);
        let rows = sign_ins(&sample(file));
        let ids: BTreeSet<_> = rows.keys().collect();
        let all = truth
            .iter()
            .filter(|(_, row)| categories.contains(&text(row, "category").unwrap()));
        assert_eq!(ids, all.map(|(id, _)| id).collect(), "{file}");
        assert_eq!(
            counts(&rows, |row| text(row, "stated_reason")),
            present(&said["by_stated_reason"]),
            "{file}"
        );
        assert_eq!(json!(rows.len()), said["sign_ins"], "{file}");
        for (id, row) in &rows {
            assert_eq!(row["spelling"], spelling.name, "{file}");
            assert!(
                row["source_file"].as_str().unwrap().contains(file),
                "{file}"
            );
            for (column, value) in row {
                let expected = same(&spelling, column, &truth[id][column]);
                let value = same(&spelling, column, value);
                assert_eq!(value, expected, "{column} of {id} in {file}");
            }
        }
    }
}

/// What of `value` can be compared in this spelling.
fn same(spelling: &Spelling, column: &str, value: &Value) -> Value {
    // Without the authentication steps, only a success and a wrong password would say it.
    let steps_lack = column == "password_result" && spelling.lacks.contains(&"user_agent");
    if ORIGIN.contains(&column) || steps_lack {
        return Value::Null;
    }
    if spelling.lacks.contains(&column) {
        return Value::Null;
    }
    let coarse = spelling.coarse.iter().find(|(name, _)| *name == column);
    match (coarse, value) {
        (Some((_, length)), Value::String(text)) => {
            json!(
                text.trim_end_matches('Z')
                    .chars()
                    .take(*length)
                    .collect::<String>()
            )
        }
        _ => value.clone(),
    }
}

#[test]
fn what_a_spelling_lacks_is_null() {
    for spelling in SPELLINGS
        .iter()
        .filter(|spelling| !spelling.lacks.is_empty())
    {
        let all: Vec<String> = spelling
            .lacks
            .iter()
            .map(|column| format!("count({column})"))
            .collect();
        let query = format!("SELECT {} FROM signins", all.join(", "));
        let row = rows(&query, &[sample(spelling.file)]).remove(0);
        for (column, count) in row.as_object().unwrap() {
            assert_eq!(*count, json!(0), "{column} in {}", spelling.file);
        }
    }
}

#[test]
fn every_record_is_counted_and_converted_unchanged() {
    let expected = expected();
    let temp = tempfile::tempdir().unwrap();
    for spelling in SPELLINGS {
        let file = spelling.file;
        let out = temp.path().join(file);
        let mut command = signsift(["convert", "--quiet", &sample(file), "--out"]);
        command.arg(&out);
        run(command).ended(0);
        let totals = &coverage(&out)["totals"];
        let said = &expected["spellings"][file];
        assert_eq!(totals["records"], said["records"], "{file}");
        assert_eq!(totals["distinct"], said["sign_ins"], "{file}");
        let copies = said["records"].as_u64().unwrap() - said["sign_ins"].as_u64().unwrap();
        assert_eq!(totals["duplicates"], copies, "{file}");
        for nothing in [
            "rejected",
            "other_records",
            "without_id",
            "without_time",
            "outside",
        ] {
            assert_eq!(totals[nothing], 0, "{nothing} in {file}");
        }
        assert_eq!(
            sign_ins(out.to_str().unwrap()),
            sign_ins(&sample(file)),
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
    for table in TABLES {
        assert_eq!(one.table(table), other.table(table), "{table}");
    }
}

#[test]
fn alone_together_and_converted_all_tell_the_story() {
    let temp = tempfile::tempdir().unwrap();
    let expected = expected();
    let alone = Results::of(&temp.path().join("alone"), &[sample("diagnostic")], &[]);
    tells_the_story(&alone);

    // The whole folder: nine spellings, and the files that tell and make the story.
    let together = Results::of(&temp.path().join("together"), &["sample-data"], &[]);
    same_tables(&alone, &together);
    let coverage = together.coverage();
    assert_eq!(coverage["totals"]["distinct"], expected["sign_ins"]);
    let records: u64 = expected["spellings"]
        .as_object()
        .unwrap()
        .values()
        .map(|spelling| spelling["records"].as_u64().unwrap())
        .sum();
    assert_eq!(coverage["totals"]["records"], records);
    assert_eq!(
        coverage["totals"]["duplicates"],
        records - expected["sign_ins"].as_u64().unwrap()
    );
    let left_out: Vec<String> = coverage["inputs"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|input| input["status"] == "left_out")
        .map(|input| input["name"].as_str().unwrap().to_owned())
        .collect();
    let own = ["README.md", "expected.json", "make.py", "story.py"].map(sample);
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
    for (input, spelling, records, refusals, without_time) in [
        ("datadog", "diagnostic_settings.json_lines", 5, 0, 0),
        // Written by hand for tests; some leave the times out.
        ("panther", "diagnostic_settings.json_lines", 16, 2, 5),
        ("splunk/azure_*", "diagnostic_settings.json_lines", 1, 0, 0),
        ("msticpy", "log_analytics.json_lines", 86, 0, 0),
    ] {
        let temp = tempfile::tempdir().unwrap();
        let out = temp.path().join("archive");
        let input = samples.join(input).display().to_string();
        let mut command = signsift(["convert", "--quiet", &input, "--out"]);
        command.arg(&out);
        run(command).ended(0);
        let coverage = coverage(&out);
        let totals = &coverage["totals"];
        assert_eq!(totals["records"], records, "{input}");
        assert_eq!(totals["sign_ins"], records, "{input}");
        assert_eq!(totals["rejected"], 0, "{input}");
        assert_eq!(coverage["inputs"][0]["spelling"], spelling, "{input}");
        let rows = rows("SELECT * FROM signins", &[out.to_str().unwrap()]);
        let refused = rows.iter().filter(|row| row["error_code"] == 50053).count();
        assert_eq!(refused, refusals, "{input}");
        assert_eq!(texts(&rows, "password_result").len(), rows.len(), "{input}");
        assert_eq!(totals["distinct"], rows.len(), "{input}");
        assert_eq!(totals["without_time"], without_time, "{input}");
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
