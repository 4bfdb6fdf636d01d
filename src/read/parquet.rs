//! Parquet that others wrote, such as the export jobs of Log Analytics: its rows as lines of JSON, so
//! that whatever the columns' types are, the dialects read them as they read everything else.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::sync::Arc;

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, Schema};
use datafusion::arrow::error::ArrowError;
use datafusion::arrow::json::LineDelimitedWriter;
use datafusion::parquet::arrow::ProjectionMask;
use datafusion::parquet::arrow::arrow_reader::{
    ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder,
};

use crate::coverage::RejectedRecord;
use crate::decode::is_field;

/// Rows that are held at a time.
const ROWS: usize = 256;

/// Names of columns that are shown of a table that is something else.
const SHOWN: usize = 8;

/// The rows of `file`, one JSON object a line, in the columns that any dialect knows.
///
/// # Errors
/// What `file` is instead of a table of sign-ins.
pub(super) fn lines(file: File) -> Result<Lines, String> {
    // What Arrow would add to the types of Parquet is not needed here.
    let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
    let damaged = |error| format!("a damaged Parquet file ({error}); get it again");
    let builder =
        ParquetRecordBatchReaderBuilder::try_new_with_options(file, options).map_err(damaged)?;
    let fields = builder.schema().fields();
    let known = fields.iter().enumerate();
    let known = known.filter(|(_, field)| is_field(field.name()));
    let known: Vec<usize> = known.map(|(at, _)| at).collect();
    if known.is_empty() {
        let names = fields.iter().take(SHOWN).map(|field| field.name().as_str());
        return Err(format!(
            "it is Parquet without sign-ins (its columns are {})",
            names.collect::<Vec<_>>().join(", ")
        ));
    }
    let mask = ProjectionMask::roots(builder.parquet_schema(), known);
    let batches = builder
        .with_projection(mask)
        .with_batch_size(ROWS)
        .build()
        .map_err(damaged)?;
    Ok(Lines {
        batches,
        text: Vec::new(),
        given: 0,
    })
}

/// See [`lines`].
pub(super) struct Lines {
    batches: ParquetRecordBatchReader,
    text: Vec<u8>,
    given: usize,
}

impl Read for Lines {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        while self.given == self.text.len() {
            let Some(batch) = self.batches.next() else {
                return Ok(0);
            };
            let damaged = |error| io::Error::new(io::ErrorKind::InvalidData, error);
            let batch = batch.map_err(damaged)?;
            self.text.clear();
            self.given = 0;
            let mut writer = LineDelimitedWriter::new(&mut self.text);
            let written = texts(&batch).and_then(|batch| writer.write(&batch));
            written.map_err(|error| io::Error::new(io::ErrorKind::Unsupported, error))?;
        }
        let mut rest = self.text.get(self.given..).unwrap_or_default();
        let read = rest.read(buf)?;
        self.given += read;
        Ok(read)
    }
}

/// Old writers do not say that their texts are texts.
fn texts(batch: &RecordBatch) -> Result<RecordBatch, ArrowError> {
    let mut fields = Vec::with_capacity(batch.num_columns());
    let mut columns = Vec::with_capacity(batch.num_columns());
    for (field, column) in batch.schema().fields().iter().zip(batch.columns()) {
        if *field.data_type() == DataType::Binary {
            fields.push(field.as_ref().clone().with_data_type(DataType::Utf8).into());
            columns.push(cast(column, &DataType::Utf8)?);
        } else {
            fields.push(Arc::clone(field));
            columns.push(Arc::clone(column));
        }
    }
    RecordBatch::try_new(Schema::new(fields).into(), columns)
}

/// Says of each rejected record in which row it stands: what it has an offset in exists only here.
pub(super) fn name_rows(lines: Lines, rejected: &mut [RejectedRecord]) {
    let mut bytes = BufReader::new(lines).bytes();
    let (mut at, mut row) = (0, 1_u64);
    for record in rejected {
        while at < record.offset
            && let Some(Ok(byte)) = bytes.next()
        {
            at += 1;
            row += u64::from(byte == b'\n');
        }
        record.reason = format!("row {row}: {}", record.reason);
    }
}
