//! Every view on rows made up for it: `tests/queries/*.slt` in the format of sqllogictest, each file
//! over an empty `signins` of its own. `SLT_FILTER=spray cargo test queries` runs those whose name
//! holds "spray".

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use arrow::array::{Array, ArrayRef};
use arrow::datatypes::DataType;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use datafusion::datasource::MemTable;
use datafusion::error::DataFusionError;
use datafusion::prelude::SessionContext;
use signsift::queries::{Queries, Session};
use sqllogictest::{DB, DBOutput, DefaultColumnType, Runner, strict_column_validator};

use super::support::root;

/// Views on views make deep plans, and debug builds large frames.
const STACK: usize = 64 << 20;

struct Database {
    session: Session,
    runtime: Arc<tokio::runtime::Runtime>,
}

impl Database {
    fn new() -> Database {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let config = signsift::engine::session_config().with_target_partitions(2);
        let context = SessionContext::new_with_config(config);
        let signins = MemTable::try_new(signsift::signin::schema(), vec![vec![]]).unwrap();
        // From the folder: a changed query needs no build. Another test holds that all are built in.
        let queries = Queries::folder(&root().join("queries")).unwrap();
        let session =
            Session::new(context, Arc::new(signins), queries, &std::env::temp_dir()).unwrap();
        runtime.block_on(session.all_views()).unwrap();
        Database { session, runtime: Arc::new(runtime) }
    }
}

impl DB for Database {
    type Error = DataFusionError;
    type ColumnType = DefaultColumnType;

    fn run(&mut self, sql: &str) -> Result<DBOutput<DefaultColumnType>, DataFusionError> {
        let batches = self.runtime.block_on(async {
            let frame = self.session.context().sql(sql).await?;
            let schema = Arc::clone(frame.schema().inner());
            Ok::<_, DataFusionError>((schema, frame.collect().await?))
        });
        let (schema, batches) = batches?;
        if schema.fields().is_empty() {
            return Ok(DBOutput::StatementComplete(0));
        }
        let types = schema.fields().iter().map(|field| kind(field.data_type())).collect();
        let mut rows = Vec::new();
        for batch in batches {
            for row in 0..batch.num_rows() {
                rows.push(batch.columns().iter().map(|column| shown(column, row)).collect());
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
    let mut database = Some(Database::new());
    let mut runner = Runner::new(|| {
        let database = database.take();
        async { database.ok_or_else(|| DataFusionError::Plan("one connection only".to_owned())) }
    });
    runner.with_column_validator(strict_column_validator);
    runner.run_file(file).map_err(|error| error.display(false).to_string())
}

#[test]
fn every_view_does_what_its_rows_say() {
    let filter = std::env::var("SLT_FILTER").unwrap_or_default();
    let mut files: Vec<PathBuf> = std::fs::read_dir(root().join("tests/queries"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "slt"))
        .filter(|path| path.file_name().unwrap().to_string_lossy().contains(&filter))
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
                        failures.lock().unwrap().push(format!("{}\n{why}", file.display()));
                    }
                }
            };
            std::thread::Builder::new().stack_size(STACK).spawn_scoped(scope, work).unwrap();
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
