//! Archives in, answers out: the order of the stages, once over all inputs, on every core.
//!
//! ```text
//! source ─▶ decode ─▶ store ─▶ signins ─▶ queries ─▶ results
//! ```

mod inputs;
mod signins;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use datafusion::arrow::array::{AsArray, RecordBatch};
use datafusion::arrow::datatypes::Int64Type;
use datafusion::error::DataFusionError;
use datafusion::sql::parser::Statement;
use rayon::iter::{IntoParallelRefIterator, ParallelIterator};

use crate::archive::Purpose;
use crate::context::Context;
use crate::coverage::{Coverage, NotJudged};
use crate::decode::{Keep, Limits};
use crate::engine::{Engine, Resources};
use crate::error::{Error, Result};
use crate::progress::Progress;
use crate::queries::{Codes, Needs, Queries, Session};
use crate::results::{Format, OutFolder, RowWriter};
use crate::signin::Columns;
use crate::source::UnpackLimits;
use crate::store::Store;
use inputs::read_all;
pub(crate) use inputs::read_inputs;
use signins::{Signins, signins, with_settings, write_days};

/// The views whose rows go on the terminal and into coverage.
const SUMMARIES: [&str; 4] = [
    "summary_causes",
    "summary_reasons",
    "not_judged",
    "categories",
];

/// Bytes of rows that an archive in the making keeps in memory: more does not make it quicker (measured at 1 GB of logs).
const CONVERT_ROWS: usize = 16 << 20;

/// Everything that a run needs to know.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Files, folders, globs, or `-`.
    pub inputs: Vec<String>,
    /// Sign-ins to keep.
    pub keep: Keep,
    /// Limits on one record.
    pub limits: Limits,
    /// Limits on what one input unpacks to.
    pub unpack: UnpackLimits,
    /// Whether anything that cannot be read ends the work.
    pub strict: bool,
    /// The queries, with thresholds set.
    pub queries: Queries,
    /// What the analyst knows and the log does not.
    pub context: Arc<Context>,
    /// Threads, memory and the temporary folder.
    pub resources: Resources,
}

/// Where results go.
#[derive(Clone, Debug)]
pub struct Out {
    /// The folder.
    pub folder: PathBuf,
    /// How tables are written.
    pub format: Format,
    /// Whether a folder that signsift wrote may be replaced.
    pub overwrite: bool,
}

/// What `analyze` found.
#[derive(Debug)]
pub struct Analysis {
    /// What was read and what was not.
    pub coverage: Coverage,
    /// All findings, most severe first.
    pub findings: Vec<RecordBatch>,
    /// Findings and refusals by cause.
    pub causes: Vec<RecordBatch>,
    /// Refusals by stated reason.
    pub reasons: Vec<RecordBatch>,
}

/// Analyses the inputs and writes all result tables to `out`, if there is one.
///
/// # Errors
/// Inputs of which none can be read, a query that fails, a folder that cannot be written. Nothing
/// is left under its final name then.
pub fn analyze(settings: &Settings, out: Option<&Out>, progress: &Progress) -> Result<Analysis> {
    let folder = out
        .map(|out| OutFolder::create(&out.folder, out.overwrite))
        .transpose()?;
    let results = results(&settings.queries);
    let mut names: BTreeSet<String> = results.iter().map(|(view, _)| view.clone()).collect();
    names.extend(SUMMARIES.map(str::to_owned));

    let engine = Engine::start(&settings.resources)?;
    let (mut session, Signins { mut coverage, .. }) = read(
        &engine,
        settings,
        "analyze",
        &names,
        settings.queries.columns(),
        progress,
    )?;
    engine.query(session.provide_last(&names, progress))?;
    judge(&session, &mut coverage)?;

    if let (Some(out), Some(folder)) = (out, folder) {
        progress.enter("writing results");
        let write = |(view, table): &(String, String)| {
            write_table(&engine, &session, view, table, folder.path(), out.format)
        };
        engine.decode(|| results.par_iter().try_for_each(write))?;
        folder.write_coverage(&coverage)?;
        progress.check()?;
        folder.commit()?;
    }
    let rows = |view: &str| session.rows(view)?.collect::<Result<Vec<_>>>();
    let analysis = Analysis {
        findings: rows("findings")?,
        causes: rows("summary_causes")?,
        reasons: rows("summary_reasons")?,
        coverage,
    };
    engine.leave(session);
    Ok(analysis)
}

/// Writes the canonical Parquet archive of the inputs.
///
/// # Errors
/// As [`analyze`].
pub fn convert(
    settings: &Settings,
    folder: &Path,
    overwrite: bool,
    progress: &Progress,
) -> Result<Coverage> {
    let folder = OutFolder::create(folder, overwrite)?;
    let engine = Engine::start(&settings.resources)?;
    let budget = engine.rows_budget().min(CONVERT_ROWS);
    let store = Store::new(Columns::ALL, budget, engine.temp());
    let mut inputs = read_all(&engine, settings, Columns::ALL, &store, progress)?;
    progress.enter("writing the archive");
    let days = store.into_days(engine.day_share().min(CONVERT_ROWS / 3 * 2))?;
    let (_, filled) = write_days(
        &engine,
        days,
        Columns::ALL,
        folder.path(),
        &mut inputs,
        &settings.context,
        Purpose::Keeping,
    )?;
    let coverage = with_settings(Coverage::of("convert", inputs), settings, filled);
    folder.write_coverage(&coverage)?;
    progress.check()?;
    folder.commit()?;
    engine.leave(());
    Ok(coverage)
}

/// Opens the inputs for SQL. With a `statement`, only the columns that it needs are decoded;
/// without one (a prompt), all are.
///
/// # Errors
/// As [`analyze`].
pub fn open(
    settings: &Settings,
    statements: Option<&[Statement]>,
    progress: &Progress,
) -> Result<(Engine, Session, Coverage)> {
    let engine = Engine::start(&settings.resources)?;
    let mut session = new_session(&engine, settings)?;
    let needs = match statements {
        None => Needs {
            columns: Columns::ALL,
            codes: Codes::Any,
        },
        Some(statements) => {
            let mut needs = Needs::NONE;
            for statement in statements {
                let names = Session::tables(statement)?;
                engine.query(session.plan(&names))?;
                let more = engine.query(session.needs(&names, Some(statement)))?;
                needs = needs.and(more);
            }
            needs
        }
    };
    let table = signins(&engine, settings, "sql", needs, progress)?;
    table.fill(&mut session);
    Ok((engine, session, table.coverage))
}

/// The rows of one stored view over the inputs, for `command`; only what it needs is read and decided.
///
/// # Errors
/// As [`analyze`].
pub fn view(
    settings: &Settings,
    command: &'static str,
    name: &str,
    progress: &Progress,
) -> Result<(Vec<RecordBatch>, Coverage)> {
    let engine = Engine::start(&settings.resources)?;
    let names = BTreeSet::from([name.to_owned()]);
    let (mut session, table) = read(&engine, settings, command, &names, None, progress)?;
    engine.query(session.provide(&names, progress))?;
    let rows = session.rows(name)?.collect::<Result<Vec<_>>>()?;
    Ok((rows, table.coverage))
}

/// The result tables: (view, name of the table).
fn results(queries: &Queries) -> Vec<(String, String)> {
    queries
        .list()
        .iter()
        .filter_map(|query| Some((query.name.clone(), query.header.result.clone()?)))
        .collect()
}

fn new_session(engine: &Engine, settings: &Settings) -> Result<Session> {
    let queries = settings.queries.clone();
    let session = Session::new(engine.context()?, queries, engine.temp())?;
    session.set_vips(settings.context.vips())?;
    Ok(session)
}

/// Reads the inputs, and plans the views `names` over them: at the same time, if `columns`, which they read, are known
/// without a plan.
fn read(
    engine: &Engine,
    settings: &Settings,
    command: &'static str,
    names: &BTreeSet<String>,
    columns: Option<Columns>,
    progress: &Progress,
) -> Result<(Session, Signins)> {
    let mut session = new_session(engine, settings)?;
    let (mut session, table) = match columns {
        Some(columns) => {
            let names = names.clone();
            let planning = engine.spawn(async move {
                let planned = session.plan(&names).await;
                planned.map(|()| session)
            });
            let needs = Needs {
                columns,
                codes: Codes::Any,
            };
            let table = signins(engine, settings, command, needs, progress)?;
            let planned = engine
                .query(planning)
                .map_err(|error| Error::query("query")(DataFusionError::External(error.into())))?;
            (planned?, table)
        }
        None => {
            engine.query(session.plan(names))?;
            let needs = engine.query(session.needs(names, None))?;
            let table = signins(engine, settings, command, needs, progress)?;
            (session, table)
        }
    };
    table.fill(&mut session);
    Ok((session, table))
}

/// Adds to coverage what the queries say of it: the tables present, and what could not be judged.
fn judge(session: &Session, coverage: &mut Coverage) -> Result<()> {
    for batch in session.rows("categories")? {
        let batch = batch?;
        let counts = batch.column(1).as_primitive::<Int64Type>();
        for (category, count) in batch.column(0).as_string::<i32>().iter().zip(counts) {
            let category = category.unwrap_or("unknown").to_owned();
            coverage
                .categories
                .insert(category, count.unwrap_or_default() as u64);
        }
    }
    for batch in session.rows("not_judged")? {
        let batch = batch?;
        let whys = batch.column(1).as_string::<i32>();
        for (what, why) in batch.column(0).as_string::<i32>().iter().zip(whys) {
            coverage.not_judged.push(NotJudged {
                what: what.unwrap_or_default().to_owned(),
                why: why.unwrap_or_default().to_owned(),
            });
        }
    }
    Ok(())
}

fn write_table(
    engine: &Engine,
    session: &Session,
    view: &str,
    table: &str,
    folder: &Path,
    format: Format,
) -> Result<()> {
    let provider = engine
        .query(session.context().table_provider(view))
        .map_err(Error::query(view))?;
    let schema = provider.schema();
    let mut writer = RowWriter::file(folder, table, format, schema)?;
    for batch in session.rows(view)? {
        writer.write(&batch?)?;
    }
    writer.close()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_columns_that_are_written_down_are_those_that_the_queries_read() {
        let queries = Queries::builtin().unwrap();
        let mut names: BTreeSet<String> = results(&queries).into_iter().map(|it| it.0).collect();
        names.extend(SUMMARIES.map(str::to_owned));
        let engine = Engine::start(&Resources {
            threads: 2,
            memory: 1 << 28,
            temp: std::env::temp_dir(),
        })
        .unwrap();
        let context = engine.context().unwrap();
        let mut session = Session::new(context, queries.clone(), engine.temp()).unwrap();
        engine.query(session.plan(&names)).unwrap();
        let needs = engine.query(session.needs(&names, None)).unwrap();
        let list = |columns: Columns| {
            let schema = columns.schema();
            let names = schema.fields().iter().map(|field| field.name().clone());
            names.collect::<Vec<_>>()
        };
        assert_eq!(queries.columns().map(list), Some(list(needs.columns)));
    }
}
