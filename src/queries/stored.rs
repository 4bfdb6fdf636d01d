//! Rows of a view that is computed once: in memory when they are few, else in a temporary file.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::error::DataFusionError;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::parquet::arrow::ArrowWriter;
use datafusion::parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use datafusion::physical_plan::{ExecutionPlan, execute_stream};
use datafusion::prelude::SessionContext;
use futures::StreamExt;

use super::Query;
use super::slot::Slot;
use crate::archive;
use crate::error::{Error, Result};

/// Stored rows above this many bytes go to a temporary Parquet file instead of memory, if nothing else is said.
pub(super) const IN_MEMORY: usize = 32 << 20;

/// Stored rows, batch by batch.
pub type Rows<'s> = Box<dyn Iterator<Item = Result<RecordBatch>> + 's>;

/// The rows of one view, in the order of its query.
pub(super) struct Stored {
    schema: SchemaRef,
    number: usize,
    rows: Place,
}

enum Place {
    Memory(Vec<RecordBatch>),
    Parquet(PathBuf),
}

impl Stored {
    /// Runs `plan` and keeps its rows, which have the columns of `schema`; above `in_memory` bytes in a file in `temp`.
    pub(super) async fn compute(
        context: &SessionContext,
        query: &Query,
        plan: Arc<dyn ExecutionPlan>,
        schema: SchemaRef,
        temp: &Path,
        in_memory: usize,
    ) -> Result<Stored> {
        let failed = |error| Error::query(&query.file)(error);
        let rows = execute_stream(plan, context.task_ctx()).map_err(failed)?;
        let (number, rows) = collect(query, rows, &schema, temp, in_memory).await?;
        Ok(Stored {
            schema,
            number,
            rows,
        })
    }

    /// Rows in memory, which have the columns of `schema`.
    pub(super) fn in_memory(schema: SchemaRef, batches: Vec<RecordBatch>) -> Stored {
        Stored {
            number: batches.iter().map(RecordBatch::num_rows).sum(),
            schema,
            rows: Place::Memory(batches),
        }
    }

    /// The rows, if they are in memory.
    pub(super) fn batches(&self) -> Option<&[RecordBatch]> {
        match &self.rows {
            Place::Memory(batches) => Some(batches),
            Place::Parquet(_) => None,
        }
    }

    /// The columns.
    pub(super) fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// Gives the rows to `slot`.
    pub(super) fn fill(&self, slot: &Slot) -> Result<(), DataFusionError> {
        match &self.rows {
            Place::Memory(batches) => slot.fill(&self.schema, batches.clone()),
            Place::Parquet(path) => {
                let schema = Arc::clone(&self.schema);
                let table = archive::table(std::slice::from_ref(path), schema)?;
                slot.fill_from(table, self.number);
            }
        }
        Ok(())
    }

    /// The rows themselves.
    pub(super) fn rows(&self, name: &str) -> Result<Rows<'_>> {
        match &self.rows {
            Place::Memory(batches) => Ok(Box::new(batches.iter().cloned().map(Ok))),
            Place::Parquet(path) => {
                let file = std::fs::File::open(path).map_err(Error::read(path))?;
                let rows = ParquetRecordBatchReaderBuilder::try_new(file)
                    .and_then(|builder| builder.build())
                    .map_err(|error| Error::query(name)(error.into()))?;
                let name = name.to_owned();
                Ok(Box::new(rows.map(move |batch| {
                    batch.map_err(|error| Error::query(&name)(error.into()))
                })))
            }
        }
    }
}

/// How many rows came, and where they are.
async fn collect(
    query: &Query,
    mut rows: SendableRecordBatchStream,
    schema: &SchemaRef,
    temp: &Path,
    in_memory: usize,
) -> Result<(usize, Place)> {
    let mut batches = Vec::new();
    let mut bytes = 0;
    let mut number = 0;
    let mut file: Option<(ArrowWriter<std::fs::File>, PathBuf)> = None;
    while let Some(batch) = rows.next().await {
        let failed = Error::query(&query.file);
        let batch = batch.and_then(|batch| {
            // What plans say of a column and what its rows do may differ in whether it can be NULL.
            let columns = batch.columns().to_vec();
            Ok(RecordBatch::try_new(Arc::clone(schema), columns)?)
        });
        let batch = batch.map_err(failed)?;
        bytes += bytes_of(&batch);
        number += batch.num_rows();
        batches.push(batch);
        if bytes > in_memory {
            if file.is_none() {
                let path = temp.join(format!("{}.parquet", query.name));
                let out = std::fs::File::create(&path).map_err(Error::write(&path))?;
                let writer =
                    ArrowWriter::try_new(out, rows.schema(), None).map_err(Error::table(&path))?;
                file = Some((writer, path));
            }
            if let Some((writer, path)) = &mut file {
                for batch in batches.drain(..) {
                    writer.write(&batch).map_err(Error::table(path))?;
                }
            }
            bytes = 0;
        }
    }
    let Some((mut writer, path)) = file else {
        return Ok((number, Place::Memory(batches)));
    };
    for batch in batches {
        writer.write(&batch).map_err(Error::table(&path))?;
    }
    writer.close().map_err(Error::table(&path))?;
    Ok((number, Place::Parquet(path)))
}

/// What the rows of a batch take. Batches are slices of larger ones, so their buffers say too much.
pub(super) fn bytes_of(batch: &RecordBatch) -> usize {
    let columns = batch.columns().iter();
    let bytes = columns.map(|column| column.to_data().get_slice_memory_size().unwrap_or(0));
    bytes.sum()
}
