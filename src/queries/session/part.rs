//! What a view reads of `signins` instead of all of it: the rows that its header asks for, and in a stream those that are
//! new. So what it costs follows what it is about, or what has changed, and not how much there is.

use std::any::Any;
use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, BooleanArray, RecordBatch, RecordBatchOptions};
use datafusion::arrow::buffer::BooleanBuffer;
use datafusion::arrow::compute::{FilterBuilder, cast, concat_batches, filter_record_batch};
use datafusion::arrow::datatypes::{DataType, Schema, SchemaRef};
use datafusion::arrow::error::ArrowError;
use datafusion::catalog::TableProvider;
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryPool, MemoryReservation};

use super::chosen::{Wanted, chosen, chosen_by};
use super::delta::{Delta, differences};
use super::places::Places;
use crate::error::{Error, Result};
use crate::queries::slot::Slot;
use crate::queries::stored::{Stored, bytes_of};
use crate::queries::table::Table;
use crate::queries::{Header, Only, SIGNINS};
use crate::signin::Columns;

/// Rows are copied for a view if they are at most this part of all.
const COPIED: usize = 4;

/// What of a table is not as it was in the one that was there before.
#[derive(Clone, Debug, Default)]
pub struct Changes {
    /// So many of the first rows are as they were.
    pub untouched: usize,
    /// The rows behind these that were there and are others now, by their numbers, and what they were. `None`: rows have gone, so that
    /// all behind these may be others.
    pub again: Option<(Vec<usize>, RecordBatch)>,
}

/// Everything that is remembered now, whose columns are dictionaries, mostly.
pub(super) struct Filling {
    pub(super) signins: RecordBatch,
    pub(super) changes: Changes,
    /// Where values stand in the dictionaries.
    pub(super) places: Places,
    /// Rows in a batch.
    pub(super) piece: usize,
}

/// The rows of `signins` for one view.
pub(super) struct Part {
    /// Where its plan reads them.
    pub(super) signins: Arc<Slot>,
    /// The columns that it reads.
    columns: Columns,
    how: How,
}

enum How {
    /// Those that it asked for the last time, of as many as there were then.
    Only(Vec<Only>, BooleanBuffer),
    /// Its rows of consecutive stretches of `signins`, each stretch more than twice as long as the next; and those that it had of
    /// sign-ins that it is given again.
    Fold(Vec<Stretch>, Vec<RecordBatch>),
}

/// The rows of a view over a stretch of `signins` that ends before the row `end`.
struct Stretch {
    end: usize,
    rows: RecordBatch,
}

impl Part {
    /// The part that a header speaks of, if it does, of a view that reads these columns. New rows are told from others only in a
    /// stream.
    pub(super) fn of(header: &Header, columns: Columns, is_stream: bool) -> Option<Part> {
        let nothing = BooleanBuffer::new_unset(0);
        let how = match (header.fold && is_stream, header.only.is_empty()) {
            (true, _) => How::Fold(Vec::new(), Vec::new()),
            (false, false) => How::Only(header.only.clone(), nothing),
            (false, true) => return None,
        };
        Some(Part {
            signins: Arc::new(Slot::new(crate::signin::schema())),
            columns,
            how,
        })
    }

    /// Gives the view what it must read now. `values` yields a column of a stored view, in pieces.
    ///
    /// `keeps` says whether what it found in the rows before still holds, as far as other tables go.
    pub(super) fn fill(
        &mut self,
        filling: &Filling,
        keeps: bool,
        values: impl Fn(&str, &str) -> Result<Vec<ArrayRef>>,
    ) -> Result<()> {
        match &mut self.how {
            How::Only(only, before) => {
                let now = filling.chosen(&Wanted::of(only, values)?);
                if filling.changes.untouched < before.len() || !is_same(before, &now) {
                    let rows = BooleanArray::new(now.clone(), None);
                    let rows = filter_record_batch(&filling.signins, &rows).map_err(failed)?;
                    filling.give(rows, &self.signins);
                }
                *before = now;
            }
            How::Fold(stretches, again) => {
                let known = if keeps { filling.changes.untouched } else { 0 };
                let all = filling.signins.num_rows();
                let before = end(stretches);
                let is_gone = |stretch: &mut Stretch| stretch.end > known;
                again.extend(
                    stretches
                        .extract_if(.., is_gone)
                        .map(|stretch| stretch.rows),
                );
                if end(stretches) == before && before == all {
                    return Ok(());
                }
                // Stretches that grow as two to the power of their number: each row is read again a few times, not always.
                while let Some((last, earlier)) = stretches.split_last()
                    && last.end - end(earlier) <= 2 * (all - last.end)
                {
                    again.extend(stretches.pop().map(|stretch| stretch.rows));
                }
                let from = end(stretches);
                filling.give(filling.signins.slice(from, all - from), &self.signins);
            }
        }
        Ok(())
    }

    /// The rows that its header asks for now, of a view that is made for some values alone.
    pub(super) fn chosen(
        &self,
        filling: &Filling,
        values: impl Fn(&str, &str) -> Result<Vec<ArrayRef>>,
    ) -> Result<Option<BooleanBuffer>> {
        let How::Only(only, _) = &self.how else {
            return Ok(None);
        };
        let wanted = Wanted::of(only, values)?;
        Ok(Some(filling.chosen(&wanted)))
    }

    /// What gives the view what it must read of `table`, which does not change, with its number of rows; in batches of `piece`.
    pub(super) fn of_table(
        &self,
        (table, number): &(Arc<dyn TableProvider>, usize),
        piece: usize,
        values: impl Fn(&str, &str) -> Result<Vec<ArrayRef>>,
    ) -> Result<OfTable> {
        let wanted = match &self.how {
            How::Only(only, _) => Some(Wanted::of(only, values)?),
            How::Fold(..) => None,
        };
        Ok(OfTable {
            table: Arc::clone(table),
            number: *number,
            columns: self.columns,
            piece,
            wanted,
            signins: Arc::clone(&self.signins),
        })
    }

    /// Whether what the view says of the rows that it was given must be put to what it said before.
    pub(super) fn adds(&self) -> bool {
        matches!(&self.how, How::Fold(stretches, _) if !stretches.is_empty())
    }

    /// All rows of the view, where `rows` are those of what it was given; `None`: it has no others. Their texts are in
    /// dictionaries. Rows of more than `limit` bytes are made anew the next time. With them comes what it has lost and gained, if
    /// `is_told` and that is not most of it.
    pub(super) fn whole(
        &mut self,
        rows: &Stored,
        end: usize,
        limit: usize,
        is_told: bool,
    ) -> Result<Option<(Stored, Delta)>> {
        let (How::Fold(stretches, again), Some(batches)) = (&mut self.how, rows.batches()) else {
            return Ok(None);
        };
        let again = std::mem::take(again);
        let rows = concat_batches(rows.schema(), batches).and_then(|rows| packed(&rows));
        let rows = rows.map_err(failed)?;
        let schema = rows.schema();
        let others: usize = stretches.iter().map(|it| it.rows.num_rows()).sum();
        let delta = match is_told && others > rows.num_rows() {
            true => {
                let lost = concat_batches(&schema, &again).map_err(failed)?;
                let (lost, gained) =
                    differences(lost, rows.clone()).map_err(Error::query(SIGNINS))?;
                Some(vec![lost, gained])
            }
            false => None,
        };
        stretches.push(Stretch { end, rows });
        let all = stretches.iter().map(|stretch| stretch.rows.clone());
        let all: Vec<RecordBatch> = all.collect();
        if all.iter().map(bytes_of).sum::<usize>() > limit {
            stretches.clear();
        }
        Ok(Some((Stored::in_memory(schema, all), delta)))
    }
}

/// What one view reads of a table that does not change, and where it reads it.
pub(super) struct OfTable {
    table: Arc<dyn TableProvider>,
    number: usize,
    columns: Columns,
    piece: usize,
    /// What is asked for; `None`: all rows.
    wanted: Option<Wanted>,
    signins: Arc<Slot>,
}

impl OfTable {
    /// Gives it. Rows are only copied if they are few and the memory of queries has room for them, which they take as long as
    /// what is returned is held.
    pub(super) fn fill(self, memory: &Arc<dyn MemoryPool>) -> Result<Option<MemoryReservation>> {
        let all: &dyn TableProvider = self.table.as_ref();
        let all: &dyn Any = all;
        let rows = all.downcast_ref::<Table>().map(Table::rows);
        if let Some((rows, wanted)) = rows.zip(self.wanted.as_ref())
            && let Some(rows) = self.few(&rows, wanted)?
        {
            let taken = MemoryConsumer::new(SIGNINS).register(memory);
            if taken.try_grow(bytes_of(&rows)).is_ok() {
                self.signins.fill(&self.schema(), pieces(&rows, self.piece));
                return Ok(Some(taken));
            }
        }
        self.signins.fill_from(self.table, self.number);
        Ok(None)
    }

    fn few(&self, rows: &[RecordBatch], wanted: &Wanted) -> Result<Option<RecordBatch>> {
        let chosen = rows.iter().map(|rows| chosen(rows, wanted));
        let chosen: Vec<BooleanBuffer> = chosen.collect();
        let number: usize = chosen.iter().map(BooleanBuffer::count_set_bits).sum();
        if number > self.number / COPIED {
            return Ok(None);
        }
        // Few rows of many dictionaries are quicker read in plain text, once, than by each operator.
        let schema = self.schema();
        let rows = rows.iter().zip(chosen).map(|(rows, chosen)| {
            let chosen = FilterBuilder::new(&BooleanArray::new(chosen, None))
                .optimize()
                .build();
            let columns = schema.fields().iter().map(|field| {
                let column = rows.column(rows.schema_ref().index_of(field.name())?);
                cast(&chosen.filter(column)?, field.data_type())
            });
            let columns = columns.collect::<Result<_, ArrowError>>()?;
            let number = RecordBatchOptions::new().with_row_count(Some(chosen.count()));
            RecordBatch::try_new_with_options(Arc::clone(&schema), columns, &number)
        });
        let rows = rows.collect::<Result<Vec<_>, ArrowError>>();
        let rows = rows.and_then(|rows| concat_batches(&schema, &rows));
        rows.map(Some).map_err(failed)
    }

    /// The columns that the view reads, in plain text.
    fn schema(&self) -> SchemaRef {
        let there = self.table.schema();
        let wanted = self.columns.schema();
        let wanted = wanted.fields().iter();
        let wanted = wanted.filter(|field| there.column_with_name(field.name()).is_some());
        Arc::new(Schema::new(wanted.cloned().collect::<Vec<_>>()))
    }
}

impl Filling {
    fn give(&self, rows: RecordBatch, slot: &Slot) {
        let schema = rows.schema();
        slot.fill(&schema, pieces(&rows, self.piece));
    }

    /// The rows that are asked for.
    pub(super) fn chosen(&self, wanted: &Wanted) -> BooleanBuffer {
        chosen_by(&self.signins, wanted, |name, values, keys| {
            self.places.among(name, values, keys)
        })
    }

    /// Some rows, in pieces.
    pub(super) fn pieces_of(&self, rows: &RecordBatch) -> Vec<RecordBatch> {
        pieces(rows, self.piece)
    }

    /// All rows, in pieces.
    pub(super) fn pieces(&self) -> (SchemaRef, Vec<RecordBatch>) {
        (self.signins.schema(), pieces(&self.signins, self.piece))
    }
}

pub(super) fn failed(error: ArrowError) -> Error {
    Error::query(SIGNINS)(error.into())
}

fn pieces(rows: &RecordBatch, piece: usize) -> Vec<RecordBatch> {
    let (all, piece) = (rows.num_rows(), piece.max(1));
    let from = (0..all).step_by(piece);
    from.map(|from| rows.slice(from, piece.min(all - from)))
        .collect()
}

/// The same rows with a dictionary for each column of text: few values come again and again.
pub(super) fn packed(rows: &RecordBatch) -> Result<RecordBatch, ArrowError> {
    let text = DataType::Dictionary(Box::new(DataType::UInt32), Box::new(DataType::Utf8));
    let columns = rows
        .columns()
        .iter()
        .map(|column| match column.data_type() {
            DataType::Utf8 => cast(column, &text),
            _ => Ok(Arc::clone(column)),
        });
    let columns = columns.collect::<Result<Vec<_>, _>>()?;
    let fields = rows.schema();
    let fields = fields.fields().iter().zip(&columns);
    let fields = fields.map(|(field, column)| {
        let kind = column.data_type().clone();
        field.as_ref().clone().with_data_type(kind)
    });
    let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
    RecordBatch::try_new(schema, columns)
}

/// The same rows with the columns of `schema`, which may be in dictionaries.
pub(super) fn plain_batch(rows: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch> {
    let mut kinds = rows.columns().iter().zip(schema.fields());
    if kinds.all(|(column, field)| column.data_type() == field.data_type()) {
        return Ok(rows.clone());
    }
    let columns = rows.columns().iter().zip(schema.fields());
    let columns = columns.map(
        |(column, field)| match column.data_type() == field.data_type() {
            true => Ok(Arc::clone(column)),
            false => cast(column, field.data_type()),
        },
    );
    let number = RecordBatchOptions::new().with_row_count(Some(rows.num_rows()));
    columns
        .collect::<Result<Vec<_>, _>>()
        .and_then(|columns| RecordBatch::try_new_with_options(Arc::clone(schema), columns, &number))
        .map_err(failed)
}

/// Where the last of these stretches ends.
fn end(stretches: &[Stretch]) -> usize {
    stretches.last().map_or(0, |stretch| stretch.end)
}

/// Whether the same rows are chosen, and none of those that have come since.
fn is_same(before: &BooleanBuffer, now: &BooleanBuffer) -> bool {
    let then = before.len();
    then <= now.len()
        && now.slice(0, then) == *before
        && now.slice(then, now.len() - then).count_set_bits() == 0
}

#[cfg(test)]
mod tests {
    use datafusion::arrow::array::{DictionaryArray, Int32Array, StringArray, UInt32Array};
    use datafusion::arrow::datatypes::UInt32Type;
    use datafusion::execution::memory_pool::GreedyMemoryPool;

    use super::*;

    /// A sign-in: its error code, and its account.
    type Row<'a> = (Option<i32>, Option<&'a str>);

    /// Sign-ins as a stream remembers them: a value that is missing is one of a dictionary.
    fn filling(rows: &[Row<'_>], untouched: usize) -> Filling {
        let all = rows.len() as u32;
        let keys = UInt32Array::from_iter_values(0..all);
        let codes: ArrayRef = Arc::new(rows.iter().map(|row| row.0).collect::<Int32Array>());
        let names: ArrayRef = Arc::new(rows.iter().map(|row| row.1).collect::<StringArray>());
        let columns = [("error_code", codes), ("user_id", names)].map(|(name, values)| {
            let column = DictionaryArray::<UInt32Type>::new(keys.clone(), values);
            (name, Arc::new(column) as ArrayRef)
        });
        Filling {
            signins: RecordBatch::try_from_iter(columns).unwrap(),
            changes: Changes {
                untouched,
                again: None,
            },
            places: Places::default(),
            piece: 8,
        }
    }

    fn part(header: &str) -> Part {
        let header = Header::parse(&format!("-- title: T\n{header}\nSELECT 1")).unwrap();
        Part::of(&header, Columns::ALL, true).unwrap()
    }

    /// How many rows the view is given, and which filling of its table that is.
    fn given<'a>(
        part: &mut Part,
        filling: &Filling,
        names: impl IntoIterator<Item = Option<&'a str>>,
    ) -> (usize, u64) {
        let names: ArrayRef = Arc::new(StringArray::from_iter(names));
        part.fill(filling, true, |view, column| {
            assert_eq!((view, column), ("silent", "user_key"));
            Ok(vec![Arc::clone(&names)])
        })
        .unwrap();
        (part.signins.number(), part.signins.version())
    }

    #[test]
    fn rows_are_looked_up_and_given_anew_only_when_others_are_asked_for() {
        let mut part = part("-- only: error_code is not 0; user_id = user_key of silent");
        let rows = [
            (Some(0), Some("a")),
            (Some(50126), Some("b")),
            (Some(0), Some("c")),
            (Some(0), Some("c")),
            (Some(50053), Some("a")),
            (Some(0), Some("a")),
        ];
        let first = given(&mut part, &filling(&rows[..3], 0), [Some("c")]);
        assert_eq!(first, (2, 1), "b for its code and c for its name");
        assert_eq!(
            given(&mut part, &filling(&rows[..3], 3), [Some("c")]),
            (2, 1)
        );
        assert_eq!(
            given(&mut part, &filling(&rows[..4], 3), [Some("c")]),
            (3, 2)
        );
        assert_eq!(given(&mut part, &filling(&rows, 4), [Some("c")]), (4, 3));
        assert_eq!(
            given(&mut part, &filling(&rows, 6), [Some("a"), Some("c")]),
            (6, 4)
        );
        // Rows that were asked for may be others now.
        assert_eq!(
            given(&mut part, &filling(&rows, 5), [Some("a"), Some("c")]),
            (6, 5)
        );
    }

    #[test]
    fn what_is_missing_is_asked_for_where_a_value_is() {
        let rows = [
            (None, Some("a")),
            (Some(0), None),
            (Some(0), Some("a")),
            (Some(50126), None),
        ];
        let mut codes = part("-- only: error_code is not 0");
        let found = given(&mut codes, &filling(&rows, 0), []).0;
        assert_eq!(found, 2, "a code that is missing may be another than 0");
        for (names, asked) in [
            (vec![Some("b")], 0),
            (vec![Some("b"), None], 2),
            (vec![None, Some("a")], 4),
        ] {
            let mut accounts = part("-- only: user_id = user_key of silent");
            let found = given(&mut accounts, &filling(&rows, 0), names.clone()).0;
            assert_eq!(found, asked, "{names:?}");
        }
        // A column that is not there has no value in any row.
        let mut elsewhere = part("-- only: device_id = user_key of silent");
        assert_eq!(given(&mut elsewhere, &filling(&rows, 0), [Some("a")]).0, 0);
        assert_eq!(given(&mut elsewhere, &filling(&rows, 0), [None]).0, 4);
    }

    #[test]
    fn each_row_is_folded_a_few_times_however_many_steps_there_are() {
        let mut part = part("-- fold: yes");
        let rows = vec![(Some(0), Some("a")); 1000];
        let (mut read, mut untouched) = (0, 0);
        for all in (10..=1000).step_by(10) {
            let filling = filling(&rows[..all], untouched);
            read += given(&mut part, &filling, []).0;
            let (schema, rows) = filling.pieces();
            let folded = Stored::in_memory(schema, vec![rows[0].slice(0, 1)]);
            let whole = part.whole(&folded, all, usize::MAX, false);
            let (whole, _) = whole.unwrap().unwrap();
            assert!(whole.batches().unwrap().len() < 10);
            untouched = all;
        }
        assert!(read < 10 * rows.len(), "{read} rows were read");
        // What has changed is read again, and what comes before it is not, if it is long enough.
        let again = given(&mut part, &filling(&rows, 999), []).0;
        assert!(again < rows.len() / 2, "{again} rows were read again");
        assert_eq!(given(&mut part, &filling(&rows, 0), []).0, 1000);
    }

    /// How many of some sign-ins, kept in this form, a view is given that asks for two accounts and other codes than 0.
    fn given_once(kept: &[RecordBatch], memory: usize) -> usize {
        let part =
            part("-- only: error_code is not 0; user_id, user_principal_name = user_key of silent");
        let rows = kept.iter().map(RecordBatch::num_rows).sum();
        let table: Arc<dyn TableProvider> = Arc::new(Table::new(kept[0].schema(), kept.to_vec()));
        let of_table = part.of_table(&(table, rows), 2, |_, _| {
            let names: [ArrayRef; 2] =
                [vec!["c"], vec!["B@x"]].map(|names| Arc::new(StringArray::from(names)) as _);
            Ok(names.to_vec())
        });
        let pool: Arc<dyn MemoryPool> = Arc::new(GreedyMemoryPool::new(memory));
        let taken = of_table.unwrap().fill(&pool).unwrap();
        assert_eq!(taken.is_some(), pool.reserved() > 0);
        drop(taken);
        assert_eq!(pool.reserved(), 0);
        part.signins.number()
    }

    #[test]
    fn rows_of_a_table_are_copied_if_they_are_few_however_they_are_kept() {
        let codes = |codes: &[Option<i32>]| Arc::new(Int32Array::from(codes.to_vec())) as ArrayRef;
        let texts =
            |texts: &[Option<&str>]| Arc::new(StringArray::from(texts.to_vec())) as ArrayRef;
        let batch = |codes: ArrayRef, ids: ArrayRef, names: ArrayRef| {
            let columns = [
                ("user_id", ids),
                ("user_principal_name", names),
                ("error_code", codes),
            ];
            RecordBatch::try_from_iter_with_nullable(
                columns.map(|(name, column)| (name, column, true)),
            )
            .unwrap()
        };
        let zeros = [Some(0); 20];
        let (mut ids, mut names, mut failed) = ([Some("a"); 20], [None; 20], zeros);
        (ids[3], names[4], failed[5]) = (Some("c"), Some("B@x"), Some(50126));
        (ids[6], ids[7], names[7]) = (None, None, Some("other"));
        let plain = batch(codes(&failed), texts(&ids), texts(&names));
        let kind = DataType::Dictionary(Box::new(DataType::UInt16), Box::new(DataType::Utf8));
        let packed = |column: usize| cast(plain.column(column), &kind).unwrap();
        let packed = batch(codes(&failed), packed(0), packed(1));
        let others = batch(codes(&zeros), texts(&[Some("a"); 20]), texts(&[None; 20]));
        for kept in [&[plain.clone(), others][..], &[packed]] {
            assert_eq!(given_once(kept, 1 << 20), 3);
            assert_eq!(given_once(kept, 16), kept.len() * 20, "no room for a copy");
        }
        // A code that is missing may be another than 0.
        failed[8] = None;
        let missing = batch(codes(&failed), texts(&ids), texts(&names));
        assert_eq!(given_once(&[missing], 1 << 20), 4);
        let many = batch(codes(&[Some(1); 20]), texts(&ids), texts(&names));
        assert_eq!(given_once(&[many], 1 << 20), 20);
    }
}
