//! Holds decoded sign-ins until all inputs are read, then gives each sign-in once.
//!
//! Rows are kept by the UTC day of the event. A repeated id has the same event time, so duplicates
//! can be removed a day at a time, and a day that does not fit in memory in ranges of whole
//! minutes. What is over the budget goes to one temporary file, packed with LZ4.

mod day;
mod distinct;
mod forgotten;
mod ids;
mod merge;
mod packed;
mod sealed;
mod spill;
mod timeless;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::{
    Array, ArrayRef, AsArray, RecordBatch, TimestampMicrosecondArray, UInt32Array, UInt64Array,
};
use arrow::compute::take_record_batch;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimestampMicrosecondType};
use arrow::error::ArrowError;

use crate::error::{Error, Result};
use crate::signin::{Columns, Places, RICHNESS};
pub use day::DayOfStore;
pub use distinct::Distinct;
use sealed::Sealed;
use spill::{Spill, Spilled};

/// Days since the Unix epoch, in UTC; `None` for sign-ins without an event time.
pub type Day = Option<i32>;

const SOURCE: &str = "source";
const PLACE: &str = "place";
const SEGMENT_ROWS: usize = 8192;
const DAY_MICROS: i64 = 86_400_000_000;
const MINUTE_MICROS: i64 = 60_000_000;

/// Columns that removal of duplicates needs, whatever is asked for.
const NEEDED: [&str; 3] = ["sign_in_id", "time", "ingested_at"];

/// Where decoded rows are brought together. Shared by all decoding threads.
pub struct Store {
    columns: Columns,
    schema: SchemaRef,
    /// The same columns as they are kept, if that is not as they come.
    packed: Option<SchemaRef>,
    budget: usize,
    temp: PathBuf,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    /// Sources whose rows so far do not count. Those that come now have another number.
    forgotten: BTreeSet<u32>,
    days: BTreeMap<Day, DayRows>,
    in_memory: usize,
    spill: Option<Arc<Spill>>,
}

/// The rows of one day, in no order.
struct DayRows {
    pending: Vec<RecordBatch>,
    pending_rows: usize,
    segments: Vec<Segment>,
    /// Rows in each minute, to cut a big day into ranges that fit.
    minutes: Vec<u32>,
    rows: usize,
}

enum Segment {
    /// Rows, and the bytes that they would take with plain text.
    Memory(RecordBatch, usize),
    Spilled(Spilled),
}

impl Segment {
    /// What its rows take in memory with plain text, or would.
    fn bytes(&self) -> usize {
        match self {
            Segment::Memory(_, plain) => *plain,
            Segment::Spilled(spilled) => spilled.memory,
        }
    }

    /// Whether any row may lie in the minutes `first..end` of its day.
    fn touches(&self, first: usize, end: usize) -> bool {
        match self {
            Segment::Memory(..) => true,
            Segment::Spilled(spilled) => spilled.touches(first, end),
        }
    }

    /// Whether every row is known to lie in the minutes `first..end` of its day.
    fn lies_within(&self, first: usize, end: usize) -> bool {
        matches!(self, Segment::Spilled(spilled) if spilled.lies_within(first, end))
    }
}

impl Store {
    /// A store for the columns asked for (and those it needs itself) that keeps about `budget`
    /// bytes of rows in memory and the rest in a file in `temp`.
    pub fn new(columns: Columns, budget: usize, temp: &Path) -> Store {
        let columns = Store::columns_for(columns);
        let mut fields: Vec<_> = columns.schema().fields().iter().map(plain).collect();
        fields.push(Field::new(RICHNESS, DataType::UInt16, true));
        fields.push(Field::new(SOURCE, DataType::UInt32, true));
        fields.push(Field::new(PLACE, DataType::UInt64, true));
        Store {
            columns,
            schema: Arc::new(Schema::new(fields)),
            packed: None,
            budget,
            temp: temp.to_owned(),
            inner: Mutex::default(),
        }
    }

    /// The same, but text is kept in dictionaries, and given so where rows are not sorted.
    pub fn packed(self) -> Store {
        Store {
            packed: Some(packed::packed(&self.schema)),
            ..self
        }
    }

    /// The columns that must be decoded so that `columns` can be had from a store.
    pub fn columns_for(columns: Columns) -> Columns {
        columns.union(Columns::of(NEEDED))
    }

    /// Takes a batch of the columns of the store plus richness, from input number `source`, whose
    /// rows stand at `places` in that input.
    ///
    /// # Errors
    /// A temporary file that cannot be written.
    pub fn push<'p>(
        &self,
        batch: &RecordBatch,
        source: u32,
        places: impl Into<Places<'p>>,
    ) -> Result<()> {
        let source = forgotten::number(source, &self.lock().forgotten);
        let batch = self
            .with_source(batch, source, places.into())
            .map_err(|error| self.failed(error))?;
        let parts = split_by_day(&batch).map_err(|error| self.failed(error))?;
        let mut inner = self.lock();
        let mut full = Vec::new();
        for (day, part) in parts {
            let rows = inner.days.entry(day).or_insert_with(DayRows::new);
            rows.add(&part);
            if rows.pending_rows >= SEGMENT_ROWS {
                full.push((day, rows.take_pending()));
            }
            inner.in_memory += part.get_array_memory_size();
        }
        if !full.is_empty() {
            // Putting batches together takes a while: others may push meanwhile.
            drop(inner);
            let mut sealed = Vec::new();
            for (day, pending) in full {
                let segment = Sealed::of(&self.schema, self.packed.as_ref(), pending);
                sealed.push((day, segment.map_err(|error| self.failed(error))?));
            }
            inner = self.lock();
            for (day, segment) in sealed {
                inner.add(day, segment);
            }
        }
        if inner.in_memory > self.budget {
            let taken = inner.take(&self.schema, self.packed.as_ref());
            let spill = inner.spill(&self.temp)?;
            // Packing takes longer than writing: others may push meanwhile.
            drop(inner);
            for (day, batch, plain) in taken.map_err(|error| self.failed(error))? {
                let spilled = spill.write(&batch, plain)?;
                let mut inner = self.lock();
                let rows = inner.days.entry(day).or_insert_with(DayRows::new);
                rows.segments.push(Segment::Spilled(spilled));
            }
        }
        Ok(())
    }

    /// What a row takes in memory, in bytes on average; `None` if there is none.
    pub fn row_bytes(&self) -> Option<usize> {
        let inner = self.lock();
        let days = || inner.days.values();
        let sealed = days().flat_map(|day| &day.segments).map(Segment::bytes);
        let pending = days().flat_map(|day| &day.pending);
        let pending = pending.map(RecordBatch::get_array_memory_size);
        let rows: usize = days().map(|day| day.rows).sum();
        sealed.chain(pending).sum::<usize>().checked_div(rows)
    }

    /// Whether every row is in memory.
    pub fn is_resident(&self) -> bool {
        self.lock().spill.is_none()
    }

    /// The days, each to be made distinct by itself; `share` bytes is what one of them may hold in
    /// memory at a time.
    ///
    /// # Errors
    /// Rows that Arrow cannot put together.
    pub fn into_days(self, share: usize) -> Result<Vec<DayOfStore>> {
        let columns = self.columns;
        let schema = Arc::clone(&self.schema);
        let mut inner = self
            .inner
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        let days: Vec<Day> = inner.days.keys().copied().collect();
        for day in days {
            let sealed = inner.seal(day, &schema, self.packed.as_ref());
            sealed.map_err(|source| Error::Table {
                input: self.temp.display().to_string(),
                source,
            })?;
        }
        forgotten::leave_out(&mut inner)?;
        timeless::settle(&mut inner)?;
        let spill = inner.spill;
        let days = inner.days.into_iter().map(|(day, rows)| DayOfStore {
            day,
            rows,
            columns,
            share,
            spill: spill.clone(),
        });
        Ok(days.collect())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn failed(&self, source: ArrowError) -> Error {
        Error::Table {
            input: self.temp.display().to_string(),
            source,
        }
    }

    fn with_source(
        &self,
        batch: &RecordBatch,
        source: u32,
        places: Places<'_>,
    ) -> Result<RecordBatch, ArrowError> {
        let rows = batch.num_rows();
        let number: ArrayRef = Arc::new(UInt32Array::from_value(source, rows));
        let places: UInt64Array = match places {
            Places::From(place) => (place..).take(rows).collect(),
            Places::Each(places) => places.to_vec().into(),
        };
        let mut columns = batch.columns().to_vec();
        columns.extend([number, Arc::new(places) as ArrayRef]);
        RecordBatch::try_new(Arc::clone(&self.schema), columns)
    }
}

/// A field as it is stored: without the words that describe it, which would be repeated each time.
fn plain(field: &Arc<Field>) -> Field {
    field.as_ref().clone().with_metadata(Default::default())
}

fn times(batch: &RecordBatch) -> Option<&TimestampMicrosecondArray> {
    Some(
        batch
            .column_by_name("time")?
            .as_primitive::<TimestampMicrosecondType>(),
    )
}

fn day_of(times: &TimestampMicrosecondArray, row: usize) -> Day {
    // 292,000 years of microseconds are fewer days than an i32 holds.
    times
        .is_valid(row)
        .then(|| times.value(row).div_euclid(DAY_MICROS) as i32)
}

fn split_by_day(batch: &RecordBatch) -> Result<Vec<(Day, RecordBatch)>, ArrowError> {
    let Some(times) = times(batch) else {
        return Ok(vec![(None, batch.clone())]);
    };
    let mut rows: BTreeMap<Day, Vec<u64>> = BTreeMap::new();
    for row in 0..batch.num_rows() {
        rows.entry(day_of(times, row)).or_default().push(row as u64);
    }
    if let (1, Some(day)) = (rows.len(), rows.keys().next()) {
        return Ok(vec![(*day, batch.clone())]);
    }
    rows.into_iter()
        .map(|(day, rows)| Ok((day, take_record_batch(batch, &UInt64Array::from(rows))?)))
        .collect()
}

impl DayRows {
    fn new() -> DayRows {
        DayRows {
            pending: Vec::new(),
            pending_rows: 0,
            segments: Vec::new(),
            minutes: vec![0; (DAY_MICROS / MINUTE_MICROS) as usize],
            rows: 0,
        }
    }

    fn add(&mut self, part: &RecordBatch) {
        if let Some(times) = times(part) {
            for time in times.iter().flatten() {
                self.minutes[minute_of(time)] += 1;
            }
        }
        self.rows += part.num_rows();
        self.pending_rows += part.num_rows();
        self.pending.push(part.clone());
    }

    fn take_pending(&mut self) -> Vec<RecordBatch> {
        self.pending_rows = 0;
        std::mem::take(&mut self.pending)
    }
}

fn minute_of(time: i64) -> usize {
    (time.rem_euclid(DAY_MICROS) / MINUTE_MICROS) as usize
}

impl Inner {
    /// Takes a segment in place of the batches that it was made of.
    fn add(&mut self, day: Day, sealed: Sealed) {
        let segments = sealed.segments.into_iter();
        let rows = self.days.entry(day).or_insert_with(DayRows::new);
        self.in_memory = self.in_memory.saturating_sub(sealed.before);
        for (segment, plain) in segments {
            self.in_memory += segment.get_array_memory_size();
            rows.segments.push(Segment::Memory(segment, plain));
        }
    }

    /// Puts the small batches of a day together, however few they are.
    fn seal(
        &mut self,
        day: Day,
        schema: &SchemaRef,
        packed: Option<&SchemaRef>,
    ) -> Result<(), ArrowError> {
        let pending = self.days.get_mut(&day).map(DayRows::take_pending);
        match pending.filter(|pending| !pending.is_empty()) {
            Some(pending) => {
                Sealed::of(schema, packed, pending).map(|sealed| self.add(day, sealed))
            }
            None => Ok(()),
        }
    }

    /// Takes out all rows that are in memory, to be spilled.
    fn take(
        &mut self,
        schema: &SchemaRef,
        packed: Option<&SchemaRef>,
    ) -> Result<Vec<(Day, RecordBatch, usize)>, ArrowError> {
        let days: Vec<Day> = self.days.keys().copied().collect();
        let mut taken = Vec::new();
        for day in days {
            self.seal(day, schema, packed)?;
            let Some(rows) = self.days.get_mut(&day) else {
                continue;
            };
            let in_memory = rows
                .segments
                .extract_if(.., |segment| matches!(segment, Segment::Memory(..)));
            taken.extend(in_memory.filter_map(|segment| match segment {
                Segment::Memory(batch, plain) => Some((day, batch, plain)),
                Segment::Spilled(_) => None,
            }));
        }
        self.in_memory = 0;
        Ok(taken)
    }

    /// The file for rows that do not fit.
    fn spill(&mut self, temp: &Path) -> Result<Arc<Spill>> {
        let spill = match self.spill.take() {
            Some(spill) => spill,
            None => Arc::new(Spill::create(temp)?),
        };
        self.spill = Some(Arc::clone(&spill));
        Ok(spill)
    }
}

#[cfg(test)]
mod tests;
