//! Inputs that were misread and are read again: their first rows are left out when all is read, which is rare enough to cost
//! a walk over all rows.

use std::collections::BTreeSet;

use arrow::array::{AsArray, BooleanArray, RecordBatch};
use arrow::compute::filter_record_batch;
use arrow::datatypes::UInt32Type;

use super::day::unreadable;
use super::{Inner, SOURCE, Segment, Store};
use crate::error::Result;

/// Set in the number of a source that is read again. Nobody has two thousand million inputs.
const AGAIN: u32 = 1 << 31;

impl Store {
    /// Forgets all rows of input number `source` so far. It may be forgotten once.
    pub fn forget_source(&self, source: u32) {
        self.lock().forgotten.insert(source);
    }
}

/// The number by which rows of `source` are kept from now on.
pub(super) fn number(source: u32, forgotten: &BTreeSet<u32>) -> u32 {
    match forgotten.contains(&source) {
        true => source | AGAIN,
        false => source,
    }
}

/// The input that a number stands for.
pub(super) fn input(number: u32) -> u32 {
    number & !AGAIN
}

/// Takes out the rows that were forgotten. All days are sealed.
pub(super) fn leave_out(inner: &mut Inner) -> Result<()> {
    if inner.forgotten.is_empty() {
        return Ok(());
    }
    let days: Vec<_> = inner.days.keys().copied().collect();
    for day in days {
        let Some(mut rows) = inner.days.remove(&day) else {
            continue;
        };
        for segment in &mut rows.segments {
            let batch = inner.load(segment)?;
            let kept = kept(&batch, &inner.forgotten);
            let lost = kept.false_count();
            if lost == 0 {
                continue;
            }
            let plain = segment.bytes() / batch.num_rows().max(1) * (batch.num_rows() - lost);
            let batch = filter_record_batch(&batch, &kept).map_err(unreadable)?;
            *segment = match (&segment, &inner.spill) {
                (Segment::Spilled(_), Some(spill)) => Segment::Spilled(spill.write(&batch, plain)?),
                _ => Segment::Memory(batch, plain),
            };
            rows.rows -= lost;
        }
        if rows.rows > 0 {
            inner.days.insert(day, rows);
        }
    }
    Ok(())
}

fn kept(batch: &RecordBatch, forgotten: &BTreeSet<u32>) -> BooleanArray {
    let sources = batch.column_by_name(SOURCE);
    let sources = sources.and_then(|sources| sources.as_primitive_opt::<UInt32Type>());
    let numbers = sources.into_iter().flat_map(|sources| sources.values());
    let kept: Vec<bool> = numbers.map(|number| !forgotten.contains(number)).collect();
    kept.into()
}
