//! Sign-ins without an event time that have copies with one: they are brought to the day of that
//! copy, where all copies of a sign-in are made one.
//!
//! A query that leaves `CreatedDateTime` out has no event time, nor have the steps of a portal
//! download, which are in a file of their own.

use std::sync::Arc;

use arrow::array::{Array, AsArray, BooleanArray, RecordBatch, TimestampMicrosecondArray};
use arrow::compute::filter_record_batch;
use arrow::error::ArrowError;
use hashbrown::HashMap;

use super::{DayRows, Inner, Segment, split_by_day, times};
use crate::error::{Error, Result};

/// Gives rows without an event time that of the earliest copy, and moves them to its day. All days
/// are sealed.
pub(super) fn settle(inner: &mut Inner) -> Result<()> {
    if inner.days.len() < 2 {
        return Ok(());
    }
    let Some(without) = inner.days.remove(&None) else {
        return Ok(());
    };
    let mut batches = Vec::new();
    for segment in &without.segments {
        batches.push(inner.load(segment)?);
    }
    let found = times_of(inner, &batches)?;
    let mut left = DayRows::new();
    for batch in batches {
        let (timed, timeless) = with_times(&batch, &found).map_err(failed)?;
        for (day, part) in split_by_day(&timed).map_err(failed)? {
            if part.num_rows() > 0 {
                inner
                    .days
                    .entry(day)
                    .or_insert_with(DayRows::new)
                    .take(part);
            }
        }
        if timeless.num_rows() > 0 {
            left.take(timeless);
        }
    }
    if left.rows > 0 {
        inner.days.insert(None, left);
    }
    Ok(())
}

/// The earliest time that any copy of these sign-ins has.
fn times_of(inner: &Inner, batches: &[RecordBatch]) -> Result<HashMap<String, Option<i64>>> {
    let mut found = HashMap::new();
    for id in batches.iter().flat_map(ids) {
        found.entry_ref(id).or_insert(None);
    }
    if found.is_empty() {
        return Ok(found);
    }
    for segment in inner.days.values().flat_map(|day| &day.segments) {
        let batch = inner.load(segment)?;
        let (Some(times), Some(ids)) = (times(&batch), batch.column_by_name("sign_in_id")) else {
            continue;
        };
        for (id, time) in ids.as_string::<i32>().iter().zip(times) {
            if let (Some(id), Some(time)) = (id, time)
                && let Some(known) = found.get_mut(id)
            {
                *known = Some(known.map_or(time, |known| known.min(time)));
            }
        }
    }
    Ok(found)
}

fn ids(batch: &RecordBatch) -> impl Iterator<Item = &str> {
    let ids = batch.column_by_name("sign_in_id");
    ids.into_iter()
        .flat_map(|ids| ids.as_string::<i32>().iter().flatten())
}

/// The rows for which a time was found, with it, and the others.
fn with_times(
    batch: &RecordBatch,
    found: &HashMap<String, Option<i64>>,
) -> Result<(RecordBatch, RecordBatch), ArrowError> {
    let ids = batch
        .column_by_name("sign_in_id")
        .map(|ids| ids.as_string::<i32>());
    let times: TimestampMicrosecondArray = (0..batch.num_rows())
        .map(|row| {
            let ids = ids.filter(|ids| ids.is_valid(row))?;
            *found.get(ids.value(row))?
        })
        .collect();
    let has: BooleanArray = times.iter().map(|time| Some(time.is_some())).collect();
    let has_not: BooleanArray = times.iter().map(|time| Some(time.is_none())).collect();
    let schema = batch.schema();
    let columns = schema
        .fields()
        .iter()
        .zip(batch.columns())
        .map(|(field, column)| match field.name().as_str() {
            "time" => Arc::new(times.clone().with_timezone("UTC")) as _,
            _ => Arc::clone(column),
        })
        .collect();
    let timed = RecordBatch::try_new(Arc::clone(&schema), columns)?;
    Ok((
        filter_record_batch(&timed, &has)?,
        filter_record_batch(batch, &has_not)?,
    ))
}

fn failed(source: ArrowError) -> Error {
    Error::Table {
        input: "decoded rows".to_owned(),
        source,
    }
}

impl DayRows {
    /// Takes a segment of its own.
    fn take(&mut self, batch: RecordBatch) {
        for time in times(&batch)
            .into_iter()
            .flat_map(|times| times.iter().flatten())
        {
            if let Some(count) = self.minutes.get_mut(super::minute_of(time)) {
                *count += 1;
            }
        }
        self.rows += batch.num_rows();
        let bytes = batch.get_array_memory_size();
        self.segments.push(Segment::Memory(batch, bytes));
    }
}

impl Inner {
    /// The rows of a segment, wherever it is.
    pub(super) fn load(&self, segment: &Segment) -> Result<RecordBatch> {
        match (segment, &self.spill) {
            (Segment::Memory(batch, _), _) => Ok(batch.clone()),
            (Segment::Spilled(spilled), Some(spill)) => spill.read(spilled),
            (Segment::Spilled(_), None) => Err(failed(ArrowError::IpcError(
                "rows on disk without a file".to_owned(),
            ))),
        }
    }
}
