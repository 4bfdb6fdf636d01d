//! What the analyst knows, from the command line to the results: by flag, environment and file, over
//! raw logs and over an archive.

use std::path::Path;

use serde_json::Value;

use super::support::{Results, coverage, lines, run, signsift, texts};

const LOGS: &str = "sample-data/diagnostic";

/// Lists that fit the story of `sample-data`.
fn lists(folder: &Path) -> [String; 3] {
    let files = [
        (
            "exits.txt",
            "198.51.100.10 Head office\n2001:db8:f00::/48\n",
        ),
        (
            "vips.txt",
            "Ada.Whitlock@contoso.example # runs the place\n",
        ),
        (
            "bad.csv",
            "value,type,label\n203.0.113.7,ip,Seen before\n203.0.113.66,,\nevil.example,domain,\n",
        ),
    ];
    files.map(|(name, text)| {
        let path = folder.join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    })
}

fn strings(value: &Value) -> Vec<&str> {
    value
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect()
}

#[test]
fn raw_logs_and_their_archive_are_filled_alike() {
    let temp = tempfile::tempdir().unwrap();
    let [exits, vips, bad] = lists(temp.path());
    let flags = [
        "--trusted-network",
        &exits,
        "--vip",
        &vips,
        "--indicators",
        &bad,
    ];
    let raw = Results::of(&temp.path().join("raw"), &[LOGS], &flags);
    let archive = temp.path().join("archive").display().to_string();
    run(signsift(["convert", LOGS, "--quiet", "--out", &archive])).ended(0);
    let again = Results::of(&temp.path().join("again"), &[&archive], &flags);
    assert_eq!(raw.table("events"), again.table("events"));
    assert_eq!(raw.table("findings"), again.table("findings"));

    // What is told of it.
    let events = raw.table("events");
    let listed: Vec<&Value> = events
        .iter()
        .filter(|row| !row["indicators"].is_null())
        .collect();
    assert!(!listed.is_empty());
    for row in &listed {
        let expected = match row["ip_address"].as_str().unwrap() {
            "203.0.113.7" => "Seen before",
            "203.0.113.66" => "203.0.113.66",
            other => panic!("{other} is on no list"),
        };
        assert_eq!(strings(&row["indicators"]), [expected]);
    }
    for row in raw.table("findings") {
        let has_vip = strings(&row["users"]).contains(&"ada.whitlock@contoso.example");
        assert_eq!(!row["vips"].is_null(), has_vip, "{}", row["title"]);
        let severity = row["severity"].as_str().unwrap();
        assert!(
            !has_vip || row["advice"].is_null() || !["medium"].contains(&severity),
            "{severity}: {}",
            row["title"]
        );
    }
    let given = raw.coverage()["context"].clone();
    assert_eq!(given["vips"]["entries"], 1);
    assert_eq!(given["trusted_networks"]["entries"], 2);
    assert_eq!(given["indicators"]["entries"], 2);
    assert_eq!(given["indicators"]["entries_not_used"], 1);
    let filled = given["indicators"]["sign_ins_filled"].as_u64().unwrap();
    assert!(
        filled >= listed.len() as u64,
        "wrong passwords are marked too"
    );
    assert!(
        given["trusted_networks"]["sign_ins_filled"]
            .as_u64()
            .unwrap()
            > 0
    );
    assert_eq!(again.coverage()["context"], given);
    assert!(
        again.coverage()["archive"].is_object(),
        "where the archive came from"
    );

    // Without flags nothing is said.
    let plain = Results::of(&temp.path().join("plain"), &[LOGS], &[]);
    assert!(plain.coverage().get("context").is_none());
    assert!(
        plain
            .table("events")
            .iter()
            .all(|row| row["indicators"].is_null())
    );
}

#[test]
fn an_archive_keeps_what_it_was_given() {
    let temp = tempfile::tempdir().unwrap();
    let [exits, _, bad] = lists(temp.path());
    let archive = temp.path().join("archive").display().to_string();
    let mut convert = signsift(["convert", LOGS, "--quiet", "--out", &archive]);
    convert.args(["--trusted-network", &exits, "--indicators", &bad]);
    run(convert).ended(0);
    let given = coverage(&temp.path().join("archive"))["context"].clone();
    let query = "SELECT ip_address AS ip, indicators, network_location_names AS names, count(*) AS n \
        FROM signins WHERE indicators IS NOT NULL OR array_has(network_location_names, 'Head office') \
        GROUP BY 1, 2, 3 ORDER BY 1";
    let rows = |more: &[&str]| {
        let mut command = signsift(["sql", query, &archive, "--format", "json"]);
        command.args(more);
        lines(&run(command).ended(0).stdout)
    };
    let kept = rows(&[]);
    assert_eq!(
        texts(&kept, "ip"),
        ["198.51.100.10", "203.0.113.66", "203.0.113.7"]
    );
    let count = |ip: &str| {
        kept.iter().find(|row| row["ip"] == ip).unwrap()["n"]
            .as_u64()
            .unwrap()
    };
    let filled = &given["indicators"]["sign_ins_filled"];
    assert_eq!(
        filled.as_u64(),
        Some(count("203.0.113.66") + count("203.0.113.7"))
    );
    let again = rows(&["--trusted-network", &exits, "--indicators", &bad]);
    assert_eq!(again, kept, "the same once more changes nothing");
}

#[test]
fn flags_then_environment_then_file() {
    let temp = tempfile::tempdir().unwrap();
    let config = temp.path().join("config.toml");
    let text = "trusted-network = ['198.51.100.0/24']\nlockout-threshold = 3\n";
    std::fs::write(&config, text).unwrap();
    let query = "SELECT DISTINCT ip_address AS ip FROM signins \
        WHERE array_has(network_location_names, concat(ip_address, '/32')) \
        OR array_has(network_location_names, '198.51.100.0/24')";
    let trusted = |environment: Option<&str>, flags: &[&str]| {
        let mut command = signsift(["sql", query, LOGS, "--format", "json"]);
        command.args(flags).env("SIGNSIFT_CONFIG", &config);
        if let Some(value) = environment {
            command.env("SIGNSIFT_TRUSTED_NETWORK", value);
        }
        texts(&lines(&run(command).ended(0).stdout), "ip")
    };
    let by_file = trusted(None, &[]);
    assert!(by_file.iter().all(|ip| ip.starts_with("198.51.100.")) && !by_file.is_empty());
    let two = "203.0.113.7,203.0.113.66";
    assert_eq!(trusted(Some(two), &[]), ["203.0.113.66", "203.0.113.7"]);
    assert_eq!(
        trusted(Some(two), &["--trusted-network", "203.0.113.7"]),
        ["203.0.113.7"]
    );

    let threshold = |flags: &[&str]| {
        let mut command = signsift(["queries", "thresholds"]);
        command.args(flags).env("SIGNSIFT_CONFIG", &config);
        let out = run(command).ended(0).stdout;
        let line = out.lines().find(|line| line.contains("lockout_threshold"));
        line.unwrap().split('|').nth(2).unwrap().trim().to_owned()
    };
    assert_eq!(threshold(&[]), "3");
    assert_eq!(threshold(&["--lockout-threshold", "20"]), "20");
    assert_eq!(threshold(&["--set", "lockout_threshold=5"]), "5");
}

#[test]
fn what_cannot_be_read_is_told_before_anything_is_done() {
    let log = "sample-data/event-hub.json";
    for (flag, value, words) in [
        ("--trusted-network", "sample-data/story.py", "line "),
        (
            "--trusted-network",
            "192.0.2.0/99",
            "is neither a network such as 192.0.2.0/24 nor a file",
        ),
        (
            "--asn-db",
            "sample-data/README.md",
            "cannot be read as a database in the MMDB format",
        ),
        ("--country-db", "no-such-file.mmdb", "no-such-file.mmdb"),
        (
            "--indicators",
            "sample-data/expected.json",
            "is no STIX 2.1 bundle",
        ),
        (
            "--vip",
            "sample-data/README.md",
            "is neither a sign-in name (name@domain) nor an object id",
        ),
    ] {
        let ran = run(signsift(["analyze", log, flag, value])).ended(2);
        assert_eq!(ran.stdout, "", "{flag}");
        ran.says(&[flag, words]);
    }
}
