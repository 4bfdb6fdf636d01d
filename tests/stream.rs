//! `signsift stream` as a pipeline uses it: what comes in any order, twice, late or broken is judged as
//! a batch judges it, whatever happens to the process in between.
#![cfg(unix)]

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::support::{Results, lines, root, run, run_on, sample, signsift};

/// What a stream adds to a finding.
const ADDED: [&str; 6] = [
    "kind",
    "schema_version",
    "revision",
    "final",
    "ended",
    "replaced_by",
];

/// The diagnostic logs of the samples, a record a line.
fn story() -> Vec<String> {
    let mut files = Vec::new();
    let mut folders = vec![root().join(sample("diagnostic"))];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                files.push(path);
            }
        }
    }
    files.sort();
    let texts = files.iter().map(|file| fs::read_to_string(file).unwrap());
    texts
        .flat_map(|text| text.lines().map(str::to_owned).collect::<Vec<_>>())
        .collect()
}

pub(crate) fn text(lines: &[String]) -> Vec<u8> {
    lines
        .iter()
        .flat_map(|line| format!("{line}\n").into_bytes())
        .collect()
}

/// The findings of a batch over these lines, by id.
pub(crate) fn batch(folder: &Path, lines: &[String]) -> BTreeMap<String, Value> {
    let input = folder.join("batch.ndjson");
    fs::write(&input, text(lines)).unwrap();
    let out = folder.join("batch");
    let _ = fs::remove_dir_all(&out);
    let results = Results::of(&out, &[input.to_str().unwrap()], &[]);
    let findings = results.table("findings").into_iter();
    findings
        .map(|finding| (finding["finding_id"].as_str().unwrap().to_owned(), finding))
        .collect()
}

/// What a stream says in the end: the last revision of each finding that was not replaced. Holds on
/// the way that no revision is told in two ways and none comes before a lower one.
#[track_caller]
pub(crate) fn last(told: &str) -> BTreeMap<String, Value> {
    let mut last: BTreeMap<String, Value> = BTreeMap::new();
    let mut revisions: BTreeMap<(String, u64), Value> = BTreeMap::new();
    for line in lines(told)
        .into_iter()
        .filter(|line| line["kind"] == "finding")
    {
        let id = line["finding_id"].as_str().unwrap().to_owned();
        let revision = line["revision"].as_u64().unwrap();
        let known = revisions
            .entry((id.clone(), revision))
            .or_insert(line.clone());
        assert_eq!(*known, line, "one revision, told in two ways");
        last.insert(id, line);
    }
    last.retain(|_, line| line["ended"] != "replaced");
    for line in last.values_mut() {
        assert_eq!(line["final"], true, "{line}");
        ADDED.iter().for_each(|key| {
            line.as_object_mut().unwrap().remove(*key);
        });
    }
    last
}

#[track_caller]
pub(crate) fn same(batch: &BTreeMap<String, Value>, stream: &BTreeMap<String, Value>) {
    for (id, finding) in batch {
        assert_eq!(
            Some(finding),
            stream.get(id),
            "batch and stream differ on {id}"
        );
    }
    let more: Vec<_> = stream
        .keys()
        .filter(|id| !batch.contains_key(*id))
        .collect();
    assert!(more.is_empty(), "only the stream has {more:?}");
}

/// Numbers that look random and are the same each time.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }

    fn shuffle<T>(&mut self, of: &mut [T]) {
        for at in (1..of.len()).rev() {
            of.swap(at, self.below(at as u64 + 1) as usize);
        }
    }
}

const LOCKOUT: &str = "The account is locked, you've tried to sign in too many times with an incorrect user ID or password.";
const BLOCKED: &str =
    "Sign-in was blocked because it came from an IP address with malicious activity.";

/// A record as Microsoft Graph gives it; `second` counts from the first of the world.
pub(crate) fn record(
    second: u64,
    user: u64,
    address: &str,
    code: u64,
    reason: &str,
    agent: &str,
    number: u64,
) -> String {
    let time = jiff::Timestamp::from_second(1_772_409_600 + second as i64).unwrap();
    json!({
        "id": format!("{number:08x}-0000-4000-8000-{user:012x}"),
        "createdDateTime": time.to_string(),
        "userDisplayName": format!("User {user}"),
        "userPrincipalName": format!("user{user}@contoso.example"),
        "userId": format!("00000000-0000-4000-9000-{user:012x}"),
        "appDisplayName": "Office 365 Exchange Online",
        "appId": "00000002-0000-0ff1-ce00-000000000000",
        "ipAddress": address,
        "clientAppUsed": if user.is_multiple_of(3) { "IMAP4" } else { "Browser" },
        "userAgent": agent,
        "correlationId": format!("{number:08x}-1111-4000-8000-000000000000"),
        "conditionalAccessStatus": "notApplied",
        "isInteractive": true,
        "resourceTenantId": "c0b7a3e1-5d2f-4c68-9e04-7a1b2c3d4e5f",
        "status": { "errorCode": code, "failureReason": reason },
        "location": { "countryOrRegion": if address.starts_with("203") { "FR" } else { "DE" } },
    })
    .to_string()
}

/// Half a day of a small tenant, made up: honest work, mistakes and attacks of every kind, by chance.
pub(crate) fn world(seed: u64) -> Vec<(u64, String)> {
    let mut random = Random(seed);
    let mut events: Vec<(u64, u64, String, u64, &str, String)> = Vec::new();
    let home = |user: u64| format!("198.51.100.{}", user % 5);
    let honest = "Mozilla/5.0 (Windows NT 10.0)".to_owned();
    for _ in 0..250 {
        let user = random.below(25);
        let end = match random.below(10) {
            0 => (50126, "Invalid username or password."),
            1 => (50074, "Strong authentication is required."),
            _ => (0, "Other."),
        };
        events.push((
            random.below(43_000),
            user,
            home(user),
            end.0,
            end.1,
            honest.clone(),
        ));
    }
    for _ in 0..7 {
        let start = random.below(40_000);
        let kind = random.below(6);
        let source = random.below(200);
        let agent = format!("tool/{}", random.below(3));
        let victim = random.below(25);
        for n in 0..random.below(40) {
            let at = start + n * (1 + random.below(60));
            let (user, address) = match kind {
                0 => (victim, format!("203.0.113.{source}")),
                1 => (random.below(25), format!("203.0.113.{source}")),
                2 => (random.below(25), format!("203.0.113.{}", random.below(250))),
                3 => (victim, format!("203.0.113.{}", random.below(250))),
                4 => (victim, home(victim)),
                _ => (random.below(25), home(victim)),
            };
            let end = match random.below(4) {
                0 => (50126, "Invalid username or password."),
                1 if kind > 1 => (50053, BLOCKED),
                2 if n > 20 => (0, "Other."),
                _ => (50053, LOCKOUT),
            };
            events.push((at, user, address, end.0, end.1, agent.clone()));
        }
    }
    let events = events.into_iter().enumerate();
    events
        .map(|(n, (at, user, address, code, reason, agent))| {
            (
                at,
                record(at, user, &address, code, reason, &agent, n as u64),
            )
        })
        .collect()
}

#[test]
fn in_whatever_order_they_come_the_last_word_is_that_of_a_batch() {
    let folder = tempfile::tempdir().unwrap();
    for seed in 1..=5 {
        let world = world(seed);
        let mut random = Random(seed * 77);
        let plain: Vec<String> = world.iter().map(|(_, line)| line.clone()).collect();
        let wanted = batch(folder.path(), &plain);
        assert!(
            wanted.len() > 3,
            "a world in which nothing happens: seed {seed}"
        );
        // Each up to ten minutes late, and some twice.
        let mut late: Vec<(u64, String)> = world
            .iter()
            .flat_map(|(at, line)| {
                let copies = 1 + random.below(8) / 7;
                let times: Vec<u64> = (0..copies).map(|_| at + random.below(600)).collect();
                times.into_iter().map(move |at| (at, line.clone()))
            })
            .collect();
        late.sort_by_key(|(at, _)| *at);
        let late: Vec<String> = late.into_iter().map(|(_, line)| line).collect();
        let mut shuffled = plain.clone();
        random.shuffle(&mut shuffled);
        for (order, lines, lateness) in [("late", &late, "10m"), ("none", &shuffled, "1d")] {
            let typed = [
                "stream",
                "--on-eof",
                "flush",
                "--lateness",
                lateness,
                "--revise-every",
                "0s",
            ];
            let ran = run_on(signsift(typed), text(lines)).ended(0).says(&[]);
            assert_eq!(ran.stderr, "", "seed {seed}, order {order}");
            same(&wanted, &last(&ran.stdout));
        }
    }
}

#[test]
fn every_spelling_in_lines_is_judged_as_in_a_batch() {
    let folder = tempfile::tempdir().unwrap();
    for name in [
        "event-hub.json",
        "graph-v1-pages.json",
        "splunk/hec.ndjson.gz",
        "wrapped/message.ndjson.gz",
        "elastic/fields.ndjson.gz",
        "unified-audit/auditdata.ndjson.gz",
    ] {
        let file = root().join(sample(name));
        let bytes = match name.ends_with(".gz") {
            true => {
                Command::new("gzip")
                    .arg("-dc")
                    .arg(file)
                    .output()
                    .unwrap()
                    .stdout
            }
            false => fs::read(file).unwrap(),
        };
        let text = String::from_utf8(bytes.clone()).unwrap();
        let records: Vec<String> = text.lines().map(str::to_owned).collect();
        let wanted = batch(folder.path(), &records);
        let typed = [
            "stream",
            "--history",
            "7d",
            "--lateness",
            "7d",
            "--on-eof",
            "flush",
        ];
        let ran = run_on(signsift(typed), bytes).ended(0);
        same(&wanted, &last(&ran.stdout));
    }
}

#[test]
fn copies_in_other_words_are_one_sign_in_in_whatever_order() {
    let folder = tempfile::tempdir().unwrap();
    let poor = |line: &String| {
        let mut poor: Value = serde_json::from_str(line).unwrap();
        let object = poor.as_object_mut().unwrap();
        object.remove("userAgent");
        object.remove("location");
        object["status"]["failureReason"] = Value::Null;
        poor.to_string()
    };
    let rich: Vec<String> = world(9).into_iter().map(|(_, line)| line).collect();
    let mut both: Vec<String> = rich
        .iter()
        .chain(&rich)
        .enumerate()
        .map(|(n, line)| match n < rich.len() {
            true => poor(line),
            false => line.clone(),
        })
        .collect();
    let wanted = batch(folder.path(), &both);
    for seed in [1, 2] {
        Random(seed).shuffle(&mut both);
        let ran = run_on(signsift(["stream", "--lateness", "1d"]), text(&both)).ended(0);
        same(&wanted, &last(&ran.stdout));
    }
}

#[test]
fn annotated_lines_are_the_lines_that_came_in_their_order() {
    let story = story();
    let mut input = story[..40].to_vec();
    input.insert(3, "not json".to_owned());
    input.insert(7, String::new());
    input.insert(9, format!("[{},{}]", story[0], story[1]));
    input.insert(11, "{\"something\":\"else\"}".to_owned());
    let ran = run_on(signsift(["stream", "--mode", "annotate"]), text(&input)).ended(0);
    let out: Vec<&str> = ran.stdout.split_terminator('\n').collect();
    assert_eq!(out.len(), input.len());
    let mut annotated = 0;
    for (line, out) in input.iter().zip(out) {
        let refused = line.contains("50053");
        let Some(rest) = out.strip_prefix(line.trim_end_matches('}')) else {
            assert!(line.starts_with('['), "{out}");
            continue;
        };
        assert_eq!(refused, rest.contains("\"signsift\":"), "{out}");
        if refused {
            let said = &serde_json::from_str::<Value>(out).unwrap()["signsift"];
            for key in [
                "stated_reason",
                "reason",
                "reason_basis",
                "cause",
                "finding_id",
            ] {
                assert!(said[key].is_string(), "{key}: {said}");
            }
            assert!(said["confidence"].is_f64(), "{said}");
            annotated += 1;
        }
    }
    assert!(annotated > 0);
}

/// A stream that runs, and is spoken to.
struct Running {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: BufReader<ChildStdout>,
}

impl Running {
    fn start(mut command: Command) -> Running {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let stdin = child.stdin.take();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        Running {
            child,
            stdin,
            stdout,
        }
    }

    fn write(&mut self, line: &str) {
        let stdin = self.stdin.as_mut().unwrap();
        let _ = stdin.write_all(format!("{line}\n").as_bytes());
        let _ = stdin.flush();
    }

    fn read(&mut self) -> String {
        let mut line = String::new();
        self.stdout.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    fn signal(&self, name: &str) {
        let sent = Command::new("kill")
            .args([name, &self.child.id().to_string()])
            .status()
            .unwrap();
        assert!(sent.success());
    }

    fn end(mut self) -> (i32, String) {
        drop(self.stdin.take());
        let output = self.child.wait_with_output().unwrap();
        (
            output.status.code().unwrap_or(-1),
            String::from_utf8(output.stderr).unwrap(),
        )
    }
}

fn refusals(from: u64, count: u64, user: u64) -> Vec<String> {
    (from..from + count)
        .map(|n| {
            record(
                n * 10,
                user,
                "203.0.113.9",
                50053,
                LOCKOUT,
                "tool/1",
                1000 * user + n,
            )
        })
        .collect()
}

#[test]
fn a_finding_is_told_when_it_is_true_again_when_it_grows_and_when_it_ends() {
    let typed = [
        "stream",
        "--revise-every",
        "0s",
        "--idle-close",
        "1s",
        "--history",
        "7d",
    ];
    let mut stream = Running::start(signsift(typed));
    let next = |stream: &mut Running| serde_json::from_str::<Value>(&stream.read()).unwrap();
    refusals(0, 3, 1).iter().for_each(|line| stream.write(line));
    let first = next(&mut stream);
    assert_eq!(
        (&first["revision"], &first["final"]),
        (&json!(1), &json!(false))
    );
    assert_eq!(first["cause"], "insufficient_data");
    // More of them make it another cause: the first finding says what took its place.
    refusals(3, 15, 1)
        .iter()
        .for_each(|line| stream.write(line));
    let mut told = vec![next(&mut stream)];
    while told.iter().all(|line| line["replaced_by"].is_null()) {
        told.push(next(&mut stream));
    }
    let replaced = told.pop().unwrap();
    assert_eq!(replaced["finding_id"], first["finding_id"]);
    assert_eq!(replaced["final"], true);
    let other = replaced["replaced_by"].as_str().unwrap().to_owned();
    assert!(
        told.iter().any(|line| line["finding_id"] == *other),
        "{told:?}"
    );
    // Nothing comes any more, and nobody closes the pipe: it ends all the same.
    let mut line = next(&mut stream);
    while line["ended"].is_null() {
        line = next(&mut stream);
    }
    assert_eq!(
        (&line["ended"], &line["finding_id"]),
        (&json!("idle"), &json!(other))
    );
    assert_eq!(line["refusal_count"], 18);
    assert_eq!(stream.end(), (0, String::new()));
}

#[test]
fn one_wrong_clock_closes_nothing_and_the_log_going_on_does() {
    let mut input = refusals(0, 8, 1);
    let wrong = record(300 * 86_400, 2, "198.51.100.2", 0, "Other.", "a", 90_001);
    input.insert(2, wrong);
    let ran = run_on(signsift(["stream", "--history", "1h"]), text(&input)).ended(0);
    let ended: Vec<_> = lines(&ran.stdout)
        .into_iter()
        .filter(|line| line["final"] == true)
        .collect();
    assert_eq!(ended.len(), 1);
    assert_eq!(
        (&ended[0]["ended"], &ended[0]["refusal_count"]),
        (&json!("eof"), &json!(8))
    );
    // Two days later: it is over by the log's own time, and then forgotten.
    let later = 2 * 86_400;
    for n in 0..8 {
        input.push(record(
            later + n,
            3,
            "198.51.100.2",
            0,
            "Other.",
            "a",
            90_010 + n,
        ));
    }
    let dead = tempfile::NamedTempFile::new().unwrap();
    let mut command = signsift(["stream", "--history", "1h", "--dead-letter"]);
    command.arg(dead.path());
    let mut stream = Running::start(command);
    input.iter().for_each(|line| stream.write(line));
    let mut told = Vec::new();
    while told
        .last()
        .is_none_or(|line: &Value| line["final"] == false)
    {
        told.push(serde_json::from_str::<Value>(&stream.read()).unwrap());
    }
    let end = told.pop().unwrap()["ended"].as_str().unwrap().to_owned();
    assert!(["over", "history"].contains(&end.as_str()), "{end}");
    // What comes now is too late to be used: that is said, and the line is kept.
    std::thread::sleep(Duration::from_millis(500));
    stream.write(&refusals(0, 9, 1).pop().unwrap());
    let (code, stderr) = stream.end();
    assert_eq!(code, 0);
    assert!(stderr.contains("later than --history"), "{stderr}");
    let dead = lines(&fs::read_to_string(dead.path()).unwrap());
    assert!(
        dead[0]["reason"].as_str().unwrap().contains("--history"),
        "{dead:?}"
    );
}

#[test]
fn what_cannot_be_read_is_told_kept_and_can_be_sent_again() {
    let folder = tempfile::tempdir().unwrap();
    let dead = folder.path().join("dead.ndjson");
    let good = refusals(0, 12, 1);
    let long = format!("{{\"id\":\"{}\"}}", "x".repeat(70_000));
    let cut = &good[3][..good[3].len() - 20];
    let input = [
        good[..3].to_vec(),
        vec![long, cut.to_owned()],
        good[4..].to_vec(),
    ]
    .concat();
    let mut command = signsift(["stream", "--max-line", "64KiB", "--metrics"]);
    command
        .arg(folder.path().join("metrics"))
        .arg("--dead-letter")
        .arg(&dead);
    let ran = run_on(command, text(&input))
        .ended(0)
        .says(&["2 records could not be read"]);
    assert_eq!(
        last(&ran.stdout).values().next().unwrap()["refusal_count"],
        11
    );
    let kept = lines(&fs::read_to_string(&dead).unwrap());
    assert_eq!(kept.len(), 2);
    assert!(
        kept[0]["reason"]
            .as_str()
            .unwrap()
            .contains("the limit for one line"),
        "{kept:?}"
    );
    assert_eq!(kept[1]["message"], cut);
    let metrics = fs::read_to_string(folder.path().join("metrics")).unwrap();
    for line in [
        "lines_total 13",
        "rejected_total 2",
        "refusals_total 11",
        "history_sign_ins 11",
    ] {
        assert!(
            metrics.contains(&format!("signsift_stream_{line}\n")),
            "{line}:\n{metrics}"
        );
    }
    // Mended, the line is read as it stands in the file.
    let mended = json!({"reason": "x", "message": good[3]}).to_string();
    let again = [good[..3].to_vec(), vec![mended], good[4..].to_vec()].concat();
    let ran = run_on(signsift(["stream"]), text(&again)).ended(0);
    assert_eq!(
        last(&ran.stdout).values().next().unwrap()["refusal_count"],
        12
    );
}

/// Speaks to a stream as rsyslog does, kills it by chance, starts it again and sends again from the message that was not
/// answered: those before it were deferred and do not come again (8.2302).
fn as_rsyslog(folder: &Path, lines: &[String], kills: usize, seed: u64) {
    let start = || {
        let mut command = signsift([
            "stream",
            "--ack",
            "rsyslog",
            "--lateness",
            "1d",
            "--revise-every",
            "0s",
        ]);
        command.arg("--out").arg(folder.join("out.ndjson"));
        command.arg("--state-dir").arg(folder.join("state"));
        command.arg("--metrics").arg(folder.join("metrics"));
        let mut stream = Running::start(command);
        assert_eq!(stream.read(), "OK");
        stream
    };
    let mut random = Random(seed);
    let mut stream = start();
    let (mut sent, mut killed) = (0, 0);
    while sent < lines.len() {
        let end = (sent + 1 + random.below(25) as usize).min(lines.len());
        let dies = killed < kills && random.below(2) == 0;
        let dies_after = random.below((end - sent + 1) as u64) as usize;
        stream.write("BEGIN TRANSACTION");
        let mut replies = vec![stream.read()];
        for line in &lines[sent..end] {
            if dies && replies.len() > dies_after {
                stream.child.kill().unwrap();
            }
            stream.write(line);
            replies.push(stream.read());
        }
        stream.write("COMMIT TRANSACTION");
        if dies && dies_after == end - sent {
            std::thread::sleep(Duration::from_micros(random.below(3000)));
            stream.child.kill().unwrap();
        }
        let is_safe = stream.read() == "OK";
        if is_safe {
            assert_eq!(replies[0], "OK");
            assert!(
                replies[1..].iter().all(|reply| reply == "DEFER_COMMIT"),
                "{replies:?}"
            );
            sent = end;
        } else {
            let deferred = replies[1..].iter();
            sent += deferred.filter(|reply| *reply == "DEFER_COMMIT").count();
        }
        if random.below(6) == 0 {
            std::thread::sleep(Duration::from_millis(250));
        }
        if dies {
            stream.child.kill().unwrap();
            stream.child.wait().unwrap();
            killed += 1;
            stream = start();
        }
        assert!(is_safe || dies, "{replies:?}");
    }
    assert_eq!(killed, kills, "too few lines for so many kills");
    assert_eq!(stream.end(), (0, String::new()));
    let metrics = fs::read_to_string(folder.join("metrics")).unwrap();
    let counted = format!("\nsignsift_stream_sign_ins_total {}\n", lines.len());
    assert!(metrics.contains(&counted), "not {counted:?} in\n{metrics}");
}

#[test]
fn killed_at_any_moment_it_loses_nothing_and_contradicts_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let lines: Vec<String> = world(3).into_iter().map(|(_, line)| line).collect();
    as_rsyslog(folder.path(), &lines, 12, 5);
    let mut command = signsift(["stream", "--on-eof", "flush", "--lateness", "1d", "--out"]);
    command
        .arg(folder.path().join("out.ndjson"))
        .arg("--state-dir")
        .arg(folder.path().join("state"));
    assert_eq!(run(command).ended(0).stderr, "");
    let told = fs::read_to_string(folder.path().join("out.ndjson")).unwrap();
    same(&batch(folder.path(), &lines), &last(&told));
}

#[test]
fn a_state_is_used_by_one_at_a_time_and_survives_a_torn_end() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state");
    let command = |more: &[&str]| {
        let mut command = signsift(["stream", "--history", "7d", "--state-dir"]);
        command.arg(&state).args(more);
        command
    };
    let mut stream = Running::start(command(&[]));
    stream.write(&refusals(0, 1, 1)[0]);
    assert!(stream.read().contains("\"revision\":1"));
    run(command(&["--grace", "100ms"]))
        .ended(2)
        .says(&["in use by another stream"]);
    assert_eq!(stream.end(), (0, String::new()));
    let newest = |folder: &Path| {
        let mut names: Vec<_> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        names.retain(|name| name.to_str().unwrap().contains("journal-"));
        names.sort();
        names.pop().unwrap()
    };
    let mut file = fs::OpenOptions::new()
        .append(true)
        .open(newest(&state))
        .unwrap();
    file.write_all(&[9, 0, 0, 0, 1, 2, 3, 4, 1, 7]).unwrap();
    let ran = run_on(command(&["--on-eof", "flush"]), text(&refusals(1, 2, 1))).ended(0);
    assert_eq!(ran.stderr, "");
    let finding = last(&ran.stdout);
    assert_eq!(finding.values().next().unwrap()["refusal_count"], 3);
    // Twice the same lines are once the same sign-ins, and there is nothing new to say.
    let ran = run_on(command(&[]), text(&refusals(0, 3, 1))).ended(0);
    assert_eq!(ran.stdout, "");
}

#[test]
fn signals_end_it_well_and_open_files_again() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out.ndjson");
    let wait = |path: &Path| {
        let began = Instant::now();
        while fs::metadata(path).map_or(0, |it| it.len()) == 0 {
            assert!(
                began.elapsed() < Duration::from_secs(120),
                "nothing in {}",
                path.display()
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    };
    let mut command = signsift(["stream", "--history", "7d", "--grace", "300ms", "--out"]);
    command.arg(&out);
    let mut stream = Running::start(command);
    stream.write(&refusals(0, 1, 1)[0]);
    wait(&out);
    fs::rename(&out, folder.path().join("out.1")).unwrap();
    stream.signal("-HUP");
    wait_for(|| out.exists());
    stream.write(&refusals(0, 1, 2)[0]);
    wait(&out);
    // The pipe stays open; the stream ends when its grace is over, and tells what it has.
    stream.signal("-TERM");
    let status = stream.child.wait().unwrap();
    assert_eq!(status.code(), Some(0));
    let told = [folder.path().join("out.1"), out]
        .map(|path| fs::read_to_string(path).unwrap())
        .concat();
    assert_eq!(last(&told).len(), 2);
}

pub(crate) fn wait_for(done: impl Fn() -> bool) {
    let began = Instant::now();
    while !done() {
        assert!(began.elapsed() < Duration::from_secs(120));
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn nobody_reading_is_no_error() {
    let mut command = signsift(["stream"]);
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let mut stdin = child.stdin.take().unwrap();
    let _ = stdin.write_all(&text(&refusals(0, 20, 1)));
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    assert_eq!(
        (output.status.code(), output.stderr.as_slice()),
        (Some(0), &b""[..])
    );
}

#[test]
fn too_little_memory_is_said_and_what_is_cut_is_final() {
    let mut input = Vec::new();
    for n in 0..8_000 {
        // Every user agent is another: nothing can be kept once for several.
        let agent = format!("{n}{}", "a".repeat(2000));
        let code = if n % 2000 == 7 {
            (50053, LOCKOUT)
        } else {
            (0, "Other.")
        };
        input.push(record(n, n, "198.51.100.7", code.0, code.1, &agent, n));
    }
    let typed = ["stream", "--memory-limit", "64MiB", "--history", "7d"];
    let ran = run_on(signsift(typed), text(&input))
        .ended(0)
        .says(&["does not fit its memory"]);
    let told = lines(&ran.stdout);
    assert!(
        told.iter().any(|line| line["ended"] == "memory"),
        "{}",
        told.len()
    );
    last(&ran.stdout);
}

#[test]
fn the_contract_is_printed_and_wrong_usage_is_refused() {
    let told: Value =
        serde_json::from_str(&run(signsift(["stream", "--describe"])).ended(0).stdout).unwrap();
    assert_eq!(told["contract_version"], 1);
    let columns = told["finding"]["columns"].as_array().unwrap();
    assert!(columns.iter().any(|column| column["name"] == "finding_id"));
    assert_eq!(told["settings"]["history_seconds"], 86_400.0);
    run(signsift(["stream", "--on-eof", "save"]))
        .ended(2)
        .says(&["--state-dir"]);
    run(signsift(["stream", "--ack", "rsyslog"]))
        .ended(2)
        .says(&["--out"]);
    run(signsift([
        "stream", "--ack", "rsyslog", "--out", "x", "--mode", "both",
    ]))
    .ended(2)
    .says(&["--ack"]);
    run(signsift(["stream", "--history", "soon"]))
        .ended(2)
        .says(&["--history", "6h"]);
}
