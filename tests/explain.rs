//! `explain` on results in every form, and `compare` on the story of `sample-data`.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::commands::keep;
use super::support::{Ran, lines, names, run, signsift};

/// Results of the sample in one form.
fn results(folder: &Path, format: &str) -> PathBuf {
    let out = folder.join(format);
    let mut command = signsift([
        "analyze",
        "sample-data/diagnostic",
        "--quiet",
        "--format",
        format,
    ]);
    command.arg("--out").arg(&out);
    run(command).ended(0);
    out
}

fn explain(id: &str, results: &Path, flags: &[&str]) -> Ran {
    let mut command = signsift(["explain", id]);
    command.arg(results).args(flags);
    run(command)
}

#[test]
fn a_finding_is_explained_from_every_form_alike() {
    let temp = tempfile::tempdir().unwrap();
    let json = results(temp.path(), "json");
    let findings = lines(&std::fs::read_to_string(json.join("findings.ndjson")).unwrap());
    let id_of = |cause: &str| {
        let found = findings.iter().find(|row| row["cause"] == cause);
        found.unwrap()["finding_id"].as_str().unwrap().to_owned()
    };
    let spray = id_of("password_spray");
    keep(
        "explain_spray",
        &explain(&spray, &json, &[]).ended(0).stdout,
    );
    keep(
        "explain_egress",
        &explain(&id_of("flagged_egress"), &json, &[])
            .ended(0)
            .stdout,
    );

    let others = [results(temp.path(), "csv"), results(temp.path(), "parquet")];
    for row in &findings {
        let id = row["finding_id"].as_str().unwrap();
        let expected = explain(id, &json, &["--all", "--format", "json"])
            .ended(0)
            .stdout;
        let whole: Value = serde_json::from_str(&expected).unwrap();
        let events = whole["events"].as_array().unwrap();
        assert_eq!(row["refusal_count"], events.len(), "--all is all");
        let bars = whole["timeline"]["bars"].as_array().unwrap();
        let in_bars: u64 = bars
            .iter()
            .flat_map(|bar| bar.as_object().unwrap().values())
            .filter_map(Value::as_u64)
            .sum();
        assert_eq!(in_bars as usize, events.len());
        let proof = whole["break_ins"].as_array().unwrap();
        assert_eq!(proof.is_empty(), row["compromised_users"].is_null(), "{id}");
        for other in &others {
            let told = explain(id, other, &["--all", "--format", "json"]).ended(0);
            assert_eq!(told.stdout, expected, "{}", other.display());
        }
    }
    // The beginning of an id is enough.
    let short = explain(&spray[..10].to_uppercase(), &json, &[]).ended(0);
    assert_eq!(short.stdout, explain(&spray, &json, &[]).stdout);
}

#[test]
fn an_id_that_is_not_there_or_not_enough_is_told() {
    let temp = tempfile::tempdir().unwrap();
    let ids = ["aa11", "aa22", "bb00", "cc00", "dd00", "ee00", "ff00"];
    let findings: String = ids
        .iter()
        .map(|id| json!({"finding_id": id, "title": format!("Title of {id}")}).to_string() + "\n")
        .collect();
    std::fs::write(temp.path().join("findings.ndjson"), findings).unwrap();
    std::fs::write(temp.path().join("events.ndjson"), "").unwrap();
    let told = |id: &str| explain(id, temp.path(), &[]).ended(2).stderr;
    let absent = told("0");
    assert!(
        absent.contains("no finding has an id that begins so"),
        "{absent}"
    );
    assert!(
        absent.contains("aa11  Title of aa11") && absent.contains("… and 2 more"),
        "{absent}"
    );
    let both = told("aa");
    assert!(both.contains("several findings") && both.contains("aa22") && !both.contains("bb00"));
    explain("aa2", temp.path(), &[]).ended(0);

    let empty = tempfile::tempdir().unwrap();
    let ran = explain("aa", empty.path(), &[]).ended(2);
    ran.says(&["is no folder of results"]);
    std::fs::write(empty.path().join("findings.csv"), "finding_id,title\n").unwrap();
    explain("aa", empty.path(), &[])
        .ended(2)
        .says(&["there is no finding in these results"]);
    // A table that is cut off is told by its name.
    std::fs::write(
        temp.path().join("events.ndjson"),
        "{\"finding_id\":\"aa22\",",
    )
    .unwrap();
    explain("aa2", temp.path(), &[])
        .ended(1)
        .says(&["cannot read", "events.ndjson"]);
}

#[test]
fn hostile_text_does_not_reach_the_terminal() {
    let temp = tempfile::tempdir().unwrap();
    let evil = "\u{1b}]0;owned\u{7}\u{202e}x\r\nGOT IN nobody";
    let lists = json!([evil, evil]);
    let finding = json!({
        "finding_id": "aa", "title": evil, "cause": evil, "severity": evil, "users": lists,
        "ip_addresses": lists, "user_agents": lists, "vips": lists, "indicators": lists,
        "compromised_users": lists, "first_success": evil, "explanation": evil, "advice": evil,
        "advice_source": evil, "first_seen": evil, "last_seen": evil, "user_count": 2, "ip_count": 2,
        "evidence": [{"feature": evil, "value": 1.0, "threshold": 2.0}],
    });
    let event = json!({
        "finding_id": "aa", "sign_in_id": evil, "time": "2026-03-02T08:00:00Z", "user_id": evil,
        "ip_address": evil, "country": evil, "client_app": evil, "reason": evil,
        "reason_basis": evil, "reason_evidence": lists, "indicators": lists,
    });
    let proof = json!({
        "finding_id": "aa", "sign_in_id": evil, "time": evil, "user_principal_name": evil,
        "outcome": "password_right", "failure_reason": evil,
    });
    for (name, row) in [
        ("findings", finding),
        ("events", event),
        ("break_ins", proof),
    ] {
        std::fs::write(
            temp.path().join(format!("{name}.ndjson")),
            format!("{row}\n"),
        )
        .unwrap();
    }
    let text = explain("aa", temp.path(), &["--all"]).ended(0).stdout;
    let steers = |at: char| at != '\n' && (at.is_control() || at == '\u{202e}');
    assert!(!text.contains(steers), "{text}");
    assert_eq!(
        text.lines()
            .filter(|line| line.starts_with("GOT IN"))
            .count(),
        1,
        "{text}"
    );
}

#[test]
fn the_public_rules_beside_the_findings() {
    let temp = tempfile::tempdir().unwrap();
    let log = "sample-data/diagnostic";
    keep("compare", &run(signsift(["compare", log])).ended(0).stdout);
    let out = temp.path().join("rules.json").display().to_string();
    let ran = run(signsift(["compare", log, "--out", &out])).ended(0);
    assert_eq!(ran.stdout, "");
    let rows = lines(&std::fs::read_to_string(&out).unwrap());
    let csv = run(signsift(["compare", log, "--format", "csv"]))
        .ended(0)
        .stdout;
    assert_eq!(csv.lines().count(), rows.len() + 1);
    for row in &rows {
        let count = |key: &str| row[key].as_u64().unwrap();
        let by_reason = [
            "lockouts",
            "malicious_ip_blocks",
            "risk_blocks",
            "unknown_reason",
        ];
        let sum: u64 = by_reason.into_iter().map(count).sum();
        assert_eq!(count("refusals_covered"), sum, "{row}");
    }
    run(signsift(["compare", log, "--out", &out]))
        .ended(2)
        .says(&["is there already"]);
    assert_eq!(names(temp.path()), ["rules.json"]);

    // Queries of one's own may have no public rules.
    let own = temp.path().join("queries");
    std::fs::create_dir(&own).unwrap();
    for file in names(
        Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("queries")
            .as_path(),
    ) {
        if file.ends_with(".sql") {
            std::fs::copy(
                format!("{}/queries/{file}", env!("CARGO_MANIFEST_DIR")),
                own.join(&file),
            )
            .unwrap();
        }
    }
    let own = own.display().to_string();
    run(signsift(["compare", log, "--queries", &own]))
        .ended(2)
        .says(&["--queries", "public/90_compare.sql"]);
}
