//! A folder of results read back: the rows of one table that are wanted, whatever form they are in.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use datafusion::arrow::array::{AsArray, BooleanArray, RecordBatch};
use datafusion::arrow::compute::filter_record_batch;
use datafusion::arrow::error::ArrowError;
use datafusion::arrow::json::LineDelimitedWriter;
use datafusion::parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::{Map, Value};

use super::Format;
use crate::error::{Error, Result};

/// One row. Of a CSV all values are text, but for lists.
pub type Row = Map<String, Value>;

/// A folder that `analyze --out` wrote.
pub struct ResultFolder {
    path: PathBuf,
    format: Format,
}

impl ResultFolder {
    /// Finds out in which form its tables are.
    ///
    /// # Errors
    /// A folder without findings.
    pub fn open(path: &Path) -> Result<ResultFolder> {
        let has = |format: &Format| file(path, "findings", *format).is_file();
        let formats = [Format::Parquet, Format::Json, Format::Csv];
        match formats.into_iter().find(has) {
            Some(format) => Ok(ResultFolder {
                path: path.to_owned(),
                format,
            }),
            None => Err(Error::setting(
                path.display().to_string(),
                "is no folder of results; `signsift analyze INPUT --out DIR` writes one",
            )),
        }
    }

    /// Whether it has such a table.
    pub fn has(&self, table: &str) -> bool {
        file(&self.path, table, self.format).is_file()
    }

    /// Gives each row of `table` whose `column` is `wanted` to `each`, or every row, in their order.
    ///
    /// # Errors
    /// A table that cannot be read, or what `each` returns.
    pub fn rows(
        &self,
        table: &str,
        wanted: Option<(&str, &str)>,
        mut each: impl FnMut(Row) -> Result<()>,
    ) -> Result<()> {
        let path = file(&self.path, table, self.format);
        let out = File::open(&path).map_err(Error::read(&path))?;
        match self.format {
            Format::Parquet => {
                let failed = |error| broken(&path, error);
                let rows = ParquetRecordBatchReaderBuilder::try_new(out)
                    .and_then(|builder| builder.build())
                    .map_err(|error| broken(&path, error))?;
                for batch in rows {
                    let batch = batch
                        .and_then(|batch| kept(batch, wanted))
                        .map_err(failed)?;
                    for row in as_rows(&batch).map_err(failed)? {
                        each(row)?;
                    }
                }
            }
            Format::Json => {
                for line in BufReader::new(out).lines() {
                    let line = line.map_err(Error::read(&path))?;
                    if wanted.is_some_and(|(_, wanted)| !line.contains(wanted)) {
                        continue;
                    }
                    let row: Row =
                        serde_json::from_str(&line).map_err(|error| broken(&path, error))?;
                    if is_wanted(&row, wanted) {
                        each(row)?;
                    }
                }
            }
            Format::Csv => {
                let mut reader = csv::Reader::from_reader(BufReader::new(out));
                let header = reader
                    .headers()
                    .map_err(|error| broken(&path, error))?
                    .clone();
                for record in reader.records() {
                    let record = record.map_err(|error| broken(&path, error))?;
                    let cells = header.iter().zip(record.iter());
                    let row: Row = cells
                        .map(|(name, cell)| (name.to_owned(), value(cell)))
                        .collect();
                    if is_wanted(&row, wanted) {
                        each(row)?;
                    }
                }
            }
        }
        Ok(())
    }
}

fn file(folder: &Path, table: &str, format: Format) -> PathBuf {
    folder.join(format!("{table}.{}", format.extension()))
}

fn is_wanted(row: &Row, wanted: Option<(&str, &str)>) -> bool {
    wanted.is_none_or(|(column, wanted)| row.get(column).and_then(Value::as_str) == Some(wanted))
}

/// The rows of a batch that are wanted.
fn kept(batch: RecordBatch, wanted: Option<(&str, &str)>) -> Result<RecordBatch, ArrowError> {
    let Some((column, wanted)) = wanted else {
        return Ok(batch);
    };
    let texts = batch
        .column_by_name(column)
        .and_then(|texts| texts.as_string_opt::<i32>());
    let Some(texts) = texts else {
        return Ok(batch.slice(0, 0));
    };
    let mask: BooleanArray = texts
        .iter()
        .map(|text| Some(text == Some(wanted)))
        .collect();
    filter_record_batch(&batch, &mask)
}

fn as_rows(batch: &RecordBatch) -> Result<Vec<Row>, ArrowError> {
    let mut lines = Vec::new();
    let mut writer = LineDelimitedWriter::new(&mut lines);
    writer.write(batch)?;
    writer.finish()?;
    serde_json::Deserializer::from_slice(&lines)
        .into_iter()
        .collect::<Result<_, _>>()
        .map_err(|error| ArrowError::JsonError(error.to_string()))
}

/// A cell of a CSV: lists were written as JSON, and what would begin a formula was put after an
/// apostrophe.
fn value(cell: &str) -> Value {
    if cell.is_empty() {
        return Value::Null;
    }
    if cell.starts_with('[')
        && let Ok(list) = serde_json::from_str(cell)
    {
        return list;
    }
    let plain = cell
        .strip_prefix('\'')
        .filter(|rest| super::escape::spreadsheet(rest) != *rest);
    Value::String(plain.unwrap_or(cell).to_owned())
}

fn broken(path: &Path, error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::read(path)(std::io::Error::new(std::io::ErrorKind::InvalidData, error))
}
