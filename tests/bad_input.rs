//! Input that is broken, hostile or something else: each gets a message that names the file and says
//! what to do, the right exit code, a count in coverage, and never a result that looks complete.

use std::io::Write;
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::Value;
use tempfile::TempDir;

use super::support::{Ran, Results, coverage, names, rows, run, run_on, signsift, skipped};

/// One sign-in of a diagnostic-settings log; `more` goes into its properties.
fn record(id: usize, more: &str) -> String {
    format!(
        "{{\"time\":\"2026-03-02T08:05:00Z\",\"operationName\":\"Sign-in activity\",\"category\":\"SignInLogs\",\
         \"resultType\":\"50053\",\"properties\":{{\"id\":\"00000000-0000-0000-0000-{id:012}\",\
         \"createdDateTime\":\"2026-03-02T08:00:00Z\",\"userPrincipalName\":\"ada@contoso.example\",\
         \"ipAddress\":\"192.0.2.1\"{more}}}}}"
    )
}

/// `count` good lines.
fn good(count: usize) -> String {
    (1..=count).map(|id| record(id, "") + "\n").collect()
}

/// A folder with one input, and a place for results beside it.
struct Case {
    temp: TempDir,
    input: PathBuf,
}

impl Case {
    fn new(name: &str, bytes: impl AsRef<[u8]>) -> Case {
        let temp = tempfile::tempdir().unwrap();
        let input = temp.path().join(name);
        std::fs::write(&input, bytes).unwrap();
        Case { temp, input }
    }

    fn out(&self) -> PathBuf {
        self.temp.path().join("archive")
    }

    /// `convert` reads and counts as `analyze` does, in a tenth of the time of a debug build.
    fn convert(&self, flags: &[&str]) -> Ran {
        let mut command = signsift(["convert", "--quiet"]);
        command
            .args(flags)
            .arg(&self.input)
            .arg("--out")
            .arg(self.out());
        run(command)
    }

    /// Read, but not wholly: code 3, the file named, and `count` records rejected.
    #[track_caller]
    fn loses(&self, count: u64, distinct: u64, words: &[&str]) -> Value {
        let ran = self.convert(&[]).ended(3).says(words);
        self.named(&ran);
        let coverage = coverage(&self.out());
        assert_eq!(coverage["totals"]["rejected"], count, "{coverage:#}");
        assert_eq!(coverage["totals"]["distinct"], distinct, "{coverage:#}");
        self.nothing_left(&["archive"]);
        coverage
    }

    /// Not read at all: code 1, the file named, and no result.
    #[track_caller]
    fn fails(&self, flags: &[&str], words: &[&str]) {
        let ran = self.convert(flags).ended(1).says(words);
        self.named(&ran);
        self.nothing_left(&[]);
    }

    #[track_caller]
    fn named(&self, ran: &Ran) {
        let name = self.input.file_name().unwrap().to_str().unwrap();
        assert!(
            ran.stderr.contains(name),
            "the file is not named: {}",
            ran.stderr
        );
    }

    /// Beside the input there is nothing but `expected`: no half result, no temporary file.
    #[track_caller]
    fn nothing_left(&self, expected: &[&str]) {
        let input = self.input.file_name().unwrap().to_str().unwrap();
        let mut names = names(self.temp.path());
        names.retain(|name| name != input);
        assert_eq!(names, expected);
    }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn a_truncated_last_line() {
    let text = good(3);
    let case = Case::new("cut.json", &text[..text.len() - 40]);
    let coverage = case.loses(1, 2, &["1 record could not be read", "cut off"]);
    let first = &coverage["inputs"][0]["rejected"]["first"][0];
    assert_eq!(first["offset"], 2 * (record(1, "").len() + 1), "{first}");
}

#[test]
fn invalid_utf_8() {
    let mut bytes = good(1).into_bytes();
    bytes.extend(
        record(2, ",\"userDisplayName\":\"Zo?\"")
            .replace('?', "\u{0}")
            .bytes(),
    );
    let at = bytes.iter().position(|byte| *byte == 0).unwrap();
    bytes[at] = 0xff;
    bytes.push(b'\n');
    bytes.extend(record(3, "").bytes());
    Case::new("latin.json", bytes).loses(1, 2, &["UTF-8"]);
}

#[test]
fn a_hundred_megabytes_on_one_line() {
    let mut text = good(1);
    text.push_str(&record(
        2,
        &format!(",\"userAgent\":\"{}\"", "x".repeat(100 << 20)),
    ));
    text.push('\n');
    text.push_str(&record(3, ""));
    Case::new("long.json", text).loses(1, 2, &["longer than", "limit for one record"]);
}

#[test]
fn ten_thousand_levels_of_nesting() {
    let deep = format!("{}1{}", "[".repeat(10_000), "]".repeat(10_000));
    let deeper = deep.replace('[', "{\"a\":").replace(']', "}");
    for nested in [deep, deeper] {
        let bad = record(2, &format!(",\"networkLocationDetails\":{nested}"));
        let text = format!("{}{bad}\n{}\n", good(1), record(3, ""));
        Case::new("deep.json", text).loses(1, 2, &["nested"]);
        // As text within the text, too: some columns of a flat export hold JSON.
        let array = format!("[{},{bad},{}]", record(1, ""), record(3, ""));
        let ran = Case::new("deep-array.json", array).convert(&[]).ended(3);
        assert!(ran.stderr.contains("nested"), "{}", ran.stderr);
    }
}

#[test]
fn numbers_out_of_range() {
    for number in [
        "99999999999",
        "1e999",
        "-1e400",
        "123456789012345678901234567890",
    ] {
        let status = format!(",\"status\":{{\"errorCode\":{number}}}");
        let bad = record(2, &status).replace("\"resultType\":\"50053\",", "");
        Case::new("numbers.json", format!("{}{bad}\n", good(1))).loses(1, 1, &["number"]);
    }
    // A place on earth that is none is only not known; the sign-in stays.
    let far = record(
        2,
        ",\"location\":{\"geoCoordinates\":{\"latitude\":1e999,\"longitude\":4e5}}",
    );
    let case = Case::new("far.json", format!("{}{far}\n", good(1)));
    let ran = case.convert(&[]);
    let ok = ran.code == 0 && coverage(&case.out())["totals"]["distinct"] == 2;
    assert!(ok || ran.code == 3, "{}", ran.stderr);
}

#[test]
fn dates_that_do_not_exist() {
    for date in [
        "2026-02-30T08:00:00Z",
        "2026-03-02T25:00:00Z",
        "2026-13-01T00:00:00Z",
        "soon",
    ] {
        let bad = record(2, "").replace("2026-03-02T08:00:00Z", date);
        Case::new("dates.json", format!("{}{bad}\n", good(1))).loses(
            1,
            1,
            &["not a date that exists"],
        );
    }
}

#[test]
fn a_gzip_cut_in_the_middle() {
    let packed = gzip(good(20_000).as_bytes());
    let case = Case::new("cut.json.gz", &packed[..packed.len() / 2]);
    let ran = case
        .convert(&[])
        .ended(3)
        .says(&["read in part", "cut.json.gz", "ends too early"]);
    assert!(ran.stderr.contains("get the file again"), "{}", ran.stderr);
    let coverage = coverage(&case.out());
    assert_eq!(coverage["inputs"][0]["status"], "partly_read");
    let read = coverage["totals"]["distinct"].as_u64().unwrap();
    assert!((1_000..20_000).contains(&read), "{read}");
    case.nothing_left(&["archive"]);
    // Cut within the first bytes there is nothing to keep.
    Case::new("stump.json.gz", &packed[..9]).fails(&[], &["ends too early"]);
}

#[test]
fn a_gzip_bomb() {
    // Members of nothing but zeros or blanks unpack to a thousand times their size.
    let members = |byte: u8, count: usize| gzip(&vec![byte; 1 << 20]).repeat(count);
    // Zeros are no log at all.
    Case::new("zeros.gz", members(0, 80)).fails(&[], &["binary"]);
    // What begins like a log is one until its ratio is too high.
    let bomb = [gzip(good(3).as_bytes()), members(b' ', 70)].concat();
    let case = Case::new("bomb.json.gz", &bomb);
    let ran = case
        .convert(&[])
        .ended(3)
        .says(&["bomb.json.gz", "--max-ratio"]);
    assert!(ran.stderr.contains("read in part"), "{}", ran.stderr);
    // What was too much can be allowed, and what is allowed can be made less.
    let flags = ["--max-ratio", "2000"];
    std::fs::remove_dir_all(case.out()).unwrap();
    assert!(!case.convert(&flags).stderr.contains("--max-ratio"));
    let case = Case::new("big.json.gz", gzip(good(20_000).as_bytes()));
    let ran = case.convert(&["--max-unpacked", "1MiB"]).ended(3);
    assert!(ran.stderr.contains("--max-unpacked"), "{}", ran.stderr);
}

#[test]
fn what_is_no_sign_in_log() {
    Case::new("empty.json", "").fails(&[], &["empty"]);
    Case::new("blank.json", "\n\n  \n").fails(&[], &["empty"]);
    Case::new("program", b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0").fails(&[], &["binary", "JSON"]);
    let people = "name,age,city,country\nAda,36,London,GB\n";
    Case::new("people.csv", people).fails(&[], &["CSV", "without sign-ins"]);
    Case::new("page.xml", "<?xml version=\"1.0\"?><a/>").fails(&[], &["XML"]);
    Case::new("other.json", "{\"menu\":{\"id\":\"file\"}}\n")
        .fails(&[], &["JSON without sign-ins"]);
    Case::new("utf16.json", b"\xff\xfe{\0\"\0a\0\"\0:\x001\0}\0")
        .fails(&[], &["JSON without sign-ins"]);
}

#[test]
fn a_folder_without_logs() {
    let temp = tempfile::tempdir().unwrap();
    let folder = temp.path().join("logs");
    std::fs::create_dir(&folder).unwrap();
    let analyze = || {
        let mut command = signsift(["analyze"]);
        command
            .arg(&folder)
            .arg("--out")
            .arg(temp.path().join("results"));
        let ran = run(command).ended(1);
        assert_eq!(names(temp.path()), ["logs"]);
        ran
    };
    analyze().says(&["nothing to read"]);
    std::fs::write(folder.join(".hidden.json"), good(1)).unwrap();
    analyze().says(&["nothing to read"]);
    std::fs::write(folder.join("notes.txt"), "nothing here").unwrap();
    std::fs::write(folder.join("list.csv"), "a,b\n1,2\n").unwrap();
    analyze().says(&[
        "none of these 2 inputs",
        "notes.txt",
        "list.csv",
        "signsift spellings",
    ]);
}

#[test]
fn other_files_beside_logs_are_left_out_with_a_word() {
    let case = Case::new("logs.json", good(2));
    std::fs::write(case.temp.path().join("list.csv"), "a,b\n1,2\n").unwrap();
    let out = tempfile::tempdir().unwrap();
    let mut command = signsift(["convert", "--quiet"]);
    command
        .arg(case.temp.path())
        .arg("--out")
        .arg(out.path().join("archive"));
    run(command).ended(0).says(&["left out", "list.csv"]);
    // Named by hand it was meant to be read.
    let mut command = signsift(["convert", "--quiet"]);
    command
        .arg(&case.input)
        .arg(case.temp.path().join("list.csv"));
    command.arg("--out").arg(out.path().join("named"));
    run(command).ended(3).says(&["not read", "list.csv"]);
    assert_eq!(
        coverage(&out.path().join("named"))["totals"]["inputs_lost"],
        1
    );
}

#[cfg(unix)]
#[test]
fn files_that_cannot_be_read() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let case = Case::new("logs.json", good(2));
    let folder = case.temp.path();
    symlink("nowhere", folder.join("dangling.json")).unwrap();
    symlink(".", folder.join("round")).unwrap();
    let out = tempfile::tempdir().unwrap();
    let out = out.path().join("archive");
    let mut command = signsift(["convert", "--quiet"]);
    command.arg(folder).arg("--out").arg(&out);
    run(command)
        .ended(3)
        .says(&["not read", "dangling.json", "round"]);
    let coverage = coverage(&out);
    assert_eq!(coverage["totals"]["distinct"], 2);
    assert_eq!(coverage["totals"]["inputs_lost"], 2);

    let locked = Case::new("locked.json", good(1));
    std::fs::set_permissions(&locked.input, std::fs::Permissions::from_mode(0o000)).unwrap();
    if std::fs::read(&locked.input).is_ok() {
        return skipped("a file without permission", "this user may read every file");
    }
    locked.fails(&[], &["ermission"]);
}

#[test]
fn strict_stops_at_the_first() {
    let text = format!("{}not json\n{}\n", good(1), record(3, ""));
    let case = Case::new("bad.json", &text);
    let offset = format!("byte {}", record(1, "").len() + 1);
    case.fails(&["--strict"], &[&offset, "--strict"]);
    case.loses(1, 2, &["1 record could not be read"]);
    let packed = gzip(good(20_000).as_bytes());
    Case::new("cut.gz", &packed[..packed.len() / 2]).fails(&["--strict"], &["cut off", "--strict"]);
}

#[test]
fn the_same_from_a_pipe() {
    let text = format!("{}not json\n{}\n", good(1), record(3, ""));
    let sql = [
        "sql",
        "SELECT count(*) AS n FROM signins",
        "-",
        "--format",
        "json",
    ];
    let ran = run_on(signsift(sql), text.into_bytes())
        .ended(3)
        .says(&["1 record could not be read"]);
    assert_eq!(ran.stdout, "{\"n\":2}\n");
    run_on(signsift(sql), Vec::new()).ended(1).says(&["empty"]);
}

#[test]
fn results_that_look_complete_are_complete() {
    // analyze does as convert does, in all that was tested above.
    let case = Case::new("bad.json", format!("{}not json\n", good(2)));
    let results = case.temp.path().join("results");
    let mut command = signsift(["analyze", "--quiet", "--format", "json"]);
    command.arg(&case.input).arg("--out").arg(&results);
    run(command)
        .ended(3)
        .says(&["bad.json", "1 record could not be read"]);
    let results = Results(results);
    assert_eq!(results.coverage()["totals"]["rejected"], 1);
    assert_eq!(results.table("events").len(), 2);
    case.nothing_left(&["results"]);
}

#[test]
fn a_parent_that_is_no_folder() {
    let case = Case::new("logs.json", good(1));
    let mut command = signsift(["convert", "--quiet"]);
    command
        .arg(&case.input)
        .arg("--out")
        .arg(case.input.join("archive"));
    run(command).ended(1).says(&["cannot write", "logs.json"]);
    case.nothing_left(&[]);
    // Folders above the result that are not there yet are made.
    let deep = case.temp.path().join("a/b/archive");
    let mut command = signsift(["convert", "--quiet"]);
    command.arg(&case.input).arg("--out").arg(&deep);
    run(command).ended(0);
    assert_eq!(
        rows(
            "SELECT count(*) AS n FROM signins",
            &[deep.to_str().unwrap()]
        )[0]["n"],
        1
    );
}

#[cfg(unix)]
#[test]
fn a_folder_that_cannot_be_written() {
    use std::os::unix::fs::PermissionsExt;
    let case = Case::new("logs.json", good(1));
    let locked = case.temp.path().join("locked");
    std::fs::create_dir(&locked).unwrap();
    std::fs::set_permissions(&locked, std::fs::Permissions::from_mode(0o500)).unwrap();
    if std::fs::write(locked.join("probe"), "").is_ok() {
        return skipped(
            "a folder without permission",
            "this user may write everywhere",
        );
    }
    let mut command = signsift(["convert", "--quiet"]);
    command
        .arg(&case.input)
        .arg("--out")
        .arg(locked.join("archive"));
    run(command).ended(1).says(&["cannot write", "--out"]);
}

/// A disk of `kilobytes`, until it is dropped; `None` where one may not be mounted.
struct SmallDisk(PathBuf);

impl SmallDisk {
    fn mount(at: &Path, kilobytes: u32) -> Option<SmallDisk> {
        let mounted = std::process::Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={kilobytes}k"), "tmpfs"])
            .arg(at)
            .output()
            .is_ok_and(|output| output.status.success());
        mounted.then(|| SmallDisk(at.to_owned()))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = std::process::Command::new("umount").arg(&self.0).output();
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_disk_that_fills_up() {
    let logs: String = (1..=4_000)
        .map(|id| {
            record(
                id,
                &format!(",\"userAgent\":\"{:x}\"", (id as u128).pow(9) * 7_919),
            ) + "\n"
        })
        .collect();
    let case = Case::new("logs.json", logs);
    let mount = tempfile::tempdir().unwrap();
    let Some(disk) = SmallDisk::mount(mount.path(), 64) else {
        return skipped(
            "a disk that fills up",
            "this user may not mount a small one",
        );
    };
    for command in ["convert", "analyze"] {
        let mut command = signsift([command, "--quiet"]);
        command
            .arg(&case.input)
            .arg("--out")
            .arg(disk.0.join("results"));
        run(command)
            .ended(1)
            .says(&["cannot write", "results", "No space left", "--out"]);
        assert!(names(&disk.0).is_empty(), "{:?} was left", names(&disk.0));
    }
    // A result that was there stays as it was.
    let old = disk.0.join("results");
    let small = Case::new("small.json", good(1));
    let mut command = signsift(["convert", "--quiet"]);
    command.arg(&small.input).arg("--out").arg(&old);
    run(command).ended(0);
    let before = coverage(&old);
    let mut command = signsift(["convert", "--quiet", "--overwrite"]);
    command.arg(&case.input).arg("--out").arg(&old);
    run(command).ended(1).says(&["No space left"]);
    assert_eq!(coverage(&old), before);
    assert_eq!(names(&disk.0), ["results"]);

    // Rows on their way fill it, too.
    let many = "SELECT * FROM signins CROSS JOIN generate_series(1, 20)";
    let mut command = signsift(["sql", many]);
    command
        .arg(&case.input)
        .arg("--out")
        .arg(disk.0.join("rows.parquet"));
    run(command)
        .ended(1)
        .says(&["rows.parquet", "No space left"]);
    assert_eq!(names(&disk.0), ["results"]);
}
