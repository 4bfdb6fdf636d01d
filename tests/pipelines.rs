//! The configurations of `docs/pipelines`, as they stand there, in the real hosts: every record arrives,
//! and what is found is what a batch finds, whatever is killed meanwhile.
//!
//! They run with `SIGNSIFT_HOSTS=required`, as `.ci/hosts` sets it; without, they are skipped, and say so. `SIGNSIFT_SYSLOG_NG` is a folder into which the Debian package was unpacked (it cannot be
//! installed beside rsyslog), `SIGNSIFT_TENZIR` the program of Tenzir.
#![cfg(unix)]

use std::fs::{self, OpenOptions, Permissions};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::stream::{Random, batch, last, record, same, text, world};
use super::support::{root, run, signsift, skipped};

/// The sign-ins of half a day in the order of time, one of them very long.
fn sign_ins(seed: u64) -> Vec<String> {
    let mut world = world(seed);
    let long = "x".repeat(150_000);
    world.push((
        20_000,
        record(20_000, 3, "198.51.100.3", 0, "Other.", &long, 900_000),
    ));
    world.sort();
    world.into_iter().map(|(_, line)| line).collect()
}

/// Whether a host is there; if it must be and is not, that is a failure.
fn is_there(host: &str, program: Option<&Path>) -> bool {
    let what = format!("docs/pipelines in {host}");
    if std::env::var("SIGNSIFT_HOSTS").is_err() {
        skipped(&what, "`.ci/hosts` installs the hosts and runs this");
        return false;
    }
    assert!(program.is_some_and(Path::exists), "{host} is not installed");
    true
}

/// A file of `docs/pipelines` with the places of a test instead of those of a system.
fn configuration(name: &str, folder: &Path) -> String {
    let text = fs::read_to_string(root().join("docs/pipelines").join(name)).unwrap();
    let at = |name: &str| {
        let path = folder.join(name);
        fs::create_dir_all(&path).unwrap();
        path.display().to_string()
    };
    text.replace("/usr/bin/signsift", &program(folder).display().to_string())
        .replace("/var/lib/signsift", &at("lib"))
        .replace("/var/log/entra", &at("entra"))
        .replace(
            "/var/log/signsift.log",
            &format!("{}/signsift.log", at("log")),
        )
        .replace("/var/spool/rsyslog", &at("spool"))
        .replace("/var/lib/syslog-ng", &at("buffer"))
}

/// signsift, which takes its time to start while there is a file `slow`.
fn program(folder: &Path) -> PathBuf {
    let path = folder.join("run/signsift");
    fs::create_dir_all(folder.join("run")).unwrap();
    let signsift = env!("CARGO_BIN_EXE_signsift");
    let slow = folder.join("slow").display().to_string();
    let script = format!("#!/bin/sh\n[ ! -e '{slow}' ] || sleep 13\nexec '{signsift}' \"$@\"\n");
    fs::write(&path, script).unwrap();
    fs::set_permissions(&path, Permissions::from_mode(0o755)).unwrap();
    path
}

fn append(path: &Path, lines: &[String]) {
    let mut file = OpenOptions::new()
        .create(true)
        .append(true)
        .open(path)
        .unwrap();
    file.write_all(&text(lines)).unwrap();
}

/// A number in the file of metrics.
fn metric(folder: &Path, name: &str) -> u64 {
    let text = fs::read_to_string(folder.join("lib/signsift.prom")).unwrap_or_default();
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix(&format!("signsift_stream_{name} ")));
    line.map_or(0, |value| value.parse().unwrap())
}

/// Waits until so many sign-ins have arrived, each counted once.
#[track_caller]
fn arrived(folder: &Path, count: usize) {
    let began = Instant::now();
    while metric(folder, "sign_ins_total") < count as u64 {
        let log = fs::read_to_string(folder.join("log/signsift.log")).unwrap_or_default();
        assert!(
            began.elapsed() < Duration::from_secs(300),
            "{} of {count} have arrived\n{log}",
            metric(folder, "sign_ins_total")
        );
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// The last word on everything that the state holds.
fn flushed(folder: &Path) -> String {
    let mut command = signsift(["stream", "--on-eof", "flush", "--state-dir"]);
    let out = folder.join("lib/findings.ndjson");
    command.arg(folder.join("lib/state")).arg("--out").arg(&out);
    assert_eq!(run(command).ended(0).stderr, "");
    fs::read_to_string(out).unwrap()
}

/// A host that runs; it is killed with the test.
struct Host(Child);

impl Host {
    fn start(command: &mut Command) -> Host {
        Host(command.stdin(Stdio::null()).spawn().unwrap())
    }

    /// The process id of the signsift that it runs, once it does and has its state: rsyslog 8.2302
    /// crashes when a program ends before it has said that it is ready.
    fn child(&self) -> String {
        let children = format!("/proc/{0}/task", self.0.id());
        let began = Instant::now();
        loop {
            for task in fs::read_dir(&children).unwrap().flatten() {
                let found = fs::read_to_string(task.path().join("children")).unwrap_or_default();
                for pid in found.split_whitespace() {
                    let open = fs::read_dir(format!("/proc/{pid}/fd"))
                        .into_iter()
                        .flatten();
                    let mut open = open
                        .flatten()
                        .filter_map(|file| fs::read_link(file.path()).ok());
                    if open.any(|file| file.ends_with("state/lock")) {
                        return pid.to_owned();
                    }
                }
            }
            assert!(
                began.elapsed() < Duration::from_secs(60),
                "it runs no signsift"
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn end(mut self) {
        signal("-TERM", &self.0.id().to_string());
        let _ = self.0.wait();
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn signal(name: &str, pid: &str) {
    // It may have ended in between.
    let _ = Command::new("kill")
        .args([name, pid])
        .stderr(Stdio::null())
        .status();
}

fn rsyslog(folder: &Path) -> Host {
    let mut command = Command::new("/usr/sbin/rsyslogd");
    command
        .arg("-n")
        .arg("-i")
        .arg(folder.join("pid"))
        .arg("-f")
        .arg(folder.join("conf"));
    Host::start(&mut command)
}

#[test]
fn rsyslog_loses_nothing_though_signsift_and_rsyslog_are_killed() {
    if !is_there("rsyslog", Some(Path::new("/usr/sbin/rsyslogd"))) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    fs::write(folder.join("conf"), configuration("rsyslog.conf", folder)).unwrap();
    let checked = Command::new("/usr/sbin/rsyslogd")
        .args(["-N1", "-f"])
        .arg(folder.join("conf"))
        .output()
        .unwrap();
    assert!(
        checked.status.success(),
        "{}",
        String::from_utf8_lossy(&checked.stderr)
    );
    let lines = sign_ins(3);
    let log = folder.join("entra/signins.ndjson");
    let mut random = Random(11);
    let mut host = rsyslog(folder);
    let rounds = 20;
    for (round, mut part) in lines.chunks(lines.len().div_ceil(rounds)).enumerate() {
        match round {
            // The host itself: asked to end, while signsift is slow to start, and not asked.
            8 => {
                let slow = folder.join("slow");
                fs::write(&slow, "").unwrap();
                append(&log, &part[..part.len() / 2]);
                part = &part[part.len() / 2..];
                std::thread::sleep(Duration::from_millis(500));
                host.end();
                fs::remove_file(slow).unwrap();
                host = rsyslog(folder);
            }
            14 => {
                drop(host);
                host = rsyslog(folder);
            }
            // It takes nothing for a while.
            5 => {
                // rsyslog starts it again only when there is something to tell it.
                append(&log, &part[..1]);
                let child = host.child();
                signal("-STOP", &child);
                append(&log, &part[1..part.len() / 2]);
                part = &part[part.len() / 2..];
                std::thread::sleep(Duration::from_millis(1500));
                signal("-CONT", &child);
            }
            _ => {}
        }
        append(&log, part);
        std::thread::sleep(Duration::from_millis(random.below(400)));
        assert!(
            host.0.try_wait().unwrap().is_none(),
            "rsyslog has ended in round {round}"
        );
        signal("-KILL", &host.child());
    }
    assert!(host.0.try_wait().unwrap().is_none(), "rsyslog has ended");
    arrived(folder, lines.len());
    host.end();
    assert_eq!(metric(folder, "sign_ins_total"), lines.len() as u64);
    assert_eq!(metric(folder, "rejected_total"), 0);
    same(&batch(folder, &lines), &last(&flushed(folder)));
}

#[test]
fn syslog_ng_gives_every_line_and_starts_it_again() {
    let unpacked = std::env::var_os("SIGNSIFT_SYSLOG_NG").map(PathBuf::from);
    let root = unpacked.unwrap_or_else(|| PathBuf::from("/"));
    let program = root.join("usr/sbin/syslog-ng");
    if !is_there("syslog-ng", Some(&program)) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    fs::write(folder.join("conf"), configuration("syslog-ng.conf", folder)).unwrap();
    let libraries = root.join("usr/lib/syslog-ng");
    let start = || {
        let mut command = Command::new(&program);
        command.env("LD_LIBRARY_PATH", &libraries);
        command
            .arg("--module-path")
            .arg(libraries.join("3.38"))
            .args(["--no-caps", "-F", "-f"]);
        command.arg(folder.join("conf"));
        for (flag, name) in [("-R", "persist"), ("-c", "control"), ("-p", "pid")] {
            command.arg(flag).arg(folder.join(name));
        }
        Host::start(&mut command)
    };
    let lines = sign_ins(4);
    let log = folder.join("entra/signins.ndjson");
    append(&log, &lines[..lines.len() / 2]);
    let host = start();
    arrived(folder, lines.len() / 2);
    host.end();
    let host = start();
    append(&log, &lines[lines.len() / 2..]);
    arrived(folder, lines.len());
    // What it had was safe before it is killed; it is started again and goes on.
    let first = host.child();
    signal("-KILL", &first);
    let more = record(43_000, 5, "198.51.100.5", 50053, "x", "a", 910_000);
    let mut lines = lines;
    let began = Instant::now();
    while host.child() == first {
        assert!(began.elapsed() < Duration::from_secs(60));
        std::thread::sleep(Duration::from_millis(20));
    }
    append(&log, std::slice::from_ref(&more));
    lines.push(more);
    arrived(folder, lines.len());
    host.end();
    same(&batch(folder, &lines), &last(&flushed(folder)));
}

#[test]
fn tenzir_runs_it_as_an_operator_of_a_package() {
    let program = std::env::var_os("SIGNSIFT_TENZIR").map(PathBuf::from);
    if !is_there("Tenzir", program.as_deref()) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let lines = sign_ins(5);
    for name in [
        "signsift/package.yaml",
        "signsift/operators/stream.tql",
        "findings.tql",
    ] {
        let text = configuration(&format!("tenzir/{name}"), folder);
        let path = folder.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    append(&folder.join("entra/signins.ndjson"), &lines);
    let output = Command::new(program.unwrap())
        .arg(format!("--package-dirs={}", folder.display()))
        .arg("-f")
        .arg(folder.join("findings.tql"))
        .env("HOME", folder)
        .current_dir(folder)
        .output()
        .unwrap();
    let told = String::from_utf8(output.stdout).unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    // Tenzir writes times and numbers in its own way, so it is ids and counts that are compared.
    let short =
        |finding: &serde_json::Value| (finding["cause"].clone(), finding["refusal_count"].as_u64());
    let wanted = batch(folder, &lines);
    let found = last(&told);
    assert_eq!(
        wanted
            .iter()
            .map(|(id, it)| (id, short(it)))
            .collect::<Vec<_>>(),
        found
            .iter()
            .map(|(id, it)| (id, short(it)))
            .collect::<Vec<_>>()
    );
}

#[test]
fn the_units_are_accepted_by_systemd() {
    let program = Path::new("/usr/bin/systemd-analyze");
    if !is_there("systemd-analyze", Some(program)) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let names = ["signsift-stream.service", "signsift-stream.socket"];
    for name in names {
        let text = fs::read_to_string(root().join("docs/pipelines").join(name)).unwrap();
        let text = text.replace("/usr/bin/signsift", env!("CARGO_BIN_EXE_signsift"));
        fs::write(folder.path().join(name), text).unwrap();
    }
    let output = Command::new(program)
        .arg("verify")
        .args(names.map(|name| folder.path().join(name)))
        .env("SYSTEMD_LOG_LEVEL", "notice")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    let ours: Vec<&str> = said
        .lines()
        .filter(|line| line.contains("signsift"))
        .collect();
    assert!(output.status.success() && ours.is_empty(), "{said}");
}
