//! The rules of the house that no compiler holds: read from the source, so that breaking one is a
//! failing test and not a matter of memory.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use signsift::queries::Queries;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// (path from the root, text) of every file below `folder` whose name ends so.
fn files(folder: &str, ending: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() && path.file_name().unwrap() != "target" {
                folders.push(path);
            } else if path.to_str().unwrap().ends_with(ending) {
                let name = path
                    .strip_prefix(root())
                    .unwrap()
                    .to_str()
                    .unwrap()
                    .to_owned();
                found.push((name, fs::read_to_string(&path).unwrap()));
            }
        }
    }
    found.sort();
    assert!(!found.is_empty(), "no {ending} in {folder}");
    found
}

fn is_test(name: &str) -> bool {
    name.ends_with("/tests.rs") || name.contains("/tests/")
}

/// The source without its tests, which stand last in a file.
fn untested(text: &str) -> &str {
    text.split("\n#[cfg(test)]\nmod tests {")
        .next()
        .unwrap_or_default()
}

/// The lines that are neither test nor comment, with their numbers.
fn code(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let lines = untested(text)
        .lines()
        .enumerate()
        .map(|(at, line)| (at + 1, line));
    lines.filter(|(_, line)| !line.trim_start().starts_with("//"))
}

/// (stage that it belongs to, such as `decode`; path from the root; numbered lines of code).
type Program = (String, String, Vec<(usize, String)>);

/// Every Rust file of the program.
fn program() -> Vec<Program> {
    files("src", ".rs")
        .into_iter()
        .filter(|(name, _)| !is_test(name))
        .map(|(name, text)| {
            let stage = name
                .trim_start_matches("src/")
                .split(['/', '.'])
                .next()
                .unwrap();
            let lines = code(&text)
                .map(|(at, line)| (at, line.to_owned()))
                .collect();
            (stage.to_owned(), name, lines)
        })
        .collect()
}

fn hold(broken: Vec<String>, rule: &str) {
    assert!(broken.is_empty(), "{rule}:\n  {}", broken.join("\n  "));
}

/// Whether `word` stands in `line` as a word of its own.
fn mentions(line: &str, word: &str) -> bool {
    line.split(|at: char| !at.is_alphanumeric() && at != '_')
        .any(|part| part == word)
}

/// What each stage may import of the others. Only `batch` and the commands know their order.
const IMPORTS: &[(&str, &[&str])] = &[
    ("error", &[]),
    ("signin", &[]),
    ("progress", &["error"]),
    ("source", &["error"]),
    ("decode", &["signin"]),
    ("store", &["error", "signin"]),
    ("archive", &["error", "signin", "store"]),
    ("engine", &["error"]),
    ("queries", &["archive", "error", "progress", "signin"]),
    ("context", &["error", "signin"]),
    ("coverage", &["context", "decode"]),
    (
        "read",
        &[
            "archive", "coverage", "decode", "error", "progress", "results", "signin", "source",
            "store",
        ],
    ),
    ("explain", &["error", "results"]),
    (
        "inspect",
        &[
            "batch", "coverage", "decode", "engine", "error", "progress", "queries", "read",
            "signin",
        ],
    ),
    // What a person reads of an analysis, of an input and of a finding.
    (
        "results",
        &["batch", "coverage", "error", "explain", "inspect"],
    ),
    (
        "batch",
        &[
            "archive", "context", "coverage", "decode", "engine", "error", "progress", "queries",
            "read", "results", "signin", "source", "store",
        ],
    ),
    (
        "stream",
        &[
            "decode", "engine", "error", "progress", "queries", "results", "signin", "store",
        ],
    ),
    (
        "cli",
        &[
            "batch", "context", "decode", "engine", "error", "queries", "results", "source",
            "stream",
        ],
    ),
];

#[test]
fn imports_run_one_way() {
    let allowed: BTreeMap<_, _> = IMPORTS.iter().copied().collect();
    let top = ["lib", "main", "commands", "prompt", "bar"];
    let mut broken = Vec::new();
    for (stage, name, lines) in program() {
        if top.contains(&stage.as_str()) {
            continue;
        }
        let Some(allowed) = allowed.get(stage.as_str()) else {
            broken.push(format!("{name}: say in IMPORTS what {stage} may import"));
            continue;
        };
        for (at, line) in lines {
            for after in line.split("crate::").skip(1) {
                let other: String = after
                    .chars()
                    .take_while(|at| at.is_alphanumeric() || *at == '_')
                    .collect();
                let is_item = other.chars().next().is_none_or(char::is_uppercase);
                if !is_item && other != stage && !allowed.contains(&other.as_str()) {
                    broken.push(format!("{name}:{at}: {stage} imports {other}"));
                }
            }
        }
    }
    hold(broken, "a stage knows the vocabulary, not its neighbours");
}

#[test]
fn decoding_knows_neither_queries_nor_files_nor_packing() {
    let unknown = [
        "datafusion",
        "parquet",
        "flate2",
        "zstd",
        "fs",
        "File",
        "tokio",
        "rayon",
    ];
    let mut broken = Vec::new();
    for (stage, name, lines) in program() {
        for (at, line) in lines {
            for word in unknown {
                // What a packed file begins with is said to people, as text.
                let said = line.contains(&format!("\"{word}\""));
                if stage == "decode" && mentions(&line, word) && !said {
                    broken.push(format!("{name}:{at}: {word}"));
                }
            }
        }
    }
    hold(
        broken,
        "decode turns bytes into batches and knows nothing else",
    );
}

/// Words that only vendors use.
const VENDORS: &[&str] = &[
    "createdDateTime",
    "CreatedDateTime",
    "userPrincipalName",
    "UserPrincipalName",
    "userDisplayName",
    "userId",
    "UserId",
    "ipAddress",
    "IPAddress",
    "callerIpAddress",
    "appDisplayName",
    "AppDisplayName",
    "clientAppUsed",
    "errorCode",
    "resultType",
    "ResultType",
    "ResultDescription",
    "failureReason",
    "isInteractive",
    "signInEventTypes",
    "authenticationDetails",
    "networkLocationDetails",
    "riskLevelDuringSignIn",
    "riskLevelAggregated",
    "userAgent",
    "UserAgent",
    "correlationId",
    "CorrelationId",
    "TimeGenerated",
    "NonInteractiveUserSignInLogs",
    "SignInLogs",
];

#[test]
fn only_decoding_knows_what_vendors_call_things() {
    let mut broken = Vec::new();
    for (stage, name, lines) in program() {
        for (at, line) in lines {
            // The meaning of a column names the field it comes from.
            let allowed = ["decode", "signin"].contains(&stage.as_str());
            for word in VENDORS
                .iter()
                .filter(|word| !allowed && mentions(&line, word))
            {
                broken.push(format!("{name}:{at}: {word}"));
            }
        }
    }
    for (name, text) in files("queries", ".sql") {
        for (at, line) in statement(&text).lines().enumerate() {
            for word in VENDORS.iter().filter(|word| mentions(line, word)) {
                broken.push(format!("{name}:{}: {word}", at + 1));
            }
        }
    }
    hold(broken, "vendors' field names live in src/decode");
}

/// The statement of a query file, line for line: without comments and without what is quoted.
fn statement(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for line in text.lines() {
        let line = line.split("--").next().unwrap_or_default();
        let outside = line.split('\'').step_by(2).collect::<Vec<_>>().join("''");
        out.push_str(&outside);
        out.push('\n');
    }
    out
}

#[test]
fn no_rust_file_holds_sql() {
    let mut broken = Vec::new();
    for (stage, name, lines) in program() {
        for (at, line) in lines {
            // The help of a command, and that of the prompt, shows examples.
            let help = ["cli", "prompt"].contains(&stage.as_str());
            let verbs = [
                "\"SELECT ",
                "\"WITH ",
                "\"CREATE ",
                "\"INSERT ",
                "\"DELETE ",
            ];
            if !help && (verbs.iter().any(|verb| line.contains(verb)) || line.contains(" FROM ")) {
                broken.push(format!("{name}:{at}: {}", line.trim()));
            }
        }
    }
    hold(broken, "SQL decides, and stands in queries/");
}

#[test]
fn every_number_that_decides_has_a_name() {
    let mut broken = Vec::new();
    for (name, text) in files("queries", ".sql") {
        // The rules of others have numbers and codes of their own, which nobody sets.
        if name.ends_with("00_thresholds.sql") || name.starts_with("queries/public/") {
            continue;
        }
        let statement = statement(&text);
        let words: Vec<&str> = statement.split_whitespace().collect();
        for pair in words.windows(2) {
            let order = ["<", ">", "<=", ">=", "BETWEEN", "LIMIT"].contains(&pair[0]);
            let number = pair[1].trim_end_matches([',', ')']).parse::<f64>();
            if order && number.is_ok_and(|number| number != 0.0 && number != 1.0) {
                broken.push(format!("{name}: {} {}", pair[0], pair[1]));
            }
            if pair[0] == "INTERVAL" && pair[1].starts_with('\'') {
                broken.push(format!("{name}: a length of time"));
            }
        }
        // Codes are facts, and known in one place.
        let codes = statement
            .split(|at: char| !at.is_ascii_digit())
            .filter(|digits| digits.len() > 4)
            .count();
        if codes > 0 && !name.ends_with("10_outcomes.sql") {
            broken.push(format!("{name}: an error code"));
        }
    }
    hold(
        broken,
        "numbers stand in queries/00_thresholds.sql, codes in queries/10_outcomes.sql",
    );
}

#[test]
fn every_view_has_a_test() {
    let tests = files("tests/queries", ".slt");
    let mut missing = Vec::new();
    for query in Queries::builtin().unwrap().list() {
        let name = query.name.as_str();
        let own = tests
            .iter()
            .any(|(file, _)| file.ends_with(&format!("/{name}.slt")));
        let asked = |text: &str| {
            let words: Vec<&str> = text.split_whitespace().collect();
            words.windows(2).any(|pair| {
                ["FROM", "JOIN"].contains(&pair[0]) && pair[1].trim_end_matches([',', ')']) == name
            })
        };
        if !own && !tests.iter().any(|(_, text)| asked(text)) {
            missing.push(query.file.clone());
        }
    }
    hold(missing, "each view is asked by a file of tests/queries");
}

#[test]
fn every_public_rule_is_compared() {
    let text = |name: &str| fs::read_to_string(root().join("queries/public").join(name)).unwrap();
    let (alerts, compare) = (text("80_alerts.sql"), text("90_compare.sql"));
    let queries = Queries::builtin().unwrap();
    let rules = queries
        .list()
        .iter()
        .filter(|query| query.header.defects.is_some());
    let mut broken = Vec::new();
    for rule in rules {
        let name = rule.name.as_str();
        let named =
            alerts.contains(&format!("FROM {name}\n")) && compare.contains(&format!("'{name}'"));
        if !named || rule.header.source.is_none() || rule.header.explain.is_none() {
            broken.push(rule.file.clone());
        }
    }
    hold(
        broken,
        "a public rule has a source and stands in 80_alerts.sql and 90_compare.sql",
    );
}

#[test]
fn every_cause_is_told_of_in_the_readme_of_the_queries() {
    let readme = fs::read_to_string(root().join("queries/README.md")).unwrap();
    let queries = Queries::builtin().unwrap();
    let causes = queries
        .list()
        .iter()
        .filter(|query| query.header.cause.is_some());
    let unknown = causes.filter(|query| !readme.contains(&format!("| `{}` |", query.name)));
    hold(
        unknown.map(|query| query.name.clone()).collect(),
        "queries/README.md lists every cause",
    );
}

#[test]
fn every_file_says_why_it_exists_and_is_read_in_one_sitting() {
    let mut broken = Vec::new();
    for folder in ["src", "tests", "benches"] {
        for (name, text) in files(folder, ".rs") {
            if !text.starts_with("//! ") {
                broken.push(format!("{name} does not open with a sentence (//!)"));
            }
            let long = untested(&text).lines().count();
            if folder == "src" && !is_test(&name) && long > 500 {
                broken.push(format!("{name} has {long} lines"));
            }
        }
    }
    hold(broken, "a file is read in one sitting");
}

#[test]
fn log_text_reaches_a_terminal_in_one_way() {
    let mut broken = Vec::new();
    for (_, name, lines) in program() {
        for (at, line) in lines {
            if line.contains("println!") || line.contains("print!(") {
                broken.push(format!("{name}:{at}"));
            }
        }
    }
    hold(broken, "results/escape.rs is the way to a terminal");
}

/// (name, version) of every package that the lock file holds.
fn locked() -> Vec<(String, String)> {
    let lock = fs::read_to_string(root().join("Cargo.lock")).unwrap();
    let lock: toml::Table = lock.parse().unwrap();
    let packages = lock["package"].as_array().unwrap();
    let text = |package: &toml::Value, key: &str| package[key].as_str().unwrap().to_owned();
    packages
        .iter()
        .map(|package| (text(package, "name"), text(package, "version")))
        .collect()
}

#[test]
fn there_is_one_copy_of_what_batches_are_made_of() {
    let packages = locked();
    let is_ours = |name: &str| {
        name == "arrow"
            || name.starts_with("arrow-")
            || name.starts_with("datafusion")
            || ["parquet", "object_store", "sqlparser", "zstd-sys"].contains(&name)
    };
    let mut seen = BTreeSet::new();
    let twice = packages
        .iter()
        .filter(|(name, _)| is_ours(name) && !seen.insert(name));
    hold(
        twice.map(|(name, _)| name.clone()).collect(),
        "naming arrow ahead of DataFusion locks two",
    );
    assert!(seen.len() > 20, "{seen:?}");
}

/// Licences under which we may take code. All of them let Apache-2.0 work be given on; MPL-2.0 asks
/// for the source of its own files, which we do not change.
const LICENCES: &[&str] = &[
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "bzip2-1.0.6",
    "CC0-1.0",
    "ISC",
    "MIT",
    "MIT-0",
    "MPL-2.0",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

/// Whether an SPDX expression can be met: any side of OR, every side of AND.
fn may_take(expression: &str) -> bool {
    // Older crates write `MIT/Apache-2.0` for OR.
    let expression = expression.replace('/', " OR ");
    let expression = expression.trim();
    for (operator, needs_all) in [(" OR ", false), (" AND ", true)] {
        let parts = outermost(expression, operator);
        if parts.len() > 1 {
            let mut sides = parts.into_iter().map(may_take);
            return if needs_all {
                sides.all(|side| side)
            } else {
                sides.any(|side| side)
            };
        }
    }
    match expression
        .strip_prefix('(')
        .and_then(|inner| inner.strip_suffix(')'))
    {
        Some(inner) => may_take(inner),
        None => LICENCES.contains(&expression),
    }
}

/// `expression` cut at each `operator` that is in no parentheses.
fn outermost<'e>(expression: &'e str, operator: &str) -> Vec<&'e str> {
    let (mut parts, mut start, mut depth) = (Vec::new(), 0, 0);
    for (at, byte) in expression.bytes().enumerate() {
        match byte {
            b'(' => depth += 1,
            b')' => depth -= 1,
            _ if depth == 0 && at >= start && expression[at..].starts_with(operator) => {
                parts.push(&expression[start..at]);
                start = at + operator.len();
            }
            _ => {}
        }
    }
    parts.push(&expression[start..]);
    parts
}

#[test]
fn licence_expressions_are_understood() {
    for good in [
        "MIT",
        "MIT/Apache-2.0",
        "GPL-2.0 OR MIT",
        "(MIT OR GPL-3.0) AND Unicode-3.0",
    ] {
        assert!(may_take(good), "{good}");
    }
    for bad in [
        "",
        "GPL-3.0",
        "MIT AND GPL-3.0",
        "(GPL-2.0 OR GPL-3.0) AND MIT",
    ] {
        assert!(!may_take(bad), "{bad}");
    }
}

/// Advisories are another matter: they come from a database on the network, which a test does not
/// ask. `cargo deny check advisories` or `cargo audit` does, where it is installed.
#[test]
fn every_dependency_has_a_licence_that_we_may_take() {
    let cargo = std::env::var_os("CARGO").map_or_else(|| PathBuf::from("cargo"), PathBuf::from);
    let asked = Command::new(cargo)
        .args(["metadata", "--format-version", "1", "--offline", "--locked"])
        .args(["--filter-platform", "x86_64-unknown-linux-gnu"])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(
        asked.status.success(),
        "{}",
        String::from_utf8_lossy(&asked.stderr)
    );
    let metadata: serde_json::Value = serde_json::from_slice(&asked.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    assert!(packages.len() > 100, "{} packages", packages.len());
    let mut broken = Vec::new();
    for package in packages {
        let licence = package["license"].as_str().unwrap_or_default();
        if !may_take(licence) {
            broken.push(format!(
                "{} {}: {licence:?}",
                package["name"], package["version"]
            ));
        }
    }
    hold(broken, "a licence that is not on the list");
}
