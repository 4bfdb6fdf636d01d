//! What two versions of a stored view do not share, so that those who read it make only that anew.

use datafusion::arrow::array::{BooleanArray, RecordBatch, make_comparator};
use datafusion::arrow::compute::{SortOptions, concat_batches, filter_record_batch};
use datafusion::common::hash_utils::{RandomState, create_hashes};
use datafusion::error::DataFusionError;
use hashbrown::HashMap;

use super::part::failed;
use crate::error::{Error, Result};
use crate::queries::SIGNINS;
use crate::queries::stored::Stored;

/// What a stored view has lost and gained since it had the rows before; `None`: that is not known.
pub(super) type Delta = Option<Vec<RecordBatch>>;

/// What `before` had and `now` does not have, and the other way round.
pub(super) fn between(before: &Stored, now: &Stored) -> Result<Delta> {
    let (Some(then), Some(batches)) = (before.batches(), now.batches()) else {
        return Ok(None);
    };
    if before.schema() != now.schema() {
        return Ok(None);
    }
    let then = concat_batches(before.schema(), then).map_err(failed)?;
    let now = concat_batches(now.schema(), batches).map_err(failed)?;
    let most = then.num_rows().min(now.num_rows());
    let first = longest(most, |rows| then.slice(0, rows) == now.slice(0, rows));
    let last = longest(most - first, |rows| {
        then.slice(then.num_rows() - rows, rows) == now.slice(now.num_rows() - rows, rows)
    });
    // What stands in order has changed at one place, mostly, so that little is left to be compared row by row.
    let middle = |rows: &RecordBatch| rows.slice(first, rows.num_rows() - first - last);
    let (lost, gained) = differences(middle(&then), middle(&now)).map_err(Error::query(SIGNINS))?;
    Ok(Some(vec![lost, gained]))
}

/// The largest number up to `most` for which something holds that holds for all smaller ones.
fn longest(most: usize, holds: impl Fn(usize) -> bool) -> usize {
    let (mut low, mut high) = (0, most);
    while low < high {
        let middle = high - (high - low) / 2;
        match holds(middle) {
            true => low = middle,
            false => high = middle - 1,
        }
    }
    low
}

/// What each of two tables of the same columns has that the other does not have, whatever the order of rows.
pub(super) fn differences(
    left: RecordBatch,
    right: RecordBatch,
) -> Result<(RecordBatch, RecordBatch), DataFusionError> {
    let columns = left.columns().iter().zip(right.columns());
    let compared =
        columns.map(|(left, right)| make_comparator(left, right, SortOptions::default()));
    // Of a kind that cannot be compared all may be different.
    let Ok(compared) = compared.collect::<Result<Vec<_>, _>>() else {
        return Ok((left, right));
    };
    let is_same = |row, other| compared.iter().all(|column| column(row, other).is_eq());
    // The rows of the left that have not met their like, by their hashes; behind each the next of the same.
    let hashes = hashes_of(&left)?;
    let mut first: HashMap<u64, usize> = HashMap::with_capacity(hashes.len());
    let mut next = vec![None; hashes.len()];
    for (row, hash) in hashes.iter().enumerate().rev() {
        next[row] = first.insert(*hash, row);
    }
    let mut is_lost = vec![true; hashes.len()];
    let mut is_gained = Vec::with_capacity(right.num_rows());
    for (other, hash) in hashes_of(&right)?.iter().enumerate() {
        let mut row = first.get(hash).copied();
        while let Some(at) = row
            && !(is_lost[at] && is_same(at, other))
        {
            row = next[at];
        }
        if let Some(at) = row {
            is_lost[at] = false;
            // Of many that are alike the next is the first then.
            if first.get(hash) == Some(&at) {
                match next[at] {
                    Some(next) => first.insert(*hash, next),
                    None => first.remove(hash),
                };
            }
        }
        is_gained.push(row.is_none());
    }
    Ok((
        filter_record_batch(&left, &BooleanArray::from(is_lost))?,
        filter_record_batch(&right, &BooleanArray::from(is_gained))?,
    ))
}

fn hashes_of(rows: &RecordBatch) -> Result<Vec<u64>, DataFusionError> {
    let mut hashes = vec![0; rows.num_rows()];
    create_hashes(rows.columns(), &RandomState::with_seed(0), &mut hashes)?;
    Ok(hashes)
}

#[cfg(test)]
pub(super) mod tests {
    use std::sync::Arc;

    use datafusion::arrow::array::{ArrayRef, AsArray, Int64Array, ListArray, StringArray};
    use datafusion::arrow::compute::cast;
    use datafusion::arrow::datatypes::{DataType, Int64Type};

    use super::super::part::packed;
    use super::*;

    /// Rows of an account and a number.
    pub(in super::super) fn rows(rows: &[(Option<&str>, i64)]) -> RecordBatch {
        let accounts: StringArray = rows.iter().map(|row| row.0).collect();
        let numbers: Int64Array = rows.iter().map(|row| row.1).collect();
        let (accounts, numbers): (ArrayRef, ArrayRef) = (Arc::new(accounts), Arc::new(numbers));
        let columns = [("account", accounts, true), ("number", numbers, true)];
        RecordBatch::try_from_iter_with_nullable(columns).unwrap()
    }

    pub(in super::super) fn stored(table: &[(Option<&str>, i64)]) -> Stored {
        let rows = rows(table);
        Stored::in_memory(rows.schema(), vec![rows])
    }

    /// An account and a number.
    pub(in super::super) type Row = (Option<String>, i64);

    /// All rows, in plain text and in one order, and how many were lost and gained.
    pub(in super::super) fn kept(kept: Option<(Stored, Delta)>) -> (Vec<Row>, Option<[usize; 2]>) {
        let (stored, delta) = kept.unwrap();
        let mut all = Vec::new();
        for rows in stored.batches().unwrap() {
            let accounts = cast(rows.column(0), &DataType::Utf8).unwrap();
            let accounts = accounts.as_string::<i32>().iter();
            let numbers = rows.column(1).as_primitive::<Int64Type>().values();
            all.extend(
                accounts
                    .map(|it| it.map(str::to_owned))
                    .zip(numbers.iter().copied()),
            );
        }
        all.sort();
        let counts = delta.map(|rows| [rows[0].num_rows(), rows[1].num_rows()]);
        (all, counts)
    }

    #[test]
    fn what_two_tables_do_not_share_is_found_in_any_order_and_as_often_as_it_is_there() {
        let (a, b) = (Some("a"), Some("b"));
        let left = rows(&[(a, 1), (a, 1), (b, 2), (None, 3), (a, 1)]);
        let right = packed(&rows(&[(None, 3), (a, 1), (b, 4), (a, 1)])).unwrap();
        let left = packed(&left).unwrap();
        let (lost, gained) = differences(left.clone(), right.clone()).unwrap();
        let plain = |rows: &RecordBatch| {
            kept(Some((
                Stored::in_memory(rows.schema(), vec![rows.clone()]),
                None,
            )))
            .0
        };
        let text = |text: &str| Some(text.to_owned());
        assert_eq!(plain(&lost), [(text("a"), 1), (text("b"), 2)]);
        assert_eq!(plain(&gained), [(text("b"), 4)]);
        let none = differences(left.clone(), left.clone()).unwrap();
        assert_eq!((none.0.num_rows(), none.1.num_rows()), (0, 0));
        let all = differences(left.slice(0, 0), right.clone()).unwrap();
        assert_eq!((all.0.num_rows(), all.1.num_rows()), (0, 4));
        // Lists, as evidence is.
        let lists = |lists: &[&[i64]]| {
            let lists = lists
                .iter()
                .map(|list| Some(list.iter().copied().map(Some)));
            let lists: ArrayRef =
                Arc::new(ListArray::from_iter_primitive::<Int64Type, _, _>(lists));
            RecordBatch::try_from_iter([("list", lists)]).unwrap()
        };
        let (lost, gained) = differences(lists(&[&[1, 2], &[]]), lists(&[&[], &[1]])).unwrap();
        assert_eq!((lost, gained), (lists(&[&[1, 2]]), lists(&[&[1]])));
    }

    #[test]
    fn what_has_changed_in_a_table_is_told_from_its_two_versions() {
        let (a, b) = (Some("a"), Some("b"));
        let before = stored(&[(a, 1), (a, 2), (a, 3), (b, 4)]);
        let told = |now: &Stored| {
            let delta = between(&before, now).unwrap();
            delta.map(|rows| [rows[0].num_rows(), rows[1].num_rows()])
        };
        assert_eq!(
            told(&stored(&[(a, 1), (a, 2), (a, 3), (b, 4)])),
            Some([0, 0])
        );
        assert_eq!(
            told(&stored(&[(a, 1), (a, 7), (a, 3), (b, 4)])),
            Some([1, 1])
        );
        assert_eq!(told(&stored(&[(b, 4), (a, 3), (a, 1)])), Some([1, 0]));
        assert_eq!(told(&stored(&[])), Some([4, 0]));
        let fewer = rows(&[(a, 1)]).project(&[0]).unwrap();
        let other = Stored::in_memory(fewer.schema(), vec![fewer]);
        assert_eq!(told(&other), None, "other columns");
    }
}
