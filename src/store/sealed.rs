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
        let whole = concat_batches(schema, &pending)?;
        let (rows, plain) = (whole.num_rows(), whole.get_array_memory_size());
        let before = pending.iter().map(RecordBatch::get_array_memory_size).sum();
        drop(pending);
        let pieces = match packed {
            None => vec![whole],
            Some(packed) => pack(&whole, packed)?,
        };
        let sized = |piece: RecordBatch| {
            let bytes = plain / rows.max(1) * piece.num_rows();
            (piece, bytes)
        };
        let segments = pieces.into_iter().map(sized).collect();
        Ok(Sealed { segments, before })
    }
}
