//! The command `compare`: what the public rules say of this data, beside what signsift says.

use std::fmt::Write as _;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use datafusion::arrow::array::RecordBatch;
use signsift::batch;
use signsift::cli::settings::Config;
use signsift::cli::{Compare, CompareFormat, Global};
use signsift::progress::Progress;
use signsift::queries::COMPARE;
use signsift::results::escape::cells;
use signsift::results::report::{self, Style};
use signsift::results::{Format, RowWriter};
use signsift::{Error, Result};

use super::sql::Whole;
use super::{code, complain, new_table, print, setting, width};
use crate::bar::Bar;

pub(super) fn compare(
    typed: &Compare,
    global: &Global,
    config: &Config,
    progress: &Arc<Progress>,
) -> Result<u8> {
    let queries = config.queries(&typed.deciding)?;
    if !queries.list().iter().any(|query| query.name == COMPARE) {
        return Err(setting(
            "--queries",
            "the folder has no public/90_compare.sql, and without it there is nothing to compare with",
        ));
    }
    let out = typed.out.as_deref();
    let inputs = typed.inputs.clone();
    let mut settings = config.settings(inputs, global, &typed.reading, queries, out)?;
    settings.context = config.context(&typed.knowing, None)?;
    // What can't be written is said before anything is read.
    let whole = out.map(Whole::create).transpose()?;
    let bar = Bar::watch(progress, config.is_quiet(global));
    let (batches, coverage) = batch::view(&settings, "compare", COMPARE, progress)?;
    drop(bar);
    complain(&coverage)?;
    let format = typed
        .format
        .unwrap_or_else(|| out.map_or(CompareFormat::Table, format_of));
    let bytes = match format {
        CompareFormat::Table => table(&batches)?.into_bytes(),
        CompareFormat::Json => rows(&batches, Format::Json)?,
        CompareFormat::Csv => rows(&batches, Format::Csv)?,
    };
    match whole {
        None => {
            print(&bytes)?;
        }
        Some(mut whole) => {
            let written = whole.file.write_all(&bytes);
            written.map_err(|error| whole.failed(error))?;
            whole.commit()?;
        }
    }
    Ok(code(&coverage))
}

fn format_of(path: &Path) -> CompareFormat {
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("csv") => CompareFormat::Csv,
        Some("json" | "ndjson" | "jsonl") => CompareFormat::Json,
        _ => CompareFormat::Table,
    }
}

fn rows(batches: &[RecordBatch], format: Format) -> Result<Vec<u8>> {
    let Some(first) = batches.first() else {
        return Ok(Vec::new());
    };
    let name = Path::new(COMPARE);
    let mut writer = RowWriter::new(Vec::new(), name, format, first.schema())?;
    for batch in batches {
        writer.write(batch)?;
    }
    writer.finish()
}

/// Numbers as a table, and the last column, which is words, below it.
fn table(batches: &[RecordBatch]) -> Result<String> {
    let style = Style {
        colour: false,
        top: 0,
        width: width(),
    };
    let schema = batches.first().map(RecordBatch::schema);
    let fields = schema.iter().flat_map(|schema| schema.fields().iter());
    let mut names: Vec<String> = fields.map(|field| field.name().replace('_', " ")).collect();
    names.pop();
    let mut table = new_table(names.iter().map(String::as_str));
    let mut words = String::new();
    for batch in batches {
        let rows = cells(batch).map_err(|source| Error::Query {
            name: COMPARE.to_owned(),
            source: source.into(),
        })?;
        for mut row in rows {
            let differs = row.pop().unwrap_or_default();
            let _ = writeln!(words, "\n{}", row.first().map_or("", String::as_str));
            report::paragraph(&mut words, "  ", &differs, style);
            table.add_row(row);
        }
    }
    Ok(format!(
        "{table}\n\nWHERE THE RULES AND SIGNSIFT DIFFER\n{words}"
    ))
}
