//! Sign-ins that came several times and not in the same words: all copies are kept while the sign-in
//! is remembered, so that whichever comes last, one sign-in is made of them as an analysis would.

use std::cmp::Reverse;
use std::collections::HashMap;

use arrow::array::RecordBatch;

use super::group::GROUPS;
use super::history::NEVER;
use crate::error::Result;
use crate::signin::Columns;
use crate::store::Store;

/// One copy of a sign-in.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Copy {
    pub(super) time: i64,
    pub(super) ingested: i64,
    /// 0 is a step, which only adds to a sign-in.
    pub(super) richness: u16,
    pub(super) groups: [u32; GROUPS],
}

impl Copy {
    /// The smallest is the best; `store` orders copies so.
    pub(super) fn rank(&self) -> (Reverse<u16>, i64) {
        let ingested = match self.ingested {
            NEVER => i64::MAX,
            time => time,
        };
        (Reverse(self.richness), ingested)
    }

    /// Whether both say the same, however rich the records around were.
    fn says_the_same(&self, other: &Copy) -> bool {
        (self.richness > 0) == (other.richness > 0)
            && self.time == other.time
            && self.groups == other.groups
    }
}

/// The copies of each sign-in that has several, in the order in which they came.
#[derive(Default)]
pub(super) struct Copies {
    by_id: HashMap<u128, Vec<Copy>>,
    count: usize,
}

impl Copies {
    pub(super) fn holds(&self, id: u128) -> bool {
        !self.by_id.is_empty() && self.by_id.contains_key(&id)
    }

    /// Takes one more copy, and the `first` if it was alone until now. False if it says nothing new.
    pub(super) fn add(&mut self, id: u128, first: Option<Copy>, copy: Copy) -> bool {
        let copies = self.by_id.entry(id).or_default();
        if copies.is_empty() {
            self.count += usize::from(first.is_some());
            copies.extend(first);
        }
        let known = copies.iter().filter(|known| known.says_the_same(&copy));
        if known
            .map(Copy::rank)
            .min()
            .is_some_and(|best| best <= copy.rank())
        {
            return false;
        }
        copies.push(copy);
        self.count += 1;
        true
    }

    pub(super) fn of(&self, id: u128) -> &[Copy] {
        self.by_id.get(&id).map_or(&[], Vec::as_slice)
    }

    /// Forgets the copies of sign-ins that are forgotten, and steps whose sign-in has never come.
    pub(super) fn retain(&mut self, age: i64, is_known: impl Fn(u128) -> bool) {
        self.by_id.retain(|id, copies| {
            is_known(*id)
                || copies
                    .iter()
                    .any(|copy| copy.time != NEVER && copy.time >= age)
        });
        self.count = self.by_id.values().map(Vec::len).sum();
    }

    /// The numbers that the copies have in one group.
    pub(super) fn numbers(&mut self, group: usize) -> impl Iterator<Item = &mut u32> {
        let copies = self.by_id.values_mut().flatten();
        copies.map(move |copy| &mut copy.groups[group])
    }

    pub(super) fn bytes(&self) -> usize {
        self.count * size_of::<Copy>() + self.by_id.len() * 64
    }
}

/// One sign-in each of the copies in `batch`.
pub(super) fn distinct(columns: Columns, batch: &RecordBatch) -> Result<Vec<RecordBatch>> {
    // Never so many that a file would be needed.
    let store = Store::new(columns, usize::MAX, &std::env::temp_dir());
    store.push(batch, 0, 0)?;
    let mut rows = Vec::new();
    for day in store.into_days(usize::MAX)? {
        day.distinct(false, |distinct| {
            rows.extend(distinct.batches);
            Ok(())
        })?;
    }
    Ok(rows)
}
