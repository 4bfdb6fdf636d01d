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
use datafusion::datasource::empty::EmptyTable;
use datafusion::error::DataFusionError;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::execution::SessionStateBuilder;
use datafusion::execution::memory_pool::MemoryLimit;
use datafusion::logical_expr::{LogicalPlan, LogicalPlanBuilder, col, lit};
use datafusion::optimizer::optimize_projections::OptimizeProjections;
use datafusion::optimizer::{Optimizer, OptimizerContext};
use datafusion::prelude::SessionContext;
use datafusion::sql::parser::Statement;
use datafusion::sql::resolve::resolve_table_references;
use datafusion::sql::sqlparser::ast::Statement as Sql;

use tokio::task::JoinSet;

use super::stored::{Rows, Stored};
use super::{CAUSES, CLAIMS, Queries, Query, SIGNINS, VIPS, thresholds};
use crate::error::{Error, Result};
use crate::progress::Progress;
use crate::signin::Columns;

/// Memory that a query should have before another runs beside it.
const QUERY_MEMORY: usize = 128 << 20;

/// A query engine that holds `signins`, and the queries over it.
pub struct Session {
    context: SessionContext,
    queries: Queries,
    temp: PathBuf,
    stored: BTreeMap<String, Stored>,
    dry: Option<Columns>,
    /// A query has run out of memory: from then on one runs at a time, and on one thread, so that
    /// few operators share what there is.
    frugal: bool,
}

impl Session {
    /// A session over `signins`; rows that are stored and too many for memory go to files in `temp`.
    /// Views come with [`Session::provide`] or [`Session::all_views`].
    ///
    /// # Errors
    /// A name that the engine refuses.
    pub fn new(
        context: SessionContext,
        signins: Arc<dyn TableProvider>,
        queries: Queries,
        temp: &Path,
    ) -> Result<Session> {
        let session = Session {
            context,
            queries,
            temp: temp.to_owned(),
            stored: BTreeMap::new(),
            dry: None,
            frugal: false,
        };
        session.register(SIGNINS, signins)?;
        let known = session.context.table_exist(VIPS);
        if !known.map_err(Error::query(VIPS))? {
            session.set_vips(&[])?;
        }
        Ok(session)
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

    /// The columns of `signins` that the views `names` and `statement` read; nothing is run.
    ///
    /// # Errors
    /// A query that does not plan.
    pub async fn columns(
        context: SessionContext,
        queries: &Queries,
        names: &BTreeSet<String>,
        statement: Option<&Statement>,
    ) -> Result<Columns> {
        let mut session = Session {
            context,
            queries: queries.clone(),
            temp: PathBuf::new(),
            stored: BTreeMap::new(),
            dry: Some(Columns::of([])),
            frugal: false,
        };
        let empty = Arc::new(EmptyTable::new(crate::signin::schema()));
        session.register(SIGNINS, empty)?;
        session.set_vips(&[])?;
        session.provide(names, &Progress::default()).await?;
        if let Some(statement) = statement {
            let state = session.context.state();
            let plan = state
                .statement_to_plan(statement.clone())
                .await
                .map_err(Error::query("query"))?;
            session.note_columns("query", &plan)?;
        }
        Ok(session.dry.unwrap_or(Columns::ALL))
    }

    /// Makes the views `names` ready to be read. What they need is computed and stored; views that
    /// do not need each other are computed at the same time.
    ///
    /// # Errors
    /// A query that does not plan or does not run, with its name; or a stop by the user.
    pub async fn provide(&mut self, names: &BTreeSet<String>, progress: &Progress) -> Result<()> {
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
            self.start(&mut waiting, &mut ready, &mut running, progress)
                .await?;
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
            let table = stored.table().map_err(Error::query(&query.file))?;
            self.register(&query.name, table)?;
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

    /// What runs queries.
    fn runner(&self) -> SessionContext {
        if !self.frugal {
            return self.context.clone();
        }
        let state = self.context.state();
        // The catalogue is shared with `state`: a new default one would stand in its place, empty.
        let config = state
            .config()
            .clone()
            .with_target_partitions(1)
            .with_create_default_catalog_and_schema(false);
        let state = SessionStateBuilder::new_from_existing(state).with_config(config);
        SessionContext::new_with_state(state.build())
    }

    /// Registers or starts every query that waits for nothing any more.
    async fn start(
        &mut self,
        waiting: &mut Vec<Query>,
        ready: &mut BTreeSet<String>,
        running: &mut JoinSet<(Query, Result<Stored>)>,
        progress: &Progress,
    ) -> Result<()> {
        let at_once = self.at_once();
        loop {
            let claims = ready.contains(CLAIMS)
                || self
                    .queries
                    .causes()
                    .any(|(query, _)| !ready.contains(&query.name));
            if !claims {
                self.plan_claims().await?;
                ready.extend([CLAIMS.to_owned(), CAUSES.to_owned()]);
            }
            let full = running.len() >= at_once;
            let Some(at) = waiting
                .iter()
                .position(|query| query.uses.is_subset(ready) && !(full && query.is_stored()))
            else {
                return Ok(());
            };
            let query = waiting.remove(at);
            let plan = self.plan(&query).await?;
            if !query.is_stored() {
                self.register(&query.name, Arc::new(ViewTable::new(plan, None)))?;
                ready.insert(query.name);
            } else if self.dry.is_some() {
                self.note_columns(&query.file, &plan)?;
                let schema = Arc::clone(plan.schema().inner());
                self.register(&query.name, Arc::new(EmptyTable::new(schema)))?;
                ready.insert(query.name);
            } else {
                progress.enter(query.header.title.clone());
                let (context, temp) = (self.runner(), self.temp.clone());
                running.spawn(async move {
                    let stored = Stored::compute(context, &query, plan, &temp).await;
                    (query, stored)
                });
            }
        }
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

    /// Registers every query, so that its columns can be told: what a prompt and tests need. A broken
    /// query fails here, before any data is read. A view that would be stored stands for its columns
    /// alone, without rows, until [`Session::provide`] computes it: views on views on views, all in
    /// one plan, would be a plan without end.
    ///
    /// # Errors
    /// A query that does not plan, with its file's name.
    pub async fn all_views(&self) -> Result<()> {
        let last_cause = self.queries.last_cause();
        for at in 0..self.queries.list.len() {
            let query = self.queries.list[at].clone();
            if !self.stored.contains_key(&query.name) {
                let plan = self.plan(&query).await?;
                let table: Arc<dyn TableProvider> = match query.is_stored() {
                    true => Arc::new(EmptyTable::new(Arc::clone(plan.schema().inner()))),
                    false => Arc::new(ViewTable::new(plan, None)),
                };
                self.register(&query.name, table)?;
            }
            if Some(at) == last_cause {
                self.plan_claims().await?;
            }
        }
        Ok(())
    }

    async fn plan(&self, query: &Query) -> Result<LogicalPlan> {
        let mut statement = query.statement.clone();
        if query.name == super::THRESHOLDS {
            thresholds::show(&mut statement, &self.queries.thresholds);
        }
        thresholds::fill(&mut statement, &self.queries.thresholds)
            .map_err(|name| query.wrong(format!("{name} is not named in 00_thresholds.sql")))?;
        let state = self.context.state();
        state
            .statement_to_plan(statement)
            .await
            .map_err(Error::query(&query.file))
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

    /// Adds the columns of `signins` that the optimised `plan` reads.
    fn note_columns(&mut self, file: &str, plan: &LogicalPlan) -> Result<()> {
        // Nothing is run, so the one rule that finds out which columns are read is enough.
        let rules = Optimizer::with_rules(vec![Arc::new(OptimizeProjections::new())]);
        let optimised = rules
            .optimize(plan.clone(), &OptimizerContext::new(), |_, _| {})
            .map_err(Error::query(file))?;
        let mut columns = self.dry.unwrap_or(Columns::ALL);
        let visited = optimised.apply_with_subqueries(|node| {
            if let LogicalPlan::TableScan(scan) = node
                && scan.table_name.table() == SIGNINS
            {
                let fields = scan.projected_schema.fields();
                columns = columns.union(Columns::of(
                    fields.iter().map(|field| field.name().as_str()),
                ));
            }
            Ok::<_, DataFusionError>(TreeNodeRecursion::Continue)
        });
        visited.map_err(Error::query(file))?;
        self.dry = Some(columns);
        Ok(())
    }
}

fn is_out_of_memory(error: &Error) -> bool {
    matches!(error, Error::Query { source, .. }
        if matches!(source.find_root(), DataFusionError::ResourcesExhausted(_)))
}
