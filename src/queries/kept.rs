//! The plan of a stored view by which it is computed, kept from one filling of its tables to the next: planning anew
//! was a quarter of what a step of a stream took.

use std::sync::Arc;

use datafusion::error::Result;
use datafusion::execution::SessionStateBuilder;
use datafusion::execution::runtime_env::RuntimeEnv;
use datafusion::logical_expr::LogicalPlan;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::execution_plan::reset_plan_states;
use datafusion::prelude::{SessionConfig, SessionContext};

use super::slot::Slot;
use super::table::Table;

/// Tables of up to so many rows are all alike for a plan.
const ALIKE: usize = 4096;

/// A table that has so many times the rows, or this part of them, asks for another plan.
const TIMES: usize = 4;

/// A plan, and what was so when it was made.
pub(super) struct Kept {
    plan: Arc<dyn ExecutionPlan>,
    threads: usize,
    /// The tables that it reads, with the rows that each had; none if it reads others too.
    tables: Option<Vec<(Arc<Table>, usize)>>,
}

impl Kept {
    /// Plans `logical`, which is optimised and reads `slots`, for so many threads.
    pub(super) async fn plan(
        context: &SessionContext,
        logical: &LogicalPlan,
        slots: &[Option<Arc<Slot>>],
        threads: usize,
    ) -> Result<Kept> {
        let tables = slots.iter().map(|slot| {
            let table = slot.as_ref()?.lasting()?;
            let number = table.number();
            Some((table, number))
        });
        let tables: Option<Vec<_>> = tables.collect();
        let mut state = context.state();
        let options = state.config_mut().options_mut();
        options.execution.target_partitions = threads;
        // Such a filter would remember the rows of the first time.
        options.optimizer.enable_dynamic_filter_pushdown &= tables.is_none();
        let planner = Arc::clone(state.query_planner());
        Ok(Kept {
            plan: planner.create_physical_plan(logical, &state).await?,
            threads,
            tables,
        })
    }

    /// Whether it can be run again: every table that it reads stays where it is when its rows are replaced.
    pub(super) fn lasts(&self) -> bool {
        self.tables.is_some()
    }

    /// Whether a plan made now would be about the same.
    pub(super) fn is_good(&self, slots: &[Option<Arc<Slot>>], threads: usize) -> bool {
        let Some(tables) = &self.tables else {
            return false;
        };
        let alike = |(slot, (table, then)): (&Option<Arc<Slot>>, &(Arc<Table>, usize))| {
            let (then, now) = ((*then).max(ALIKE), table.number().max(ALIKE));
            let lasting = slot.as_ref().and_then(|slot| slot.lasting());
            let lasts = lasting.is_some_and(|now| Arc::ptr_eq(&now, table));
            lasts && now / then < TIMES && then / now < TIMES
        };
        threads == self.threads
            && slots.len() == tables.len()
            && slots.iter().zip(tables).all(alike)
    }

    /// The plan, to be run once.
    pub(super) fn fresh(&self) -> Result<Arc<dyn ExecutionPlan>> {
        match &self.tables {
            Some(_) => reset_plan_states(Arc::clone(&self.plan)),
            None => Ok(Arc::clone(&self.plan)),
        }
    }
}

/// The same engine with other settings.
pub(super) fn with_config(
    context: &SessionContext,
    change: impl FnOnce(SessionConfig) -> SessionConfig,
) -> SessionContext {
    with(context, change, context.runtime_env())
}

/// The same engine with another runtime.
pub(super) fn with_runtime(context: &SessionContext, runtime: Arc<RuntimeEnv>) -> SessionContext {
    with(context, |config| config, runtime)
}

/// The catalogue is shared: a new default one would stand in its place, empty.
fn with(
    context: &SessionContext,
    change: impl FnOnce(SessionConfig) -> SessionConfig,
    runtime: Arc<RuntimeEnv>,
) -> SessionContext {
    let state = context.state();
    let config = change(state.config().clone()).with_create_default_catalog_and_schema(false);
    let state = SessionStateBuilder::new_from_existing(state)
        .with_config(config)
        .with_runtime_env(runtime);
    SessionContext::new_with_state(state.build())
}
