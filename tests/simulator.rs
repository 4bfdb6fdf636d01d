//! The simulator tells the same story every time, and the judge counts all of it.

use std::io::Write as _;
use std::path::Path;

use serde_json::Value;

use crate::simulate::run::{Rules, Spelling, export, judge};
use crate::simulate::{Cause, Plan, play};
use crate::support::Results;

fn small() -> Plan {
    Plan {
        seed: 7,
        users: 40,
        days: 3,
        incidents: 13,
        ..Plan::default()
    }
}

#[test]
fn the_judge_finds_every_refusal_again_in_both_spellings() {
    let spellings = [Spelling::Stated, Spelling::UnifiedAudit];
    let scores = judge(&small(), &Rules::default(), &spellings).unwrap();
    let sizes: Vec<(u64, u64, u64)> = scores
        .iter()
        .map(|(_, score)| (score.sign_ins, score.refusals, score.all().incidents))
        .collect();
    assert_eq!(sizes[0], sizes[1]);
    assert!(sizes[0].1 > 100 && sizes[0].2 > 5, "{sizes:?}");
    for (spelling, score) in &scores {
        assert_eq!(score.lost, 0, "{spelling:?}");
        assert_eq!(score.right + score.wrong + score.unknown, score.refusals);
        assert!(score.findings > 0);
        let all = score.all();
        assert!(all.named <= all.found && all.found <= all.incidents);
        assert_eq!(score.confusion.values().sum::<u64>(), all.incidents);
    }
    // What is stated is read; nothing but the text that names two reasons stays open.
    let stated = &scores[0].1;
    assert_eq!(stated.wrong, 0);
    assert!(stated.right * 100 >= stated.refusals * 98, "{stated:?}");
}

#[test]
fn the_same_plan_gives_the_same_files_and_another_seed_others() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, seed: u64| {
        let plan = Plan { seed, ..small() };
        let spellings = [Spelling::Stated, Spelling::UnifiedAudit];
        let folder = folder.path().join(name);
        let story = export(&plan, &folder, &spellings, false).unwrap();
        let read = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap();
        let truth = read("truth.ndjson");
        assert_eq!(truth.lines().count() as u64, story.sign_ins);
        assert_eq!(read("incidents.ndjson").lines().count(), 13);
        [read("diagnostic.ndjson"), read("auditdata.ndjson"), truth]
    };
    let (one, same, other) = (write("one", 7), write("same", 7), write("other", 8));
    assert!(one == same);
    assert!(one != other);

    let packed = folder.path().join("packed");
    export(&small(), &packed, &[Spelling::Stated], true).unwrap();
    for name in ["diagnostic.ndjson.zst", "truth.ndjson.zst"] {
        let bytes = std::fs::read(packed.join(name)).unwrap();
        assert!(bytes.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]), "{name}");
        assert!(bytes.len() * 5 < one[0].len(), "{name}");
    }
}

#[test]
fn every_cause_comes_to_refusals() {
    let mut refusals = std::collections::BTreeMap::new();
    for seed in 1..=3 {
        let plan = Plan {
            seed,
            users: 80,
            incidents: 26,
            ..small()
        };
        for incident in play(&plan, |_, _| Ok(())).unwrap().incidents {
            *refusals.entry(incident.cause).or_insert(0) += incident.refusals();
        }
    }
    for cause in Cause::ALL {
        assert!(refusals.get(&cause).copied() > Some(0), "{refusals:?}");
    }
}

/// Lines in an order that depends on `turn` alone, every `copies`-th of them twice, in `files` files.
fn shuffle(from: &Path, to: &Path, turn: u64, copies: usize, files: usize) {
    let text = std::fs::read_to_string(from).unwrap();
    let mut lines: Vec<&str> = text.lines().collect();
    let doubled: Vec<&str> = lines.iter().copied().step_by(copies).collect();
    lines.extend(doubled);
    let mut state = turn;
    for place in (1..lines.len()).rev() {
        state = state
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        lines.swap(place, (state >> 33) as usize % (place + 1));
    }
    let stem = from.file_stem().unwrap().to_str().unwrap();
    for (number, part) in lines.chunks(lines.len().div_ceil(files)).enumerate() {
        // The names are in no order either.
        let name = format!("{}-{stem}.ndjson", (number * 7 + turn as usize) % 10);
        let mut file = std::fs::File::create(to.join(name)).unwrap();
        for line in part {
            writeln!(file, "{line}").unwrap();
        }
    }
}

#[test]
fn order_copies_files_and_spellings_change_no_finding() {
    let temp = tempfile::tempdir().unwrap();
    let told = temp.path().join("told");
    let spellings = [Spelling::Stated, Spelling::UnifiedAudit];
    export(&small(), &told, &spellings, false).unwrap();
    let diagnostic = told.join("diagnostic.ndjson");
    let path = |path: &Path| path.to_str().unwrap().to_owned();
    let plain = Results::of(&temp.path().join("plain"), &[path(&diagnostic)], &[]);
    let findings = plain.table("findings");
    assert!(findings.len() > 5, "{findings:?}");

    let shuffled = temp.path().join("shuffled");
    let mixed = temp.path().join("mixed");
    for folder in [&shuffled, &mixed] {
        std::fs::create_dir(folder).unwrap();
    }
    shuffle(&diagnostic, &shuffled, 1, 3, 5);
    shuffle(&diagnostic, &mixed, 2, 4, 2);
    shuffle(&told.join("auditdata.ndjson"), &mixed, 3, 5, 3);
    // The audit log has a name for the error, which no other route has.
    let less = |mut row: Value| {
        row.as_object_mut().unwrap().remove("additional_details");
        row
    };
    for folder in [&shuffled, &mixed] {
        let out = temp.path().join("out").join(folder.file_name().unwrap());
        let other = Results::of(&out, &[path(folder)], &[]);
        assert!(other.coverage()["totals"]["duplicates"].as_u64() > Some(100));
        for table in [
            "findings",
            "events",
            "users",
            "ips",
            "windows",
            "timeline",
            "break_ins",
        ] {
            let (one, other) = (plain.table(table), other.table(table));
            assert_eq!(one.len(), other.len(), "{table}");
            for (one, other) in one.into_iter().zip(other) {
                assert_eq!(less(one), less(other), "{table} of {}", folder.display());
            }
        }
    }
}
