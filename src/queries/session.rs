//! Queries over `signins`, in order: plain views stay views; a view that others share, or that is a
//! result, is computed once and stored, so that no work is done twice.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, RecordBatch, StringArray};
use datafusion::arrow::datatypes::{DataType, Field, Schema};
use datafusion::catalog::TableProvider;
use datafusion::catalog::view::ViewTable;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::datasource::MemTable;
use datafusion::error::DataFusionError;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::execution::SessionStateBuilder;
use datafusion::execution::memory_pool::MemoryLimit;
use datafusion::logical_expr::{LogicalPlan, LogicalPlanBuilder, col, lit};
use datafusion::prelude::{SessionConfig, SessionContext};
use datafusion::sql::parser::Statement;
use datafusion::sql::resolve::resolve_table_references;
use datafusion::sql::sqlparser::ast::Statement as Sql;

use tokio::task::JoinSet;

use super::canonical::canonical;
use super::slot::Slot;
use super::stored::{Rows, Stored};
use super::{CAUSES, CLAIMS, Queries, Query, SIGNINS, VIPS, thresholds};
use crate::error::{Error, Result};
use crate::progress::Progress;
use crate::signin::Columns;

/// Of so few rows a query is quicker on one thread: to part them costs more than it saves.
const FEW_ROWS: usize = 16 << 10;

/// Memory that a query should have before another runs beside it.
const QUERY_MEMORY: usize = 128 << 20;

/// A query engine that holds `signins`, and the queries over it. Queries are planned when their names are known; rows
/// come later, and may come again.
pub struct Session {
    context: SessionContext,
    queries: Queries,
    temp: PathBuf,
    signins: Arc<Slot>,
    /// Views that statements can name.
    planned: BTreeSet<String>,
    /// The views of `planned` that are computed once.
    plans: BTreeMap<String, Plan>,
    stored: BTreeMap<String, Stored>,
    /// A query has run out of memory: from then on one runs at a time, and on one thread, so that
    /// few operators share what there is.
    frugal: bool,
}

/// A view that is computed once: its optimised plan, and the place for its rows.
#[derive(Clone)]
struct Plan {
    logical: LogicalPlan,
    rows: Arc<Slot>,
}

impl Session {
    /// A session without rows; those that are stored and too many for memory go to files in `temp`.
    /// Views come with [`Session::plan`], [`Session::provide`] or [`Session::all_views`].
    ///
    /// # Errors
    /// A name that the engine refuses.
    pub fn new(context: SessionContext, queries: Queries, temp: &Path) -> Result<Session> {
        let session = Session {
            context,
            queries,
            temp: temp.to_owned(),
            signins: Arc::new(Slot::new(crate::signin::schema())),
            planned: BTreeSet::new(),
            plans: BTreeMap::new(),
            stored: BTreeMap::new(),
            frugal: false,
        };
        let signins: Arc<Slot> = Arc::clone(&session.signins);
        session.register(SIGNINS, signins)?;
        let known = session.context.table_exist(VIPS);
        if !known.map_err(Error::query(VIPS))? {
            session.set_vips(&[])?;
        }
        Ok(session)
    }

    /// From now on `signins` has the `number` rows of `table`, whose columns are some of the canonical ones or
    /// dictionaries of them, and batches have `batch_rows` rows. What was stored of other rows is forgotten.
    pub fn fill(&mut self, table: Arc<dyn TableProvider>, number: usize, batch_rows: usize) {
        self.stored.clear();
        for plan in self.plans.values() {
            plan.rows.clear();
        }
        self.signins.fill(canonical(table), number);
        self.context = with_config(&self.context, |config| config.with_batch_size(batch_rows));
    }

    /// Names the accounts that matter most; without it there are none.
    ///
    /// # Errors
    /// A table that the engine refuses.
    pub fn set_vips(&self, accounts: &[String]) -> Result<()> {
        let field = Field::new("account", DataType::Utf8, true);
        let schema = Arc::new(Schema::new(vec![field]));
        let accounts: ArrayRef = Arc::new(StringArray::from_iter_values(accounts));
        let table = RecordBatch::try_new(Arc::clone(&schema), vec![accounts])
            .map_err(DataFusionError::from)
            .and_then(|rows| MemTable::try_new(schema, vec![vec![rows]]));
        self.register(VIPS, Arc::new(table.map_err(Error::query(VIPS))?))
    }

    /// The engine itself, for statements that were typed.
    pub fn context(&self) -> &SessionContext {
        &self.context
    }

    /// The queries.
    pub fn queries(&self) -> &Queries {
        &self.queries
    }

    /// Plans the views `names` and what they need. Nothing is run.
    ///
    /// # Errors
    /// A query that does not plan, with its name.
    pub async fn plan(&mut self, names: &BTreeSet<String>) -> Result<()> {
        let needed = self.queries.closure(names);
        let last_cause = self.queries.last_cause();
        for at in 0..self.queries.list.len() {
            let query = &self.queries.list[at];
            if needed.contains(&query.name) && !self.planned.contains(&query.name) {
                let query = query.clone();
                self.plan_query(&query).await?;
            }
            if Some(at) == last_cause && needed.contains(CLAIMS) && !self.planned.contains(CLAIMS) {
                self.plan_claims().await?;
                self.planned.extend([CLAIMS.to_owned(), CAUSES.to_owned()]);
            }
        }
        Ok(())
    }

    /// The columns of `signins` that the views `names`, planned before, and `statement` read.
    ///
    /// # Errors
    /// A statement that does not plan.
    pub async fn columns(
        &self,
        names: &BTreeSet<String>,
        statement: Option<&Statement>,
    ) -> Result<Columns> {
        let needed = self.queries.closure(names);
        let plans = self.plans.iter().filter(|(name, _)| needed.contains(*name));
        let mut columns = Columns::of([]);
        for (name, plan) in plans {
            let read = columns_of(&plan.logical).map_err(Error::query(name))?;
            columns = columns.union(read);
        }
        if let Some(statement) = statement {
            let state = self.context.state();
            let failed = Error::query("query");
            let plan = state.statement_to_plan(statement.clone()).await;
            let read = plan
                .and_then(|plan| state.optimize(&plan))
                .and_then(|plan| columns_of(&plan));
            columns = columns.union(read.map_err(failed)?);
        }
        Ok(columns)
    }

    /// Makes the views `names` ready to be read. What they need is computed and stored; views that
    /// do not need each other are computed at the same time.
    ///
    /// # Errors
    /// A query that does not plan or does not run, with its name; or a stop by the user.
    pub async fn provide(&mut self, names: &BTreeSet<String>, progress: &Progress) -> Result<()> {
        self.plan(names).await?;
        let needed = self.queries.closure(names);
        let (stored, mut waiting): (Vec<Query>, Vec<Query>) = self
            .queries
            .list
            .iter()
            .filter(|query| needed.contains(&query.name))
            .cloned()
            .partition(|query| self.stored.contains_key(&query.name));
        let mut ready: BTreeSet<String> = stored.into_iter().map(|query| query.name).collect();
        ready.extend([SIGNINS.to_owned(), VIPS.to_owned()]);
        let mut running = JoinSet::new();
        loop {
            self.start(&mut waiting, &mut ready, &mut running, progress);
            let Some(done) = running.join_next().await else {
                return Ok(());
            };
            progress.check()?;
            let (query, stored): (Query, Result<Stored>) = match done {
                Ok(done) => done,
                Err(error) => {
                    return Err(Error::query("query")(DataFusionError::External(
                        error.into(),
                    )));
                }
            };
            let stored = match stored {
                Err(error) if !self.frugal && is_out_of_memory(&error) => {
                    self.frugal = true;
                    waiting.insert(0, query);
                    continue;
                }
                // It ran beside others when they had run out of it.
                Err(error) if !running.is_empty() && is_out_of_memory(&error) => {
                    waiting.insert(0, query);
                    continue;
                }
                stored => stored?,
            };
            if let Some(plan) = self.plans.get(&query.name) {
                let table = stored.table().map_err(Error::query(&query.file))?;
                plan.rows.fill(table, stored.number());
            }
            self.stored.insert(query.name.clone(), stored);
            ready.insert(query.name);
        }
    }

    /// How many queries may run at the same time: one a thread, and each with memory to sort in.
    fn at_once(&self) -> usize {
        if self.frugal {
            return 1;
        }
        let threads = self.context.state().config().target_partitions();
        match self.context.runtime_env().memory_pool.memory_limit() {
            MemoryLimit::Finite(bytes) => threads.min(bytes / QUERY_MEMORY).max(1),
            _ => threads,
        }
    }

    /// What runs a query over `rows` rows.
    fn runner(&self, rows: usize) -> SessionContext {
        match self.frugal || rows <= FEW_ROWS {
            true => with_config(&self.context, |config| config.with_target_partitions(1)),
            false => self.context.clone(),
        }
    }

    /// Starts every query that waits for nothing any more.
    fn start(
        &self,
        waiting: &mut Vec<Query>,
        ready: &mut BTreeSet<String>,
        running: &mut JoinSet<(Query, Result<Stored>)>,
        progress: &Progress,
    ) {
        let at_once = self.at_once();
        loop {
            if self
                .queries
                .causes()
                .all(|(query, _)| ready.contains(&query.name))
            {
                ready.extend([CLAIMS.to_owned(), CAUSES.to_owned()]);
            }
            let full = running.len() >= at_once;
            let Some(at) = waiting.iter().position(|query| {
                query.uses.is_subset(ready) && !(full && self.plans.contains_key(&query.name))
            }) else {
                return;
            };
            let query = waiting.remove(at);
            let Some(plan) = self.plans.get(&query.name).cloned() else {
                ready.insert(query.name);
                continue;
            };
            progress.enter(query.header.title.clone());
            let (context, temp) = (self.runner(self.rows_of(&plan.logical)), self.temp.clone());
            running.spawn(async move {
                let stored = Stored::compute(context, &query, plan.logical, &temp).await;
                (query, stored)
            });
        }
    }

    /// How many rows `signins` and the stored views have that a plan reads, all together.
    fn rows_of(&self, plan: &LogicalPlan) -> usize {
        let mut rows = 0_usize;
        let visited = plan.apply_with_subqueries(|node| {
            if let LogicalPlan::TableScan(scan) = node {
                let table = scan.table_name.table();
                let slot = match table == SIGNINS {
                    true => Some(&self.signins),
                    false => self.plans.get(table).map(|plan| &plan.rows),
                };
                rows = rows.saturating_add(slot.map_or(0, |slot| slot.number()));
            }
            Ok::<_, DataFusionError>(TreeNodeRecursion::Continue)
        });
        visited.map_or(usize::MAX, |_| rows)
    }

    /// The rows of a stored view, in the order of its query. `provide` must have come before.
    ///
    /// # Errors
    /// A temporary file that cannot be read.
    pub fn rows(&self, name: &str) -> Result<Rows<'_>> {
        match self.stored.get(name) {
            Some(stored) => stored.rows(name),
            None => Ok(Box::new(std::iter::empty())),
        }
    }

    /// The tables and views that a statement names.
    ///
    /// # Errors
    /// Names that cannot be understood.
    pub fn tables(statement: &Statement) -> Result<BTreeSet<String>> {
        let (tables, _) =
            resolve_table_references(statement, true).map_err(Error::query("query"))?;
        Ok(tables
            .iter()
            .map(|table| table.table().to_owned())
            .collect())
    }

    /// Runs a statement that was typed, after computing what it needs.
    ///
    /// # Errors
    /// A statement that does not plan, or a view that does not run.
    pub async fn answer(
        &mut self,
        statement: Statement,
        progress: &Progress,
    ) -> Result<SendableRecordBatchStream> {
        let names = Session::tables(&statement)?;
        let plain =
            matches!(&statement, Statement::Statement(sql) if matches!(**sql, Sql::Query(_)));
        if !plain {
            // SHOW TABLES, DESCRIBE and the like speak of every view.
            self.all_views().await?;
        }
        self.provide(&names, progress).await?;
        let failed = Error::query("query");
        let plan = self
            .context
            .state()
            .statement_to_plan(statement)
            .await
            .map_err(failed)?;
        let failed = Error::query("query");
        let frame = self
            .context
            .execute_logical_plan(plan)
            .await
            .map_err(failed)?;
        frame.execute_stream().await.map_err(Error::query("query"))
    }

    /// Plans every query, so that its columns can be told: what a prompt and tests need. A broken query fails here,
    /// before any data is read. A view that would be stored has no rows until [`Session::provide`] computes it.
    ///
    /// # Errors
    /// A query that does not plan, with its file's name.
    pub async fn all_views(&mut self) -> Result<()> {
        let list = self.queries.list.iter();
        let names = list.map(|query| query.name.clone()).collect();
        self.plan(&names).await
    }

    async fn plan_query(&mut self, query: &Query) -> Result<()> {
        let mut statement = query.statement.clone();
        if query.name == super::THRESHOLDS {
            thresholds::show(&mut statement, &self.queries.thresholds);
        }
        thresholds::fill(&mut statement, &self.queries.thresholds)
            .map_err(|name| query.wrong(format!("{name} is not named in 00_thresholds.sql")))?;
        let state = self.context.state();
        let failed = |error| Error::query(&query.file)(error);
        let plan = state.statement_to_plan(statement).await.map_err(failed)?;
        if query.is_stored() {
            // Only then are the types of its columns what they will be.
            let logical = state.optimize(&plan).map_err(failed)?;
            let rows = Arc::new(Slot::new(Arc::clone(logical.schema().inner())));
            let table: Arc<Slot> = Arc::clone(&rows);
            self.register(&query.name, table)?;
            self.plans
                .insert(query.name.clone(), Plan { logical, rows });
        } else {
            self.register(&query.name, Arc::new(ViewTable::new(plan, None)))?;
        }
        self.planned.insert(query.name.clone());
        Ok(())
    }

    /// The views `causes` (what the headers say) and `claims` (what all cause views found).
    async fn plan_claims(&self) -> Result<()> {
        let mut words = Vec::new();
        let mut claims: Option<LogicalPlanBuilder> = None;
        let causes: Vec<_> = self.queries.causes().collect();
        for (rank, (query, cause)) in causes.iter().enumerate() {
            let rank = rank as i64 + 1;
            words.push(vec![
                lit(&cause.name),
                lit(rank),
                lit(&query.header.title),
                lit(&cause.severity),
                lit(cause.attack),
                lit(cause.techniques.join(",")),
                lit(&cause.advice),
                lit(&cause.advice_source),
                lit(query.header.explain.as_deref().unwrap_or_default()),
            ]);
            let of_file = Error::query(&query.file);
            let claim = async {
                let view = self.context.table(&query.name).await?;
                let (_, plan) = view.into_parts();
                let claim = LogicalPlanBuilder::from(plan).project(vec![
                    lit(&cause.name).alias("cause"),
                    lit(rank).alias("rank"),
                    col("refusal_no"),
                    col("finding_key"),
                    col("confidence"),
                    col("evidence"),
                ])?;
                match claims.take() {
                    None => Ok(claim),
                    Some(earlier) => earlier.union(claim.build()?),
                }
            };
            claims = Some(claim.await.map_err(of_file)?);
        }
        let Some(claims) = claims else { return Ok(()) };
        let names = [
            "cause",
            "rank",
            "title",
            "severity",
            "attack",
            "technique",
            "advice",
            "advice_source",
            "explanation",
        ];
        let causes = async {
            let columns = names
                .iter()
                .enumerate()
                .map(|(at, name)| col(format!("column{}", at + 1)).alias(*name));
            LogicalPlanBuilder::values(words)?.project(columns)?.build()
        };
        let causes = causes.await.map_err(Error::query(CAUSES))?;
        let claims = claims.build().map_err(Error::query(CLAIMS))?;
        self.register(CAUSES, Arc::new(ViewTable::new(causes, None)))?;
        self.register(CLAIMS, Arc::new(ViewTable::new(claims, None)))
    }

    fn register(&self, name: &str, table: Arc<dyn TableProvider>) -> Result<()> {
        let replaced = self.context.deregister_table(name);
        replaced
            .and_then(|_| self.context.register_table(name, table))
            .map_err(Error::query(name))?;
        Ok(())
    }
}

/// The same engine with other settings. The catalogue is shared: a new default one would stand in its place, empty.
fn with_config(
    context: &SessionContext,
    change: impl FnOnce(SessionConfig) -> SessionConfig,
) -> SessionContext {
    let state = context.state();
    let config = change(state.config().clone()).with_create_default_catalog_and_schema(false);
    let state = SessionStateBuilder::new_from_existing(state).with_config(config);
    SessionContext::new_with_state(state.build())
}

/// The columns of `signins` that an optimised plan reads.
fn columns_of(plan: &LogicalPlan) -> Result<Columns, DataFusionError> {
    let mut columns = Columns::of([]);
    plan.apply_with_subqueries(|node| {
        if let LogicalPlan::TableScan(scan) = node
            && scan.table_name.table() == SIGNINS
        {
            let fields = scan.projected_schema.fields();
            columns = columns.union(Columns::of(
                fields.iter().map(|field| field.name().as_str()),
            ));
        }
        Ok::<_, DataFusionError>(TreeNodeRecursion::Continue)
    })?;
    Ok(columns)
}

fn is_out_of_memory(error: &Error) -> bool {
    matches!(error, Error::Query { source, .. }
        if matches!(source.find_root(), DataFusionError::ResourcesExhausted(_)))
}
