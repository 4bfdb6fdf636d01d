//! Queries over `signins`, in order: plain views stay views; a view that others share, or that is a
//! result, is computed once and stored, so that no work is done twice.

mod again;
mod care;
mod chosen;
mod delta;
mod keyed;
mod needs;
mod order;
mod part;
mod places;
mod planning;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use datafusion::arrow::array::{ArrayRef, RecordBatch, StringArray};
use datafusion::arrow::datatypes::{DataType, Field, Schema};
use datafusion::catalog::TableProvider;
use datafusion::datasource::MemTable;
use datafusion::error::DataFusionError;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::logical_expr::LogicalPlan;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::prelude::SessionContext;
use datafusion::sql::parser::Statement;
use datafusion::sql::resolve::resolve_table_references;
use datafusion::sql::sqlparser::ast::Statement as Sql;
use futures::{StreamExt, TryStreamExt, stream};
use tokio::task::JoinSet;

use super::kept::{Kept, with_config};
use super::slot::Slot;
use super::stored::{IN_MEMORY, Rows, Stored};
use super::{CAUSES, CLAIMS, Header, Queries, Query, SIGNINS, VIPS};
use crate::error::{Error, Result};
use crate::progress::Progress;
use care::{Care, first_come, is_exhausted, is_out_of_memory};
use delta::Delta;
use keyed::Keyed;
pub use needs::{Codes, Needs};
pub use part::Changes;
use part::{Filling, Part, plain_batch};

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
    /// Stored rows above so many bytes go to a file.
    in_memory: usize,
    /// Views over so many rows or fewer are computed on one thread.
    few_rows: usize,
    signins: Arc<Slot>,
    /// Views that statements can name.
    planned: BTreeSet<String>,
    /// The views of `planned` that are computed once.
    plans: BTreeMap<String, Plan>,
    stored: BTreeMap<String, Stored>,
    /// Those of `stored` that are of the rows that `signins` has now.
    fresh: BTreeSet<String>,
    /// What `signins` has, of which views may read a part: in a stream everything that is remembered, else a table and its
    /// number of rows.
    filling: Option<Filling>,
    whole: Option<(Arc<dyn TableProvider>, usize)>,
    is_stream: bool,
    /// Views of which others want to know what has changed.
    deltas: BTreeSet<String>,
    care: Care,
}

/// A view that is computed once: its optimised plan, and the place for its rows.
struct Plan {
    logical: LogicalPlan,
    /// Where it reads from; `None` is a table of others, as the one of names that matter.
    reads: Vec<Option<Arc<Slot>>>,
    rows: Arc<Slot>,
    /// What it reads of `signins`, if not all.
    part: Option<Part>,
    /// What makes it for some values alone, if its header says how.
    keyed: Option<Keyed>,
    /// What it lost and gained when it was given rows last, where others want to know.
    delta: Delta,
    /// What its tables were when it was computed.
    seen: Option<Vec<u64>>,
    /// How it was computed last, and how long that took.
    kept: Option<Arc<Kept>>,
    took: Duration,
}

/// What comes of computing a view, and how long that took.
type Made = (Query, Result<(Stored, Arc<Kept>, Duration)>);

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
            in_memory: IN_MEMORY,
            few_rows: FEW_ROWS,
            signins: Arc::new(Slot::new(crate::signin::schema())),
            planned: BTreeSet::new(),
            plans: BTreeMap::new(),
            stored: BTreeMap::new(),
            fresh: BTreeSet::new(),
            filling: None,
            whole: None,
            is_stream: false,
            deltas: BTreeSet::new(),
            care: Care::None,
        };
        let signins: Arc<Slot> = Arc::clone(&session.signins);
        session.register(SIGNINS, signins)?;
        let known = session.context.table_exist(VIPS);
        if !known.map_err(Error::query(VIPS))? {
            session.set_vips(&[])?;
        }
        Ok(session)
    }

    /// The same for a stream, before anything is planned: `signins` is filled again and again, and what has not changed
    /// is not computed again. Views are computed on one thread each, several at a time, and rows of up to so many bytes stay in
    /// memory.
    pub fn of_stream(self, in_memory: usize) -> Session {
        Session {
            in_memory,
            few_rows: usize::MAX,
            is_stream: true,
            ..self
        }
    }

    /// From now on `signins` has the `number` rows of `table`, whose columns are some of the canonical ones or
    /// dictionaries of them, and batches have `batch_rows` rows. What was stored of other rows is forgotten.
    pub fn fill(&mut self, table: Arc<dyn TableProvider>, number: usize, batch_rows: usize) {
        self.stored.clear();
        self.fresh.clear();
        self.signins.clear();
        for plan in self.plans.values() {
            plan.rows.clear();
        }
        self.set_batch_rows(batch_rows);
        self.signins.fill_from(Arc::clone(&table), number);
        self.whole = Some((table, number));
    }

    /// The same in a stream, with what has changed since the filling before. Plans are used again, and so is what was stored of
    /// rows that have not changed.
    pub fn fill_again(&mut self, signins: RecordBatch, changes: Changes, batch_rows: usize) {
        self.fresh.clear();
        self.set_batch_rows(batch_rows);
        let before = self.filling.take();
        let mut places = before.map(|filling| filling.places).unwrap_or_default();
        let plans = self.queries.list.iter().map(|query| &query.header);
        let looked_in: BTreeSet<&String> = plans.flat_map(Header::looks_in).collect();
        places.update(&signins, looked_in);
        let filling = Filling {
            signins,
            changes,
            places,
            piece: batch_rows,
        };
        let (schema, pieces) = filling.pieces();
        self.signins.fill(&schema, pieces);
        self.filling = Some(filling);
    }

    fn set_batch_rows(&mut self, batch_rows: usize) {
        if self.context.state_ref().read().config().batch_size() != batch_rows {
            self.context = with_config(&self.context, |config| config.with_batch_size(batch_rows));
            self.plans.values_mut().for_each(|plan| plan.kept = None);
        }
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
        // Tables that come later are seen in it too.
        let state = self.context.state();
        for at in 0..self.queries.list.len() {
            let query = &self.queries.list[at];
            if needed.contains(&query.name) && !self.planned.contains(&query.name) {
                let query = query.clone();
                self.plan_query(&query, &state).await?;
            }
            if Some(at) == last_cause && needed.contains(CLAIMS) && !self.planned.contains(CLAIMS) {
                self.plan_claims().await?;
                self.planned.extend([CLAIMS.to_owned(), CAUSES.to_owned()]);
            }
        }
        Ok(())
    }

    /// Makes the views `names` ready to be read. What they need is computed and stored; views that
    /// do not need each other are computed at the same time.
    ///
    /// # Errors
    /// A query that does not plan or does not run, with its name; or a stop by the user.
    pub async fn provide(&mut self, names: &BTreeSet<String>, progress: &Progress) -> Result<()> {
        self.compute(names, false, progress).await
    }

    /// The same where nothing else will be asked: the rows of a view go as soon as nobody waits for them.
    ///
    /// # Errors
    /// As [`Session::provide`].
    pub async fn provide_last(
        &mut self,
        names: &BTreeSet<String>,
        progress: &Progress,
    ) -> Result<()> {
        self.compute(names, true, progress).await
    }

    async fn compute(
        &mut self,
        names: &BTreeSet<String>,
        is_last: bool,
        progress: &Progress,
    ) -> Result<()> {
        self.plan(names).await?;
        let needed = self.queries.closure(names);
        let (stored, mut waiting): (Vec<Query>, Vec<Query>) = self
            .queries
            .list
            .iter()
            .filter(|query| needed.contains(&query.name))
            .cloned()
            .partition(|query| self.fresh.contains(&query.name));
        let urgency = self.urgency(&needed);
        waiting.sort_by_key(|query| Reverse(urgency.get(&query.name).copied()));
        let mut ready: BTreeSet<String> = stored.into_iter().map(|query| query.name).collect();
        ready.extend([SIGNINS.to_owned(), VIPS.to_owned()]);
        let mut running = JoinSet::new();
        loop {
            self.start(&mut waiting, &mut ready, &mut running, progress)?;
            let Some(done) = running.join_next().await else {
                return Ok(());
            };
            progress.check()?;
            let (query, made): Made = match done {
                Ok(done) => done,
                Err(error) => {
                    return Err(Error::query("query")(DataFusionError::External(
                        error.into(),
                    )));
                }
            };
            let (stored, kept, took) = match made {
                Err(error) if self.care == Care::None && is_out_of_memory(&error) => {
                    self.care = Care::OneAtATime;
                    waiting.insert(0, query);
                    continue;
                }
                // It ran beside others when they had run out of it.
                Err(error) if !running.is_empty() && is_out_of_memory(&error) => {
                    waiting.insert(0, query);
                    continue;
                }
                Err(error) if self.care == Care::OneAtATime && is_out_of_memory(&error) => {
                    self.care = Care::FirstCome;
                    let shared = first_come(&self.context);
                    self.context = shared.map_err(Error::query(&query.file))?;
                    waiting.insert(0, query);
                    continue;
                }
                made => made?,
            };
            self.keep(&query, stored, kept, took)?;
            ready.insert(query.name);
            if is_last {
                self.forget_what_was_read(names, &needed, &ready);
            }
        }
    }

    /// Starts every query that waits for nothing any more.
    fn start(
        &mut self,
        waiting: &mut Vec<Query>,
        ready: &mut BTreeSet<String>,
        running: &mut JoinSet<Made>,
        progress: &Progress,
    ) -> Result<()> {
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
                return Ok(());
            };
            let query = waiting.remove(at);
            if self.plans.contains_key(&query.name) && !self.prepare(&query.name)? {
                self.fresh.insert(query.name.clone());
                ready.insert(query.name);
                continue;
            }
            let Some(plan) = self.plans.get(&query.name) else {
                ready.insert(query.name);
                continue;
            };
            progress.enter(query.header.title.clone());
            let (context, temp) = (self.context.clone(), self.temp.clone());
            // Rows that are put to others are in memory as those are.
            let adds = plan.part.as_ref().is_some_and(Part::adds)
                || plan.keyed.as_ref().is_some_and(Keyed::adds);
            let in_memory = if adds { usize::MAX } else { self.in_memory };
            let (logical, reads) = (plan.logical.clone(), plan.reads.clone());
            let (threads, of_table) = (self.threads(), self.of_table(plan)?);
            let kept = plan.kept.clone();
            running.spawn(async move {
                let made = async {
                    let failed = |error| Error::query(&query.file)(error);
                    let memory = &context.runtime_env().memory_pool;
                    // Held until the view is computed.
                    let _copied = of_table.map_or(Ok(None), |rows| rows.fill(memory))?;
                    let threads = threads.of(&reads);
                    let kept = kept.filter(|kept| kept.is_good(&reads, threads));
                    let kept = match kept {
                        Some(kept) => kept,
                        None => {
                            let made = Kept::plan(&context, &logical, &reads, threads).await;
                            Arc::new(made.map_err(failed)?)
                        }
                    };
                    let began = Instant::now();
                    let plan = kept.fresh().map_err(failed)?;
                    let schema = Arc::clone(logical.schema().inner());
                    let stored =
                        Stored::compute(&context, &query, plan, schema, &temp, in_memory).await?;
                    Ok((stored, kept, began.elapsed()))
                };
                let made = made.await;
                (query, made)
            });
        }
    }

    /// The rows of a stored view, with the columns of its query, and in its order but in a stream. `provide` must have come
    /// before.
    ///
    /// # Errors
    /// A temporary file that cannot be read.
    pub fn rows(&self, name: &str) -> Result<Rows<'_>> {
        let Some(stored) = self.stored.get(name) else {
            return Ok(Box::new(std::iter::empty()));
        };
        let rows = stored.rows(name)?;
        let Some(plan) = self.plans.get(name) else {
            return Ok(rows);
        };
        // What a stream puts together has dictionaries.
        let columns = plan.rows.columns();
        Ok(Box::new(rows.map(|rows| plain_batch(&rows?, columns))))
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

    /// Whether a statement asks for rows of the tables and views that it names, and for nothing else.
    pub fn is_query(statement: &Statement) -> bool {
        matches!(statement, Statement::Statement(sql) if matches!(**sql, Sql::Query(_)))
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
        if !Session::is_query(&statement) {
            // SHOW TABLES, DESCRIBE and the like speak of every view.
            self.all_views().await?;
        }
        self.provide(&names, progress).await?;
        let failed = |error| Error::query("query")(error);
        let state = self.context.state();
        let plan = state.statement_to_plan(statement).await.map_err(failed)?;
        let rows = begin(&self.context, plan.clone()).await;
        let rows = match rows {
            // Nothing has been seen of it yet: once more, with operators that take what is free.
            Err(error) if is_exhausted(&error) && self.care < Care::FirstCome => {
                let shared = first_come(&self.context).map_err(failed)?;
                begin(&shared, plan).await
            }
            rows => rows,
        };
        rows.map_err(failed)
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

    fn register(&self, name: &str, table: Arc<dyn TableProvider>) -> Result<()> {
        let replaced = self.context.deregister_table(name);
        replaced
            .and_then(|_| self.context.register_table(name, table))
            .map_err(Error::query(name))?;
        Ok(())
    }
}

/// Runs a plan up to its first rows, which take as much memory as all others, mostly.
async fn begin(
    context: &SessionContext,
    plan: LogicalPlan,
) -> Result<SendableRecordBatchStream, DataFusionError> {
    let frame = context.execute_logical_plan(plan).await?;
    let mut rows = frame.execute_stream().await?;
    let first = rows.try_next().await?;
    let schema = rows.schema();
    let all = stream::iter(first.map(Ok)).chain(rows);
    Ok(Box::pin(RecordBatchStreamAdapter::new(schema, all)))
}
