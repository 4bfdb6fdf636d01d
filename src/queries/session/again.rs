//! What of one filling of `signins` still holds for the next: a view whose tables have the same rows is not computed again.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use datafusion::arrow::array::ArrayRef;

use super::delta::between;
use super::part::{Filling, OfTable};
use super::{Plan, Session};
use crate::error::{Error, Result};
use crate::queries::Query;
use crate::queries::kept::Kept;
use crate::queries::stored::Stored;

impl Session {
    /// Keeps what was computed of a view, unless it is what is kept already.
    pub(super) fn keep(
        &mut self,
        query: &Query,
        mut stored: Stored,
        kept: Arc<Kept>,
        took: Duration,
    ) -> Result<()> {
        self.fresh.insert(query.name.clone());
        let Some(plan) = self.plans.get_mut(&query.name) else {
            return Ok(());
        };
        // One that was run itself would hold its hash tables, and their memory, to the end.
        plan.kept = Some(kept).filter(|kept| kept.lasts());
        plan.took = took;
        plan.seen = Some(plan.versions());
        // The sign-ins that it has read would outlive what is remembered; a stream gives most views other ones only when they
        // have changed.
        let is_done = self.whole.is_some() || plan.keyed.is_some();
        if let Some(part) = plan.part.as_ref().filter(|_| is_done) {
            part.signins.clear();
        }
        let is_told = self.deltas.contains(&query.name);
        let mut delta = None;
        let is_keyed = plan.keyed.is_some();
        if let Some(keyed) = &mut plan.keyed {
            match keyed.keep(stored, self.in_memory)? {
                Some((whole, changes)) => (stored, delta) = (whole, changes),
                None => return Ok(()),
            }
        } else if let (Some(part), Some(filling)) = (&mut plan.part, &self.filling) {
            let end = filling.signins.num_rows();
            if let Some(found) = part.whole(&stored, end, self.in_memory, is_told)? {
                (stored, delta) = found;
            }
        }
        let before = self.stored.get(&query.name);
        let rows = before.and_then(Stored::batches);
        // What is made for some values alone has told already whether it is what it was.
        let is_told_apart = is_keyed && delta.is_some();
        if !is_told_apart && rows.is_some() && rows == stored.batches() {
            return Ok(());
        }
        if let (Some(before), None, true) = (before, &delta, is_told && !is_keyed) {
            delta = between(before, &stored)?;
        }
        plan.delta = delta;
        stored.fill(&plan.rows).map_err(Error::query(&query.file))?;
        self.stored.insert(query.name.clone(), stored);
        Ok(())
    }

    /// Forgets the rows of views that are none of `names` and that no view of `needed` that is not `ready` has still to read.
    pub(super) fn forget_what_was_read(
        &mut self,
        names: &BTreeSet<String>,
        needed: &BTreeSet<String>,
        ready: &BTreeSet<String>,
    ) {
        let waits = |plan: &(&String, &Plan)| needed.contains(plan.0) && !ready.contains(plan.0);
        let waiting = self.plans.iter().filter(waits);
        let read: Vec<_> = waiting
            .flat_map(|(_, plan)| plan.reads.iter().flatten())
            .collect();
        let is_done = |(name, plan): &(&String, &Plan)| {
            self.stored.contains_key(*name)
                && !names.contains(*name)
                && !read.iter().any(|slot| Arc::ptr_eq(slot, &plan.rows))
        };
        let done = self.plans.iter().filter(is_done);
        let done: Vec<String> = done.map(|(name, _)| name.clone()).collect();
        for name in done {
            self.stored.remove(&name);
            self.fresh.remove(&name);
            if let Some(plan) = self.plans.get_mut(&name) {
                plan.rows.clear();
                plan.seen = None;
            }
        }
    }

    /// Gives a view what it must read of `signins`. Returns whether it must be computed: something that it reads has changed
    /// since it was.
    pub(super) fn prepare(&mut self, name: &str) -> Result<bool> {
        let is_keyed = |plan: &Plan| plan.keyed.is_some();
        if self.filling.is_some() && self.plans.get(name).is_some_and(is_keyed) {
            return self.prepare_keyed(name);
        }
        if let Some(filling) = &self.filling
            && let Some(plan) = self.plans.get_mut(name)
        {
            let keeps = plan.keeps();
            let stored = &self.stored;
            if let Some(part) = &mut plan.part {
                part.fill(filling, keeps, |view, column| {
                    column_of(stored, view, column)
                })?;
            }
        }
        let plan = self.plans.get(name);
        Ok(!self.stored.contains_key(name)
            || plan.is_none_or(|plan| plan.seen.as_ref() != Some(&plan.versions())))
    }
}

impl Session {
    /// The same of a view that is made for some values alone.
    fn prepare_keyed(&mut self, name: &str) -> Result<bool> {
        let (Some(filling), Some(mut plan)) = (&self.filling, self.plans.remove(name)) else {
            return Ok(true);
        };
        let done = self.look_at_keyed(filling, &mut plan);
        self.plans.insert(name.to_owned(), plan);
        done
    }

    fn look_at_keyed(&self, filling: &Filling, plan: &mut Plan) -> Result<bool> {
        let Some(keyed) = &mut plan.keyed else {
            return Ok(true);
        };
        let values = |view: &str, column: &str| column_of(&self.stored, view, column);
        let chosen = plan.part.as_ref().map(|part| part.chosen(filling, values));
        let chosen = chosen.transpose()?.flatten();
        let all = &filling.signins;
        let signins = chosen.map(|chosen| (all, &filling.changes, chosen));
        let delta = |view: &str| self.plans.get(view).map(|plan| &plan.delta);
        if keyed.look(delta, signins)?.is_nothing() {
            keyed.rest();
            return Ok(false);
        }
        let signins = plan.part.as_ref();
        keyed.fill(signins.map(|part| (part.signins.as_ref(), filling)))?;
        Ok(true)
    }

    /// What gives a view what it must read of a table that does not change, if that is not all of it.
    pub(super) fn of_table(&self, plan: &Plan) -> Result<Option<OfTable>> {
        let (Some(whole), Some(part)) = (&self.whole, &plan.part) else {
            return Ok(None);
        };
        let values = |view: &str, column: &str| column_of(&self.stored, view, column);
        let piece = self.context.state_ref().read().config().batch_size();
        part.of_table(whole, piece, values).map(Some)
    }
}

impl Plan {
    /// What its tables are now: one with other rows has another number.
    fn versions(&self) -> Vec<u64> {
        let reads = self.reads.iter();
        reads
            .map(|slot| slot.as_ref().map_or(0, |slot| slot.version()))
            .collect()
    }

    /// Whether tables other than `signins` are what they were.
    fn keeps(&self) -> bool {
        let Some((seen, part)) = self.seen.as_ref().zip(self.part.as_ref()) else {
            return false;
        };
        let reads = self.reads.iter().zip(seen.iter().zip(self.versions()));
        reads.into_iter().all(|(slot, (then, now))| {
            let is_signins = slot
                .as_ref()
                .is_some_and(|slot| Arc::ptr_eq(slot, &part.signins));
            is_signins || *then == now
        })
    }
}

/// A column of a stored view.
fn column_of(stored: &BTreeMap<String, Stored>, view: &str, column: &str) -> Result<Vec<ArrayRef>> {
    let Some(stored) = stored.get(view) else {
        return Ok(Vec::new());
    };
    let pieces = stored.rows(view)?;
    let columns = pieces.map(|rows| {
        let rows = rows?;
        let found = rows.column_by_name(column).cloned();
        found.ok_or_else(|| Error::QueryFile {
            file: view.to_owned(),
            reason: format!("has no column {column}, of which the header of another speaks"),
        })
    });
    columns.collect()
}
