//! Which view is computed next, how many at the same time, and on how many threads.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use datafusion::execution::memory_pool::MemoryLimit;

use super::{Care, QUERY_MEMORY, Session};
use crate::queries::slot::Slot;
use crate::queries::{CAUSES, CLAIMS};

impl Session {
    /// How much waits for each of these views: how long the longest chain of views took that begins with it, as far as that is
    /// known.
    pub(super) fn urgency(&self, needed: &BTreeSet<String>) -> BTreeMap<String, Duration> {
        let mut after: BTreeMap<&str, Duration> = BTreeMap::new();
        let mut urgency = BTreeMap::new();
        let list = self.queries.list.iter().rev();
        for query in list.filter(|query| needed.contains(&query.name)) {
            let own = self.plans.get(&query.name);
            let own = own.map_or(Duration::ZERO, |plan| {
                plan.took.max(Duration::from_millis(1))
            });
            let chain = own + after.get(&*query.name).copied().unwrap_or_default();
            let mut wait = |name| {
                let longest: &mut Duration = after.entry(name).or_default();
                *longest = chain.max(*longest);
            };
            for used in &query.uses {
                wait(used);
                if [CLAIMS, CAUSES].contains(&used.as_str()) {
                    self.queries
                        .causes()
                        .for_each(|(cause, _)| wait(&cause.name));
                }
            }
            urgency.insert(query.name.clone(), chain);
        }
        urgency
    }

    /// How many queries may run at the same time: one a thread, and each with memory to sort in.
    pub(super) fn at_once(&self) -> usize {
        if self.care > Care::None {
            return 1;
        }
        let threads = self.most_threads();
        match self.context.runtime_env().memory_pool.memory_limit() {
            MemoryLimit::Finite(bytes) => threads.min(bytes / QUERY_MEMORY).max(1),
            _ => threads,
        }
    }

    /// By what it is told how many threads compute a view.
    pub(super) fn threads(&self) -> Threads {
        Threads {
            most: self.most_threads(),
            few_rows: self.few_rows,
            care: self.care,
        }
    }

    fn most_threads(&self) -> usize {
        let state = self.context.state_ref();
        let state = state.read();
        state.config().target_partitions()
    }
}

/// What the number of threads for a view depends on, beside the rows of its tables.
pub(super) struct Threads {
    most: usize,
    few_rows: usize,
    care: Care,
}

impl Threads {
    /// For a view that reads these.
    pub(super) fn of(&self, reads: &[Option<Arc<Slot>>]) -> usize {
        let numbers = reads.iter().flatten().map(|slot| slot.number());
        let rows = numbers.fold(0_usize, usize::saturating_add);
        match self.care {
            Care::OneAtATime => 1,
            // What is parted is copied in batches of the usual size. On one thread a sort was given a batch of 95 MB behind
            // joins, and two threads did without (8 GB of lines, --memory-limit 512M).
            Care::FirstCome => self.most.max(2),
            Care::None if rows <= self.few_rows => 1,
            Care::None => self.most,
        }
    }
}
