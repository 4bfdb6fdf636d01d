//! A table whose columns are known before its rows are: queries over it are planned once, before anything is read,
//! and a stream gives it other rows at each step.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use async_trait::async_trait;
use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::catalog::{Session, TableProvider};
use datafusion::error::Result;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown, TableType};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::empty::EmptyExec;

use super::plain::plain;
use super::table::Table;

/// Rows to come.
#[derive(Debug)]
pub(super) struct Slot {
    schema: SchemaRef,
    rows: RwLock<Option<Rows>>,
    /// How often it was given rows.
    version: AtomicU64,
}

#[derive(Clone, Debug)]
enum Rows {
    /// In memory, and seen with the columns of the slot. It stays when its rows go: plans refer to it.
    Memory(Arc<Table>, Arc<dyn TableProvider>),
    Elsewhere(Arc<dyn TableProvider>, usize),
}

impl Slot {
    /// A table of these columns that has no rows yet. Those that it gets may lack some, which are NULL then, and may have
    /// dictionaries instead of plain ones.
    pub(super) fn new(schema: SchemaRef) -> Slot {
        Slot {
            schema,
            rows: RwLock::new(None),
            version: AtomicU64::new(0),
        }
    }

    /// From now on it has these rows, which have the columns of `schema`.
    pub(super) fn fill(&self, schema: &SchemaRef, batches: Vec<RecordBatch>) {
        self.version.fetch_add(1, Ordering::Relaxed);
        let mut rows = self.rows.write().unwrap_or_else(PoisonError::into_inner);
        match &*rows {
            Some(Rows::Memory(table, _)) if table.schema() == *schema => table.replace(batches),
            _ => {
                let table = Arc::new(Table::new(Arc::clone(schema), batches));
                let whole: Arc<Table> = Arc::clone(&table);
                *rows = Some(Rows::Memory(table, plain(&self.schema, whole)));
            }
        }
    }

    /// From now on it has the `number` rows of `table`, which has the same columns.
    pub(super) fn fill_from(&self, table: Arc<dyn TableProvider>, number: usize) {
        self.version.fetch_add(1, Ordering::Relaxed);
        let mut rows = self.rows.write().unwrap_or_else(PoisonError::into_inner);
        *rows = Some(Rows::Elsewhere(plain(&self.schema, table), number));
    }

    /// From now on it has the rows of another slot of the same columns.
    pub(super) fn same_as(&self, other: &Slot) {
        match other.current() {
            Some(Rows::Memory(table, _)) => self.fill(&table.schema(), table.rows().to_vec()),
            Some(Rows::Elsewhere(table, number)) => self.fill_from(table, number),
            None => self.clear(),
        }
    }

    /// Its rows, with the columns that they have in memory, if they are there.
    pub(super) fn rows(&self) -> Option<(SchemaRef, Arc<[RecordBatch]>)> {
        let table = self.lasting()?;
        Some((table.schema(), table.rows()))
    }

    /// The columns that plans see.
    pub(super) fn columns(&self) -> &SchemaRef {
        &self.schema
    }

    /// It has no rows again.
    pub(super) fn clear(&self) {
        let mut rows = self.rows.write().unwrap_or_else(PoisonError::into_inner);
        match &*rows {
            Some(Rows::Memory(table, _)) => table.replace(Vec::new()),
            _ => *rows = None,
        }
    }

    /// Another number whenever it was given other rows.
    pub(super) fn version(&self) -> u64 {
        self.version.load(Ordering::Relaxed)
    }

    /// How many rows it has.
    pub(super) fn number(&self) -> usize {
        match self.current() {
            Some(Rows::Memory(table, _)) => table.number(),
            Some(Rows::Elsewhere(_, number)) => number,
            None => 0,
        }
    }

    /// The table that a plan made now refers to, as long as rows are replaced in memory.
    pub(super) fn lasting(&self) -> Option<Arc<Table>> {
        match self.current() {
            Some(Rows::Memory(table, _)) => Some(table),
            _ => None,
        }
    }

    fn current(&self) -> Option<Rows> {
        self.rows
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

#[async_trait]
impl TableProvider for Slot {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn supports_filters_pushdown(
        &self,
        filters: &[&Expr],
    ) -> Result<Vec<TableProviderFilterPushDown>> {
        Ok(vec![TableProviderFilterPushDown::Exact; filters.len()])
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        if let Some(Rows::Memory(_, table) | Rows::Elsewhere(table, _)) = self.current() {
            return table.scan(state, projection, filters, limit).await;
        }
        let schema = match projection {
            Some(columns) => Arc::new(self.schema.project(columns)?),
            None => Arc::clone(&self.schema),
        };
        Ok(Arc::new(EmptyExec::new(schema)))
    }
}
