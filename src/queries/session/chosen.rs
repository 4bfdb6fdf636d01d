//! Which rows of `signins` a header asks for with `only`: found by the values of dictionaries, where columns are such.

use datafusion::arrow::array::{
    Array, ArrayRef, ArrowPrimitiveType, AsArray, PrimitiveArray, RecordBatch,
};
use datafusion::arrow::buffer::BooleanBuffer;
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, Int32Type, UInt16Type, UInt32Type};
use hashbrown::HashSet;

use super::keyed::Keys;
use super::part::failed;
use crate::error::Result;
use crate::queries::{Only, Values};

/// What a header asks for: rows that one of these asks for.
pub(super) struct Wanted(Vec<Asked>);

/// Values, and the columns in which they are looked for.
struct Asked {
    columns: Vec<String>,
    /// Texts; without them, numbers other than 0.
    texts: Option<HashSet<String>>,
    /// Whether a value that is missing is asked for.
    null: bool,
}

impl Wanted {
    /// Rows with one of these values in one of the columns beside it.
    pub(super) fn texts(keys: impl Iterator<Item = (Vec<String>, Keys)>) -> Wanted {
        let asked = keys.map(|(columns, keys)| Asked {
            columns,
            texts: Some(keys.texts),
            null: keys.null,
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
pub(super) fn chosen(signins: &RecordBatch, wanted: &Wanted) -> BooleanBuffer {
    let all = signins.num_rows();
    let mut chosen = vec![false; all];
    for asked in &wanted.0 {
        for name in &asked.columns {
            // A column that is not there has no value in any row.
            let is_told = match signins.column_by_name(name) {
                Some(column) => asked.choose(column, &mut chosen),
                None => !asked.null,
            };
            if !is_told {
                return BooleanBuffer::new_set(all);
            }
        }
    }
    BooleanBuffer::from(chosen)
}

impl Asked {
    fn of(only: &Only, column: impl Fn(&str, &str) -> Result<Vec<ArrayRef>>) -> Result<Asked> {
        let columns = only.columns.clone();
        let Values::Of(view, name) = &only.values else {
            return Ok(Asked {
                columns,
                texts: None,
                null: true,
            });
        };
        let (mut texts, mut null) = (HashSet::new(), false);
        for piece in column(view, name)? {
            let piece = cast(&piece, &DataType::Utf8).map_err(failed)?;
            for text in piece.as_string_opt::<i32>().into_iter().flatten() {
                match text {
                    Some(text) if !texts.contains(text) => {
                        texts.insert(text.to_owned());
                    }
                    Some(_) => {}
                    None => null = true,
                }
            }
        }
        Ok(Asked {
            columns,
            texts: Some(texts),
            null,
        })
    }

    /// Marks the rows of a column that are asked for; `false` if it is of a kind of which that cannot be told.
    fn choose(&self, column: &ArrayRef, chosen: &mut [bool]) -> bool {
        if let Some(column) = column.as_dictionary_opt::<UInt32Type>() {
            return self.choose_keys(column.keys(), column.values(), chosen);
        }
        if let Some(column) = column.as_dictionary_opt::<UInt16Type>() {
            return self.choose_keys(column.keys(), column.values(), chosen);
        }
        let Some(is_asked) = self.among(column) else {
            return false;
        };
        for (row, is_asked) in chosen.iter_mut().zip(is_asked) {
            *row |= is_asked;
        }
        true
    }

    /// The same of a dictionary, which may lack values among its keys as well as among its values.
    fn choose_keys<K: ArrowPrimitiveType>(
        &self,
        keys: &PrimitiveArray<K>,
        values: &ArrayRef,
        chosen: &mut [bool],
    ) -> bool
    where
        K::Native: Into<u32>,
    {
        let Some(is_asked) = self.among(values) else {
            return false;
        };
        let has_null = keys.null_count() > 0;
        let is_any = is_asked.contains(&true) || (self.null && has_null);
        if !is_any {
            return true;
        }
        let is_asked = |key: K::Native| is_asked.get(key.into() as usize) == Some(&true);
        if has_null {
            for (row, key) in chosen.iter_mut().zip(keys) {
                *row |= key.map_or(self.null, is_asked);
            }
        } else {
            for (row, key) in chosen.iter_mut().zip(keys.values()) {
                *row |= is_asked(*key);
            }
        }
        true
    }

    /// Which of these values are; `None` if they are of a kind that cannot be.
    fn among(&self, values: &ArrayRef) -> Option<Vec<bool>> {
        Some(match &self.texts {
            None => {
                let values = values.as_primitive_opt::<Int32Type>()?.iter();
                let is_asked = values.map(|value| value.map_or(self.null, |value| value != 0));
                is_asked.collect()
            }
            Some(texts) => {
                let values = values.as_string_opt::<i32>()?.iter();
                let is_asked = values.map(|value| value.map_or(self.null, |it| texts.contains(it)));
                is_asked.collect()
            }
        })
    }
}
