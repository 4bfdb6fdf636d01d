//! Commands as people type them: what comes out on stdout and stderr, and how they end. Each is one
//! file in `snapshots/`; `INSTA_UPDATE=always cargo test commands` writes them anew.

use std::path::Path;
use std::process::Stdio;

use super::support::{Ran, lines, names, root, run, run_on, sample, signsift};

/// What was typed, how it ended, and what was said, as one text.
fn told(typed: &str, ran: &Ran) -> String {
    let mut text = format!("$ signsift {typed}\nexit code {}\n", ran.code);
    for (name, stream) in [("stdout", &ran.stdout), ("stderr", &ran.stderr)] {
        if !stream.is_empty() {
            text.push_str(&format!("---- {name}\n{stream}"));
        }
    }
    text.replace(env!("CARGO_PKG_VERSION"), "[version]")
}

pub(crate) fn keep(name: &str, text: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, text));
}

/// Splits as a shell does where nothing but single quotes is used.
fn words(typed: &str) -> Vec<String> {
    let quoted = typed
        .split('\'')
        .enumerate()
        .flat_map(|(nth, part)| match nth % 2 {
            1 => vec![part.to_owned()],
            _ => part.split_whitespace().map(str::to_owned).collect(),
        });
    quoted.collect()
}

/// Types it in the folder of the project.
fn type_in(typed: &str) -> Ran {
    run(signsift(words(typed)))
}

/// Types it, and keeps what came of it.
#[track_caller]
fn typed(name: &str, typed: &str) {
    keep(name, &told(typed, &type_in(typed)));
}

/// A folder to write to, called `here` in what was typed and in what is kept.
fn typed_in(here: &Path, typed: &str) -> (Ran, String) {
    let place = here.display().to_string();
    let ran = type_in(&typed.replace("here", &place));
    let text = told(typed, &ran).replace(&place, "here");
    (ran, text)
}

#[test]
fn analyze_says_what_happened() {
    typed("analyze", "analyze sample-data/diagnostic");
}

#[test]
fn analyze_with_numbers_of_ones_own() {
    // Nine accounts were tried: ten wanted, and it is no spray.
    typed(
        "analyze_set",
        "analyze sample-data/diagnostic --top 1 --window 15m --set spray_users=10",
    );
}

#[test]
fn analyze_of_one_day_and_one_tenant() {
    typed(
        "analyze_one_day",
        "analyze sample-data/event-hub.json --top 1 --since 2026-03-03 --until 2026-03-04 \
         --tenant C0B7A3E1-5d2f-4c68-9e04-7a1b2c3d4e5f",
    );
}

#[test]
fn analyze_of_another_tenant_finds_nothing() {
    typed(
        "analyze_other_tenant",
        "analyze sample-data/event-hub.json --tenant contoso.example",
    );
}

#[test]
fn quiet_is_quiet_and_a_critical_finding_can_fail() {
    let ran = type_in("analyze sample-data/event-hub.json --quiet --fail-on critical");
    assert_eq!(
        (ran.code, ran.stdout.as_str(), ran.stderr.as_str()),
        (10, "", "")
    );
    // What is left of Tuesday is not as bad as that.
    let day = "analyze sample-data/event-hub.json --quiet --since 2026-03-03 --until 2026-03-04";
    assert_eq!(type_in(&format!("{day} --fail-on critical")).code, 0);
    assert_eq!(type_in(&format!("{day} --fail-on medium")).code, 10);
}

#[test]
fn results_as_json() {
    let temp = tempfile::tempdir().unwrap();
    let here = temp.path().join("results");
    let (ran, text) = typed_in(
        &here,
        "analyze sample-data/diagnostic --top 0 --format json --out here",
    );
    ran.ended(0);
    let files = names(&here).join("\n");
    let findings = std::fs::read_to_string(here.join("findings.ndjson")).unwrap();
    keep(
        "results_as_json",
        &format!("{text}---- folder\n{files}\n---- findings.ndjson\n{findings}"),
    );
    for file in names(&here).iter().filter(|name| name.ends_with("ndjson")) {
        assert!(
            !lines(&std::fs::read_to_string(here.join(file)).unwrap()).is_empty(),
            "{file}"
        );
    }
    assert_eq!(names(temp.path()), ["results"], "nothing else is left");
}

#[test]
fn results_as_csv_and_a_folder_that_is_there() {
    let temp = tempfile::tempdir().unwrap();
    let here = temp.path().join("results");
    let analyze = "analyze sample-data/event-hub.json --quiet --format csv --out here";
    typed_in(&here, analyze).0.ended(0);
    let events = std::fs::read_to_string(here.join("events.csv")).unwrap();
    let head: Vec<&str> = events.lines().take(4).collect();
    keep("results_as_csv", &format!("{}\n", head.join("\n")));

    let before = names(&here);
    let (ran, text) = typed_in(&here, analyze);
    ran.ended(2);
    keep("results_are_there", &text);
    std::fs::write(here.join("more.txt"), "of the analyst's").unwrap();
    typed_in(&here, &format!("{analyze} --overwrite"))
        .0
        .ended(0);
    assert_eq!(names(&here), before, "the folder is replaced, not added to");
    // A folder of somebody else's is left alone.
    let other = temp.path().join("other");
    std::fs::create_dir(&other).unwrap();
    std::fs::write(other.join("thesis.txt"), "years of work").unwrap();
    let (ran, text) = typed_in(&other, &format!("{analyze} --overwrite"));
    ran.ended(2);
    keep("results_of_others", &text);
    assert_eq!(names(&other), ["thesis.txt"]);
    assert_eq!(names(temp.path()), ["other", "results"]);
}

#[test]
fn inputs_that_are_not_there() {
    typed("no_such_input", "analyze no-such-folder");
    typed("no_such_glob", "analyze 'sample-data/*.evtx'");
    typed("no_sign_ins", "analyze sample-data/story.py");
}

#[test]
fn standard_input_and_globs() {
    let typed = "sql 'SELECT count(*) AS sign_ins, min(source_file) AS file FROM signins' -";
    let bytes = std::fs::read(root().join(sample("graph-v1-pages.json"))).unwrap();
    keep(
        "stdin",
        &told(typed, &run_on(signsift(words(typed)), bytes)),
    );
    let glob = "sample-data/diagnostic/*/*/*/*/d=04/*/*/*.json";
    keep(
        "glob",
        &told(
            "sql QUERY GLOB",
            &type_in(&format!(
                "sql 'SELECT count(*) AS sign_ins, count(DISTINCT source_file) AS files FROM signins' '{glob}'"
            )),
        ),
    );
}

#[test]
fn sql_in_every_form() {
    let query = "SELECT category, count(*) AS sign_ins, sum(CAST(error_code = 50053 AS INT)) AS refusals, \
        array_sort(array_agg(DISTINCT device_os)) AS systems FROM signins GROUP BY category ORDER BY 1";
    for format in ["table", "json", "csv"] {
        let ran = type_in(&format!(
            "sql '{query}' sample-data/event-hub.json --format {format}"
        ));
        keep(
            &format!("sql_{format}"),
            &told(&format!("sql QUERY INPUT --format {format}"), &ran),
        );
    }
    typed(
        "sql_view",
        "sql 'SELECT stated_reason, refusals FROM summary_reasons' sample-data/event-hub.json",
    );
}

#[test]
fn sql_from_a_file_and_from_standard_input() {
    let temp = tempfile::tempdir().unwrap();
    let here = temp.path().join("count.sql");
    std::fs::write(
        &here,
        "SELECT count(*) AS n FROM signins;\nSELECT max(city) AS c FROM signins;\n",
    )
    .unwrap();
    keep(
        "sql_file",
        &typed_in(&here, "sql -f here sample-data/event-hub.json").1,
    );
    let typed = "sql sample-data/event-hub.json";
    let ran = run_on(
        signsift(words(typed)),
        b"SELECT count(*) AS n FROM signins".to_vec(),
    );
    keep("sql_stdin", &told(typed, &ran));
    let ran = run_on(signsift(["sql", "-"]), b"SELECT 1".to_vec());
    keep("sql_stdin_is_data", &told("sql -", &ran));
}

#[test]
fn sql_that_is_wrong() {
    typed(
        "sql_no_table",
        "sql 'SELECT * FROM logins' sample-data/event-hub.json",
    );
    typed(
        "sql_no_column",
        "sql 'SELECT usr FROM signins' sample-data/event-hub.json",
    );
    typed("sql_no_sql", "sql 'SELEC 1' sample-data/event-hub.json");
    typed("sql_no_input", "sql 'SELECT 1'");
}

#[test]
fn sql_to_a_file() {
    let temp = tempfile::tempdir().unwrap();
    let here = temp.path().join("rows.parquet");
    let sql =
        "sql 'SELECT user_principal_name, time FROM signins' sample-data/event-hub.json --out here";
    let (ran, _) = typed_in(&here, sql);
    let ran = ran.ended(0);
    assert_eq!((ran.stdout.as_str(), ran.stderr.as_str()), ("", ""));
    assert!(std::fs::read(&here).unwrap().starts_with(b"PAR1"));
    keep("sql_out_exists", &typed_in(&here, sql).1);
    // Before hours of reading, and not after them: not even what is to be read is looked for.
    for command in ["sql 'SELECT 1'", "compare"] {
        let typed = format!("{command} no-such-log --out here");
        let told = typed_in(&here, &typed).0.ended(2).stderr;
        assert!(told.contains("is there already; name another"), "{told}");
    }
    assert_eq!(names(temp.path()), ["rows.parquet"]);
}

#[test]
fn what_is_read_and_decided_with() {
    typed("spellings", "spellings");
    typed("schema", "schema");
    typed("schema_findings", "schema findings");
    typed("schema_unknown", "schema logins");
    typed("queries", "queries");
    typed(
        "queries_thresholds",
        "queries thresholds --set spray_users=4",
    );
    typed("queries_one", "queries timeline");
    typed("queries_unknown", "queries logins");
}

#[test]
fn help_and_wrong_usage() {
    typed("help", "--help");
    typed("help_analyze", "analyze --help");
    typed("help_sql", "sql -h");
    typed("no_arguments", "");
    typed("analyze_nothing", "analyze");
    typed("version", "--version");
    typed(
        "unknown_threshold",
        "analyze sample-data/event-hub.json --set nonsense=1",
    );
    typed(
        "threshold_of_another_kind",
        "analyze sample-data/event-hub.json --set spray_users=many",
    );
    typed(
        "no_window",
        "analyze sample-data/event-hub.json --window soon",
    );
    typed(
        "no_time",
        "analyze sample-data/event-hub.json --since yesterday",
    );
    typed(
        "no_span",
        "analyze sample-data/event-hub.json --since 2026-03-04 --until 2026-03-03",
    );
    typed(
        "too_little_memory",
        "analyze sample-data/event-hub.json --memory-limit 1MiB",
    );
}

#[test]
fn completions_and_manual() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let ran = type_in(&format!("completions {shell}")).ended(0);
        assert!(
            ran.stdout.contains("--memory-limit") || ran.stdout.contains("memory-limit"),
            "{shell}"
        );
    }
    let first = |ran: Ran| {
        let lines: Vec<&str> = ran.stdout.lines().take(12).collect();
        format!("{}\n", lines.join("\n")).replace(env!("CARGO_PKG_VERSION"), "[version]")
    };
    keep(
        "completions_bash",
        &first(type_in("completions bash").ended(0)),
    );
    keep("man", &first(type_in("man").ended(0)));
}

#[test]
fn configuration_then_environment_then_flags() {
    let temp = tempfile::tempdir().unwrap();
    let file = temp.path().join("config.toml");
    std::fs::write(&file, "window = '6h'\n[set]\nspray_users = 6\n").unwrap();
    let value = |window: Option<&str>, flags: &[&str], name: &str| {
        let mut command = signsift(["queries", "thresholds"]);
        command.args(flags).env("SIGNSIFT_CONFIG", &file);
        if let Some(window) = window {
            command.env("SIGNSIFT_WINDOW", window);
        }
        let ran = run(command).ended(0);
        let line = ran
            .stdout
            .lines()
            .find(|line| line.contains(&format!("| {name} ")))
            .unwrap();
        line.split('|').nth(2).unwrap().trim().to_owned()
    };
    // A flag says how each length of time is shown.
    let shown = |length| value(None, &["--window", length], "window");
    assert_eq!(value(None, &[], "window"), shown("6h"));
    assert_eq!(value(Some("12h"), &[], "window"), shown("12h"));
    assert_eq!(
        value(Some("12h"), &["--window", "2h"], "window"),
        shown("2h")
    );
    assert_ne!(shown("2h"), shown("12h"));
    assert_eq!(value(None, &[], "spray_users"), "6");
    assert_eq!(value(None, &["--set", "spray_users=4"], "spray_users"), "4");

    // The usual place is read too; what is not understood there is said with the file's name.
    let folder = temp.path().join("signsift");
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(folder.join("config.toml"), "colour = 'red'\n").unwrap();
    let mut command = signsift(["queries"]);
    command.env("XDG_CONFIG_HOME", temp.path());
    run(command).ended(2).says(&["config.toml", "colour"]);
}

#[cfg(unix)]
#[test]
fn a_reader_who_has_seen_enough_is_no_failure() {
    let sql = "SELECT * FROM signins CROSS JOIN generate_series(1, 100)";
    for format in ["json", "csv", "parquet"] {
        let mut child = signsift(["sql", sql, "sample-data/event-hub.json", "--format", format])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // As `head` does: one look, then the pipe is closed.
        let mut some = [0; 4];
        std::io::Read::read_exact(child.stdout.as_mut().unwrap(), &mut some).unwrap();
        drop(child.stdout.take());
        let ran = Ran::from(child.wait_with_output().unwrap());
        assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{format}");
    }
    // The reader of a summary may be gone before it begins.
    let mut child = signsift(["queries"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let ran = Ran::from(child.wait_with_output().unwrap());
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
}

#[test]
fn text_of_a_log_is_hostile() {
    let escape = '\u{1b}';
    let agents = "sql 'SELECT DISTINCT user_agent FROM signins' sample-data/event-hub.json";
    let ran = type_in(agents).ended(0);
    assert!(
        ran.stdout.contains("\\u{1b}") && !ran.stdout.contains(escape),
        "{}",
        ran.stdout
    );
    let ran = type_in(&format!("{agents} --format json")).ended(0);
    assert!(
        ran.stdout.contains("\\u001b") && !ran.stdout.contains(escape),
        "{}",
        ran.stdout
    );
    // A spreadsheet would run what begins with =.
    let apps = "sql 'SELECT DISTINCT app_display_name FROM signins' sample-data/event-hub.json";
    let formula = |text: &str| {
        text.lines()
            .any(|line| line.trim_matches('"').starts_with("=HYPERLINK"))
    };
    let ran = type_in(&format!("{apps} --format csv")).ended(0);
    assert!(
        ran.stdout.contains("'=HYPERLINK") && !formula(&ran.stdout),
        "{}",
        ran.stdout
    );
    let ran = type_in("analyze sample-data/event-hub.json --top 100").ended(0);
    assert!(!ran.stdout.contains(escape));
    // Names of files are text of others, too.
    let temp = tempfile::tempdir().unwrap();
    let name = temp.path().join("a\u{1b}[31mb");
    std::fs::write(&name, "not a log").unwrap();
    let ran = run(signsift([Path::new("analyze"), &name])).ended(1);
    assert!(
        ran.stderr.contains("a\\u{1b}[31mb") && !ran.stderr.contains(escape),
        "{}",
        ran.stderr
    );
}

#[test]
fn what_each_input_is() {
    let temp = tempfile::tempdir().unwrap();
    let folder = temp.path();
    for name in [
        "portal/NonInteractiveSignIns_2026-03-02_2026-03-04.csv",
        "unified-audit/purview.csv.gz",
        "graph-v1-pages.json",
    ] {
        let from = super::support::root().join(super::support::sample(name));
        let to = folder.join(name.rsplit('/').next().unwrap());
        std::fs::copy(from, to).unwrap();
    }
    let aggregate = "ResultType,count_\n50053,12\n0,88\n";
    std::fs::write(folder.join("summarized.csv"), aggregate).unwrap();
    let broken = "{\"time\":\"2026-03-02T08:20:00Z\",\"category\":\"SignInLogs\",\"properties\":{\"id\":\"\u{1b}[31mred\",\"createdDateTime\":\"2026-03-02T08:15:00Z\",\"status\":{\"errorCode\":50053}}}\n{\"time\":\"2026-03-02T08:20:00Z\",\"category\":\"SignInLogs\",\"properties\":{\"createdDateTime\":\"2026-03-02T17:08:65Z\"}}\nnot JSON\n";
    std::fs::write(folder.join("broken.json"), broken).unwrap();
    keep("inspect", &typed_in(folder, "inspect here").1);
    let sums = "inspect here/broken.json --format json";
    keep("inspect_json", &typed_in(folder, sums).1);
    typed("help_inspect", "inspect -h");
}
