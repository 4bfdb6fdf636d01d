//! Queries over `signins`, in order: plain views stay views; a view that others share, or that is a
//! result, is computed once and stored, so that no work is done twice.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use datafusion::arrow::array::RecordBatch;
use datafusion::catalog::TableProvider;
use datafusion::catalog::view::ViewTable;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::datasource::{MemTable, empty::EmptyTable};
use datafusion::error::DataFusionError;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::logical_expr::{LogicalPlan, LogicalPlanBuilder, col, lit};
use datafusion::parquet::arrow::ArrowWriter;
use datafusion::parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use datafusion::prelude::SessionContext;
use datafusion::sql::parser::Statement;
use datafusion::sql::resolve::resolve_table_references;
use datafusion::sql::sqlparser::ast::Statement as Sql;
use futures::StreamExt;

use super::{CAUSES, CLAIMS, Queries, Query, SIGNINS, thresholds};
use crate::archive;
use crate::error::{Error, Result};
use crate::progress::Progress;
use crate::signin::Columns;

/// Stored rows above this many bytes go to a temporary Parquet file instead of memory.
const STORED_IN_MEMORY: usize = 32 << 20;

/// A query engine that holds `signins`, and the queries over it.
pub struct Session {
    context: SessionContext,
    queries: Queries,
    temp: PathBuf,
    stored: BTreeMap<String, Stored>,
    dry: Option<Columns>,
}

/// Stored rows, batch by batch.
pub type Rows<'s> = Box<dyn Iterator<Item = Result<RecordBatch>> + 's>;

enum Stored {
    Memory(Vec<RecordBatch>),
    Parquet(PathBuf),
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
        };
        session.register(SIGNINS, signins)?;
        Ok(session)
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
        };
        let empty = Arc::new(EmptyTable::new(crate::signin::schema()));
        session.register(SIGNINS, empty)?;
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

    /// Makes the views `names` ready to be read: what they need is computed and stored, in order.
    ///
    /// # Errors
    /// A query that does not plan or does not run, with its name; or a stop by the user.
    pub async fn provide(&mut self, names: &BTreeSet<String>, progress: &Progress) -> Result<()> {
        let needed = self.queries.closure(names);
        let last_cause = self.queries.last_cause();
        for at in 0..self.queries.list.len() {
            let query = self.queries.list[at].clone();
            if needed.contains(&query.name) && !self.stored.contains_key(&query.name) {
                progress.check()?;
                let plan = self.plan(&query).await?;
                if query.is_stored() {
                    progress.enter(query.header.title.clone());
                    self.store(&query, plan).await?;
                } else {
                    self.register(&query.name, Arc::new(ViewTable::new(plan, None)))?;
                }
            }
            if Some(at) == last_cause && needed.contains(CLAIMS) {
                self.plan_claims().await?;
            }
        }
        Ok(())
    }

    /// The rows of a stored view, in the order of its query. `provide` must have come before.
    ///
    /// # Errors
    /// A temporary file that cannot be read.
    pub fn rows(&self, name: &str) -> Result<Rows<'_>> {
        match self.stored.get(name) {
            None => Ok(Box::new(std::iter::empty())),
            Some(Stored::Memory(batches)) => Ok(Box::new(batches.iter().cloned().map(Ok))),
            Some(Stored::Parquet(path)) => {
                let file = std::fs::File::open(path).map_err(Error::read(path))?;
                let rows = ParquetRecordBatchReaderBuilder::try_new(file)
                    .and_then(|builder| builder.build())
                    .map_err(|error| Error::query(name)(error.into()))?;
                let name = name.to_owned();
                Ok(Box::new(
                    rows.map(move |batch| batch.map_err(|error| Error::query(&name)(error.into()))),
                ))
            }
        }
    }

    /// The tables and views that a statement names.
    ///
    /// # Errors
    /// Names that cannot be understood.
    pub fn tables(statement: &Statement) -> Result<BTreeSet<String>> {
        let (tables, _) =
            resolve_table_references(statement, true).map_err(Error::query("query"))?;
        Ok(tables.iter().map(|table| table.table().to_owned()).collect())
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
        let plain = matches!(&statement, Statement::Statement(sql) if matches!(**sql, Sql::Query(_)));
        if !plain {
            // SHOW TABLES, DESCRIBE and the like speak of every view.
            self.all_views().await?;
        }
        self.provide(&names, progress).await?;
        let failed = Error::query("query");
        let plan = self.context.state().statement_to_plan(statement).await.map_err(failed)?;
        let failed = Error::query("query");
        let frame = self.context.execute_logical_plan(plan).await.map_err(failed)?;
        frame.execute_stream().await.map_err(Error::query("query"))
    }

    /// Registers every query as a view, nothing stored: what a prompt and tests need. A broken
    /// query fails here, before any data is read.
    ///
    /// # Errors
    /// A query that does not plan, with its file's name.
    pub async fn all_views(&self) -> Result<()> {
        let last_cause = self.queries.last_cause();
        for at in 0..self.queries.list.len() {
            let query = self.queries.list[at].clone();
            if !self.stored.contains_key(&query.name) {
                let plan = self.plan(&query).await?;
                self.register(&query.name, Arc::new(ViewTable::new(plan, None)))?;
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
        thresholds::fill(&mut statement, &self.queries.thresholds).map_err(|name| {
            query.wrong(format!("{name} is not named in 00_thresholds.sql"))
        })?;
        let state = self.context.state();
        state.statement_to_plan(statement).await.map_err(Error::query(&query.file))
    }

    /// The views `causes` (what the headers say) and `claims` (what all cause views found).
    async fn plan_claims(&self) -> Result<()> {
        let mut words = Vec::new();
        let mut claims: Option<LogicalPlanBuilder> = None;
        let causes: Vec<_> = self
            .queries
            .list
            .iter()
            .filter_map(|query| Some((query, query.header.cause.as_ref()?)))
            .collect();
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
            "cause", "rank", "title", "severity", "attack", "technique", "advice", "advice_source",
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
        replaced.and_then(|_| self.context.register_table(name, table)).map_err(Error::query(name))?;
        Ok(())
    }

    async fn store(&mut self, query: &Query, plan: LogicalPlan) -> Result<()> {
        if self.dry.is_some() {
            self.note_columns(&query.file, &plan)?;
            let schema = Arc::clone(plan.schema().inner());
            return self.register(&query.name, Arc::new(EmptyTable::new(schema)));
        }
        let of_file = |error| Error::query(&query.file)(error);
        let frame = self.context.execute_logical_plan(plan).await.map_err(of_file)?;
        let rows = frame.execute_stream().await.map_err(of_file)?;
        let schema = rows.schema();
        let stored = self.collect(query, rows).await?;
        let table: Arc<dyn TableProvider> = match &stored {
            Stored::Memory(batches) => {
                let table = MemTable::try_new(schema, vec![batches.clone()]).map_err(of_file)?;
                Arc::new(table)
            }
            Stored::Parquet(path) => {
                archive::table(std::slice::from_ref(path), schema).map_err(of_file)?
            }
        };
        self.register(&query.name, table)?;
        self.stored.insert(query.name.clone(), stored);
        Ok(())
    }

    async fn collect(&self, query: &Query, mut rows: SendableRecordBatchStream) -> Result<Stored> {
        let mut batches = Vec::new();
        let mut bytes = 0;
        let mut file: Option<(ArrowWriter<std::fs::File>, PathBuf)> = None;
        while let Some(batch) = rows.next().await {
            let batch = batch.map_err(Error::query(&query.file))?;
            bytes += batch.get_array_memory_size();
            batches.push(batch);
            if bytes > STORED_IN_MEMORY {
                if file.is_none() {
                    let path = self.temp.join(format!("{}.parquet", query.name));
                    let out = std::fs::File::create(&path).map_err(Error::write(&path))?;
                    let writer = ArrowWriter::try_new(out, rows.schema(), None)
                        .map_err(Error::table(&path))?;
                    file = Some((writer, path));
                }
                if let Some((writer, path)) = &mut file {
                    for batch in batches.drain(..) {
                        writer.write(&batch).map_err(Error::table(path))?;
                    }
                }
                bytes = 0;
            }
        }
        let Some((mut writer, path)) = file else { return Ok(Stored::Memory(batches)) };
        for batch in batches {
            writer.write(&batch).map_err(Error::table(&path))?;
        }
        writer.close().map_err(Error::table(&path))?;
        Ok(Stored::Parquet(path))
    }

    /// Adds the columns of `signins` that the optimised `plan` reads.
    fn note_columns(&mut self, file: &str, plan: &LogicalPlan) -> Result<()> {
        let optimised = self.context.state().optimize(plan).map_err(Error::query(file))?;
        let mut columns = self.dry.unwrap_or(Columns::ALL);
        let visited = optimised.apply_with_subqueries(|node| {
            if let LogicalPlan::TableScan(scan) = node
                && scan.table_name.table() == SIGNINS
            {
                let fields = scan.projected_schema.fields();
                columns = columns.union(Columns::of(fields.iter().map(|field| field.name().as_str())));
            }
            Ok::<_, DataFusionError>(TreeNodeRecursion::Continue)
        });
        visited.map_err(Error::query(file))?;
        self.dry = Some(columns);
        Ok(())
    }
}
