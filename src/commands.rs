//! One function a command: settings in, data on stdout, words for people on stderr, an exit code.

use std::collections::BTreeMap;
use std::io::{self, BufWriter, IsTerminal, Read, Write};
use std::path::Path;
use std::sync::Arc;

use clap::CommandFactory;
use comfy_table::{ContentArrangement, Table, presets};
use datafusion::arrow::array::AsArray;
use datafusion::datasource::empty::EmptyTable;
use datafusion::sql::parser::{DFParser, Statement};
use futures::StreamExt;
use signsift::batch::{self, Analysis, Out};
use signsift::cli::settings::Config;
use signsift::cli::{
    Analyze, Cli, Command, Convert, Global, QueriesCommand, SchemaCommand, Severity, Sql, SqlFormat,
};
use signsift::coverage::{Coverage, Input, Status};
use signsift::decode::{DIALECTS, Framing};
use signsift::engine::Engine;
use signsift::progress::Progress;
use signsift::queries::{Queries, Session};
use signsift::results::escape::{cells, terminal};
use signsift::results::report::{self, Style};
use signsift::results::{Format, RowWriter};
use signsift::{Error, Result, signin};

use crate::bar::Bar;
use crate::{DONE, FOUND, LOSSY, prompt};

/// Inputs with trouble that are named one by one.
const COMPLAINTS: usize = 10;
/// Rows of a table for people; more are counted.
const TABLE_ROWS: usize = 10_000;

/// Runs what was typed.
pub fn run(cli: Cli, progress: &Arc<Progress>) -> Result<u8> {
    let config = Config::load(cli.global.config.as_deref())?;
    match cli.command {
        Command::Analyze(typed) => analyze(&typed, &cli.global, &config, progress),
        Command::Convert(typed) => convert(&typed, &cli.global, &config, progress),
        Command::Sql(typed) => sql(&typed, &cli.global, &config, progress),
        Command::Spellings => spellings(),
        Command::Queries(typed) => queries(&typed, &config),
        Command::Schema(typed) => schema(&typed, &config),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "signsift", &mut script);
            print(&script)
        }
        Command::Man => {
            let mut page = Vec::new();
            clap_mangen::Man::new(Cli::command()).render(&mut page).map_err(output)?;
            for command in Cli::command().get_subcommands() {
                let command = command.clone().display_name(format!("signsift {}", command.get_name()));
                clap_mangen::Man::new(command).render(&mut page).map_err(output)?;
            }
            print(&page)
        }
    }
}

fn analyze(typed: &Analyze, global: &Global, config: &Config, progress: &Arc<Progress>) -> Result<u8> {
    let quiet = config.is_quiet(global);
    let (format, fail_on, top) = config.presentation(typed);
    let queries = config.queries(&typed.deciding)?;
    let out = typed.out.as_ref();
    let settings = config.settings(
        typed.inputs.clone(),
        global,
        &typed.reading,
        queries,
        out.map(|out| out.as_path()),
    )?;
    let out = out.map(|folder| Out { folder: folder.clone(), format, overwrite: typed.overwrite });
    let bar = Bar::watch(progress, quiet);
    let analysis = batch::analyze(&settings, out.as_ref(), progress)?;
    drop(bar);
    complain(&analysis.coverage)?;
    if !quiet {
        let colour = io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
        let summary = report::summary(&analysis, Style { colour, top, width: width() })?;
        print(summary.as_bytes())?;
        if let Some(out) = &out {
            say(&format!("results are in {}", out.folder.display()))?;
        }
    }
    Ok(match fail_on {
        Some(least) if worst(&analysis) >= Some(least) => FOUND,
        _ => code(&analysis.coverage),
    })
}

fn convert(typed: &Convert, global: &Global, config: &Config, progress: &Arc<Progress>) -> Result<u8> {
    let quiet = config.is_quiet(global);
    let settings = config.settings(
        typed.inputs.clone(),
        global,
        &typed.reading,
        Queries::builtin()?,
        Some(&typed.out),
    )?;
    let bar = Bar::watch(progress, quiet);
    let coverage = batch::convert(&settings, &typed.out, typed.overwrite, progress)?;
    drop(bar);
    complain(&coverage)?;
    if !quiet {
        let totals = &coverage.totals;
        say(&format!(
            "{} sign-ins ({} duplicates removed) of {} inputs are in {}",
            totals.distinct,
            totals.duplicates,
            totals.inputs - totals.inputs_left_out,
            typed.out.display()
        ))?;
    }
    Ok(code(&coverage))
}

fn sql(typed: &Sql, global: &Global, config: &Config, progress: &Arc<Progress>) -> Result<u8> {
    let (query, inputs) = query_and_inputs(typed)?;
    let queries = config.queries(&typed.deciding)?;
    let settings =
        config.settings(inputs.clone(), global, &typed.reading, queries, typed.out.as_deref())?;
    let quiet = config.is_quiet(global);
    let Some(query) = query else {
        let bar = Bar::watch(progress, quiet);
        let (engine, session, coverage) = batch::open(&settings, None, progress)?;
        drop(bar);
        complain(&coverage)?;
        prompt::run(engine, session, typed.format.unwrap_or(SqlFormat::Table), progress)?;
        return Ok(code(&coverage));
    };
    let statements: Vec<Statement> = DFParser::parse_sql(&query)
        .map_err(|source| Error::Query { name: "query".to_owned(), source })?
        .into();
    let bar = Bar::watch(progress, quiet);
    let (engine, mut session, coverage) = batch::open(&settings, Some(&statements), progress)?;
    drop(bar);
    complain(&coverage)?;
    let format = typed.format.unwrap_or(match &typed.out {
        Some(path) => format_of(path),
        None => SqlFormat::Table,
    });
    if format == SqlFormat::Parquet {
        if typed.out.is_none() && io::stdout().is_terminal() {
            return Err(setting("--format parquet", "is not for a terminal; name a file with --out"));
        }
        if statements.len() > 1 {
            return Err(setting("--format parquet", "holds the rows of one query, not of several"));
        }
    }
    match &typed.out {
        None => {
            for statement in statements {
                answer(&engine, &mut session, statement, format, io::stdout(), progress)?;
            }
        }
        Some(path) => {
            let mut file = Whole::create(path)?;
            for statement in statements {
                answer(&engine, &mut session, statement, format, &mut file.file, progress)?;
            }
            file.commit()?;
        }
    }
    Ok(code(&coverage))
}

/// Splits the arguments: a query, unless one came by `-f` or the first argument is an input.
fn query_and_inputs(typed: &Sql) -> Result<(Option<String>, Vec<String>)> {
    let mut inputs = typed.arguments.clone();
    let is_input = |text: &str| {
        text == "-" || Path::new(text).exists() || (!text.contains(' ') && text.contains(['*', '/']))
    };
    let query = match &typed.file {
        Some(path) => Some(
            std::fs::read_to_string(path)
                .map_err(|source| Error::Read { path: path.clone(), source })?,
        ),
        None if !is_input(&inputs[0]) => Some(inputs.remove(0)),
        None => None,
    };
    if inputs.is_empty() {
        return Err(setting("INPUT", "is missing: name the logs after the query"));
    }
    let data_on_stdin = inputs.iter().any(|input| input == "-");
    match query {
        Some(query) => Ok((Some(query), inputs)),
        None if data_on_stdin => {
            Err(setting("-", "standard input is data here, so the query must be typed or come with -f"))
        }
        None if io::stdin().is_terminal() => Ok((None, inputs)),
        None => {
            let mut query = String::new();
            io::stdin()
                .read_to_string(&mut query)
                .map_err(|source| Error::Read { path: "standard input".into(), source })?;
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
pub fn answer(
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
        batch.map_err(|source| Error::Query { name: "query".to_owned(), source })
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
                let rows = cells(&batch)
                    .map_err(|source| Error::Query { name: "query".into(), source: source.into() })?;
                table.add_rows(rows);
            }
            if !schema.fields().is_empty() {
                writeln!(out, "{table}").and_then(|()| out.flush()).map_err(output)?;
            }
            if count > shown {
                note(&format!("{} more rows are not shown; use LIMIT, --format or --out", count - shown))?;
            }
            return Ok(());
        }
        SqlFormat::Json => Format::Json,
        SqlFormat::Csv => Format::Csv,
        SqlFormat::Parquet => Format::Parquet,
    };
    let mut writer = RowWriter::new(out, Path::new("standard output"), format, schema)?;
    while let Some(batch) = next()? {
        writer.write(&batch)?;
    }
    writer.finish()?.flush().map_err(output)
}

/// A file that appears under its name only when it is whole.
struct Whole {
    file: tempfile::NamedTempFile,
    path: std::path::PathBuf,
}

impl Whole {
    fn create(path: &Path) -> Result<Whole> {
        if path.exists() {
            return Err(Error::OutputExists { path: path.to_owned() });
        }
        let folder = match path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        let file = tempfile::NamedTempFile::new_in(folder)
            .map_err(|source| Error::Write { path: path.to_owned(), source })?;
        Ok(Whole { file, path: path.to_owned() })
    }

    fn commit(self) -> Result<()> {
        let Whole { file, path } = self;
        let failed = |source| Error::Write { path: path.clone(), source };
        file.as_file().sync_all().map_err(failed)?;
        file.persist_noclobber(&path).map_err(|error| failed(error.error))?;
        Ok(())
    }
}

fn spellings() -> Result<u8> {
    let mut table = new_table(["dialect", "what it is"]);
    for dialect in DIALECTS {
        table.add_row([dialect.name, dialect.title]);
    }
    let mut framings = new_table(["framing", "where a record begins and ends"]);
    for framing in Framing::ALL {
        framings.add_row([framing.name(), framing.title()]);
    }
    print(
        format!(
            "A spelling is a dialect and a framing, such as {}.{}.\nBoth are recognised by content. \
            gzip and zstd are undone; an archive made by `signsift convert` is read as it is.\n\n{table}\n\n{framings}\n",
            DIALECTS.first().map(|dialect| dialect.name).unwrap_or_default(),
            Framing::ALL.first().map(|framing| framing.name()).unwrap_or_default(),
        )
        .as_bytes(),
    )
}

fn queries(typed: &QueriesCommand, config: &Config) -> Result<u8> {
    let queries = config.queries(&typed.deciding)?;
    match typed.name.as_deref() {
        None => {
            let mut table = new_table(["view", "kind", "title"]);
            for query in queries.list() {
                let kind = match (&query.header.cause, &query.header.result) {
                    (Some(_), _) => "cause",
                    (_, Some(_)) => "result",
                    _ => "view",
                };
                table.add_row([&query.name, kind, &query.header.title]);
            }
            print(format!("{table}\n").as_bytes())
        }
        Some("thresholds") => {
            let mut table = new_table(["threshold", "value", ""]);
            for threshold in queries.thresholds() {
                let note = if threshold.is_overridden() { "set" } else { "" };
                table.add_row([&threshold.name, &threshold.value(), note]);
            }
            print(format!("{table}\n").as_bytes())
        }
        Some(name) => match queries.list().iter().find(|query| query.name == name) {
            Some(query) => print(query.sql.as_bytes()),
            None => Err(setting(name, "is no query; `signsift queries` lists them")),
        },
    }
}

fn schema(typed: &SchemaCommand, config: &Config) -> Result<u8> {
    let queries = config.queries(&typed.deciding)?;
    let schema = if typed.table == signsift::queries::SIGNINS {
        signin::schema()
    } else {
        let result = queries.list().iter().find(|query| {
            query.header.result.as_deref() == Some(&typed.table) || query.name == typed.table
        });
        let Some(query) = result else {
            return Err(setting(&typed.table, "is no table; `signsift queries` lists the views"));
        };
        let engine = Engine::start(&config.resources(&Global::default(), None)?)?;
        let empty = Arc::new(EmptyTable::new(signin::schema()));
        let session = Session::new(engine.context()?, empty, queries.clone(), engine.temp())?;
        engine.query(session.all_views())?;
        let view = engine.query(session.context().table_provider(query.name.as_str()));
        view.map_err(|source| Error::Query { name: query.name.clone(), source })?.schema()
    };
    let mut table = new_table(["column", "type", "what it holds"]);
    for field in schema.fields() {
        let words = field.metadata().get("description").cloned().unwrap_or_default();
        table.add_row([field.name().clone(), field.data_type().to_string(), words]);
    }
    print(format!("{table}\n").as_bytes())
}

/// Says on stderr what could not be read, file by file.
fn complain(coverage: &Coverage) -> Result<()> {
    let lost: Vec<&Input> = coverage.inputs.iter().filter(|input| input.is_lost()).collect();
    for input in lost.iter().take(COMPLAINTS) {
        let what = match input.status {
            Status::Unreadable => "not read",
            Status::PartlyRead => "read in part",
            _ => "read, but",
        };
        say(&format!("{what}: {}", input.complaint()))?;
    }
    if lost.len() > COMPLAINTS {
        say(&format!("… and {} more inputs; coverage.json (--out) lists all", lost.len() - COMPLAINTS))?;
    }
    // Why files were left out is worth a line each only when they are few, and one line a reason
    // otherwise.
    let mut reasons: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for input in coverage.inputs.iter().filter(|input| input.status == Status::LeftOut) {
        reasons.entry(input.reason.as_deref().unwrap_or_default()).or_default().push(&input.name);
    }
    for (reason, names) in reasons {
        match names.as_slice() {
            [name] => say(&format!("left out: {name}: {reason}"))?,
            [name, others @ ..] => {
                say(&format!("left out: {name} and {} more: {reason}", others.len()))?;
            }
            [] => {}
        }
    }
    Ok(())
}

fn worst(analysis: &Analysis) -> Option<Severity> {
    analysis
        .findings
        .iter()
        .filter_map(|batch| batch.column_by_name("severity"))
        .flat_map(|column| column.as_string::<i32>().iter().flatten())
        .filter_map(|text| <Severity as clap::ValueEnum>::from_str(text, true).ok())
        .max()
}

fn code(coverage: &Coverage) -> u8 {
    if coverage.is_lossy() { LOSSY } else { DONE }
}

/// A table as people read it; what it holds must be escaped already.
fn new_table<'c>(header: impl IntoIterator<Item = &'c str>) -> Table {
    let mut table = Table::new();
    table.load_preset(presets::ASCII_MARKDOWN).set_header(header.into_iter().map(terminal));
    if io::stdout().is_terminal() {
        table.set_content_arrangement(ContentArrangement::Dynamic).set_width(width() as u16);
    }
    table
}

/// Columns of the terminal, or a width that reads well.
fn width() -> usize {
    let columns = std::env::var("COLUMNS").ok().and_then(|text| text.parse().ok());
    columns.or_else(|| Some(Table::new().set_content_arrangement(ContentArrangement::Dynamic).width()?.into())).unwrap_or(100).clamp(60, 160)
}

fn print(bytes: &[u8]) -> Result<u8> {
    let mut out = io::stdout().lock();
    out.write_all(bytes).and_then(|()| out.flush()).map_err(output)?;
    Ok(DONE)
}

fn say(text: &str) -> Result<()> {
    writeln!(io::stderr(), "signsift: {}", terminal(text)).map_err(output)
}

/// Says something of our own, which may have several lines, on stderr.
pub fn note(text: &str) -> Result<()> {
    writeln!(io::stderr(), "{text}").map_err(output)
}

fn output(source: io::Error) -> Error {
    Error::Output { source }
}

fn setting(name: &str, reason: &str) -> Error {
    Error::Setting { name: name.to_owned(), reason: reason.to_owned() }
}
