//! Every view on rows made up for it: `tests/queries/*.slt` in the format of sqllogictest, each file
//! over an empty `signins` of its own. `SLT_FILTER=spray cargo test queries` runs those whose name
//! holds "spray". With `SLT_UPDATE=1` what came out is written into the files: read the difference.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use arrow::array::{Array, ArrayRef};
use arrow::datatypes::DataType;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use datafusion::catalog::TableProvider;
use datafusion::datasource::MemTable;
use datafusion::error::DataFusionError;
use datafusion::prelude::SessionContext;
use datafusion::sql::parser::{DFParser, Statement};
use datafusion::sql::sqlparser::ast::Statement as Sql;
use futures::TryStreamExt;
use signsift::progress::Progress;
use signsift::queries::{Queries, SIGNINS, Session};
use sqllogictest::{
    DB, DBOutput, DefaultColumnType, Runner, default_normalizer, default_validator,
    strict_column_validator,
};

use super::support::root;

/// Views on views make deep plans, and debug builds large frames.
const STACK: usize = 64 << 20;

struct Database {
    runtime: tokio::runtime::Runtime,
    context: SessionContext,
    signins: Arc<MemTable>,
    session: Session,
    /// A table has changed since the session got its rows.
    changed: bool,
}

impl Database {
    fn new() -> Database {
        let schema = signsift::signin::schema();
        let signins = Arc::new(MemTable::try_new(schema, vec![vec![]]).unwrap());
        let config = signsift::engine::session_config().with_target_partitions(2);
        let context = signsift::engine::session_context(config, Arc::default());
        // From the folder: a changed query needs no build. Another test holds that all of them are built in.
        let queries = Queries::folder(&root().join("queries")).unwrap();
        let session = Session::new(context.clone(), queries, &std::env::temp_dir()).unwrap();
        // Statements that change it change this one; the views get it again before they are asked.
        context.deregister_table(SIGNINS).unwrap();
        context
            .register_table(SIGNINS, Arc::clone(&signins) as Arc<dyn TableProvider>)
            .unwrap();
        Database {
            runtime: tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap(),
            context,
            signins,
            session,
            changed: true,
        }
    }
}

impl DB for Database {
    type Error = signsift::Error;
    type ColumnType = DefaultColumnType;

    fn run(&mut self, sql: &str) -> Result<DBOutput<DefaultColumnType>, signsift::Error> {
        let failed = |source: DataFusionError| signsift::Error::Query {
            name: "query".to_owned(),
            source,
        };
        let mut statements = DFParser::parse_sql(sql).map_err(failed)?;
        let statement = statements.pop_front().unwrap();
        let asks =
            matches!(&statement, Statement::Statement(sql) if matches!(**sql, Sql::Query(_)));
        let (runtime, progress) = (&self.runtime, Progress::default());
        let session = &mut self.session;
        if std::mem::take(&mut self.changed) {
            let signins = Arc::clone(&self.signins) as Arc<dyn TableProvider>;
            // So many that queries run on several threads.
            session.fill(signins, usize::MAX, 8192);
        }
        if !asks {
            let names = Session::tables(&statement)?;
            runtime.block_on(session.provide(&names, &progress))?;
            let changed = async { self.context.sql(sql).await?.collect().await };
            runtime.block_on(changed).map_err(failed)?;
            self.changed = true;
            return Ok(DBOutput::StatementComplete(0));
        }
        let rows = runtime.block_on(session.answer(statement, &progress))?;
        let schema = rows.schema();
        let batches = runtime
            .block_on(rows.try_collect::<Vec<_>>())
            .map_err(failed)?;
        let types = schema
            .fields()
            .iter()
            .map(|field| kind(field.data_type()))
            .collect();
        let mut rows = Vec::new();
        for batch in batches {
            for row in 0..batch.num_rows() {
                rows.push(
                    batch
                        .columns()
                        .iter()
                        .map(|column| shown(column, row))
                        .collect(),
                );
            }
        }
        Ok(DBOutput::Rows { types, rows })
    }
}

fn kind(data_type: &DataType) -> DefaultColumnType {
    match data_type {
        _ if data_type.is_integer() => DefaultColumnType::Integer,
        _ if data_type.is_floating() => DefaultColumnType::FloatingPoint,
        _ => DefaultColumnType::Text,
    }
}

/// One value: NULL, (empty), or as Arrow shows it.
fn shown(column: &ArrayRef, row: usize) -> String {
    if column.is_null(row) {
        return "NULL".to_owned();
    }
    let formatter = ArrayFormatter::try_new(column.as_ref(), &FormatOptions::default()).unwrap();
    match formatter.value(row).to_string() {
        empty if empty.is_empty() => "(empty)".to_owned(),
        text => text,
    }
}

fn run(file: &Path) -> Result<(), String> {
    let mut runner = Runner::new(|| async { Ok(Database::new()) });
    runner.with_column_validator(strict_column_validator);
    if std::env::var_os("SLT_UPDATE").is_some() {
        let updated = runner.update_test_file(
            file,
            " ",
            default_validator,
            default_normalizer,
            strict_column_validator,
        );
        return futures::executor::block_on(updated).map_err(|error| error.to_string());
    }
    runner
        .run_file(file)
        .map_err(|error| error.display(false).to_string())
}

#[test]
fn every_view_does_what_its_rows_say() {
    let filter = std::env::var("SLT_FILTER").unwrap_or_default();
    let mut files: Vec<PathBuf> = std::fs::read_dir(root().join("tests/queries"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "slt"))
        .filter(|path| {
            path.file_name()
                .unwrap()
                .to_string_lossy()
                .contains(&filter)
        })
        .collect();
    files.sort();
    assert!(!files.is_empty(), "no file has {filter:?} in its name");
    let next = AtomicUsize::new(0);
    let failures = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        let cores = std::thread::available_parallelism().map_or(2, usize::from);
        for _ in 0..cores {
            let work = || {
                while let Some(file) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if let Err(why) = run(file) {
                        failures
                            .lock()
                            .unwrap()
                            .push(format!("{}\n{why}", file.display()));
                    }
                }
            };
            std::thread::Builder::new()
                .stack_size(STACK)
                .spawn_scoped(scope, work)
                .unwrap();
        }
    });
    let failures = failures.into_inner().unwrap();
    assert!(
        failures.is_empty(),
        "{} of {} files fail\n\n{}",
        failures.len(),
        files.len(),
        failures.join("\n\n")
    );
}
