//! Our own reading of JSON is as good as the plain way: what `serde_json` understands of a log, written again by it (other
//! order of keys, other blanks, other escapes), gives the same archive, byte for byte.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::support::{root, run, signsift, skipped};

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

/// The same written by `serde_json`. What stands on one line stays there, so that the log is still of the same kind.
fn again(text: &[u8]) -> Option<Vec<u8>> {
    let mut values = serde_json::Deserializer::from_slice(text).into_iter::<Value>();
    let (mut plain, mut from) = (Vec::new(), 0);
    while let Some(value) = values.next() {
        let value = value.ok()?;
        let to = values.byte_offset();
        let was = text[from..to].trim_ascii();
        match was.contains(&b'\n') {
            true => serde_json::to_writer_pretty(&mut plain, &value).unwrap(),
            false => serde_json::to_writer(&mut plain, &value).unwrap(),
        }
        plain.push(b'\n');
        from = to;
    }
    Some(plain)
}

/// The Parquet files of an archive by their names.
fn archive(folder: &Path, log: &[u8]) -> Vec<(PathBuf, Vec<u8>)> {
    fs::create_dir_all(folder).unwrap();
    fs::write(folder.join("log.json"), log).unwrap();
    let mut command = signsift(["convert", "--quiet", "log.json", "--out", "archive"]);
    command.current_dir(folder);
    run(command).ended(0);
    let pattern = folder.join("archive/*/*.parquet");
    let files = glob::glob(pattern.to_str().unwrap()).unwrap();
    files
        .map(|path| path.unwrap())
        .map(|path| {
            let bytes = fs::read(&path).unwrap();
            (path.strip_prefix(folder).unwrap().to_owned(), bytes)
        })
        .collect()
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
        let (ours, theirs) = (of("ours", &text), of("theirs", &plain));
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
fn what_serde_json_reads_and_writes_again_gives_the_same_archive() {
    let number = compared(&root().join("sample-data"));
    assert!(number >= 20, "only {number} logs were compared");
}

#[test]
fn so_do_real_logs() {
    let samples = root().join("../shared/samples");
    if !samples.exists() {
        skipped(
            "real logs against serde_json",
            "the folder of samples is not there",
        );
        return;
    }
    let number = compared(&samples);
    assert!(number >= 5, "only {number} logs were compared");
}
