//! Runs signsift as a person would, in a home of its own, and reads what it wrote.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

/// The folder of the project.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A path in `sample-data`, as typed from the folder of the project.
pub(crate) fn sample(name: &str) -> String {
    format!("sample-data/{name}")
}

/// What the story of `sample-data` says, whoever reads it.
pub(crate) fn expected() -> Value {
    let text = std::fs::read(root().join("sample-data/expected.json")).unwrap();
    serde_json::from_slice(&text).unwrap()
}

/// A command of signsift's in the folder of the project: no configuration, no environment, no
/// terminal.
pub(crate) fn signsift<S: AsRef<std::ffi::OsStr>>(
    arguments: impl IntoIterator<Item = S>,
) -> Command {
    let home = Path::new(env!("CARGO_TARGET_TMPDIR")).join("home");
    std::fs::create_dir_all(&home).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_signsift"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("SIGNSIFT_") {
            command.env_remove(name);
        }
    }
    command
        .args(arguments)
        .current_dir(root())
        .env("HOME", &home)
        .env("XDG_CONFIG_HOME", &home)
        .env("XDG_STATE_HOME", &home)
        .env("COLUMNS", "100")
        .stdin(Stdio::null());
    command
}

/// How a command ended.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ran {
    /// The same, when it must have ended with `code`.
    #[track_caller]
    pub(crate) fn ended(self, code: i32) -> Ran {
        assert_eq!(
            self.code, code,
            "stdout:\n{}\nstderr:\n{}",
            self.stdout, self.stderr
        );
        self
    }

    /// The same, when stderr must hold each of `words`.
    #[track_caller]
    pub(crate) fn says(self, words: &[&str]) -> Ran {
        for word in words {
            assert!(
                self.stderr.contains(word),
                "{word:?} is not in stderr:\n{}",
                self.stderr
            );
        }
        self
    }
}

impl From<Output> for Ran {
    fn from(output: Output) -> Ran {
        Ran {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).expect("stdout is UTF-8"),
            stderr: String::from_utf8(output.stderr).expect("stderr is UTF-8"),
        }
    }
}

/// Runs it to its end.
pub(crate) fn run(mut command: Command) -> Ran {
    command.output().unwrap().into()
}

/// Runs it with `bytes` on standard input.
pub(crate) fn run_on(mut command: Command, bytes: Vec<u8>) -> Ran {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    // It may end without having read everything; that is for the caller to judge.
    let feed = std::thread::spawn(move || {
        let _ = stdin.write_all(&bytes);
    });
    let output = child.wait_with_output().unwrap();
    feed.join().unwrap();
    output.into()
}

/// The rows of newline-delimited JSON.
pub(crate) fn lines(text: &str) -> Vec<Value> {
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// The rows of `query` over `inputs`.
#[track_caller]
pub(crate) fn rows<S: AsRef<str>>(query: &str, inputs: &[S]) -> Vec<Value> {
    let mut arguments = vec!["sql", query, "--format", "json"];
    arguments.extend(inputs.iter().map(AsRef::as_ref));
    lines(&run(signsift(arguments)).ended(0).stdout)
}

/// A folder that `analyze` wrote with `--format json`.
pub(crate) struct Results(pub(crate) PathBuf);

impl Results {
    /// Analyses `inputs` into the new folder `out`, with further `flags`.
    #[track_caller]
    pub(crate) fn of<S: AsRef<str>>(out: &Path, inputs: &[S], flags: &[&str]) -> Results {
        let mut command = signsift(["analyze", "--quiet", "--format", "json", "--out"]);
        command
            .arg(out)
            .args(flags)
            .args(inputs.iter().map(AsRef::as_ref));
        run(command).ended(0);
        Results(out.to_owned())
    }

    /// The rows of one table.
    pub(crate) fn table(&self, name: &str) -> Vec<Value> {
        lines(&std::fs::read_to_string(self.0.join(format!("{name}.ndjson"))).unwrap())
    }

    /// `coverage.json`.
    pub(crate) fn coverage(&self) -> Value {
        coverage(&self.0)
    }
}

/// `coverage.json` in `folder`.
pub(crate) fn coverage(folder: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(folder.join("coverage.json")).unwrap()).unwrap()
}

/// The text of `key` in each of `rows`, sorted; rows in which it is NULL are left out.
pub(crate) fn texts(rows: &[Value], key: &str) -> Vec<String> {
    let mut texts: Vec<String> = rows
        .iter()
        .filter_map(|row| Some(row[key].as_str()?.to_owned()))
        .collect();
    texts.sort();
    texts
}

/// The texts of a JSON list, sorted; NULL is an empty one.
pub(crate) fn list(value: &Value) -> Vec<String> {
    let items = value.as_array().into_iter().flatten();
    let mut texts: Vec<String> = items
        .map(|item| item.as_str().unwrap().to_owned())
        .collect();
    texts.sort();
    texts
}

/// Names in `folder`, hidden ones included, sorted.
pub(crate) fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// Says so that nobody overlooks it that a test could not run here.
pub(crate) fn skipped(what: &str, why: &str) {
    // Straight to stderr: the test harness keeps what is merely printed for failures.
    let _ = writeln!(std::io::stderr(), "\n*** SKIPPED: {what}: {why}\n");
}
