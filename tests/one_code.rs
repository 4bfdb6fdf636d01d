//! A question about one error code passes over most lines unread, and its answer is the same as if it had not: also where
//! copies of a sign-in disagree, are far apart, or are written in strange ways.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use super::spellings::SPELLINGS;
use super::support::{root, run, sample, signsift};

/// What is asked, once so that lines can be passed over, and once so that they cannot.
const ONE: &str = "error_code = 50053";
const EVERY: &str = "(error_code = 50053 OR error_code = -1)";

/// The refusals in `inputs`, with whatever their copies say.
#[track_caller]
fn refusals(inputs: &[&Path], filter: &str, more: &[&str]) -> (i32, String) {
    let query = format!(
        "SELECT sign_in_id, time, ingested_at, user_id, city, failure_reason, stated_reason, \
         password_result, source_file, spelling FROM signins WHERE {filter} ORDER BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 10"
    );
    let mut command = signsift(["sql", &query, "--format", "json", "--quiet"]);
    command.args(more).args(inputs);
    let ran = run(command);
    assert!(!ran.stderr.contains("query:"), "{}", ran.stderr);
    (ran.code, ran.stdout)
}

#[track_caller]
fn same(inputs: &[&Path], more: &[&str]) -> usize {
    let (code, rows) = refusals(inputs, ONE, more);
    let (code_of_every, rows_of_every) = refusals(inputs, EVERY, more);
    assert_eq!(rows, rows_of_every, "{inputs:?}");
    // Lines that are passed over are not looked at for damage inside.
    assert!(code <= code_of_every, "{inputs:?}");
    rows.lines().count()
}

/// Numbers that follow from a seed, and look like none.
struct Chance(u64);

impl Chance {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end
    }

    fn of<'t>(&mut self, texts: &[&'t str]) -> &'t str {
        texts[self.below(texts.len() as u64) as usize]
    }
}

/// One line about one of few sign-ins, so that many are copies of others.
fn line(chance: &mut Chance, ids: u64) -> String {
    let mut id = format!(
        "0a1b2c3d-0000-4000-8000-{:012x}",
        chance.below(ids) * 0xabcdef
    );
    match chance.below(12) {
        0 => id = id.to_uppercase(),
        1 => id = id.replacen('0', "\\u0030", 1),
        2 => id = id.replacen('a', "\\u0041", 1),
        _ => {}
    }
    let other = format!(
        "0a1b2c3d-0000-4000-8000-{:012x}",
        chance.below(ids) * 0xabcdef
    );
    let code = chance.of(&[
        "50053",
        "50053",
        "50126",
        "0",
        "\"50053\"",
        "50053.0",
        "null",
    ]);
    let mut fields = vec![
        format!("\"id\":\"{id}\""),
        format!(
            "\"createdDateTime\":\"2026-03-02T08:00:0{}Z\"",
            chance.below(2)
        ),
        format!("\"status\":{{\"errorCode\":{code}}}"),
    ];
    if chance.below(2) == 0 {
        fields.push(format!(
            "\"location\":{{\"city\":\"{}\"}}",
            chance.of(&["Lund", "50053", "Tartu"])
        ));
    }
    if chance.below(2) == 0 {
        fields.push("\"userId\":\"u\"".to_owned());
    }
    if chance.below(3) == 0 {
        fields.push(format!("\"originalRequestId\":\"{other}\""));
    }
    let first = chance.below(fields.len() as u64) as usize;
    fields.rotate_left(first);
    let event = format!("{{{}}}", fields.join(chance.of(&[",", ", "])));
    let time = format!("2026-03-02T08:{:02}:00Z", chance.below(60));
    match chance.below(14) {
        0 => event,
        1 => format!(
            "{{\"records\":[{{\"time\":\"{time}\",\"category\":\"SignInLogs\",\"properties\":{event}}}]}}"
        ),
        2 => {
            let inner = event.replace('\\', "\\\\").replace('"', "\\\"");
            format!("{{\"message\":\"{inner}\"}}")
        }
        3 => format!("{{\"time\":\"{time}\",\"category\":\"SignInLogs\",\"properties\":{event}"),
        _ => format!(
            "{{\"time\":\"{time}\",\"category\":\"SignInLogs\",\"resultType\":\"{}\",\"properties\":{event}}}",
            chance.of(&["0", "50053", "50126"])
        ),
    }
}

fn lines(chance: &mut Chance, number: u64, ids: u64) -> String {
    let mut text = String::new();
    for _ in 0..number {
        let end = chance.of(&["\n", "\n", "\r\n", "\n\n"]);
        let _ = write!(text, "{}{end}", line(chance, ids));
    }
    text
}

#[test]
fn copies_that_disagree_are_settled_as_if_every_line_were_read() {
    let folder = tempfile::tempdir().unwrap();
    let (one, two) = (
        folder.path().join("one.json"),
        folder.path().join("two.json"),
    );
    let mut found = 0;
    for seed in 1..=30 {
        let mut chance = Chance(seed * 0x9E37_79B9);
        let ids = 1 + chance.below(60);
        fs::write(&one, lines(&mut chance, 40, ids)).unwrap();
        let rest = lines(&mut chance, 20, ids);
        // The second is lines too, or an array, which is always read whole.
        let whole: Vec<&str> = rest.lines().filter(|line| line.ends_with("}}")).collect();
        fs::write(
            &two,
            if seed % 3 == 0 {
                format!("[{}]", whole.join(","))
            } else {
                rest
            },
        )
        .unwrap();
        found += same(&[&one, &two], &[]);
        found += same(&[&one], &["--since", "2026-03-02T08:00:01Z"]);
    }
    assert!(found > 300, "{found}");
}

#[test]
fn every_spelling_gives_the_same_refusals() {
    let whole = root().join(sample(""));
    let lines = SPELLINGS
        .iter()
        .filter(|(_, spelling)| spelling.ends_with("json_lines"));
    for (input, _) in lines {
        same(&[&whole.join(input)], &[]);
    }
    assert!(same(&[&whole], &[]) > 10);
}

#[test]
fn what_cannot_be_told_from_bytes_is_read_after_all() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log.json");
    let event = |id: &str, time: &str, code: u32| {
        format!(
            "{{\"id\":\"{id}\",\"createdDateTime\":\"{time}\",\"userId\":\"u\",\"ipAddress\":\"192.0.2.1\",\"status\":{{\"errorCode\":{code}}}}}\n"
        )
    };
    // Only the second line says that days stand first, and it is none that was asked for.
    let dates = event(
        "0a1b2c3d-0000-4000-8000-000000000001",
        "03/04/2026 08:00:00",
        50053,
    ) + &event(
        "0a1b2c3d-0000-4000-8000-000000000002",
        "14/03/2026 08:00:00",
        0,
    );
    fs::write(&log, dates).unwrap();
    let (_, rows) = refusals(&[&log], ONE, &[]);
    assert!(rows.contains("2026-04-03T08:00:00"), "{rows}");
    // Ids of another form are not looked for: all is read. The copy that says most is no refusal.
    let poor = "{\"id\":\"a-1\",\"createdDateTime\":\"2026-03-02T08:00:00Z\",\"status\":{\"errorCode\":50053}}\n";
    fs::write(&log, event("A-1", "2026-03-02T08:00:00Z", 0) + poor).unwrap();
    assert_eq!(refusals(&[&log], ONE, &[]).1, "");
    assert_eq!(same(&[&log], &[]), 0);
    // A record that is cut off is still told of, and with --strict every record is read.
    let whole = event(
        "0a1b2c3d-0000-4000-8000-000000000001",
        "2026-03-02T08:00:00Z",
        50053,
    );
    fs::write(&log, format!("{whole}{{\"id\":\"0a1b\n")).unwrap();
    assert_eq!(
        refusals(&[&log], ONE, &[]).0,
        refusals(&[&log], EVERY, &[]).0
    );
    fs::write(&log, format!("{whole}{{\"id\":oops}}\n")).unwrap();
    assert_eq!(refusals(&[&log], ONE, &["--strict"]).1, "");
    assert_eq!(refusals(&[&log], ONE, &[]).1.lines().count(), 1);
}
