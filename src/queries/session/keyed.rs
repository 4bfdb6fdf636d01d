//! In a stream a view whose header says by which columns its rows are told apart (`by`) is made anew only for the values of
//! which something has changed in what it reads; its other rows stay. So a step costs what has changed, and not what is there.

use std::sync::Arc;

use datafusion::arrow::array::{BooleanArray, BooleanBufferBuilder, RecordBatch};
use datafusion::arrow::buffer::BooleanBuffer;
use datafusion::arrow::compute::{concat_batches, filter, filter_record_batch, not as opposite};
use datafusion::arrow::datatypes::Schema;

use super::chosen::{Keys, Wanted, chosen};
use super::delta::{Delta, differences};
use super::part::{Changes, Filling, failed, packed};
use crate::error::{Error, Result};
use crate::queries::slot::Slot;
use crate::queries::stored::{Stored, bytes_of};
use crate::queries::{By, SIGNINS};

/// A view that is made for some values alone, with the rows that it has.
pub(super) struct Keyed {
    by: Vec<By>,
    sources: Vec<Source>,
    /// The rows of `signins` that it read the last time, of as many as there were then.
    read: BooleanBuffer,
    /// Its rows, packed; each part has more than twice as many as the next. None: it must be made anew.
    rows: Vec<RecordBatch>,
    /// For which values it is computed now, and what it reads then.
    now: Option<(Changed, BooleanBuffer)>,
}

/// A stored view that it reads.
struct Source {
    name: String,
    whole: Arc<Slot>,
    /// Where its plan reads it, if it has all of the columns.
    own: Option<Arc<Slot>>,
    /// Which of the columns tells what has changed; none of them: everything may have.
    key: Option<usize>,
    /// What it was when it was read last.
    seen: Option<u64>,
}

/// Of which values something has changed.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Changed {
    Everything,
    /// For each of the columns; a row counts if one of them has such a value.
    Of(Vec<Keys>),
}

impl Keyed {
    /// A view of the columns of `own`, told apart by some, which reads these stored views.
    pub(super) fn new(
        by: &[By],
        own: &Schema,
        reads: impl IntoIterator<Item = (String, Arc<Slot>)>,
    ) -> Keyed {
        let sources = reads.into_iter().map(|(name, whole)| {
            let schema = whole.columns();
            let has = |by: &By| {
                let field = |of: &Schema| of.field_with_name(&by.column).cloned();
                let pair = field(own).and_then(|own| Ok((own, field(schema)?)));
                pair.is_ok_and(|(own, its)| Keys::are_alike(own.data_type(), its.data_type()))
            };
            let own = by.iter().all(has);
            Source {
                name,
                own: own.then(|| Arc::new(Slot::new(Arc::clone(schema)))),
                key: by.iter().position(has),
                whole,
                seen: None,
            }
        });
        Keyed {
            by: by.to_vec(),
            sources: sources.collect(),
            read: BooleanBuffer::new_unset(0),
            rows: Vec::new(),
            now: None,
        }
    }

    /// The tables of which it wants to know what has changed.
    pub(super) fn wants(&self) -> impl Iterator<Item = &String> {
        let told = self.sources.iter().filter(|source| source.key.is_some());
        told.map(|source| &source.name)
    }

    /// Where it reads a stored view, if not where others do.
    pub(super) fn place(&self, name: &str) -> Option<&Arc<Slot>> {
        let source = self.sources.iter().find(|source| source.name == name);
        source.and_then(|source| source.own.as_ref())
    }

    /// Finds out for which values it must be computed. `delta` yields what a view has lost and gained; `signins` are all
    /// that are remembered, what has changed in them, and those of them that it reads now.
    pub(super) fn look<'d>(
        &mut self,
        delta: impl Fn(&str) -> Option<&'d Delta>,
        signins: Option<(&RecordBatch, &Changes, BooleanBuffer)>,
    ) -> Result<&Changed> {
        let mut keys = vec![Keys::default(); self.by.len()];
        let mut is_known = !self.rows.is_empty();
        for source in &self.sources {
            let version = source.whole.version();
            if !is_known || source.seen == Some(version) {
                continue;
            }
            let is_next = source.seen.is_some_and(|seen| seen + 1 == version);
            let changes = delta(&source.name).and_then(Option::as_ref);
            match (source.key, changes) {
                (Some(key), Some(changes)) if is_next => {
                    for rows in changes {
                        keys[key].add_if_any(rows.column_by_name(&self.by[key].column), 0)?;
                    }
                }
                _ => is_known = false,
            }
        }
        let mut reads = BooleanBuffer::new_unset(0);
        if let Some((all, changes, now)) = signins {
            match self.changed_sign_ins(&now, changes) {
                Some(changed) if is_known => {
                    let changed = BooleanArray::new(changed, None);
                    // A row counts if it has one of the values: that of the first column is enough.
                    if let Some((keys, by)) = keys.iter_mut().zip(&self.by).next() {
                        for name in &by.signins {
                            let column = all.column_by_name(name);
                            let column = column.map(|column| filter(column, &changed));
                            let column = column.transpose().map_err(failed)?;
                            keys.add_if_any(column.as_ref(), changed.true_count())?;
                            if let Some((_, gone)) = &changes.again {
                                keys.add_if_any(gone.column_by_name(name), gone.num_rows())?;
                            }
                        }
                    }
                }
                _ => is_known = false,
            }
            reads = now;
        }
        let changed = match is_known {
            true => Changed::Of(keys),
            false => Changed::Everything,
        };
        Ok(&self.now.insert((changed, reads)).0)
    }

    /// The sign-ins that it reads and did not read before, or the other way round, and those that are others now; `None`: rows that
    /// it read are gone, and nobody knows what they were.
    fn changed_sign_ins(&self, now: &BooleanBuffer, changes: &Changes) -> Option<BooleanBuffer> {
        let then = self.read.len();
        let there = match changes.again {
            Some(_) => then,
            None => changes.untouched.min(then),
        };
        let same = there.min(now.len());
        if self.read.slice(same, then - same).count_set_bits() > 0 {
            return None;
        }
        let mut changed = BooleanBufferBuilder::new(now.len());
        changed.append_buffer(&(&self.read.slice(0, same) ^ &now.slice(0, same)));
        changed.append_buffer(&now.slice(same, now.len() - same));
        for row in changes.again.iter().flat_map(|(rows, _)| rows) {
            if *row < same && (self.read.value(*row) || now.value(*row)) {
                changed.set_bit(*row, true);
            }
        }
        Some(changed.finish())
    }

    /// Gives its plan what it must read: rows of the values that have changed, or all. `signins` is where it reads sign-ins, and
    /// all that are remembered.
    pub(super) fn fill(&self, signins: Option<(&Slot, &Filling)>) -> Result<()> {
        let Some((changed, reads)) = &self.now else {
            return Ok(());
        };
        for source in &self.sources {
            let Some(own) = &source.own else { continue };
            match (changed.wanted(&self.by), source.whole.rows()) {
                (Some(wanted), Some((schema, rows))) => {
                    let rows = rows.iter().map(|rows| of(rows, &chosen(rows, &wanted)));
                    let mut rows = rows.collect::<Result<Vec<_>>>()?;
                    rows.retain(|rows| rows.num_rows() > 0);
                    own.fill(&schema, rows);
                }
                _ => own.same_as(&source.whole),
            }
        }
        if let Some((slot, filling)) = signins {
            let all = &filling.signins;
            let rows = match changed.wanted_of_signins(&self.by) {
                Some(wanted) => reads & &filling.chosen(&wanted),
                None => reads.clone(),
            };
            slot.fill(&all.schema(), filling.pieces_of(&of(all, &rows)?));
        }
        Ok(())
    }

    /// Nothing has to be computed: what it read is as good as what is there now.
    pub(super) fn rest(&mut self) {
        if let Some((_, reads)) = self.now.take() {
            self.read = reads;
        }
        for source in &mut self.sources {
            source.seen = Some(source.whole.version());
            // What it has read must not outlive what others read.
            source.own.iter().for_each(|own| own.clear());
        }
    }

    /// Whether what it is computed for is not everything.
    pub(super) fn adds(&self) -> bool {
        matches!(&self.now, Some((Changed::Of(_), _)))
    }

    /// Puts what was computed in its place. Returns all of its rows, with what it has lost and gained; `None` if its rows are
    /// those that it had. Rows of more than `limit` bytes are made anew the next time.
    pub(super) fn keep(&mut self, made: Stored, limit: usize) -> Result<Option<(Stored, Delta)>> {
        let changed = self.now.as_ref().map(|(changed, _)| changed.clone());
        self.rest();
        let Some(batches) = made.batches() else {
            self.rows.clear();
            return Ok(Some((made, None)));
        };
        let rows = concat_batches(made.schema(), batches).and_then(|rows| packed(&rows));
        let rows = rows.map_err(failed)?;
        let schema = rows.schema();
        let wanted = changed.as_ref().and_then(|it| it.wanted(&self.by));
        let mut delta = None;
        match wanted {
            Some(wanted) => {
                // What it reads may hold rows of other values too.
                let rows = of(&rows, &chosen(&rows, &wanted))?;
                let mut lost = Vec::new();
                let mut left = Vec::new();
                for part in &self.rows {
                    let those = BooleanArray::new(chosen(part, &wanted), None);
                    if those.true_count() == 0 {
                        left.push(part.clone());
                        continue;
                    }
                    lost.push(filter_record_batch(part, &those).map_err(failed)?);
                    let others = opposite(&those).map_err(failed)?;
                    left.push(filter_record_batch(part, &others).map_err(failed)?);
                }
                let lost = concat_batches(&schema, &lost).map_err(failed)?;
                let (lost, gained) =
                    differences(lost, rows.clone()).map_err(Error::query(SIGNINS))?;
                if lost.num_rows() + gained.num_rows() == 0 {
                    return Ok(None);
                }
                delta = Some(vec![lost, gained]);
                self.rows = left;
                self.add(rows)?;
            }
            None => self.rows = vec![rows],
        }
        let all = self.rows.clone();
        if all.iter().map(bytes_of).sum::<usize>() > limit {
            self.rows.clear();
        }
        Ok(Some((Stored::in_memory(schema, all), delta)))
    }

    /// Small parts are put together, so that there are few of them and each row is copied a few times, not always.
    fn add(&mut self, rows: RecordBatch) -> Result<()> {
        let mut last = rows;
        while let Some(before) = self.rows.pop_if(|it| it.num_rows() <= 2 * last.num_rows()) {
            let schema = last.schema();
            last = concat_batches(&schema, [&before, &last]).map_err(failed)?;
        }
        self.rows.push(last);
        Ok(())
    }
}

impl Changed {
    /// Whether nothing has.
    pub(super) fn is_nothing(&self) -> bool {
        matches!(self, Changed::Of(keys) if keys.iter().all(Keys::is_empty))
    }

    fn wanted(&self, by: &[By]) -> Option<Wanted> {
        self.wanted_in(by, |by| vec![by.column.clone()])
    }

    fn wanted_of_signins(&self, by: &[By]) -> Option<Wanted> {
        self.wanted_in(by, |by| by.signins.clone())
    }

    fn wanted_in(&self, by: &[By], columns: impl Fn(&By) -> Vec<String>) -> Option<Wanted> {
        let Changed::Of(keys) = self else { return None };
        let keys = by.iter().zip(keys).filter(|(_, keys)| !keys.is_empty());
        Some(Wanted::among(
            keys.map(|(by, keys)| (columns(by), keys.clone())),
        ))
    }
}

fn of(rows: &RecordBatch, those: &BooleanBuffer) -> Result<RecordBatch> {
    filter_record_batch(rows, &BooleanArray::new(those.clone(), None)).map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::super::delta::tests::{kept, rows, stored};
    use super::*;

    /// A view by account of a table of accounts, and of another that has none.
    struct World {
        keyed: Keyed,
        table: Arc<Slot>,
        other: Arc<Slot>,
        delta: Delta,
    }

    fn world() -> World {
        let schema = rows(&[]).schema();
        let table = Arc::new(Slot::new(Arc::clone(&schema)));
        let numbers = schema.project(&[1]).unwrap();
        let other = Arc::new(Slot::new(Arc::new(numbers)));
        let by = By {
            column: "account".to_owned(),
            signins: Vec::new(),
        };
        let reads = [
            ("table".to_owned(), Arc::clone(&table)),
            ("other".to_owned(), Arc::clone(&other)),
        ];
        World {
            keyed: Keyed::new(&[by], &schema, reads),
            table,
            other,
            delta: None,
        }
    }

    impl World {
        /// The table has these rows now; it lost and gained some, if that is known.
        fn give(&mut self, now: &[(Option<&str>, i64)], delta: Delta) {
            let now = rows(now);
            self.table.fill(&now.schema(), vec![now]);
            self.delta = delta;
        }

        fn look(&mut self) -> Changed {
            let delta = |name: &str| (name == "table").then_some(&self.delta);
            self.keyed.look(delta, None).unwrap().clone()
        }

        /// How many rows of the table its plan is given.
        fn given(&self) -> usize {
            self.keyed.fill(None).unwrap();
            self.keyed.place("table").unwrap().number()
        }
    }

    fn of(keys: &[&str], null: bool) -> Changed {
        let texts = keys.iter().map(|key| key.to_string()).collect();
        Changed::Of(vec![Keys {
            texts,
            null,
            ..Keys::default()
        }])
    }

    #[test]
    fn only_the_rows_of_what_has_changed_are_made_anew() {
        let mut world = world();
        let (a, b) = (Some("a"), Some("b"));
        world.give(&[(a, 1), (b, 2), (None, 3)], None);
        assert_eq!(world.look(), Changed::Everything);
        assert_eq!(world.given(), 3);
        let first = world
            .keyed
            .keep(stored(&[(a, 10), (b, 20), (None, 30)]), usize::MAX);
        assert_eq!(
            kept(first.unwrap()).1,
            None,
            "nobody knows what it had before"
        );
        assert!(world.look().is_nothing());
        world.keyed.rest();

        world.give(
            &[(a, 1), (b, 5), (None, 3)],
            Some(vec![rows(&[(b, 2)]), rows(&[(b, 5)])]),
        );
        assert_eq!(world.look(), of(&["b"], false));
        assert_eq!(world.given(), 1);
        // What it says of others does not count: it was not given all of their rows.
        let second = world.keyed.keep(stored(&[(b, 50), (a, 0)]), usize::MAX);
        let (all, counts) = kept(second.unwrap());
        let text = |text: &str| Some(text.to_owned());
        assert_eq!(all, [(None, 30), (text("a"), 10), (text("b"), 50)]);
        assert_eq!(counts, Some([1, 1]));

        world.give(&[(a, 1), (b, 5), (None, 4)], Some(vec![rows(&[(None, 3)])]));
        assert_eq!(world.look(), of(&[], true));
        assert_eq!(world.given(), 1);
        let same = world.keyed.keep(stored(&[(None, 30)]), usize::MAX);
        assert!(same.unwrap().is_none(), "it comes out as it was");
        assert!(world.look().is_nothing());
    }

    #[test]
    fn everything_is_made_anew_where_it_is_not_known_what_has_changed() {
        let mut world = world();
        let a = Some("a");
        let make = |world: &mut World| {
            let kept = world.keyed.keep(stored(&[(a, 10)]), usize::MAX);
            assert!(kept.unwrap().is_some());
        };
        world.give(&[(a, 1)], None);
        world.look();
        make(&mut world);
        world.give(&[(a, 2)], None);
        assert_eq!(
            world.look(),
            Changed::Everything,
            "a change that nobody told"
        );
        make(&mut world);
        for _ in 0..2 {
            world.give(&[(a, 3)], Some(vec![rows(&[(a, 3)])]));
        }
        assert_eq!(world.look(), Changed::Everything, "a change was not seen");
        make(&mut world);
        let number = rows(&[(a, 1)]).project(&[1]).unwrap();
        world.other.fill(&number.schema(), vec![number]);
        assert_eq!(world.look(), Changed::Everything, "it has no accounts");
        let large = world.keyed.keep(stored(&[(a, 10)]), 1);
        assert_eq!(kept(large.unwrap()).0.len(), 1);
        world.give(&[(a, 3)], Some(vec![rows(&[(a, 3)])]));
        assert_eq!(
            world.look(),
            Changed::Everything,
            "it was too large to be kept"
        );
    }

    #[test]
    fn rows_are_put_together_now_and_then() {
        let mut world = world();
        let names: Vec<String> = (0..200).map(|number| format!("{number:03}")).collect();
        world.give(&[], None);
        world.look();
        world.keyed.keep(stored(&[]), usize::MAX).unwrap();
        for (number, name) in names.iter().enumerate() {
            let row = (Some(name.as_str()), number as i64);
            world.give(&[row], Some(vec![rows(&[row])]));
            world.look();
            let made = world.keyed.keep(stored(&[row]), usize::MAX).unwrap();
            let parts = made.as_ref().map(|(made, _)| made.batches().unwrap().len());
            assert!(parts < Some(10), "{parts:?}");
            assert_eq!(kept(made).0.len(), number + 1);
        }
    }

    #[test]
    fn sign_ins_that_are_gone_are_missed() {
        let mut world = world();
        let bits = |bits: &[bool]| BooleanBuffer::from(bits.to_vec());
        world.keyed.read = bits(&[true, false, true]);
        let gone = |untouched| Changes {
            untouched,
            again: None,
        };
        let changed =
            |now: &[bool], untouched| world.keyed.changed_sign_ins(&bits(now), &gone(untouched));
        let same = changed(&[true, false, true, false], 3).unwrap();
        assert_eq!(same.count_set_bits(), 0);
        let other = changed(&[false, true, true, true], 3).unwrap();
        assert_eq!(other, bits(&[true, true, false, true]));
        assert_eq!(
            changed(&[true, false, true], 2),
            None,
            "the third may be another"
        );
        let longer = changed(&[true, true, false, true], 3).unwrap();
        assert_eq!(longer, bits(&[false, true, true, true]));
        let mut unread = Keyed::new(&[], &Schema::empty(), []);
        unread.read = bits(&[true, false]);
        let found = unread.changed_sign_ins(&bits(&[true, true]), &gone(1));
        assert_eq!(found, Some(bits(&[false, true])));
    }

    #[test]
    fn sign_ins_that_are_others_now_are_asked_for_by_what_they_were_too() {
        let mut world = world();
        world.keyed.by[0].signins = vec!["account".to_owned()];
        world.give(&[], None);
        let (a, b, c, d) = (Some("a"), Some("b"), Some("c"), Some("d"));
        let bits = |bits: &[bool]| BooleanBuffer::from(bits.to_vec());
        let delta = |_: &str| None;
        let before = rows(&[(a, 1), (b, 2), (c, 3)]);
        let all = bits(&[true, true, false]);
        let signins = Some((&before, &Changes::default(), all.clone()));
        world.keyed.look(delta, signins).unwrap();
        world.keyed.keep(stored(&[(a, 10)]), usize::MAX).unwrap();
        let now = rows(&[(a, 1), (d, 2), (c, 4)]);
        let changes = Changes {
            untouched: 1,
            again: Some((vec![1], before.slice(1, 1))),
        };
        let changed = world
            .keyed
            .look(delta, Some((&now, &changes, all)))
            .unwrap();
        assert_eq!(*changed, of(&["b", "d"], false));
    }

    #[test]
    fn a_table_in_which_the_values_are_of_another_kind_is_read_as_a_whole() {
        let own = rows(&[]).schema();
        let number = Arc::clone(rows(&[]).column(1));
        let other = RecordBatch::try_from_iter([("account", number)]).unwrap();
        let by = By {
            column: "account".to_owned(),
            signins: Vec::new(),
        };
        for (schema, told) in [(Arc::clone(&own), 1), (other.schema(), 0)] {
            let table = ("table".to_owned(), Arc::new(Slot::new(schema)));
            let keyed = Keyed::new(std::slice::from_ref(&by), &own, [table]);
            assert_eq!(keyed.wants().count(), told);
            assert_eq!(keyed.place("table").is_some(), told == 1);
        }
    }
}
