//! The command `sql`: statements from wherever they were given, rows to wherever they are wanted.

use std::io::{self, BufWriter, IsTerminal, Read, Write};
use std::path::Path;
use std::sync::Arc;

use datafusion::sql::parser::{DFParser, Statement};
use futures::StreamExt;
use signsift::batch;
use signsift::cli::settings::Config;
use signsift::cli::{Global, Sql, SqlFormat};
use signsift::engine::Engine;
use signsift::progress::Progress;
use signsift::queries::{SIGNINS, Session, VIPS};
use signsift::results::escape::cells;
use signsift::results::{Format, RowWriter};
use signsift::{Error, Result};

use super::{code, complain, new_table, note, output, setting};
use crate::bar::Bar;
use crate::prompt;

/// What the rows of a query are written to, as errors call it.
const OUT: &str = "standard output";
/// Rows of a table for people; more are counted.
const TABLE_ROWS: usize = 10_000;

pub(super) fn sql(
    typed: &Sql,
    global: &Global,
    config: &Config,
    progress: &Arc<Progress>,
) -> Result<u8> {
    let (query, inputs) = query_and_inputs(typed)?;
    let statements = query.as_deref().map(parsed).transpose()?;
    let queries = match statements.iter().flatten().all(reads_tables_only) && query.is_some() {
        true => config.thresholds(&typed.deciding)?,
        false => config.queries(&typed.deciding)?,
    };
    let mut settings = config.settings(
        inputs.clone(),
        global,
        &typed.reading,
        queries,
        typed.out.as_deref(),
    )?;
    settings.context = config.context(&typed.knowing, Some(&typed.important))?;
    let quiet = config.is_quiet(global);
    let Some(statements) = statements else {
        let bar = Bar::watch(progress, quiet);
        let (engine, session, coverage) = batch::open(&settings, None, progress)?;
        drop(bar);
        complain(&coverage)?;
        prompt::run(
            engine,
            session,
            typed.format.unwrap_or(SqlFormat::Table),
            progress,
        )?;
        return Ok(code(&coverage));
    };
    // What can't be written is said before anything is read.
    let format = typed.format.unwrap_or(match &typed.out {
        Some(path) => format_of(path),
        None => SqlFormat::Table,
    });
    if format == SqlFormat::Parquet {
        if typed.out.is_none() && io::stdout().is_terminal() {
            return Err(setting(
                "--format parquet",
                "is not for a terminal; name a file with --out",
            ));
        }
        if statements.len() > 1 {
            return Err(setting(
                "--format parquet",
                "holds the rows of one query, not of several",
            ));
        }
    }
    let file = typed.out.as_deref().map(Whole::create).transpose()?;
    let bar = Bar::watch(progress, quiet);
    let (engine, mut session, coverage) = batch::open(&settings, Some(&statements), progress)?;
    drop(bar);
    complain(&coverage)?;
    match file {
        None => {
            for statement in statements {
                answer(
                    &engine,
                    &mut session,
                    statement,
                    format,
                    io::stdout(),
                    progress,
                )?;
            }
        }
        Some(mut file) => {
            for statement in statements {
                let answered = answer(
                    &engine,
                    &mut session,
                    statement,
                    format,
                    &mut file.file,
                    progress,
                );
                answered.map_err(|error| match error {
                    Error::Output { source } => file.failed(source),
                    other => other,
                })?;
            }
            file.commit()?;
        }
    }
    engine.leave(session);
    Ok(code(&coverage))
}

fn parsed(query: &str) -> Result<Vec<Statement>> {
    let statements = DFParser::parse_sql(query).map_err(|source| Error::Query {
        name: "query".to_owned(),
        source,
    })?;
    Ok(statements.into())
}

/// Whether a statement is a query that names no view.
fn reads_tables_only(statement: &Statement) -> bool {
    let is_table = |name: &String| [SIGNINS, VIPS].contains(&name.as_str());
    Session::is_query(statement)
        && Session::tables(statement).is_ok_and(|names| names.iter().all(is_table))
}

/// Splits the arguments: a query, unless one came by `-f` or the first argument is an input.
fn query_and_inputs(typed: &Sql) -> Result<(Option<String>, Vec<String>)> {
    let mut inputs = typed.arguments.clone();
    let is_input = |text: &str| {
        text == "-"
            || Path::new(text).exists()
            || (!text.contains(' ') && text.contains(['*', '/']))
    };
    let query = match &typed.file {
        Some(path) => Some(std::fs::read_to_string(path).map_err(|source| Error::Read {
            path: path.clone(),
            source,
        })?),
        None if !is_input(&inputs[0]) => Some(inputs.remove(0)),
        None => None,
    };
    if inputs.is_empty() {
        return Err(setting(
            "INPUT",
            "is missing: name the logs after the query",
        ));
    }
    let data_on_stdin = inputs.iter().any(|input| input == "-");
    match query {
        Some(query) => Ok((Some(query), inputs)),
        None if data_on_stdin => Err(setting(
            "-",
            "standard input is data here, so the query must be typed or come with -f",
        )),
        None if io::stdin().is_terminal() => Ok((None, inputs)),
        None => {
            let mut query = String::new();
            io::stdin()
                .read_to_string(&mut query)
                .map_err(|source| Error::Read {
                    path: "standard input".into(),
                    source,
                })?;
            Ok((Some(query), inputs))
        }
    }
}

fn format_of(path: &Path) -> SqlFormat {
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("parquet") => SqlFormat::Parquet,
        Some("csv") => SqlFormat::Csv,
        Some("json" | "ndjson" | "jsonl") => SqlFormat::Json,
        _ => SqlFormat::Table,
    }
}

/// Runs one statement and writes its rows.
pub(crate) fn answer(
    engine: &Engine,
    session: &mut Session,
    statement: Statement,
    format: SqlFormat,
    out: impl Write + Send,
    progress: &Progress,
) -> Result<()> {
    let mut rows = engine.query(session.answer(statement, progress))?;
    let schema = rows.schema();
    let mut next = || {
        let batch = engine.query(rows.next()).transpose();
        batch.map_err(|source| Error::Query {
            name: "query".to_owned(),
            source,
        })
    };
    let mut out = BufWriter::new(out);
    let format = match format {
        SqlFormat::Table => {
            let mut table = new_table(schema.fields().iter().map(|field| field.name().as_str()));
            let (mut shown, mut count) = (0, 0);
            while let Some(batch) = next()? {
                count += batch.num_rows();
                let batch = batch.slice(0, batch.num_rows().min(TABLE_ROWS - shown));
                shown += batch.num_rows();
                let rows = cells(&batch).map_err(|source| Error::Query {
                    name: "query".into(),
                    source: source.into(),
                })?;
                table.add_rows(rows);
            }
            if !schema.fields().is_empty() {
                writeln!(out, "{table}")
                    .and_then(|()| out.flush())
                    .map_err(output)?;
            }
            if count > shown {
                note(&format!(
                    "{} more rows are not shown; use LIMIT, --format or --out",
                    count - shown
                ))?;
            }
            return Ok(());
        }
        SqlFormat::Json => Format::Json,
        SqlFormat::Csv => Format::Csv,
        SqlFormat::Parquet => Format::Parquet,
    };
    let mut writer = RowWriter::new(out, Path::new(OUT), format, schema).map_err(of_output)?;
    while let Some(batch) = next()? {
        writer.write(&batch).map_err(of_output)?;
    }
    writer.finish().map_err(of_output)?.flush().map_err(output)
}

/// A closed pipe is no failure, so it must be told from a file that cannot be written.
fn of_output(error: Error) -> Error {
    match error {
        Error::Write { path, source } if path == Path::new(OUT) => Error::Output { source },
        other => other,
    }
}

/// A file that appears under its name only when it is whole.
pub(super) struct Whole {
    pub(super) file: tempfile::NamedTempFile,
    path: std::path::PathBuf,
}

impl Whole {
    pub(super) fn create(path: &Path) -> Result<Whole> {
        if path.exists() {
            return Err(Error::OutputExists {
                path: path.to_owned(),
            });
        }
        let folder = match path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        let file = tempfile::NamedTempFile::new_in(folder).map_err(|source| Error::Write {
            path: path.to_owned(),
            source,
        })?;
        Ok(Whole {
            file,
            path: path.to_owned(),
        })
    }

    pub(super) fn failed(&self, source: io::Error) -> Error {
        Error::Write {
            path: self.path.clone(),
            source,
        }
    }

    pub(super) fn commit(self) -> Result<()> {
        let synced = self.file.as_file().sync_all();
        synced.map_err(|error| self.failed(error))?;
        let Whole { file, path } = self;
        match file.persist_noclobber(&path) {
            Ok(_) => Ok(()),
            Err(error) => Err(Error::Write {
                path,
                source: error.error,
            }),
        }
    }
}
