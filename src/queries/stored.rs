//! Rows of a view that is computed once: in memory when they are few, else in a temporary file.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::catalog::TableProvider;
use datafusion::error::DataFusionError;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::logical_expr::LogicalPlan;
use datafusion::parquet::arrow::ArrowWriter;
use datafusion::parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use datafusion::physical_plan::execute_stream;
use datafusion::prelude::SessionContext;
use futures::StreamExt;

use super::Query;
use super::table::Table;
use crate::archive;
use crate::error::{Error, Result};

/// Stored rows above this many bytes go to a temporary Parquet file instead of memory.
const IN_MEMORY: usize = 32 << 20;

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
    /// Runs `plan`, which is optimised, and keeps its rows; a file, if one is needed, goes to `temp`.
    pub(super) async fn compute(
        context: SessionContext,
        query: &Query,
        plan: LogicalPlan,
        temp: &Path,
    ) -> Result<Stored> {
        let failed = |error| Error::query(&query.file)(error);
        let state = context.state();
        let planner = Arc::clone(state.query_planner());
        let physical = planner.create_physical_plan(&plan, &state);
        let physical = physical.await.map_err(failed)?;
        let rows = execute_stream(physical, context.task_ctx()).map_err(failed)?;
        let (number, rows) = collect(query, rows, temp).await?;
        Ok(Stored {
            schema: Arc::clone(plan.schema().inner()),
            number,
            rows,
        })
    }

    /// How many rows there are.
    pub(super) fn number(&self) -> usize {
        self.number
    }

    /// The rows as a table.
    pub(super) fn table(&self) -> Result<Arc<dyn TableProvider>, DataFusionError> {
        let schema = Arc::clone(&self.schema);
        match &self.rows {
            Place::Memory(batches) => {
                let batches = batches
                    .iter()
                    .map(|batch| {
                        RecordBatch::try_new(Arc::clone(&schema), batch.columns().to_vec())
                    })
                    .collect::<Result<_, _>>()?;
                Ok(Arc::new(Table::new(schema, vec![batches])))
            }
            Place::Parquet(path) => archive::table(std::slice::from_ref(path), schema),
        }
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
    temp: &Path,
) -> Result<(usize, Place)> {
    let mut batches = Vec::new();
    let mut bytes = 0;
    let mut number = 0;
    let mut file: Option<(ArrowWriter<std::fs::File>, PathBuf)> = None;
    while let Some(batch) = rows.next().await {
        let batch = batch.map_err(Error::query(&query.file))?;
        bytes += bytes_of(&batch);
        number += batch.num_rows();
        batches.push(batch);
        if bytes > IN_MEMORY {
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
fn bytes_of(batch: &RecordBatch) -> usize {
    let columns = batch.columns().iter();
    let bytes = columns.map(|column| column.to_data().get_slice_memory_size().unwrap_or(0));
    bytes.sum()
}
