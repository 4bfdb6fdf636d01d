//! The sliding history: every sign-in of the last hours, small enough to be held in memory and exact
//! enough that the queries say of it what they would say of the logs.
//!
//! A sign-in is its time, a hash of its id and one number for each [`Group`]. Of a success that is
//! all; of everything else the ids stay too, since findings and annotations name them.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, DictionaryArray, RecordBatch, StringArray, TimestampMicrosecondArray,
    UInt16Array, UInt32Array,
};
use arrow::compute::take;
use arrow::datatypes::{
    DataType, Field, Int32Type, Schema, SchemaRef, TimestampMicrosecondType, UInt16Type, UInt32Type,
};
use arrow::error::ArrowError;
use hashbrown::HashTable;

use super::copies::{self, Copies, Copy};
use super::group::{GROUPS, Group, OWN};
use super::rows::Rows;
use crate::error::{Error, Result};
use crate::queries::Changes;
use crate::signin::{Columns, RICHNESS};
use crate::store::Store;

/// Columns that are no part of a group.
const APART: [&str; 3] = ["time", "ingested_at", RICHNESS];

/// Bytes of one sign-in beside its groups: its columns here, and its place in the table of ids.
const SIGN_IN_BYTES: usize = 8 + 8 + 2 + 16 + 4 * GROUPS + 1 + 12;

/// No time.
pub(super) const NEVER: i64 = i64::MIN;

/// What became of the sign-ins of a batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Added {
    /// Sign-ins that are new.
    pub(super) new: usize,
    /// Refusals among them.
    pub(super) refusals: usize,
    /// Copies of sign-ins that were there, of which some may have added to one.
    pub(super) copies: usize,
    /// Whether anything that judgement sees has changed.
    pub(super) changed: bool,
}

/// The sign-ins that are remembered.
pub(super) struct History {
    /// Columns that are kept, and richness.
    schema: SchemaRef,
    columns: Columns,
    groups: Vec<Group>,
    rows: Rows,
    ids: HashTable<u32>,
    hashers: [RandomState; 2],
    copies: Copies,
    refusals: usize,
    /// The least age of all.
    first: Option<i64>,
    /// So many of the first sign-ins are as they were in the last table.
    untouched: usize,
    /// Rows that are others now than in the table that was given last, and what they were; `None`: rows have gone.
    replaced: Option<Vec<(usize, Copy)>>,
}

impl History {
    /// An empty history of the columns that judgement reads.
    pub(super) fn new(columns: Columns) -> Result<History, ArrowError> {
        let columns =
            Store::columns_for(columns).union(Columns::of(["error_code", "stated_reason"]));
        let mut fields: Vec<Field> = columns
            .schema()
            .fields()
            .iter()
            .map(|field| field.as_ref().clone().with_metadata(HashMap::new()))
            .collect();
        fields.push(Field::new(RICHNESS, DataType::UInt16, true));
        let schema = Arc::new(Schema::new(fields));
        Ok(History {
            groups: Group::of(&schema, &APART)?,
            schema,
            columns,
            rows: Rows::default(),
            ids: HashTable::new(),
            hashers: [RandomState::new(), RandomState::new()],
            copies: Copies::default(),
            refusals: 0,
            first: None,
            untouched: 0,
            replaced: None,
        })
    }

    /// The columns to decode.
    pub(super) fn columns(&self) -> Columns {
        self.columns
    }

    /// Sign-ins that are remembered.
    pub(super) fn len(&self) -> usize {
        self.rows.id.len()
    }

    /// Refusals among them.
    pub(super) fn refusals(&self) -> usize {
        self.refusals
    }

    /// About how much memory it takes.
    pub(super) fn bytes(&self) -> usize {
        let groups: usize = self.groups.iter().map(Group::bytes).sum();
        self.len() * SIGN_IN_BYTES + groups + self.copies.bytes()
    }

    /// The least age of all sign-ins.
    pub(super) fn first(&self) -> Option<i64> {
        self.first
    }

    /// The age below which a share of 1/`parts` of the sign-ins lies.
    pub(super) fn quantile(&self, parts: usize) -> Option<i64> {
        let mut ages = self.rows.age.clone();
        let at = ages.len() / parts.max(1);
        (at < ages.len()).then(|| *ages.select_nth_unstable(at).1)
    }

    /// Takes the decoded rows of some lines. `now` is the time of events, for those that have none.
    pub(super) fn add(&mut self, batch: &RecordBatch, now: i64) -> Result<Added> {
        self.try_add(batch, now).map_err(|error| match error {
            Failed::Arrow(source) => failed(source),
            Failed::Store(error) => error,
        })
    }

    fn try_add(&mut self, batch: &RecordBatch, now: i64) -> Result<Added, Failed> {
        let batch = self.plain(batch)?;
        let mut added = Added::default();
        let mut unsettled = Vec::new();
        for (copy, refused, name) in self.copies_of(&batch)? {
            let Some(name) = name else {
                // It cannot be told from its own copies, and a step of nothing is nothing.
                if copy.richness > 0 {
                    self.push(&copy, 0, refused, now);
                    added.new += 1;
                    added.refusals += usize::from(refused);
                }
                continue;
            };
            let id = self.hash(name);
            match self.find(id) {
                Some(at) if !self.copies.holds(id) && self.rows.same(at, &copy) => {
                    self.rows.better(at, &copy);
                    added.copies += 1;
                }
                None if copy.richness > 0 && !self.copies.holds(id) => {
                    self.push(&copy, id, refused, now);
                    added.new += 1;
                    added.refusals += usize::from(refused);
                }
                known => {
                    let first = known.map(|at| self.rows.copy(at));
                    added.copies += usize::from(copy.richness > 0 && known.is_some());
                    if self.copies.add(id, first, copy) {
                        unsettled.push((id, name.to_owned()));
                    }
                }
            }
        }
        if !unsettled.is_empty() {
            self.settle(unsettled, now, &mut added)?;
        }
        added.changed |= added.new > 0;
        Ok(added)
    }

    /// What is kept of each row of a batch.
    fn copies_of<'b>(&mut self, batch: &'b RecordBatch) -> Result<Vec<Kept<'b>>, ArrowError> {
        let times = column(batch, "time")?.as_primitive::<TimestampMicrosecondType>();
        let ingested = column(batch, "ingested_at")?.as_primitive::<TimestampMicrosecondType>();
        // What is made of copies has none: it is a sign-in.
        let richness = batch.column_by_name(RICHNESS);
        let richness = richness.map(|column| column.as_primitive::<UInt16Type>());
        let ids = column(batch, "sign_in_id")?.as_string::<i32>();
        let codes = column(batch, "error_code")?.as_primitive::<Int32Type>();
        let reasons = column(batch, "stated_reason")?;
        let mut numbers = Vec::with_capacity(GROUPS);
        for group in &mut self.groups {
            numbers.push(group.numbers(batch)?);
        }
        let copies = (0..batch.num_rows()).map(|row| {
            let mut groups = std::array::from_fn(|group| numbers[group][row]);
            // Of a success the ids are not needed: nothing names it.
            if codes.is_valid(row) && codes.value(row) == 0 {
                groups[OWN] = 0;
            }
            let copy = Copy {
                time: value(times, row),
                ingested: value(ingested, row),
                richness: richness.map_or(1, |richness| richness.value(row)),
                groups,
            };
            let id = ids.is_valid(row).then(|| ids.value(row));
            (copy, reasons.is_valid(row), id)
        });
        Ok(copies.collect())
    }

    /// The batch in the columns of the history, without the words that describe them.
    fn plain(&self, batch: &RecordBatch) -> Result<RecordBatch, ArrowError> {
        let fields = self.schema.fields().iter();
        let columns = fields.map(|field| column(batch, field.name()).cloned());
        RecordBatch::try_new(Arc::clone(&self.schema), columns.collect::<Result<_, _>>()?)
    }

    /// Makes one sign-in each of the copies of `ids`, as an analysis would.
    fn settle(
        &mut self,
        ids: Vec<(u128, String)>,
        now: i64,
        added: &mut Added,
    ) -> Result<(), Failed> {
        let names: HashMap<u128, String> = ids.into_iter().collect();
        let (copies, texts): (Vec<Copy>, Vec<&str>) = names
            .iter()
            .flat_map(|(id, name)| {
                let copies = self.copies.of(*id).iter();
                copies.map(move |copy| (copy.clone(), name.as_str()))
            })
            .unzip();
        let batch = self.table_of(&copies, &texts)?;
        let one = copies::distinct(self.columns, &batch).map_err(Failed::Store)?;
        for batch in one {
            for (copy, refused, name) in self.copies_of(&batch)? {
                let id = self.hash(name.unwrap_or_default());
                match self.find(id) {
                    // Another copy may say nothing that was not known.
                    Some(at) if self.rows.same(at, &copy) => {}
                    Some(at) => {
                        let before = (at, self.rows.copy(at));
                        // So many that to look at everything costs no more.
                        self.replaced
                            .take_if(|rows| rows.len() >= self.rows.id.len());
                        self.replaced
                            .iter_mut()
                            .for_each(|rows| rows.push(before.clone()));
                        added.changed = true;
                        self.refusals += usize::from(refused);
                        self.refusals -= usize::from(self.rows.refused[at]);
                        self.rows.replace(at, &copy, refused);
                        self.untouched = self.untouched.min(at);
                    }
                    None => {
                        self.push(&copy, id, refused, now);
                        added.new += 1;
                        added.refusals += usize::from(refused);
                    }
                }
            }
        }
        Ok(())
    }

    /// Copies as rows of the table, with their ids as text.
    fn table_of(&mut self, copies: &[Copy], ids: &[&str]) -> Result<RecordBatch, ArrowError> {
        let mut columns: Vec<Option<ArrayRef>> = vec![None; self.schema.fields().len()];
        for (number, group) in self.groups.iter_mut().enumerate() {
            let places: UInt32Array = copies
                .iter()
                .map(|copy| Some(copy.groups[number]))
                .collect();
            let at = group.columns.clone();
            for (at, values) in at.into_iter().zip(group.values()?) {
                columns[at] = Some(take(values, &places, None)?);
            }
        }
        let times = |of: fn(&Copy) -> i64| {
            let times: TimestampMicrosecondArray = copies
                .iter()
                .map(|copy| Some(of(copy)).filter(|time| *time != NEVER))
                .collect();
            Arc::new(times.with_timezone("UTC")) as ArrayRef
        };
        let richness: UInt16Array = copies.iter().map(|copy| Some(copy.richness)).collect();
        let apart: [(&str, ArrayRef); 4] = [
            ("time", times(|copy| copy.time)),
            ("ingested_at", times(|copy| copy.ingested)),
            (RICHNESS, Arc::new(richness)),
            ("sign_in_id", Arc::new(StringArray::from(ids.to_vec()))),
        ];
        for (name, column) in apart {
            columns[self.schema.index_of(name)?] = Some(column);
        }
        let columns: Vec<ArrayRef> = columns.into_iter().flatten().collect();
        RecordBatch::try_new(Arc::clone(&self.schema), columns)
    }

    /// Everything that is remembered as a table whose columns are dictionaries, and what has changed since the table before.
    pub(super) fn table(&mut self) -> Result<(RecordBatch, Changes)> {
        let table = self.try_table().map_err(failed)?;
        let again = match self.replaced.replace(Vec::new()) {
            Some(replaced) => {
                let (rows, copies): (Vec<usize>, Vec<Copy>) = replaced.into_iter().unzip();
                let ids = vec![""; rows.len()];
                Some((rows, self.table_of(&copies, &ids).map_err(failed)?))
            }
            None => None,
        };
        let untouched = std::mem::replace(&mut self.untouched, table.num_rows());
        Ok((table, Changes { untouched, again }))
    }

    fn try_table(&mut self) -> Result<RecordBatch, ArrowError> {
        let mut columns: Vec<(usize, ArrayRef)> = Vec::new();
        for (number, group) in self.groups.iter_mut().enumerate() {
            let keys = UInt32Array::from(self.rows.groups[number].clone());
            let at = group.columns.clone();
            for (at, values) in at.into_iter().zip(group.values()?) {
                let column =
                    DictionaryArray::<UInt32Type>::try_new(keys.clone(), Arc::clone(values))?;
                columns.push((at, Arc::new(column)));
            }
        }
        let times: TimestampMicrosecondArray = self
            .rows
            .time
            .iter()
            .map(|time| Some(*time).filter(|time| *time != NEVER))
            .collect();
        let times = times.with_timezone("UTC");
        columns.push((self.schema.index_of("time")?, Arc::new(times)));
        columns.sort_by_key(|(at, _)| *at);
        let fields: Vec<Field> = columns
            .iter()
            .map(|(at, column)| {
                Field::new(
                    self.schema.field(*at).name(),
                    column.data_type().clone(),
                    true,
                )
            })
            .collect();
        let schema = Arc::new(Schema::new(fields));
        let columns = columns.into_iter().map(|(_, column)| column).collect();
        RecordBatch::try_new(schema, columns)
    }

    /// Forgets those of the first `rows` sign-ins that are older than `age`. Returns how many those were.
    pub(super) fn forget(&mut self, age: i64, rows: usize) -> usize {
        let before = self.len();
        let ages = self.rows.age.iter().enumerate();
        let keep: Vec<bool> = ages.map(|(at, it)| *it >= age || at >= rows).collect();
        self.rows.retain(&keep);
        self.untouched = 0;
        self.replaced = None;
        self.first = self.rows.age.iter().min().copied();
        self.refusals = self.rows.refused.iter().filter(|refused| **refused).count();
        self.ids = HashTable::with_capacity(self.len());
        for at in 0..self.len() {
            self.index(at);
        }
        let (ids, rows) = (&self.ids, &self.rows);
        let copies = &mut self.copies;
        copies.retain(age, |id| {
            ids.find(id as u64, |at| rows.id[*at as usize] == id)
                .is_some()
        });
        for (number, group) in self.groups.iter_mut().enumerate() {
            let rows = self.rows.groups[number].iter_mut();
            group.keep_only(rows.chain(self.copies.numbers(number)));
        }
        before - self.len()
    }

    fn push(&mut self, copy: &Copy, id: u128, refused: bool, now: i64) {
        self.rows.push(copy, id, refused, now);
        self.refusals += usize::from(refused);
        let age = self.rows.age.last().copied();
        self.first = [self.first, age].into_iter().flatten().min();
        self.index(self.len() - 1);
    }

    fn index(&mut self, at: usize) {
        let id = self.rows.id[at];
        if id != 0 {
            let rows = &self.rows;
            self.ids
                .insert_unique(id as u64, at as u32, |at| rows.id[*at as usize] as u64);
        }
    }

    fn find(&self, id: u128) -> Option<usize> {
        let found = self
            .ids
            .find(id as u64, |at| self.rows.id[*at as usize] == id);
        found.map(|at| *at as usize)
    }

    fn hash(&self, id: &str) -> u128 {
        let [low, high] = &self.hashers;
        (u128::from(high.hash_one(id)) << 64 | u128::from(low.hash_one(id))).max(1)
    }
}

/// What is kept of a row, whether it is a refusal, and its id.
type Kept<'b> = (Copy, bool, Option<&'b str>);

/// Two ways to fail while rows are added.
enum Failed {
    Arrow(ArrowError),
    Store(Error),
}

impl From<ArrowError> for Failed {
    fn from(error: ArrowError) -> Failed {
        Failed::Arrow(error)
    }
}

fn failed(source: ArrowError) -> Error {
    Error::Table {
        input: "history".to_owned(),
        source,
    }
}

pub(super) fn column<'b>(batch: &'b RecordBatch, name: &str) -> Result<&'b ArrayRef, ArrowError> {
    batch
        .column_by_name(name)
        .ok_or_else(|| ArrowError::SchemaError(format!("no column {name}")))
}

fn value(times: &TimestampMicrosecondArray, row: usize) -> i64 {
    if times.is_valid(row) {
        times.value(row)
    } else {
        NEVER
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signin::{Signin, SigninBatch};

    /// Takes in one copy of the sign-in `id`, and says whether anything has changed.
    fn take_in(history: &mut History, id: &str, account: Option<&str>, app: Option<&str>) -> bool {
        let mut batch = SigninBatch::new(history.columns());
        batch.push(&Signin {
            sign_in_id: Some(id.to_owned().into()),
            time: Some(1_000_000),
            user_id: account.map(|text| text.to_owned().into()),
            app_id: app.map(|text| text.to_owned().into()),
            error_code: Some(50053),
            ..Signin::default()
        });
        let batch = batch.take().unwrap().unwrap();
        history.add(&batch, 0).unwrap().changed
    }

    #[test]
    fn what_a_row_was_is_told_when_another_copy_changes_it_and_only_then() {
        let mut history = History::new(Columns::ALL).unwrap();
        assert!(take_in(&mut history, "a", Some("u1"), None));
        assert!(take_in(&mut history, "b", Some("u2"), None));
        let (_, first) = history.table().unwrap();
        assert!(first.again.is_none(), "nothing was given before");
        assert!(!take_in(&mut history, "b", Some("u2"), None), "the same");
        assert!(
            take_in(&mut history, "b", None, Some("app")),
            "it says which app"
        );
        let (table, second) = history.table().unwrap();
        assert_eq!(second.untouched, 1);
        let (rows, before) = second.again.unwrap();
        assert_eq!((rows, before.num_rows()), (vec![1], 1));
        let text = |batch: &RecordBatch, name: &str, row: usize| {
            let column = arrow::compute::cast(
                column(batch, name).unwrap(),
                &arrow::datatypes::DataType::Utf8,
            );
            let column = column.unwrap();
            let column = column.as_string::<i32>();
            column.is_valid(row).then(|| column.value(row).to_owned())
        };
        assert_eq!(text(&before, "app_id", 0), None);
        assert_eq!(text(&before, "user_id", 0).as_deref(), Some("u2"));
        assert_eq!(text(&table, "app_id", 1).as_deref(), Some("app"));
        assert_eq!(text(&table, "user_id", 1).as_deref(), Some("u2"));
        assert!(
            !take_in(&mut history, "b", None, None),
            "poorer than what is known"
        );
        let (_, third) = history.table().unwrap();
        assert_eq!(third.untouched, 2);
        assert!(third.again.unwrap().0.is_empty());
        history.forget(0, 2);
        assert!(history.table().unwrap().1.again.is_none(), "rows have gone");
    }
}
