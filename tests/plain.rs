//! Our own reading of JSON is as good as the plain way: what Python's `json` understands of a log, written again by it (other
//! order of keys, other blanks, other escapes), gives the same archive, byte for byte. `serde_json` would not do: without
//! its feature for it, it rounds latitudes in the last digit.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::support::{root, run, run_on, signsift, skipped};

/// The text of a file, if it is one of JSON that is whole.
#[allow(
    clippy::disallowed_types,
    reason = "these logs are ours, and need no limits"
)]
fn json(path: &Path) -> Option<Vec<u8>> {
    let bytes = fs::read(path).unwrap();
    let mut text = Vec::new();
    match path.extension()?.to_str()? {
        "gz" => flate2::read::MultiGzDecoder::new(&*bytes)
            .read_to_end(&mut text)
            .unwrap(),
        "zst" => zstd::Decoder::new(&*bytes)
            .unwrap()
            .read_to_end(&mut text)
            .unwrap(),
        _ => {
            text = bytes;
            text.len()
        }
    };
    let text = text
        .strip_prefix(b"\xEF\xBB\xBF")
        .map_or(text.clone(), <[u8]>::to_vec);
    matches!(text.trim_ascii_start().first(), Some(b'{' | b'[')).then_some(text)
}

/// A Python: `SIGNSIFT_PYTHON`, else `python3`.
fn python() -> Command {
    Command::new(std::env::var("SIGNSIFT_PYTHON").unwrap_or_else(|_| "python3".to_owned()))
}

/// The same written again by `tests/plain.py`, if it is JSON from end to end.
fn again(text: &[u8]) -> Option<Vec<u8>> {
    let mut python = python();
    python.arg(root().join("tests/plain.py"));
    let ran = run_on(python, text.to_vec());
    (ran.code == 0).then(|| ran.stdout.into_bytes())
}

/// Whether there is a Python; it is said if not.
fn has_python() -> bool {
    let has = python().arg("--version").output().is_ok();
    if !has {
        let what = "logs written again the plain way";
        skipped(what, "there is no python3, and none in SIGNSIFT_PYTHON");
    }
    has
}

/// How `convert` ends, which a log that holds nothing decides too, and the Parquet files of the archive by their names.
fn archive(folder: &Path, log: &[u8]) -> (i32, Vec<(PathBuf, Vec<u8>)>) {
    fs::create_dir_all(folder).unwrap();
    fs::write(folder.join("log.json"), log).unwrap();
    let mut command = signsift(["convert", "--quiet", "log.json", "--out", "archive"]);
    command.current_dir(folder);
    let code = run(command).code;
    let pattern = folder.join("archive/*/*.parquet");
    let files = glob::glob(pattern.to_str().unwrap()).unwrap();
    let files = files.map(|path| path.unwrap()).map(|path| {
        let bytes = fs::read(&path).unwrap();
        (path.strip_prefix(folder).unwrap().to_owned(), bytes)
    });
    (code, files.collect())
}

/// How many logs of a folder were compared.
fn compared(folder: &Path) -> usize {
    let temp = tempfile::tempdir().unwrap();
    let mut number = 0;
    for path in glob::glob(folder.join("**/*").to_str().unwrap()).unwrap() {
        let path = path.unwrap();
        let is_ours = ["expected.json", "README.md"]
            .iter()
            .any(|name| path.ends_with(name));
        if path.is_dir() || is_ours {
            continue;
        }
        let Some(text) = json(&path) else { continue };
        let Some(plain) = again(&text) else { continue };
        let of =
            |name: &str, log: &[u8]| archive(&temp.path().join(format!("{number}/{name}")), log);
        let (code, ours) = of("ours", &text);
        let (their_code, theirs) = of("theirs", &plain);
        assert_eq!(code, their_code, "{}", path.display());
        assert_eq!(ours.len(), theirs.len(), "{}", path.display());
        for ((name, ours), (other, theirs)) in ours.iter().zip(&theirs) {
            assert_eq!(name, other, "{}", path.display());
            assert!(
                ours == theirs,
                "{} of {} differs",
                name.display(),
                path.display()
            );
        }
        number += usize::from(!ours.is_empty());
    }
    number
}

#[test]
fn logs_written_again_the_plain_way_give_the_same_archive() {
    if !has_python() {
        return;
    }
    let number = compared(&root().join("sample-data"));
    assert!(number >= 20, "only {number} logs were compared");
}

#[test]
fn so_do_real_logs() {
    if !has_python() {
        return;
    }
    let samples = root().join("../shared/samples");
    if !samples.exists() {
        skipped(
            "real logs written again the plain way",
            "the folder of samples is not there",
        );
        return;
    }
    let number = compared(&samples);
    assert!(number >= 5, "only {number} logs were compared");
}
