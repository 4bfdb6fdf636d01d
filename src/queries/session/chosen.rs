//! Which rows of a table have one of some values, as a header asks for with `only` and `by`: found by the values of
//! dictionaries, where columns are such.

use datafusion::arrow::array::{
    Array, ArrayRef, ArrowPrimitiveType, AsArray, BooleanArray, PrimitiveArray, RecordBatch,
};
use datafusion::arrow::buffer::BooleanBuffer;
use datafusion::arrow::compute::{cast, filter};
use datafusion::arrow::datatypes::{DataType, Int32Type, Int64Type, UInt16Type, UInt32Type};
use hashbrown::HashSet;

use super::part::failed;
use crate::error::Result;
use crate::queries::{Only, Values};

/// What is asked for: rows that one of these asks for.
pub(super) struct Wanted(Vec<Asked>);

/// Values, and the columns in which they are looked for.
struct Asked {
    columns: Vec<String>,
    values: Asking,
}

enum Asking {
    Among(Keys),
    /// Numbers other than 0, and those that are missing.
    NotZero,
}

/// Values of a column of text or numbers.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Keys {
    pub(super) texts: HashSet<String>,
    pub(super) numbers: HashSet<i64>,
    /// Whether a value that is missing is one of them.
    pub(super) null: bool,
}

/// The numbers of the values of columns, which share them, and which of the values are asked for.
type Shared<'a> = (&'a PrimitiveArray<UInt32Type>, Vec<bool>);

impl Wanted {
    /// Rows with one of these values in one of the columns beside it.
    pub(super) fn among(keys: impl Iterator<Item = (Vec<String>, Keys)>) -> Wanted {
        let asked = keys.map(|(columns, keys)| Asked {
            columns,
            values: Asking::Among(keys),
        });
        Wanted(asked.collect())
    }

    /// With the values that the views have now: `column` yields a column of one, in pieces.
    pub(super) fn of(
        only: &[Only],
        column: impl Fn(&str, &str) -> Result<Vec<ArrayRef>>,
    ) -> Result<Wanted> {
        let asked = only.iter().map(|only| Asked::of(only, &column));
        asked.collect::<Result<_>>().map(Wanted)
    }
}

/// The rows that are asked for. Where that cannot be told from a column as it is, all of them: the query filters too.
pub(super) fn chosen(rows: &RecordBatch, wanted: &Wanted) -> BooleanBuffer {
    chosen_by(rows, wanted, |_, _, _| None)
}

/// The same, where `known` tells which values of the dictionary of a column are some of those that are asked for, if it can.
pub(super) fn chosen_by(
    rows: &RecordBatch,
    wanted: &Wanted,
    known: impl Fn(&str, &ArrayRef, &Keys) -> Option<Vec<bool>>,
) -> BooleanBuffer {
    let all = rows.num_rows();
    let mut chosen = BooleanBuffer::new_unset(all);
    let mut shared: Vec<Shared> = Vec::new();
    for asked in &wanted.0 {
        for name in &asked.columns {
            let Some(column) = rows.column_by_name(name) else {
                // A column that is not there has no value in any row.
                match asked.has_null() {
                    true => return BooleanBuffer::new_set(all),
                    false => continue,
                }
            };
            let Some(found) = asked.choose(column, &mut shared, |values, keys| {
                known(name, values, keys)
            }) else {
                return BooleanBuffer::new_set(all);
            };
            if let Some(found) = found {
                chosen = &chosen | &found;
            }
        }
    }
    for (keys, is_asked) in shared {
        if let Some(found) = by_keys(keys, &is_asked, false) {
            chosen = &chosen | &found;
        }
    }
    chosen
}

impl Asked {
    fn of(only: &Only, column: impl Fn(&str, &str) -> Result<Vec<ArrayRef>>) -> Result<Asked> {
        let values = match &only.values {
            Values::Of(view, name) => {
                let mut keys = Keys::default();
                for piece in column(view, name)? {
                    keys.add(&piece)?;
                }
                Asking::Among(keys)
            }
            Values::NotZero => Asking::NotZero,
        };
        Ok(Asked {
            columns: only.columns.clone(),
            values,
        })
    }

    fn has_null(&self) -> bool {
        match &self.values {
            Asking::Among(keys) => keys.null,
            Asking::NotZero => true,
        }
    }

    /// The rows of a column that are asked for. Those of one that shares its numbers with others are looked for later, with the
    /// others, and none are returned. `None` if it is of a kind of which they cannot be told.
    fn choose<'a>(
        &self,
        column: &'a ArrayRef,
        shared: &mut Vec<Shared<'a>>,
        known: impl Fn(&ArrayRef, &Keys) -> Option<Vec<bool>>,
    ) -> Option<Option<BooleanBuffer>> {
        if let Some(column) = column.as_dictionary_opt::<UInt32Type>() {
            let (keys, values) = (column.keys(), column.values());
            let is_known = match &self.values {
                Asking::Among(keys) => known(values, keys),
                Asking::NotZero => None,
            };
            let is_asked = match is_known {
                Some(is_asked) => is_asked,
                None => self.among(values)?,
            };
            if keys.null_count() > 0 {
                return Some(by_keys(keys, &is_asked, self.has_null()));
            }
            let same = |(others, _): &&mut Shared| others.values().ptr_eq(keys.values());
            match shared.iter_mut().find(same) {
                Some((_, others)) => {
                    for (other, is_asked) in others.iter_mut().zip(is_asked) {
                        *other |= is_asked;
                    }
                }
                None => shared.push((keys, is_asked)),
            }
            return Some(None);
        }
        if let Some(column) = column.as_dictionary_opt::<UInt16Type>() {
            let is_asked = self.among(column.values())?;
            return Some(by_keys(column.keys(), &is_asked, self.has_null()));
        }
        Some(Some(BooleanBuffer::from(self.among(column)?)))
    }

    /// Which of these values are; `None` if they are of a kind that cannot be.
    fn among(&self, values: &ArrayRef) -> Option<Vec<bool>> {
        let null = self.has_null();
        let keys = match &self.values {
            Asking::NotZero => {
                let values = values.as_primitive_opt::<Int32Type>()?.iter();
                return Some(
                    values
                        .map(|value| value.map_or(null, |value| value != 0))
                        .collect(),
                );
            }
            Asking::Among(keys) => keys,
        };
        if let Some(numbers) = values.as_primitive_opt::<Int64Type>() {
            let is_asked = |value: Option<i64>| value.map_or(null, |it| keys.numbers.contains(&it));
            return Some(numbers.iter().map(is_asked).collect());
        }
        let is_asked = |value: Option<&str>| value.map_or(null, |it| keys.texts.contains(it));
        // What some functions make of text, such as md5.
        if let Some(texts) = values.as_string_view_opt() {
            return Some(texts.iter().map(is_asked).collect());
        }
        let texts = values.as_string_opt::<i32>()?.iter();
        Some(texts.map(is_asked).collect())
    }
}

/// The rows whose values are asked for, by the numbers of these; `None`: there are none.
fn by_keys<K: ArrowPrimitiveType>(
    keys: &PrimitiveArray<K>,
    is_asked: &[bool],
    null: bool,
) -> Option<BooleanBuffer>
where
    K::Native: Into<u32>,
{
    let has_null = keys.null_count() > 0;
    let is_any = is_asked.contains(&true) || (null && has_null);
    if !is_any {
        return None;
    }
    let numbers = keys.values();
    let is_value = |row: usize| {
        let number: u32 = numbers[row].into();
        is_asked.get(number as usize) == Some(&true)
    };
    Some(match keys.nulls().filter(|_| has_null) {
        Some(nulls) => BooleanBuffer::collect_bool(keys.len(), |row| match nulls.is_valid(row) {
            true => is_value(row),
            false => null,
        }),
        None => BooleanBuffer::collect_bool(keys.len(), is_value),
    })
}

impl Keys {
    pub(super) fn is_empty(&self) -> bool {
        self.texts.is_empty() && self.numbers.is_empty() && !self.null
    }

    /// Whether values of such a column can be told apart.
    pub(super) fn can_be(kind: &DataType) -> bool {
        matches!(kind, DataType::Utf8 | DataType::Utf8View | DataType::Int64)
    }

    /// Whether values of two such columns can be the same: both are text, however it is kept, or both are numbers.
    pub(super) fn are_alike(one: &DataType, other: &DataType) -> bool {
        let is_number = |kind: &DataType| *kind == DataType::Int64;
        Keys::can_be(one) && Keys::can_be(other) && is_number(one) == is_number(other)
    }

    /// The values of a column.
    pub(super) fn add(&mut self, column: &ArrayRef) -> Result<()> {
        if let Some(numbers) = column.as_primitive_opt::<Int64Type>() {
            self.null |= numbers.null_count() > 0;
            self.numbers.extend(numbers.iter().flatten());
            return Ok(());
        }
        if let Some(column) = column.as_dictionary_opt::<UInt32Type>() {
            // Each value once, and only those that are there.
            let mut is_there = vec![false; column.values().len()];
            for key in column.keys() {
                match key {
                    Some(key) => is_there[key as usize] = true,
                    None => self.null = true,
                }
            }
            let is_there = BooleanArray::from(is_there);
            let values = filter(column.values(), &is_there).map_err(failed)?;
            return self.add(&values);
        }
        let column = cast(column, &DataType::Utf8).map_err(failed)?;
        for text in column.as_string::<i32>() {
            match text {
                Some(text) if !self.texts.contains(text) => {
                    self.texts.insert(text.to_owned());
                }
                Some(_) => {}
                None => self.null = true,
            }
        }
        Ok(())
    }

    /// The same of a column that may not be there, and so has no value in any of so many rows.
    pub(super) fn add_if_any(&mut self, column: Option<&ArrayRef>, rows: usize) -> Result<()> {
        self.null |= column.is_none() && rows > 0;
        column.map_or(Ok(()), |column| self.add(column))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use datafusion::arrow::array::{DictionaryArray, Int64Array, StringArray, UInt32Array};

    use super::*;

    fn texts(texts: &[Option<&str>]) -> ArrayRef {
        Arc::new(texts.iter().copied().collect::<StringArray>())
    }

    fn wanted(columns: &[&str], texts: &[&str], numbers: &[i64], null: bool) -> Wanted {
        let keys = Keys {
            texts: texts.iter().map(|text| text.to_string()).collect(),
            numbers: numbers.iter().copied().collect(),
            null,
        };
        let columns = columns.iter().map(|name| name.to_string()).collect();
        Wanted::among([(columns, keys)].into_iter())
    }

    fn rows_of(table: &RecordBatch, wanted: &Wanted) -> Vec<usize> {
        chosen(table, wanted).set_indices().collect()
    }

    #[test]
    fn rows_are_found_by_text_and_number_in_dictionaries_and_beside_them() {
        // Two columns that share their numbers, as those of a history do; and one that has its own, which may be missing.
        let keys = UInt32Array::from(vec![0, 1, 2, 1, 0]);
        let of = |values: &[Option<&str>]| {
            let values = texts(values);
            Arc::new(DictionaryArray::<UInt32Type>::try_new(keys.clone(), values).unwrap())
        };
        let own: DictionaryArray<UInt32Type> = [Some("x"), None, Some("y"), Some("x"), None]
            .into_iter()
            .collect();
        let columns: [(&str, ArrayRef); 6] = [
            ("id", of(&[None, Some("a"), Some("b")])),
            ("name", of(&[Some("n"), Some("x"), None])),
            ("own", Arc::new(own)),
            (
                "plain",
                texts(&[Some("x"), Some("y"), None, None, Some("z")]),
            ),
            (
                "view",
                cast(
                    &texts(&[Some("v"), None, None, None, None]),
                    &DataType::Utf8View,
                )
                .unwrap(),
            ),
            (
                "number",
                Arc::new(Int64Array::from(vec![
                    Some(1),
                    None,
                    Some(3),
                    Some(1),
                    Some(5),
                ])),
            ),
        ];
        let table = RecordBatch::try_from_iter_with_nullable(
            columns
                .into_iter()
                .map(|(name, column)| (name, column, true)),
        );
        let table = table.unwrap();
        let found = |columns: &[&str], texts: &[&str], numbers: &[i64], null| {
            rows_of(&table, &wanted(columns, texts, numbers, null))
        };
        assert_eq!(found(&["id"], &["a"], &[], false), [1, 3]);
        assert_eq!(found(&["id", "name"], &["b", "n"], &[], false), [0, 2, 4]);
        assert_eq!(found(&["id", "name"], &["b"], &[], true), [0, 2, 4]);
        assert_eq!(found(&["own"], &["y"], &[], true), [1, 2, 4]);
        assert_eq!(found(&["own", "plain"], &["x"], &[], false), [0, 3]);
        assert_eq!(found(&["plain"], &["z"], &[], true), [2, 3, 4]);
        assert_eq!(found(&["view"], &["v"], &[], false), [0]);
        assert_eq!(found(&["number"], &[], &[1, 5], false), [0, 3, 4]);
        assert_eq!(found(&["number"], &[], &[3], true), [1, 2]);
        assert_eq!(found(&["id", "number"], &["a"], &[1], false), [0, 1, 3]);
        assert!(found(&["id", "own", "number"], &[], &[], false).is_empty());
        assert!(found(&["nowhere"], &["a"], &[], false).is_empty());
        assert_eq!(found(&["nowhere"], &["a"], &[], true).len(), 5);
    }
}
