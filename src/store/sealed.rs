//! Small batches of a day, put together into segments: many small ones would cost more than their rows.

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;

use super::packed::pack;

/// What small batches of a day have become.
pub(super) struct Sealed {
    /// The rows, with the bytes that they would take with plain text.
    pub(super) segments: Vec<(RecordBatch, usize)>,
    /// The memory that the small batches took.
    pub(super) before: usize,
}

impl Sealed {
    pub(super) fn of(
        schema: &SchemaRef,
        packed: Option<&SchemaRef>,
        pending: Vec<RecordBatch>,
    ) -> Result<Sealed, ArrowError> {
        let rows: usize = pending.iter().map(RecordBatch::num_rows).sum();
        let before = pending.iter().map(RecordBatch::get_array_memory_size).sum();
        let pieces = match packed {
            None => vec![concat_batches(schema, &pending)?],
            Some(packed) => pack(&pending, packed)?,
        };
        let plain = plain_bytes(&pending)?;
        let sized = |piece: RecordBatch| {
            let bytes = plain / rows.max(1) * piece.num_rows();
            (piece, bytes)
        };
        let segments = pieces.into_iter().map(sized).collect();
        Ok(Sealed { segments, before })
    }
}

/// What the rows take as one batch.
fn plain_bytes(batches: &[RecordBatch]) -> Result<usize, ArrowError> {
    let columns = batches.iter().flat_map(RecordBatch::columns);
    columns
        .map(|column| column.to_data().get_slice_memory_size())
        .sum()
}
