//! Where a text stands in the dictionaries of what a stream remembers. They grow from step to step: what was looked at once is
//! not looked at again, so that a few values are found among very many without reading these.

use std::hash::BuildHasher;

use datafusion::arrow::array::{Array, ArrayRef, AsArray, RecordBatch, StringArray};
use datafusion::arrow::datatypes::UInt32Type;
use hashbrown::hash_map::Entry;
use hashbrown::{DefaultHashBuilder, HashMap, HashTable};

use super::chosen::Keys;

/// The places of the values of some columns.
#[derive(Default)]
pub(super) struct Places(HashMap<String, Column>);

/// The places of the values of one dictionary, in which a text may stand several times.
struct Column {
    values: StringArray,
    /// The last place of each text.
    last: HashTable<u32>,
    /// For each place the one before it that has the same text.
    before: Vec<Option<u32>>,
    /// Places without a value.
    missing: Vec<u32>,
    hasher: DefaultHashBuilder,
}

impl Places {
    /// Takes up what is new in the dictionaries of these columns.
    pub(super) fn update<'n>(
        &mut self,
        rows: &RecordBatch,
        columns: impl IntoIterator<Item = &'n String>,
    ) {
        for name in columns {
            let column = rows.column_by_name(name);
            let column = column.and_then(|column| column.as_dictionary_opt::<UInt32Type>());
            let values = column.and_then(|column| column.values().as_string_opt::<i32>());
            let Some(values) = values else {
                self.0.remove(name);
                continue;
            };
            match self.0.entry(name.clone()) {
                Entry::Occupied(mut known) if known.get().goes_on_in(values) => {
                    known.get_mut().take_up(values);
                }
                Entry::Occupied(mut known) => {
                    known.insert(Column::of(values));
                }
                Entry::Vacant(place) => {
                    place.insert(Column::of(values));
                }
            }
        }
    }

    /// Which values of the dictionary of a column are some of `keys`; `None` if it is not known.
    pub(super) fn among(&self, name: &str, values: &ArrayRef, keys: &Keys) -> Option<Vec<bool>> {
        let values = values.as_string_opt::<i32>()?;
        let column = self.0.get(name)?;
        let is_same =
            values.len() == column.values.len() && values.offsets().ptr_eq(column.values.offsets());
        is_same.then(|| column.among(keys))
    }
}

impl Column {
    fn of(values: &StringArray) -> Column {
        let mut column = Column {
            values: values.slice(0, 0),
            last: HashTable::new(),
            before: Vec::new(),
            missing: Vec::new(),
            hasher: DefaultHashBuilder::default(),
        };
        column.take_up(values);
        column
    }

    /// Whether the first of these values are those that it has.
    fn goes_on_in(&self, values: &StringArray) -> bool {
        let known = self.values.len();
        known <= values.len() && {
            let (then, now) = (self.values.offsets(), values.offsets());
            let end = |offsets: &[i32]| offsets.get(known).map_or(0, |end| *end as usize);
            let missing = (known > 0).then(|| values.slice(0, known));
            then[..=known] == now[..=known]
                && self.values.values().get(..end(then)) == values.values().get(..end(now))
                && missing.is_none_or(|now| {
                    let is_null = |at: &u32| now.is_null(*at as usize);
                    now.null_count() == self.missing.len() && self.missing.iter().all(is_null)
                })
        }
    }

    /// Takes up values, of which the first are those that it has.
    fn take_up(&mut self, values: &StringArray) {
        let known = self.before.len();
        self.values = values.clone();
        for at in known..values.len() {
            let number = at as u32;
            if values.is_null(at) {
                self.missing.push(number);
                self.before.push(None);
                continue;
            }
            let text = values.value(at);
            let hash = self.hasher.hash_one(text);
            let is_same = |other: &u32| values.value(*other as usize) == text;
            match self.last.find_mut(hash, is_same) {
                Some(last) => {
                    self.before.push(Some(*last));
                    *last = number;
                }
                None => {
                    self.before.push(None);
                    let hasher = &self.hasher;
                    let hash_of = |other: &u32| hasher.hash_one(values.value(*other as usize));
                    self.last.insert_unique(hash, number, hash_of);
                }
            }
        }
    }

    fn among(&self, keys: &Keys) -> Vec<bool> {
        let mut is_asked = vec![false; self.before.len()];
        for text in &keys.texts {
            let is_same = |other: &u32| self.values.value(*other as usize) == text;
            let mut place = self.last.find(self.hasher.hash_one(text.as_str()), is_same);
            while let Some(at) = place {
                is_asked[*at as usize] = true;
                place = self.before[*at as usize].as_ref();
            }
        }
        if keys.null {
            for at in &self.missing {
                is_asked[*at as usize] = true;
            }
        }
        is_asked
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use datafusion::arrow::array::{DictionaryArray, UInt32Array};

    use super::*;

    /// One row of a column with this dictionary.
    fn rows(values: &[Option<&str>]) -> RecordBatch {
        let values: StringArray = values.iter().copied().collect();
        let keys = UInt32Array::from(vec![0]);
        let column = DictionaryArray::<UInt32Type>::try_new(keys, Arc::new(values)).unwrap();
        RecordBatch::try_from_iter([("id", Arc::new(column) as ArrayRef)]).unwrap()
    }

    fn found(
        places: &Places,
        rows: &RecordBatch,
        texts: &[&str],
        null: bool,
    ) -> Option<Vec<usize>> {
        let keys = Keys {
            texts: texts.iter().map(|text| text.to_string()).collect(),
            null,
            ..Keys::default()
        };
        let column = rows.column(0).as_dictionary::<UInt32Type>();
        let among = places.among("id", column.values(), &keys)?;
        let places = among.iter().enumerate().filter(|(_, is_asked)| **is_asked);
        Some(places.map(|(at, _)| at).collect())
    }

    #[test]
    fn values_are_found_in_a_dictionary_that_grows() {
        let mut places = Places::default();
        let name = ["id".to_owned(), "nowhere".to_owned()];
        let first = rows(&[None, Some("a"), Some("b"), Some("a")]);
        places.update(&first, &name);
        assert_eq!(found(&places, &first, &["a", "x"], false), Some(vec![1, 3]));
        assert_eq!(found(&places, &first, &["b"], true), Some(vec![0, 2]));
        let second = rows(&[
            None,
            Some("a"),
            Some("b"),
            Some("a"),
            Some("x"),
            None,
            Some("a"),
        ]);
        assert_eq!(
            found(&places, &second, &["a"], false),
            None,
            "it has not been looked at"
        );
        places.update(&second, &name);
        assert_eq!(
            found(&places, &second, &["a", "x"], false),
            Some(vec![1, 3, 4, 6])
        );
        assert_eq!(found(&places, &second, &[], true), Some(vec![0, 5]));
    }

    #[test]
    fn a_dictionary_that_is_another_is_looked_at_anew() {
        let others: [&[Option<&str>]; 5] = [
            &[Some("a"), Some("c"), Some("b"), Some("d")],
            &[Some("ab"), Some("b")],
            &[Some("a")],
            &[Some("a"), None, Some("b")],
            &[],
        ];
        for other in others {
            let mut places = Places::default();
            places.update(&rows(&[Some("a"), Some("b")]), &["id".to_owned()]);
            let second = match other.is_empty() {
                true => rows(&[None]),
                false => rows(other),
            };
            places.update(&second, &["id".to_owned()]);
            let is_b = |value: &Option<&str>| *value == Some("b");
            let wanted: Vec<usize> = other.iter().position(is_b).into_iter().collect();
            assert_eq!(
                found(&places, &second, &["b"], false),
                Some(wanted),
                "{other:?}"
            );
        }
    }
}
