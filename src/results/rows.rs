//! Rows to Parquet, newline-delimited JSON or CSV.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use datafusion::arrow::array::{Array, ArrayRef, AsArray, RecordBatch, StringArray};
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::arrow::error::ArrowError;
use datafusion::arrow::{csv, json};
use datafusion::parquet::arrow::ArrowWriter;
use datafusion::parquet::basic::{Compression, ZstdLevel};
use datafusion::parquet::file::properties::WriterProperties;
use serde::Deserialize;

use super::escape;
use crate::error::{Error, IntoTableError, Result};

/// How result tables are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// Parquet, packed with zstd.
    #[default]
    Parquet,
    /// One JSON object a line.
    Json,
    /// CSV with a header; lists as JSON; cells that would be formulas defused.
    Csv,
}

impl Format {
    /// What file names end in.
    pub fn extension(self) -> &'static str {
        match self {
            Format::Parquet => "parquet",
            Format::Json => "ndjson",
            Format::Csv => "csv",
        }
    }
}

/// Writes the rows of one table.
pub struct RowWriter<W: Write + Send> {
    kind: Kind<Remembering<W>>,
    sink: Sink,
}

enum Kind<W: Write + Send> {
    Parquet(Box<ArrowWriter<W>>),
    Json(Box<json::LineDelimitedWriter<W>>),
    Csv(Box<csv::Writer<W>>, SchemaRef),
}

/// Remembers what the system said, since the writers of tables pass it on as mere text: a full disk
/// and a closed pipe must be told from each other and from everything else.
struct Remembering<W> {
    out: W,
    fault: Fault,
}

type Fault = Arc<Mutex<Option<io::Error>>>;

impl<W> Remembering<W> {
    fn remember(&self, error: io::Error) -> io::Error {
        if error.kind() != io::ErrorKind::Interrupted {
            let copy = match error.raw_os_error() {
                Some(code) => io::Error::from_raw_os_error(code),
                None => io::Error::new(error.kind(), error.to_string()),
            };
            *self.fault.lock().unwrap_or_else(PoisonError::into_inner) = Some(copy);
        }
        error
    }
}

impl<W: Write> Write for Remembering<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.out.write(bytes).map_err(|error| self.remember(error))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush().map_err(|error| self.remember(error))
    }
}

/// What is written to, for errors.
struct Sink {
    name: PathBuf,
    fault: Fault,
}

impl Sink {
    fn failed<E: IntoTableError>(&self, error: E) -> Error {
        match self
            .fault
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
        {
            Some(source) => Error::Write {
                path: self.name.clone(),
                source,
            },
            None => error.into_error(&self.name),
        }
    }
}

impl RowWriter<BufWriter<File>> {
    /// Starts `FOLDER/TABLE.EXTENSION`.
    ///
    /// # Errors
    /// A file that cannot be made.
    pub fn file(folder: &Path, table: &str, format: Format, schema: SchemaRef) -> Result<Self> {
        let path = folder.join(format!("{table}.{}", format.extension()));
        let file = File::create(&path).map_err(Error::write(&path))?;
        RowWriter::new(BufWriter::new(file), &path, format, schema)
    }

    /// Finishes the file and waits until the disk has it.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub fn close(self) -> Result<()> {
        let name = self.sink.name.clone();
        let file = self.finish()?;
        let file = file
            .into_inner()
            .map_err(|error| Error::write(&name)(error.into_error()))?;
        file.sync_all().map_err(Error::write(&name))
    }
}

impl<W: Write + Send> RowWriter<W> {
    /// Starts a table on `out`, which is called `name` in errors.
    ///
    /// # Errors
    /// A schema that the format cannot hold, or an `out` that cannot be written.
    pub fn new(out: W, name: &Path, format: Format, schema: SchemaRef) -> Result<RowWriter<W>> {
        let sink = Sink {
            name: name.to_owned(),
            fault: Fault::default(),
        };
        let out = Remembering {
            out,
            fault: Arc::clone(&sink.fault),
        };
        let kind = match format {
            Format::Parquet => {
                let properties = WriterProperties::builder()
                    .set_compression(Compression::ZSTD(ZstdLevel::default()))
                    .set_created_by(format!("signsift {}", env!("CARGO_PKG_VERSION")))
                    .build();
                let writer = ArrowWriter::try_new(out, schema, Some(properties))
                    .map_err(|error| sink.failed(error))?;
                Kind::Parquet(Box::new(writer))
            }
            Format::Json => {
                let writer = json::WriterBuilder::new()
                    .with_explicit_nulls(true)
                    .build(out);
                Kind::Json(Box::new(writer))
            }
            Format::Csv => {
                let schema = text_schema(&schema);
                let mut writer = csv::WriterBuilder::new().with_header(true).build(out);
                // An empty table still has its header.
                writer
                    .write(&RecordBatch::new_empty(Arc::clone(&schema)))
                    .map_err(|error| sink.failed(error))?;
                Kind::Csv(Box::new(writer), schema)
            }
        };
        Ok(RowWriter { kind, sink })
    }

    /// Adds rows.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        match &mut self.kind {
            Kind::Parquet(writer) => writer.write(batch).map_err(|error| self.sink.failed(error)),
            Kind::Json(writer) => writer.write(batch).map_err(|error| self.sink.failed(error)),
            Kind::Csv(writer, schema) => defused(batch, schema)
                .and_then(|batch| writer.write(&batch))
                .map_err(|error| self.sink.failed(error)),
        }
    }

    /// Writes what is outstanding. Must be called: a Parquet file without its footer is none.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub fn finish(self) -> Result<W> {
        let out = match self.kind {
            Kind::Parquet(writer) => writer
                .into_inner()
                .map_err(|error| self.sink.failed(error))?,
            Kind::Json(mut writer) => {
                writer.finish().map_err(|error| self.sink.failed(error))?;
                writer.into_inner()
            }
            Kind::Csv(writer, _) => writer.into_inner(),
        };
        Ok(out.out)
    }
}

fn is_nested(kind: &DataType) -> bool {
    matches!(
        kind,
        DataType::List(_) | DataType::LargeList(_) | DataType::Struct(_)
    )
}

/// The schema of a CSV: nested columns are text.
fn text_schema(schema: &Schema) -> SchemaRef {
    let fields: Vec<_> = schema
        .fields()
        .iter()
        .map(|field| match is_nested(field.data_type()) {
            true => Arc::new(Field::new(field.name(), DataType::Utf8, true)),
            false => Arc::clone(field),
        })
        .collect();
    Arc::new(Schema::new(fields))
}

/// Rows as a CSV takes them: nested values as JSON, and no cell that a spreadsheet would run.
fn defused(batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch, ArrowError> {
    let columns = batch
        .schema()
        .fields()
        .iter()
        .zip(batch.columns())
        .map(|(field, column)| match field.data_type() {
            DataType::Utf8 => {
                let text: StringArray = column
                    .as_string::<i32>()
                    .iter()
                    .map(|text| text.map(escape::spreadsheet))
                    .collect();
                Ok(Arc::new(text) as ArrayRef)
            }
            kind if is_nested(kind) => as_json(field, column),
            _ => Ok(Arc::clone(column)),
        })
        .collect::<Result<Vec<_>, ArrowError>>()?;
    RecordBatch::try_new(Arc::clone(schema), columns)
}

/// Each value of a nested column as one JSON text.
fn as_json(field: &Field, column: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    let field = Arc::new(field.clone());
    let options = json::EncoderOptions::default();
    let mut encoder = json::writer::make_encoder(&field, column.as_ref(), &options)?;
    let mut text = Vec::new();
    let mut texts = Vec::with_capacity(column.len());
    for row in 0..column.len() {
        if column.is_null(row) {
            texts.push(None);
            continue;
        }
        text.clear();
        encoder.encode(row, &mut text);
        texts.push(Some(String::from_utf8_lossy(&text).into_owned()));
    }
    Ok(Arc::new(StringArray::from(texts)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use datafusion::arrow::array::{Int64Array, ListArray, TimestampMicrosecondArray};
    use datafusion::arrow::datatypes::Int32Type;
    use datafusion::parquet::arrow::arrow_reader::ParquetRecordBatchReader;

    /// Two rows: one whose text is hostile, one of NULLs.
    fn rows() -> RecordBatch {
        let text = StringArray::from(vec![Some("=cmd|'/c calc'!A1"), None]);
        let number = Int64Array::from(vec![Some(-5), None]);
        let time = TimestampMicrosecondArray::from(vec![Some(1_772_409_600_123_456), None])
            .with_timezone("UTC");
        let numbers =
            ListArray::from_iter_primitive::<Int32Type, _, _>([Some([Some(1), None]), None]);
        let mut users = datafusion::arrow::array::ListBuilder::new(
            datafusion::arrow::array::StringBuilder::new(),
        );
        users.append_value([Some("=a,\"b\""), None]);
        users.append_null();
        RecordBatch::try_from_iter_with_nullable([
            ("text", Arc::new(text) as ArrayRef, true),
            ("number", Arc::new(number), true),
            ("time", Arc::new(time), true),
            ("numbers", Arc::new(numbers), true),
            ("users", Arc::new(users.finish()), true),
        ])
        .unwrap()
    }

    fn written(format: Format, batches: &[RecordBatch]) -> Vec<u8> {
        let name = Path::new("table");
        let mut writer = RowWriter::new(Vec::new(), name, format, rows().schema()).unwrap();
        batches
            .iter()
            .for_each(|batch| writer.write(batch).unwrap());
        writer.finish().unwrap()
    }

    fn text(format: Format, batches: &[RecordBatch]) -> String {
        String::from_utf8(written(format, batches)).unwrap()
    }

    #[test]
    fn a_csv_has_a_header_lists_as_json_and_no_formula() {
        let csv = text(Format::Csv, &[rows()]);
        let mut lines = csv.lines();
        assert_eq!(lines.next(), Some("text,number,time,numbers,users"));
        let first = "'=cmd|'/c calc'!A1,-5,2026-03-02T00:00:00.123456Z,\"[1,null]\",\"[\"\"=a,\\\"\"b\\\"\"\"\",null]\"";
        assert_eq!(lines.next(), Some(first));
        assert_eq!(lines.next(), Some(",,,,"));
        assert_eq!(lines.next(), None);
    }

    #[test]
    fn json_is_one_object_a_line_with_every_key() {
        let json = text(Format::Json, &[rows(), rows()]);
        let lines: Vec<serde_json::Value> = json
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        assert_eq!(lines.len(), 4);
        assert_eq!(
            lines[0],
            serde_json::json!({
                "text": "=cmd|'/c calc'!A1",
                "number": -5,
                "time": "2026-03-02T00:00:00.123456Z",
                "numbers": [1, null],
                "users": ["=a,\"b\"", null],
            })
        );
        let nothing = serde_json::Value::Null;
        assert!(
            lines[1]
                .as_object()
                .unwrap()
                .values()
                .all(|value| *value == nothing)
        );
        assert_eq!(lines[1].as_object().unwrap().len(), 5);
    }

    #[test]
    fn parquet_gives_back_what_was_written() {
        let bytes = written(Format::Parquet, &[rows()]);
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), bytes).unwrap();
        let reader = ParquetRecordBatchReader::try_new(file.reopen().unwrap(), 1024).unwrap();
        let read: Vec<_> = reader.map(|batch| batch.unwrap()).collect();
        assert_eq!(read, [rows()]);
    }

    #[test]
    fn a_table_without_rows_is_still_a_table() {
        assert_eq!(text(Format::Csv, &[]), "text,number,time,numbers,users\n");
        assert_eq!(text(Format::Json, &[]), "");
        assert!(written(Format::Parquet, &[]).starts_with(b"PAR1"));
    }

    #[test]
    fn the_header_of_a_csv_comes_once() {
        let csv = text(Format::Csv, &[rows(), rows().slice(0, 0), rows()]);
        assert_eq!(csv.matches("text,number").count(), 1);
        assert_eq!(csv.lines().count(), 5);
    }

    #[test]
    fn files_are_named_after_their_table() {
        let folder = tempfile::tempdir().unwrap();
        for format in [Format::Parquet, Format::Json, Format::Csv] {
            let schema = rows().schema();
            let mut writer = RowWriter::file(folder.path(), "events", format, schema).unwrap();
            writer.write(&rows()).unwrap();
            writer.close().unwrap();
            let name = format!("events.{}", format.extension());
            assert!(folder.path().join(name).metadata().unwrap().len() > 0);
        }
        let gone = folder.path().join("gone");
        let told = RowWriter::file(&gone, "events", Format::Csv, rows().schema())
            .err()
            .unwrap();
        assert!(told.to_string().contains("events.csv"), "{told}");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_full_disk_is_told_as_such() {
        for format in [Format::Parquet, Format::Json, Format::Csv] {
            let full = File::options().write(true).open("/dev/full").unwrap();
            let name = Path::new("/dev/full");
            let writer = RowWriter::new(full, name, format, rows().schema());
            let told = writer
                .and_then(|mut writer| {
                    writer.write(&rows())?;
                    writer.finish().map(drop)
                })
                .unwrap_err();
            assert!(matches!(told, Error::Write { .. }), "{told:?}");
            assert!(told.to_string().contains("Free some space"), "{told}");
        }
    }
}
