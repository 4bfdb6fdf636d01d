//! The rules of `queries/README.md`, held: order, thresholds, what is stored, what is read.

use std::future::Future;
use std::sync::Arc;

use datafusion::arrow::array::{AsArray, Int64Array, RecordBatch};
use datafusion::arrow::datatypes::Int64Type;
use datafusion::arrow::util::pretty::pretty_format_batches;
use datafusion::datasource::MemTable;
use datafusion::execution::memory_pool::FairSpillPool;
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::prelude::SessionContext;

use super::*;
use crate::engine::{session_config, session_context};
use crate::progress::Progress;
use crate::signin::{Columns, Signin, SigninBatch};

const NUMBERS: &str = "-- title: Numbers
SELECT 5 AS least, 0.5 AS share, INTERVAL '20 minutes' AS gap, true AS strict, 'x' AS word";

/// Queries of these bodies after the numbers; each file gets a title.
fn queries(files: &[(&str, &str)]) -> Result<Queries> {
    let numbers = ("00_thresholds.sql".to_owned(), NUMBERS.to_owned());
    let files = files
        .iter()
        .map(|(file, sql)| (file.to_string(), format!("-- title: T\n{sql}")));
    Queries::new(std::iter::once(numbers).chain(files))
}

fn told(files: &[(&str, &str)]) -> String {
    queries(files).unwrap_err().to_string()
}

fn names(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| name.to_string()).collect()
}

/// Views on views make deep plans, too deep for the stack of a test thread.
fn run<R: Send>(work: impl Future<Output = R> + Send) -> R {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(64 << 20);
        thread
            .spawn_scoped(scope, || runtime.block_on(work))
            .unwrap()
            .join()
            .unwrap()
    })
}

fn context() -> SessionContext {
    session_context(session_config(), Arc::default())
}

/// A session over three sign-ins.
fn session(queries: Queries) -> Session {
    session_in(context(), queries)
}

fn session_in(context: SessionContext, queries: Queries) -> Session {
    let mut rows = SigninBatch::new(Columns::ALL);
    for (id, code) in [("a", 0), ("b", 50053), ("c", 50126)] {
        rows.push(&Signin {
            sign_in_id: Some(id.into()),
            time: Some(0),
            error_code: Some(code),
            ..Signin::default()
        });
    }
    let rows = rows.take().unwrap().unwrap();
    let canonical: Vec<usize> = (0..rows.num_columns() - 1).collect();
    let rows = rows.project(&canonical).unwrap();
    let table = MemTable::try_new(rows.schema(), vec![vec![rows]]).unwrap();
    let mut session = Session::new(context, queries, Path::new("/nowhere")).unwrap();
    session.fill(Arc::new(table), 3, 8192);
    session
}

fn statement(sql: &str) -> Statement {
    DFParser::parse_sql(sql).unwrap().pop_front().unwrap()
}

fn answer(session: &mut Session, sql: &str) -> Vec<RecordBatch> {
    let progress = Progress::default();
    run(async {
        let rows = session.answer(statement(sql), &progress).await.unwrap();
        datafusion::physical_plan::common::collect(rows)
            .await
            .unwrap()
    })
}

#[test]
fn the_built_in_queries_are_the_folder() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("queries");
    let folder = Queries::folder(&folder).unwrap();
    let builtin = Queries::builtin().unwrap();
    let texts = |queries: &Queries| -> Vec<_> {
        queries
            .list()
            .iter()
            .map(|query| (query.file.clone(), query.sql.clone()))
            .collect()
    };
    let files = |texts: &[(String, String)]| -> Vec<_> {
        texts
            .iter()
            .map(|(file, _)| file.clone())
            .collect::<Vec<_>>()
    };
    let (inside, outside) = (texts(&builtin), texts(&folder));
    assert_eq!(
        files(&inside),
        files(&outside),
        "src/queries/builtin.rs lists the files by hand"
    );
    assert_eq!(inside, outside);
}

#[test]
fn the_built_in_queries_all_plan() {
    let mut session = session(Queries::builtin().unwrap());
    run(session.all_views()).unwrap();
}

#[test]
fn a_query_uses_only_what_comes_before_it() {
    assert!(
        queries(&[
            ("10_a.sql", "SELECT * FROM signins"),
            ("20_b.sql", "SELECT * FROM a")
        ])
        .is_ok()
    );
    let late = told(&[
        ("10_b.sql", "SELECT * FROM a"),
        ("20_a.sql", "SELECT * FROM signins"),
    ]);
    assert!(
        late.starts_with("10_b.sql: there is no view a before this one"),
        "{late}"
    );
    let itself = told(&[("10_a.sql", "SELECT * FROM a")]);
    assert!(itself.contains("no view a"), "{itself}");
    let nested = told(&[(
        "10_a.sql",
        "SELECT * FROM signins WHERE 1 IN (SELECT x FROM nope)",
    )]);
    assert!(nested.contains("no view nope"), "{nested}");
    let with = "WITH own AS (SELECT * FROM signins) SELECT * FROM own";
    assert!(
        queries(&[("10_a.sql", with)]).is_ok(),
        "what a query names itself is no view"
    );
    let early = told(&[("10_a.sql", "SELECT * FROM claims"), ("40_c.sql", CAUSE)]);
    assert!(
        early.contains("no view claims"),
        "claims come after the last cause: {early}"
    );
    assert!(
        queries(&[
            ("40_c.sql", CAUSE),
            ("70_a.sql", "SELECT * FROM claims, causes")
        ])
        .is_ok()
    );
}

/// The header of a cause goes on below the title that every file of a test gets.
const CAUSE: &str = "-- explain: E
-- cause: clumsiness
-- severity: low
-- attack: no
-- technique: T1110
-- advice: Wait.
-- advice-source: https://learn.microsoft.com/x
SELECT sign_in_id AS refusal_no, 'key' AS finding_key, 1.0 AS confidence, ['e'] AS evidence
FROM signins WHERE error_code = 50053";

#[test]
fn files_that_break_the_rules_are_named() {
    let all = "SELECT * FROM signins";
    for (file, sql, reason) in [
        ("a.sql", all, "NN_name.sql"),
        ("10-a.sql", all, "NN_name.sql"),
        ("10_A.sql", all, "NN_name.sql"),
        (
            "10_signins.sql",
            all,
            "a view called signins is there already",
        ),
        ("10_a.sql", "SELECT 1; SELECT 2", "exactly one SELECT"),
        ("10_a.sql", "", "exactly one SELECT"),
        ("10_a.sql", "SELEC 1", "Expected"),
        ("10_a.sql", "-- colour: red\nSELECT 1", "unknown key"),
    ] {
        let told = told(&[(file, sql)]);
        assert!(told.starts_with(&format!("{file}: ")), "{told}");
        assert!(told.contains(reason), "{told}");
    }
    let twice = told(&[("10_a.sql", all), ("20_a.sql", all)]);
    assert!(twice.starts_with("20_a.sql: a view called a"), "{twice}");
    let nothing = Queries::new([]).unwrap_err().to_string();
    assert!(
        nothing.starts_with("00_thresholds.sql: is missing"),
        "{nothing}"
    );
    let computed = (
        "00_thresholds.sql".to_owned(),
        "-- title: T\nSELECT 1 + 1 AS two".to_owned(),
    );
    assert!(
        Queries::new([computed])
            .unwrap_err()
            .to_string()
            .contains("literal AS name")
    );
}

#[test]
fn a_folder_is_read_by_name_and_an_empty_one_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let told = Queries::folder(folder.path()).unwrap_err().to_string();
    assert!(told.contains("holds no .sql files"), "{told}");
    for (name, text) in [
        ("20_b.sql", "-- title: B\nSELECT * FROM a"),
        ("10_a.sql", "-- title: A\nSELECT * FROM signins"),
        ("00_thresholds.sql", NUMBERS),
        (".10_c.sql", "not a query"),
        ("README.md", "not a query"),
    ] {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    let queries = Queries::folder(folder.path()).unwrap();
    let names: Vec<_> = queries
        .list()
        .iter()
        .map(|query| query.name.as_str())
        .collect();
    assert_eq!(names, ["thresholds", "a", "b"]);
    let told = Queries::folder(&folder.path().join("gone"))
        .unwrap_err()
        .to_string();
    assert!(told.contains("gone"), "{told}");
}

#[test]
fn a_view_or_number_that_is_not_there_is_told_with_the_file() {
    let told = |sql: &str| {
        let mut session = session(queries(&[("10_a.sql", sql)]).unwrap());
        run(session.all_views()).unwrap_err().to_string()
    };
    let number = told("SELECT $most AS m FROM signins");
    assert_eq!(number, "10_a.sql: $most is not named in 00_thresholds.sql");
    let column = told("SELECT no_such_column FROM signins");
    assert!(
        column.starts_with("10_a.sql: ") && column.contains("no_such_column"),
        "{column}"
    );
}

#[test]
fn a_number_is_filled_in_wherever_it_stands() {
    let sql = "SELECT * FROM (SELECT $least AS a) WHERE a IN (SELECT $least) AND $strict
        ORDER BY a + $least";
    let mut session = session(queries(&[("10_a.sql", sql)]).unwrap());
    let rows = answer(&mut session, "SELECT a FROM a");
    assert_eq!(
        rows[0].column(0).as_primitive::<Int64Type>(),
        &Int64Array::from(vec![5])
    );
}

#[test]
fn each_kind_of_number_is_set_as_people_write_it() {
    let mut queries = queries(&[("10_a.sql", "SELECT * FROM thresholds")]).unwrap();
    assert!(
        queries
            .thresholds()
            .iter()
            .all(|threshold| !threshold.is_overridden())
    );
    for (name, value, sql) in [
        ("least", "8", "8"),
        ("share", "2", "2.0"),
        ("share", "0.25", "0.25"),
        ("gap", "90s", "INTERVAL '90000000 microseconds'"),
        ("gap", "1d", "INTERVAL '86400000000 microseconds'"),
        ("gap", "1h30m", "INTERVAL '5400000000 microseconds'"),
        ("strict", "false", "false"),
    ] {
        queries.set(name, value).unwrap();
        let set = queries
            .thresholds()
            .iter()
            .find(|threshold| threshold.name == name)
            .unwrap();
        assert_eq!(set.value(), sql);
        assert!(set.is_overridden());
    }
    let mut session = session(queries);
    let rows = pretty_format_batches(&answer(&mut session, "SELECT * FROM a"))
        .unwrap()
        .to_string();
    assert!(
        rows.contains("| 8 ") && rows.contains("0.25") && rows.contains("false"),
        "{rows}"
    );
}

#[test]
fn a_value_of_another_kind_is_refused_with_the_default() {
    let mut queries = queries(&[]).unwrap();
    for (name, value, wanted) in [
        ("least", "many", "a whole number"),
        ("least", "1.5", "a whole number"),
        ("least", "-1", "a whole number"),
        ("least", "5; DROP TABLE signins", "a whole number"),
        ("share", "half", "a number"),
        ("share", "-0.1", "from zero up"),
        ("share", "inf", "from zero up"),
        ("share", "NaN", "from zero up"),
        ("gap", "20", "a length of time"),
        ("gap", "0s", "above zero"),
        ("gap", "1 month", "a length of time"),
        ("gap", "-5m", "above zero"),
        ("gap", "1 minute' OR '1'='1", "a length of time"),
        ("strict", "yes", "true or false"),
        ("word", "y", "cannot be set"),
    ] {
        let before = queries.thresholds().to_vec();
        let told = queries.set(name, value).unwrap_err().to_string();
        assert!(
            told.starts_with(&format!("--set {name}={value}: ")),
            "{told}"
        );
        assert!(told.contains(wanted), "{told}");
        let values = |of: &[Threshold]| of.iter().map(Threshold::value).collect::<Vec<_>>();
        assert_eq!(
            values(queries.thresholds()),
            values(&before),
            "nothing is half set"
        );
    }
    let told = queries.set("nonsense", "1").unwrap_err().to_string();
    assert!(
        told.starts_with("--set nonsense: there is no such threshold"),
        "{told}"
    );
}

#[test]
fn a_closure_is_what_a_view_needs_and_no_more() {
    let queries = queries(&[
        ("10_a.sql", "SELECT * FROM signins"),
        ("20_b.sql", "SELECT * FROM a"),
        ("30_other.sql", "SELECT * FROM a"),
        ("40_c.sql", CAUSE),
        ("70_verdicts.sql", "SELECT * FROM claims"),
        ("80_last.sql", "SELECT * FROM b, thresholds"),
    ])
    .unwrap();
    assert_eq!(queries.closure(&names(&["signins"])), names(&["signins"]));
    let last = names(&["last", "b", "a", "thresholds", "signins"]);
    assert_eq!(queries.closure(&names(&["last"])), last);
    let verdicts = names(&["verdicts", "claims", "causes", "c", "signins"]);
    assert_eq!(queries.closure(&names(&["verdicts"])), verdicts);
    assert!(queries.closure(&names(&["causes"])).contains("c"));
    assert!(
        queries
            .closure(&names(&["no such view"]))
            .contains("no such view")
    );
}

#[test]
fn rows_go_when_nobody_waits_for_them_and_come_again_when_they_are_asked_for() {
    let mut session = session(
        queries(&[
            (
                "10_first.sql",
                "-- keep: yes\nSELECT count(*) AS n FROM signins",
            ),
            ("20_plain.sql", "SELECT n + 1 AS n FROM first"),
            (
                "30_second.sql",
                "-- keep: yes\nSELECT n + 1 AS n FROM plain",
            ),
            (
                "40_third.sql",
                "-- keep: yes\nSELECT s.n + f.n AS n FROM second AS s CROSS JOIN first AS f",
            ),
        ])
        .unwrap(),
    );
    let progress = Progress::default();
    run(session.provide_last(&names(&["third"]), &progress)).unwrap();
    let rows = |session: &Session, name| {
        let rows = session.rows(name).unwrap();
        rows.map(|rows| rows.unwrap().num_rows()).sum::<usize>()
    };
    let left = ["first", "second", "third"].map(|name| rows(&session, name));
    assert_eq!(left, [0, 0, 1]);
    let n = answer(&mut session, "SELECT n FROM second");
    assert_eq!(n[0].column(0).as_primitive::<Int64Type>().value(0), 5);
}

#[test]
fn a_header_tells_rows_apart_by_columns_that_are_there() {
    let told = |header: &str, sql: &str| {
        let text = format!("{header}\n{sql}");
        match queries(&[("10_first.sql", &text)]) {
            Ok(queries) => run(session(queries).all_views()).map_err(|error| error.to_string()),
            Err(error) => Err(error.to_string()),
        }
    };
    let keep = "-- keep: yes\n-- only: error_code is not 0\n-- by: user_id = user_id";
    let users = "SELECT s.user_id, s.asn FROM signins AS s";
    assert_eq!(told(keep, users), Ok(()));
    for (header, sql, why) in [
        (
            keep,
            "SELECT s.asn FROM signins AS s",
            "10_first.sql: by: it has no user_id of text or BIGINT",
        ),
        (
            keep,
            "SELECT s.asn AS user_id FROM signins AS s",
            "by: user_id cannot have the values of user_id of signins",
        ),
        (
            keep,
            "SELECT s.time AS user_id FROM signins AS s",
            "it has no user_id of text or BIGINT",
        ),
        (
            "-- keep: yes\n-- by: user_id = user_id",
            users,
            "`only` is needed",
        ),
        (
            "-- keep: yes\n-- only: asn is not 0\n-- by: user_id",
            users,
            "each column needs",
        ),
        (
            "-- keep: yes\n-- by: user_id = colour",
            users,
            "by: signins has no column colour",
        ),
        ("-- by: user_id = user_id", users, "by needs keep: yes"),
        (
            "-- fold: yes\n-- by: user_id = user_id",
            users,
            "does not go with fold",
        ),
    ] {
        let told = told(header, sql).unwrap_err();
        assert!(told.contains(why), "{told}");
    }
}

#[test]
fn a_header_asks_only_for_what_is_there() {
    let only = |only: &str| {
        let second =
            format!("-- keep: yes\n-- only: {only}\nSELECT f.n FROM first AS f CROSS JOIN signins");
        queries(&[
            (
                "10_first.sql",
                "-- keep: yes\nSELECT count(*) AS n FROM signins",
            ),
            ("20_second.sql", &second),
        ])
    };
    let told = |text: &str| match only(text) {
        Ok(queries) => run(session(queries).all_views()).unwrap_err().to_string(),
        Err(error) => error.to_string(),
    };
    assert!(run(session(only("user_id = n of first").unwrap()).all_views()).is_ok());
    for (wrong, why) in [
        (
            "colour is not 0",
            "20_second.sql: only: signins has no column colour",
        ),
        (
            "user_id = n of third",
            "third is no stored view that this query reads",
        ),
        ("user_id = m of first", "first has no column m"),
    ] {
        assert!(told(wrong).contains(why), "{}", told(wrong));
    }
}

#[test]
fn claims_and_causes_are_made_of_the_files() {
    let mut session = session(queries(&[("40_c.sql", CAUSE)]).unwrap());
    let rows = answer(
        &mut session,
        "SELECT cause, causes.rank, refusal_no, title, severity, attack, technique, explanation
         FROM claims JOIN causes USING (cause)",
    );
    let shown = pretty_format_batches(&rows).unwrap().to_string();
    let row =
        "| clumsiness | 1    | b          | T     | low      | false  | T1110     | E           |";
    assert!(shown.contains(row), "{shown}");
}

#[test]
fn a_view_that_is_kept_is_made_once() {
    // uuid() gives another value each time it runs, so equal values show that it ran once.
    let same = |header: &str| {
        let mut session = session(
            queries(&[
                (
                    "10_a.sql",
                    &format!("{header}SELECT sign_in_id, uuid() AS drawn FROM signins"),
                ),
                ("20_b.sql", "SELECT * FROM a"),
                ("30_c.sql", "SELECT * FROM a"),
            ])
            .unwrap(),
        );
        let drawn = |session: &mut Session, sql: &str| {
            let rows = answer(session, sql);
            pretty_format_batches(&rows).unwrap().to_string()
        };
        let b = drawn(&mut session, "SELECT * FROM b ORDER BY 1");
        let c = drawn(&mut session, "SELECT * FROM c ORDER BY 1");
        let stored = session
            .rows("a")
            .unwrap()
            .map(|batch| batch.unwrap().num_rows())
            .sum();
        (b == c, stored)
    };
    assert_eq!(same("-- keep: yes\n"), (true, 3));
    assert_eq!(same("-- result: anything\n"), (true, 3));
    assert_eq!(same("-- keep: no\n"), (false, 0_usize));
}

#[test]
fn only_the_columns_that_are_read_are_decoded() {
    let columns = |queries: &Queries, names: &BTreeSet<String>, sql: Option<&str>| {
        let statement = sql.map(statement);
        let mut session = session(queries.clone());
        run(async {
            session.plan(names).await.unwrap();
            session
                .needs(names, statement.as_ref())
                .await
                .unwrap()
                .columns
        })
    };
    let of = |sql: &str| {
        let queries = queries(&[
            ("10_a.sql", "SELECT user_id, city, error_code FROM signins"),
            (
                "20_b.sql",
                "-- keep: yes\nSELECT user_id, country FROM signins",
            ),
        ]);
        let tables = Session::tables(&statement(sql)).unwrap();
        columns(&queries.unwrap(), &tables, Some(sql))
    };
    let refusals = "SELECT count(*) FROM signins WHERE error_code = 50053";
    assert_eq!(of(refusals), Columns::of(["error_code"]));
    assert_eq!(of("SELECT 1"), Columns::of([]));
    assert_eq!(of("SELECT * FROM signins"), Columns::ALL);
    assert_eq!(
        of("SELECT city FROM a WHERE error_code = 0"),
        Columns::of(["city", "error_code"])
    );
    assert_eq!(
        of("SELECT user_id FROM b"),
        Columns::of(["user_id", "country"]),
        "b is stored"
    );
    let within = "SELECT 1 WHERE EXISTS (SELECT asn FROM signins WHERE asn > 5)";
    assert_eq!(of(within), Columns::of(["asn"]), "sub-queries count");

    let builtin = Queries::builtin().unwrap();
    let refused = columns(
        &builtin,
        &names(&["refusals"]),
        Some("SELECT * FROM refusals"),
    );
    let position = |name: &str| crate::signin::schema().index_of(name).unwrap();
    assert!(refused.contains(position("stated_reason")));
    assert!(
        !refused.contains(position("latitude")) && !refused.contains(position("device_browser"))
    );
}

#[test]
fn what_does_not_fit_its_share_of_memory_takes_what_is_free() {
    // Eight sorts one after another, each of wider rows than the one before: an eighth of the memory is too little for the last.
    let sorts = (0..8).map(|nth| {
        format!(", lag(t) OVER (ORDER BY concat(sign_in_id, '{nth}')) IS NULL AS first_{nth}")
    });
    let sql = format!(
        "WITH wide AS (SELECT sign_in_id, repeat('x', 400000) AS t FROM signins) SELECT *{} FROM wide",
        sorts.collect::<String>()
    );
    let pool = FairSpillPool::new(32 << 20);
    let runtime = RuntimeEnvBuilder::new().with_memory_pool(Arc::new(pool));
    let context = session_context(session_config(), runtime.build_arc().unwrap());
    let sorted = format!("-- keep: yes\n{sql}");
    let queries = queries(&[("10_sorted.sql", &sorted)]).unwrap();
    let mut session = session_in(context, queries);
    let fair = session.context().clone();
    let refused = run(async { fair.sql(&sql).await.unwrap().collect().await });
    let refused = refused.unwrap_err().to_string();
    assert!(refused.contains("fair("), "{refused}");
    let rows = answer(&mut session, "SELECT count(*) FROM sorted WHERE first_7");
    assert_eq!(rows[0].column(0).as_primitive::<Int64Type>().value(0), 1);
    // What was typed is run again too.
    let mut session = session_in(fair, Queries::builtin().unwrap());
    let rows = answer(&mut session, &sql);
    let last = rows
        .iter()
        .map(|rows| rows.column_by_name("first_7").unwrap());
    let firsts: usize = last.map(|last| last.as_boolean().true_count()).sum();
    assert_eq!(firsts, 1);
}
