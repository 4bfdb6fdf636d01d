//! Another engine reads what signsift writes, counts the raw bytes by itself, and finds the same.

use std::process::Command;

use super::support::{run, sample, signsift, skipped};

/// A Python that has DuckDB: `SIGNSIFT_PYTHON`, else `python3`.
fn python() -> Option<String> {
    let python = std::env::var("SIGNSIFT_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let works = Command::new(&python)
        .args(["-c", "import duckdb"])
        .output()
        .is_ok_and(|output| output.status.success());
    works.then_some(python)
}

#[test]
fn duckdb_finds_the_same_numbers() {
    let Some(python) = python() else {
        return skipped(
            "the comparison with DuckDB",
            "no Python with it (pip install duckdb, and name that Python in SIGNSIFT_PYTHON)",
        );
    };
    let temp = tempfile::tempdir().unwrap();
    let (results, archive) = (temp.path().join("results"), temp.path().join("archive"));
    let mut analyze = signsift(["analyze", "--quiet", &sample("diagnostic"), "--out"]);
    analyze.arg(&results);
    run(analyze).ended(0);
    let mut convert = signsift(["convert", "--quiet", &sample("diagnostic"), "--out"]);
    convert.arg(&archive);
    run(convert).ended(0);
    let output = Command::new(python)
        .arg(super::support::root().join("tests/other_engine.py"))
        .arg(super::support::root().join("sample-data/diagnostic"))
        .args([&results, &archive])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success(),
        "{said}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(said.lines().count() >= 10, "{said}");
}
