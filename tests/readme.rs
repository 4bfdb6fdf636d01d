//! Every command of the README, as a reader would type it, one after another in one folder.

use std::path::Path;
use std::process::Command;

use signsift::decode::{DIALECTS, Framing};

/// (command, exit code it promises): `sh` blocks of the README, a line each.
fn commands(readme: &str) -> Vec<(String, i32)> {
    let mut commands = Vec::new();
    let mut inside = false;
    for line in readme.lines() {
        match line {
            "```sh" => inside = true,
            "```" => inside = false,
            line if inside => {
                let (command, note) = line.split_once("   # ").unwrap_or((line, ""));
                let code = note
                    .strip_prefix("exit code ")
                    .map_or(0, |code| code.parse().unwrap());
                commands.push((command.trim().to_owned(), code));
            }
            _ => {}
        }
    }
    commands
}

#[cfg(unix)]
#[test]
fn every_command_does_what_it_says() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = tempfile::tempdir().unwrap();
    for name in ["sample-data", "queries"] {
        std::os::unix::fs::symlink(root.join(name), folder.path().join(name)).unwrap();
    }
    let binary = Path::new(env!("CARGO_BIN_EXE_signsift"));
    let path = format!(
        "{}:{}",
        binary.parent().unwrap().display(),
        std::env::var("PATH").unwrap_or_default()
    );
    let mut ran = 0;
    for (command, expected) in commands(include_str!("../README.md")) {
        if command == "cargo test" {
            continue;
        }
        // `cargo run --` only builds what is tested here already.
        let typed = command.replace("cargo run -- ", "signsift ");
        assert!(
            typed.starts_with("signsift "),
            "not a command of ours: {command}"
        );
        let output = Command::new("sh")
            .args(["-c", &typed])
            .current_dir(folder.path())
            .env("PATH", &path)
            .env("HOME", folder.path())
            .env_remove("XDG_CONFIG_HOME")
            .output()
            .unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(expected), "{command}\n{stderr}");
        assert_eq!(
            output.stdout.is_empty(),
            typed.contains("--quiet") || typed.contains("convert"),
            "{command}"
        );
        ran += 1;
    }
    assert!(
        ran > 12,
        "the README has lost its commands: only {ran} were found"
    );
}

#[test]
fn it_names_every_spelling_in_the_words_of_the_code() {
    let readme = include_str!("../README.md");
    for dialect in DIALECTS {
        let row = format!(
            "| `{}` | {} | {} | {} |",
            dialect.name, dialect.title, dialect.told_by, dialect.lacks
        );
        assert!(readme.contains(&row), "README.md lacks the row\n{row}");
    }
    let rows = readme.lines().filter(|line| line.starts_with("| `"));
    let named = rows.filter(|line| {
        let name = line.trim_start_matches("| `").split('`').next();
        DIALECTS.iter().any(|dialect| Some(dialect.name) == name)
    });
    assert_eq!(named.count(), DIALECTS.len());
    // The framings are told in a sentence: each by what begins its records.
    for framing in Framing::ALL {
        let brackets = framing.title().split_once('{').map(|(_, rest)| rest);
        let part = brackets.and_then(|rest| rest.split(':').next());
        if let Some(part) = part {
            assert!(readme.contains(&format!("{{{part}")), "{}", framing.name());
        }
    }
}
