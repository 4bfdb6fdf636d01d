//! Rows to Parquet, newline-delimited JSON or CSV.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, AsArray, RecordBatch, StringArray};
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::arrow::error::ArrowError;
use datafusion::arrow::{csv, json};
use datafusion::parquet::arrow::ArrowWriter;
use datafusion::parquet::basic::{Compression, ZstdLevel};
use datafusion::parquet::file::properties::WriterProperties;
use serde::Deserialize;

use super::escape;
use crate::error::{Error, Result};

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
    kind: Kind<W>,
    name: PathBuf,
}

enum Kind<W: Write + Send> {
    Parquet(Box<ArrowWriter<W>>),
    Json(Box<json::LineDelimitedWriter<W>>),
    Csv(Box<csv::Writer<W>>, SchemaRef),
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
        let name = self.name.clone();
        let file = self.finish()?;
        let file = file.into_inner().map_err(|error| Error::write(&name)(error.into_error()))?;
        file.sync_all().map_err(Error::write(&name))
    }
}

impl<W: Write + Send> RowWriter<W> {
    /// Starts a table on `out`, which is called `name` in errors.
    ///
    /// # Errors
    /// A schema that the format cannot hold, or an `out` that cannot be written.
    pub fn new(out: W, name: &Path, format: Format, schema: SchemaRef) -> Result<RowWriter<W>> {
        let kind = match format {
            Format::Parquet => {
                let properties = WriterProperties::builder()
                    .set_compression(Compression::ZSTD(ZstdLevel::default()))
                    .set_created_by(format!("signsift {}", env!("CARGO_PKG_VERSION")))
                    .build();
                let writer = ArrowWriter::try_new(out, schema, Some(properties))
                    .map_err(Error::table(name))?;
                Kind::Parquet(Box::new(writer))
            }
            Format::Json => {
                let writer = json::WriterBuilder::new().with_explicit_nulls(true).build(out);
                Kind::Json(Box::new(writer))
            }
            Format::Csv => {
                let schema = text_schema(&schema);
                let mut writer = csv::WriterBuilder::new().with_header(true).build(out);
                // An empty table still has its header.
                writer
                    .write(&RecordBatch::new_empty(Arc::clone(&schema)))
                    .map_err(Error::table(name))?;
                Kind::Csv(Box::new(writer), schema)
            }
        };
        Ok(RowWriter { kind, name: name.to_owned() })
    }

    /// Adds rows.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        match &mut self.kind {
            Kind::Parquet(writer) => writer.write(batch).map_err(Error::table(&self.name)),
            Kind::Json(writer) => writer.write(batch).map_err(Error::table(&self.name)),
            Kind::Csv(writer, schema) => defused(batch, schema)
                .and_then(|batch| writer.write(&batch))
                .map_err(Error::table(&self.name)),
        }
    }

    /// Writes what is outstanding. Must be called: a Parquet file without its footer is none.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub fn finish(self) -> Result<W> {
        match self.kind {
            Kind::Parquet(writer) => writer.into_inner().map_err(Error::table(&self.name)),
            Kind::Json(mut writer) => {
                writer.finish().map_err(Error::table(&self.name))?;
                Ok(writer.into_inner())
            }
            Kind::Csv(writer, _) => Ok(writer.into_inner()),
        }
    }
}

fn is_nested(kind: &DataType) -> bool {
    matches!(kind, DataType::List(_) | DataType::LargeList(_) | DataType::Struct(_))
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
