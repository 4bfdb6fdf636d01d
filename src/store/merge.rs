//! One sign-in from its copies: what the copy that stays does not say, another may.
//!
//! A row of the unified audit log has no words of the failure, a portal download no steps, a query
//! only the columns that were asked for. Which copy a value is taken from follows from the rank of
//! the copies alone, so the same inputs give the same rows.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::compute::interleave;
use arrow::datatypes::{Field, Schema, TimestampMicrosecondType, UInt16Type};
use arrow::error::ArrowError;

use super::packed::plain;
use super::{PLACE, SOURCE};
use crate::signin::RICHNESS;

/// Where a row stands: number of its batch, number in it.
pub(super) type At = (usize, usize);

/// What makes one value say more than another.
#[derive(Clone, Copy)]
enum Says {
    /// Any value says more than none.
    Anything,
    /// `unknown` says little.
    Known,
    /// That no reason is stated, or none of the known ones, says little.
    Reason,
    /// Some routes cut times to milliseconds or seconds.
    Time,
    /// A password that was right once is known; a wrong one says more than nothing.
    Password,
}

impl Says {
    /// How much the value at `row` says; 0 is NULL.
    fn weight(self, column: &dyn Array, row: usize) -> u8 {
        if column.is_null(row) {
            return 0;
        }
        if let (Says::Time, Some(times)) =
            (self, column.as_primitive_opt::<TimestampMicrosecondType>())
        {
            return match times.value(row) {
                whole if whole % 1_000_000 == 0 => 1,
                thousandths if thousandths % 1_000 == 0 => 2,
                _ => 3,
            };
        }
        let text = || match column.as_dictionary_opt::<UInt16Type>() {
            Some(packed) => {
                let key = usize::from(packed.keys().value(row));
                let texts = packed.values().as_string_opt::<i32>();
                texts.map(|texts| texts.value(key))
            }
            None => column.as_string_opt::<i32>().map(|texts| texts.value(row)),
        };
        match (self, text()) {
            (Says::Known, Some("unknown"))
            | (Says::Reason, Some("absent"))
            | (Says::Password, Some("unknown")) => 1,
            (Says::Reason, Some("generic")) | (Says::Password, Some("incorrect")) => 2,
            _ => 3,
        }
    }
}

/// How copies are weighed in a column; `None` for those that belong to the copy itself.
fn says(column: &str) -> Option<Says> {
    match column {
        "source_file" | "spelling" | RICHNESS | SOURCE | PLACE => None,
        "time" => Some(Says::Time),
        "category" => Some(Says::Known),
        "stated_reason" => Some(Says::Reason),
        "password_result" => Some(Says::Password),
        _ => Some(Says::Anything),
    }
}

/// For each group of copies (best first) of which the best lacks what another says: the best one, and
/// all such rows put together in this order, with plain text. `None` if there is no such group.
pub(super) fn merged(
    batches: &[RecordBatch],
    groups: &[Vec<At>],
) -> Result<Option<(Vec<At>, RecordBatch)>, ArrowError> {
    let Some(schema) = batches.first().map(RecordBatch::schema) else {
        return Ok(None);
    };
    let names = schema.fields().iter().map(|field| says(field.name()));
    let says: Vec<_> = names.collect();
    let mut bests = Vec::new();
    // From which copy each column of each such row is taken.
    let mut sources: Vec<Vec<At>> = vec![Vec::new(); says.len()];
    for group in groups {
        let Some(best) = group.first() else { continue };
        let taken: Vec<At> = says
            .iter()
            .enumerate()
            .map(|(column, says)| says.map_or(*best, |says| most(batches, column, says, group)))
            .collect();
        if taken.iter().any(|at| at != best) {
            bests.push(*best);
            for (places, at) in sources.iter_mut().zip(taken) {
                places.push(at);
            }
        }
    }
    if bests.is_empty() {
        return Ok(None);
    }
    let columns = sources.iter().enumerate().map(|(column, places)| {
        let arrays = batches.iter().map(|batch| plain(batch.column(column)));
        let arrays = arrays.collect::<Result<Vec<ArrayRef>, ArrowError>>()?;
        let arrays: Vec<&dyn Array> = arrays.iter().map(AsRef::as_ref).collect();
        interleave(&arrays, places)
    });
    let columns = columns.collect::<Result<Vec<_>, ArrowError>>()?;
    let fields = schema.fields().iter().zip(&columns);
    let fields: Vec<Field> = fields
        .map(|(field, column)| Field::new(field.name(), column.data_type().clone(), true))
        .collect();
    let rows = RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)?;
    Ok(Some((bests, rows)))
}

/// The first of the copies that says most in `column`.
fn most(batches: &[RecordBatch], column: usize, says: Says, group: &[At]) -> At {
    let mut most = (0, group.first().copied().unwrap_or_default());
    for (number, (batch, row)) in group.iter().enumerate() {
        let weight = batches
            .get(*batch)
            .map_or(0, |batch| says.weight(batch.column(column), *row));
        if weight > most.0 || number == 0 {
            most = (weight, (*batch, *row));
        }
        if weight == 3 {
            break;
        }
    }
    most.1
}
