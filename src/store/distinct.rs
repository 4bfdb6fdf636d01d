//! Exact removal of duplicates: of several copies of one sign-in id the richest stays, and takes what
//! only others say.

use std::cmp::Reverse;

use arrow::array::{Array, AsArray, RecordBatch, UInt16Array};
use arrow::compute::{filter_record_batch, interleave_record_batch};
use arrow::datatypes::{TimestampMicrosecondType, UInt16Type, UInt32Type, UInt64Type};
use arrow::error::ArrowError;
use hashbrown::HashMap;
use hashbrown::hash_map::Entry;
use rayon::iter::{IndexedParallelIterator, IntoParallelIterator, ParallelIterator};
use rayon::slice::ParallelSlice;

use super::forgotten::input;
use super::merge::{self, At};
use super::packed::{is_packed, pack};
use super::{PLACE, SEGMENT_ROWS, SOURCE, times};
use crate::error::{Error, Result};
use crate::signin::{Columns, RICHNESS};

/// Sign-ins, each once.
pub struct Distinct {
    /// The rows, in the columns that were asked for.
    pub batches: Vec<RecordBatch>,
    /// How many rows of each input were dropped because another copy stayed: (input, rows).
    pub dropped: Vec<(u32, u64)>,
}

/// Keeps one row of each sign-in id of `batches`. Rows without an id are all kept.
///
/// Rows without richness are no sign-ins: they only add to one (the steps that a portal download keeps
/// in a file of their own), and count as no copies.
///
/// Of several copies the one with the most filled columns stays, then the one that was ingested
/// first, then the one of the input named first, then the first in that input: the same inputs give
/// the same rows, in whatever order threads decoded them.
pub(super) fn distinct(
    batches: Vec<RecordBatch>,
    columns: Columns,
    sorted: bool,
) -> Result<Distinct> {
    let failed = |source| Error::Table {
        input: "decoded rows".to_owned(),
        source,
    };
    let mut batches = batches;
    let (mut keep, groups) = survivors(&batches).map_err(failed)?;
    let mut dropped: HashMap<u32, u64> = HashMap::new();
    for (batch, keep) in batches.iter().zip(&keep) {
        let sources = column(batch, SOURCE)
            .map_err(failed)?
            .as_primitive::<UInt32Type>();
        let richness = richness(batch).map_err(failed)?;
        for (row, keep) in keep.iter().enumerate() {
            if !keep && richness.value(row) > 0 {
                *dropped.entry(input(sources.value(row))).or_default() += 1;
            }
        }
    }
    if let Some((bests, rows)) = merge::merged(&batches, &groups).map_err(failed)? {
        for (at, row) in bests {
            keep[at][row] = false;
        }
        let pieces = match batches.first().map(RecordBatch::schema) {
            Some(schema) if is_packed(&schema) => pack(&[rows], &schema).map_err(failed)?,
            _ => vec![rows],
        };
        for rows in pieces {
            keep.push(vec![true; rows.num_rows()]);
            batches.push(rows);
        }
    }
    let rows = if sorted {
        in_order(&batches, &keep)
    } else {
        filtered(batches, keep)
    };
    let wanted: Vec<usize> = (0..columns.schema().fields().len()).collect();
    let batches = rows
        .and_then(|rows| rows.iter().map(|batch| batch.project(&wanted)).collect())
        .map_err(failed)?;
    let mut dropped: Vec<_> = dropped.into_iter().collect();
    dropped.sort_unstable();
    Ok(Distinct { batches, dropped })
}

fn column<'b>(batch: &'b RecordBatch, name: &str) -> Result<&'b dyn Array, ArrowError> {
    batch
        .column_by_name(name)
        .map(AsRef::as_ref)
        .ok_or_else(|| ArrowError::SchemaError(format!("no column {name}")))
}

/// Which rows stay, for each batch, and the places of all copies of every sign-in that has several, the
/// one that stays first.
type Survivors = (Vec<Vec<bool>>, Vec<Vec<At>>);

fn survivors(batches: &[RecordBatch]) -> Result<Survivors, ArrowError> {
    let mut keep: Vec<Vec<bool>> = batches
        .iter()
        .map(|batch| vec![true; batch.num_rows()])
        .collect();
    let rows = batches.iter().map(RecordBatch::num_rows).sum();
    // Where the first copy stands that was met, and which group it has begun, if others came.
    let mut met: HashMap<&str, (u32, u32, u32)> = HashMap::with_capacity(rows);
    let mut groups: Vec<Vec<At>> = Vec::new();
    for (at, batch) in batches.iter().enumerate() {
        let ids = column(batch, "sign_in_id")?.as_string::<i32>();
        for row in 0..batch.num_rows() {
            if ids.is_null(row) {
                continue;
            }
            match met.entry(ids.value(row)) {
                Entry::Vacant(entry) => {
                    entry.insert((at as u32, row as u32, ALONE));
                }
                Entry::Occupied(mut entry) => {
                    let (first_at, first_row, group) = entry.get_mut();
                    if *group == ALONE {
                        *group = groups.len() as u32;
                        groups.push(vec![(*first_at as usize, *first_row as usize)]);
                    }
                    groups[*group as usize].push((at, row));
                }
            }
        }
    }
    for group in &mut groups {
        let mut ranked = Vec::with_capacity(group.len());
        for (at, row) in group.iter() {
            ranked.push((rank(&batches[*at], *row)?, (*at, *row)));
        }
        ranked.sort_unstable();
        group.clear();
        group.extend(ranked.into_iter().map(|(_, at)| at));
        for (at, row) in group.iter().skip(1) {
            keep[*at][*row] = false;
        }
    }
    // What only adds to sign-ins does not stay by itself.
    for (batch, keep) in batches.iter().zip(&mut keep) {
        let richness = richness(batch)?;
        for (keep, richness) in keep.iter_mut().zip(richness.values()) {
            *keep &= *richness > 0;
        }
    }
    groups.retain(|group| group.first().is_some_and(|(at, row)| keep[*at][*row]));
    Ok((keep, groups))
}

/// A sign-in of which only one copy has been met.
const ALONE: u32 = u32::MAX;

fn richness(batch: &RecordBatch) -> Result<&UInt16Array, ArrowError> {
    Ok(column(batch, RICHNESS)?.as_primitive::<UInt16Type>())
}

/// The smallest stays.
type Rank = (Reverse<u16>, i64, u32, u64);

fn rank(batch: &RecordBatch, row: usize) -> Result<Rank, ArrowError> {
    let ingested = column(batch, "ingested_at")?.as_primitive::<TimestampMicrosecondType>();
    let first = if ingested.is_valid(row) {
        ingested.value(row)
    } else {
        i64::MAX
    };
    Ok((
        Reverse(richness(batch)?.value(row)),
        first,
        input(
            column(batch, SOURCE)?
                .as_primitive::<UInt32Type>()
                .value(row),
        ),
        column(batch, PLACE)?
            .as_primitive::<UInt64Type>()
            .value(row),
    ))
}

/// Each batch is let go as soon as its rows have been taken over.
fn filtered(
    batches: Vec<RecordBatch>,
    keep: Vec<Vec<bool>>,
) -> Result<Vec<RecordBatch>, ArrowError> {
    batches
        .into_par_iter()
        .zip(keep)
        .map(|(batch, keep)| match keep.iter().all(|keep| *keep) {
            true => Ok(batch),
            false => filter_record_batch(&batch, &keep.into()),
        })
        .collect()
}

fn in_order(batches: &[RecordBatch], keep: &[Vec<bool>]) -> Result<Vec<RecordBatch>, ArrowError> {
    let mut order = Vec::new();
    for (at, (batch, keep)) in batches.iter().zip(keep).enumerate() {
        let ids = column(batch, "sign_in_id")?.as_string::<i32>();
        for (row, keep) in keep.iter().enumerate() {
            if *keep {
                let time = times(batch)
                    .filter(|times| times.is_valid(row))
                    .map(|times| times.value(row));
                let id = ids.is_valid(row).then(|| ids.value(row));
                order.push((time, id, at, row));
            }
        }
    }
    order.sort_unstable();
    let batches: Vec<&RecordBatch> = batches.iter().collect();
    order
        .par_chunks(SEGMENT_ROWS)
        .map(|rows| {
            let rows: Vec<(usize, usize)> =
                rows.iter().map(|(_, _, at, row)| (*at, *row)).collect();
            interleave_record_batch(&batches, &rows)
        })
        .collect()
}
