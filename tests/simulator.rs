//! The simulator tells the same story every time, and the judge counts all of it.

use crate::simulate::run::{Rules, Spelling, export, judge};
use crate::simulate::{Cause, Plan, play};

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
