//! A table whose columns are known before its rows are: queries over it are planned once, before anything is read,
//! and a stream gives it other rows at each step.

use std::sync::{Arc, PoisonError, RwLock};

use async_trait::async_trait;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::catalog::{Session, TableProvider};
use datafusion::error::Result;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown, TableType};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::empty::EmptyExec;

/// Rows to come.
#[derive(Debug)]
pub(super) struct Slot {
    schema: SchemaRef,
    rows: RwLock<Option<Rows>>,
}

#[derive(Clone, Debug)]
struct Rows {
    table: Arc<dyn TableProvider>,
    number: usize,
}

impl Slot {
    /// A table of these columns that has no rows yet.
    pub(super) fn new(schema: SchemaRef) -> Slot {
        Slot {
            schema,
            rows: RwLock::new(None),
        }
    }

    /// From now on it has the `number` rows of `table`, which has the same columns.
    pub(super) fn fill(&self, table: Arc<dyn TableProvider>, number: usize) {
        *self.rows.write().unwrap_or_else(PoisonError::into_inner) = Some(Rows { table, number });
    }

    /// It has no rows again.
    pub(super) fn clear(&self) {
        *self.rows.write().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// How many rows it has.
    pub(super) fn number(&self) -> usize {
        self.current().map_or(0, |rows| rows.number)
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

    // Parquet leaves out what cannot match; what remains is filtered once more, since rows in memory are not.
    fn supports_filters_pushdown(
        &self,
        filters: &[&Expr],
    ) -> Result<Vec<TableProviderFilterPushDown>> {
        Ok(vec![TableProviderFilterPushDown::Inexact; filters.len()])
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        if let Some(rows) = self.current() {
            return rows.table.scan(state, projection, filters, limit).await;
        }
        let schema = match projection {
            Some(columns) => Arc::new(self.schema.project(columns)?),
            None => Arc::clone(&self.schema),
        };
        Ok(Arc::new(EmptyExec::new(schema)))
    }
}
