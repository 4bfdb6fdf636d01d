//! One function a command: settings in, data on stdout, words for people on stderr, an exit code.

mod about;
mod compare;
mod explain;
mod sql;
mod stream;

use std::collections::BTreeMap;
use std::io::{self, IsTerminal, Write};
use std::sync::Arc;

use clap::CommandFactory;
use comfy_table::{ContentArrangement, Table, presets};
use datafusion::arrow::array::AsArray;
use signsift::batch::{self, Analysis, Out};
use signsift::cli::settings::Config;
use signsift::cli::{Analyze, Cli, Command, Convert, Global, Inspect, InspectFormat, Severity};
use signsift::coverage::{Coverage, Input, Status};
use signsift::inspect;
use signsift::progress::Progress;
use signsift::queries::Queries;
use signsift::results::escape::terminal;
use signsift::results::inspected;
use signsift::results::report::{self, Style};
use signsift::{Error, Result};

use crate::bar::Bar;
use crate::{DONE, FOUND, LOSSY};
pub(crate) use sql::answer;

/// Inputs with trouble that are named one by one.
const COMPLAINTS: usize = 10;

/// Runs what was typed.
pub(crate) fn run(cli: Cli, progress: &Arc<Progress>) -> Result<u8> {
    let config = Config::load(cli.global.config.as_deref())?;
    match cli.command {
        Command::Analyze(typed) => analyze(&typed, &cli.global, &config, progress),
        Command::Convert(typed) => convert(&typed, &cli.global, &config, progress),
        Command::Inspect(typed) => inspect(&typed, &cli.global, &config, progress),
        Command::Sql(typed) => sql::sql(&typed, &cli.global, &config, progress),
        Command::Explain(typed) => explain::explain(&typed),
        Command::Compare(typed) => compare::compare(&typed, &cli.global, &config, progress),
        Command::Stream(typed) => stream::stream(&typed, &cli.global, &config, progress),
        Command::Spellings => about::spellings(),
        Command::Queries(typed) => about::queries(&typed, &config),
        Command::Schema(typed) => about::schema(&typed, &config),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "signsift", &mut script);
            print(&script)
        }
        Command::Man => {
            let mut page = Vec::new();
            clap_mangen::Man::new(Cli::command())
                .render(&mut page)
                .map_err(output)?;
            for command in Cli::command().get_subcommands() {
                let command = command
                    .clone()
                    .display_name(format!("signsift {}", command.get_name()));
                clap_mangen::Man::new(command)
                    .render(&mut page)
                    .map_err(output)?;
            }
            print(&page)
        }
    }
}

fn analyze(
    typed: &Analyze,
    global: &Global,
    config: &Config,
    progress: &Arc<Progress>,
) -> Result<u8> {
    let quiet = config.is_quiet(global);
    let (format, fail_on, top) = config.presentation(typed);
    let queries = config.queries(&typed.deciding)?;
    let out = typed.out.as_ref();
    let mut settings = config.settings(
        typed.inputs.clone(),
        global,
        &typed.reading,
        queries,
        out.map(|out| out.as_path()),
    )?;
    settings.context = config.context(&typed.knowing, Some(&typed.important))?;
    let out = out.map(|folder| Out {
        folder: folder.clone(),
        format,
        overwrite: typed.overwrite,
    });
    let bar = Bar::watch(progress, quiet);
    let analysis = batch::analyze(&settings, out.as_ref(), progress)?;
    drop(bar);
    complain(&analysis.coverage)?;
    if !quiet {
        let colour = io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
        let summary = report::summary(
            &analysis,
            Style {
                colour,
                top,
                width: width(),
            },
        )?;
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

fn convert(
    typed: &Convert,
    global: &Global,
    config: &Config,
    progress: &Arc<Progress>,
) -> Result<u8> {
    let quiet = config.is_quiet(global);
    let mut settings = config.settings(
        typed.inputs.clone(),
        global,
        &typed.reading,
        Queries::thresholds_alone()?,
        Some(&typed.out),
    )?;
    settings.context = config.context(&typed.knowing, None)?;
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

fn inspect(
    typed: &Inspect,
    global: &Global,
    config: &Config,
    progress: &Arc<Progress>,
) -> Result<u8> {
    let quiet = config.is_quiet(global);
    let settings = config.settings(
        typed.inputs.clone(),
        global,
        &typed.reading,
        Queries::builtin()?,
        None,
    )?;
    let bar = Bar::watch(progress, quiet);
    let (inspected, coverage) = inspect::inspect(&settings, progress)?;
    drop(bar);
    match typed.format {
        InspectFormat::Text => {
            let style = Style {
                colour: false,
                top: 0,
                width: width(),
            };
            print(inspected::text(&inspected, &coverage, style).as_bytes())?;
        }
        InspectFormat::Json => {
            let mut lines = Vec::new();
            for input in &inspected {
                serde_json::to_writer(&mut lines, input).map_err(|error| output(error.into()))?;
                lines.push(b'\n');
            }
            print(&lines)?;
        }
    }
    Ok(code(&coverage))
}

/// Says on stderr what could not be read, file by file.
fn complain(coverage: &Coverage) -> Result<()> {
    let lost: Vec<&Input> = coverage
        .inputs
        .iter()
        .filter(|input| input.is_lost())
        .collect();
    for input in lost.iter().take(COMPLAINTS) {
        let what = match input.status {
            Status::Unreadable => "not read",
            Status::PartlyRead => "read in part",
            _ => "read, but",
        };
        say(&format!("{what}: {}", input.complaint()))?;
    }
    if lost.len() > COMPLAINTS {
        say(&format!(
            "… and {} more inputs; coverage.json (--out) lists all",
            lost.len() - COMPLAINTS
        ))?;
    }
    if let Some(totals) = coverage.archive.as_ref().map(|archive| &archive["totals"]) {
        let count = |key: &str| totals[key].as_u64().unwrap_or_default();
        if count("rejected") + count("inputs_lost") > 0 {
            say(&format!(
                "when this archive was converted, {} records and {} inputs could not be read; its coverage.json lists them",
                count("rejected"),
                count("inputs_lost")
            ))?;
        }
    }
    // Why files were left out is worth a line each only when they are few, and one line a reason
    // otherwise.
    let mut reasons: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for input in coverage
        .inputs
        .iter()
        .filter(|input| input.status == Status::LeftOut)
    {
        reasons
            .entry(input.reason.as_deref().unwrap_or_default())
            .or_default()
            .push(&input.name);
    }
    for (reason, names) in reasons {
        match names.as_slice() {
            [name] => say(&format!("left out: {name}: {reason}"))?,
            [name, others @ ..] => {
                say(&format!(
                    "left out: {name} and {} more: {reason}",
                    others.len()
                ))?;
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
    table
        .load_preset(presets::ASCII_MARKDOWN)
        .set_header(header.into_iter().map(terminal));
    if io::stdout().is_terminal() {
        table
            .set_content_arrangement(ContentArrangement::Dynamic)
            .set_width(width() as u16);
    }
    table
}

/// Columns of the terminal, or a width that reads well.
fn width() -> usize {
    let columns = std::env::var("COLUMNS")
        .ok()
        .and_then(|text| text.parse().ok());
    columns
        .or_else(|| {
            Some(
                Table::new()
                    .set_content_arrangement(ContentArrangement::Dynamic)
                    .width()?
                    .into(),
            )
        })
        .unwrap_or(100)
        .clamp(60, 160)
}

fn print(bytes: &[u8]) -> Result<u8> {
    let mut out = io::stdout().lock();
    out.write_all(bytes)
        .and_then(|()| out.flush())
        .map_err(output)?;
    Ok(DONE)
}

fn say(text: &str) -> Result<()> {
    writeln!(io::stderr(), "signsift: {}", terminal(text)).map_err(output)
}

/// Says something of our own, which may have several lines, on stderr.
pub(crate) fn note(text: &str) -> Result<()> {
    writeln!(io::stderr(), "{text}").map_err(output)
}

fn output(source: io::Error) -> Error {
    Error::Output { source }
}

fn setting(name: &str, reason: &str) -> Error {
    Error::Setting {
        name: name.to_owned(),
        reason: reason.to_owned(),
    }
}
