//! One day of what is held: each sign-in of it once, in pieces that fit in memory. A piece is read and put in order while what came
//! before it is used, so that neither waits for the other.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::compute::take_record_batch;
use arrow::datatypes::UInt32Type;
use arrow::error::ArrowError;
use rayon::iter::{IntoParallelRefIterator, ParallelIterator};

use super::distinct::{self, Distinct};
use super::spill::Spill;
use super::{Day, DayRows, Segment, minute_of, packed, times};
use crate::error::{Error, Result};
use crate::signin::Columns;

/// One day of a store.
pub struct DayOfStore {
    /// Which day.
    pub day: Day,
    pub(super) rows: DayRows,
    pub(super) columns: Columns,
    pub(super) share: usize,
    pub(super) spill: Option<Arc<Spill>>,
}

impl DayOfStore {
    /// Gives the day's sign-ins, each once, to `each`: in one piece if it fits, else in pieces of
    /// consecutive minutes. With `sorted`, rows are in order of time within and across pieces.
    ///
    /// # Errors
    /// A temporary file that cannot be read, or what `each` returns.
    pub fn distinct(
        mut self,
        sorted: bool,
        mut each: impl FnMut(Distinct) -> Result<()> + Send,
    ) -> Result<()> {
        let ranges = self.ranges();
        let whole = ranges.len() == 1;
        let mut made = None;
        for range in ranges {
            // What is read, and put in order, leaves threads without work, and so does what is done with it.
            let (done, next) = rayon::join(
                || made.take().map_or(Ok(()), &mut each),
                || self.piece(range, whole, sorted),
            );
            done?;
            made = Some(next?);
        }
        made.map_or(Ok(()), each)
    }

    /// The sign-ins of a range of minutes.
    fn piece(&mut self, range: (usize, usize), whole: bool, sorted: bool) -> Result<Distinct> {
        let segments = self.rows.segments.par_iter();
        let batches = segments
            .filter(|segment| whole || segment.touches(range.0, range.1))
            .map(|segment| self.rows_of(segment, whole, range, sorted))
            .collect::<Result<Vec<_>>>()?;
        if whole {
            // The rows are in `batches` now; holding them here too would keep both alive.
            self.rows.segments.clear();
        }
        distinct::distinct(batches, self.columns, sorted)
    }

    /// The rows of a segment, or those in a range of minutes, as [`DayOfStore::distinct`] wants them.
    fn rows_of(
        &self,
        segment: &Segment,
        whole: bool,
        (first, end): (usize, usize),
        sorted: bool,
    ) -> Result<RecordBatch> {
        let rows = match (segment, &self.spill) {
            (Segment::Memory(batch, _), _) => batch.clone(),
            (Segment::Spilled(spilled), Some(spill)) => spill.read(spilled)?,
            (Segment::Spilled(_), None) => {
                let missing = "no temporary file".to_owned();
                return Err(unreadable(ArrowError::IpcError(missing)));
            }
        };
        let rows = match whole || segment.lies_within(first, end) {
            true => rows,
            false => within(&rows, first, end)?,
        };
        // Rows that are put in order come from many segments, each with its own dictionaries.
        match sorted {
            true => packed::unpack(&rows).map_err(unreadable),
            false => Ok(rows),
        }
    }

    /// Ranges of minutes, half-open, that hold about `share` bytes each.
    fn ranges(&self) -> Vec<(usize, usize)> {
        let bytes: usize = self.rows.segments.iter().map(Segment::bytes).sum();
        let minutes = self.rows.minutes.len();
        if bytes <= self.share || self.day.is_none() {
            return vec![(0, minutes)];
        }
        let most = (self.rows.rows as u64 * self.share as u64 / bytes.max(1) as u64).max(1);
        let mut ranges = Vec::new();
        let (mut first, mut rows) = (0, 0);
        for (minute, count) in self.rows.minutes.iter().enumerate() {
            if *count > 0 && rows > 0 && rows + u64::from(*count) > most {
                ranges.push((first, minute));
                (first, rows) = (minute, 0);
            }
            rows += u64::from(*count);
        }
        ranges.push((first, minutes));
        ranges
    }
}

/// What is told of temporary rows that cannot be had again.
pub(super) fn unreadable(source: ArrowError) -> Error {
    Error::Table {
        input: "temporary rows".to_owned(),
        source,
    }
}

fn within(batch: &RecordBatch, first: usize, end: usize) -> Result<RecordBatch> {
    let rows: Vec<u32> = times(batch)
        .into_iter()
        .flat_map(|times| times.iter().enumerate())
        .filter(|(_, time)| time.is_some_and(|time| (first..end).contains(&minute_of(time))))
        .map(|(row, _)| row as u32)
        .collect();
    take_record_batch(
        batch,
        &arrow::array::PrimitiveArray::<UInt32Type>::from(rows),
    )
    .map_err(unreadable)
}
