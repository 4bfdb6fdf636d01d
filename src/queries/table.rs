//! Rows in memory whose number is known. The engine's own table counts rows, missing values and bytes anew whenever a
//! rule asks, which was a fifth of all time in a stream, whose columns are dictionaries.

use std::fmt::{self, Formatter};
use std::sync::Arc;

use async_trait::async_trait;
use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::stats::Precision;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{Statistics, project_schema};
use datafusion::datasource::memory::MemorySourceConfig;
use datafusion::datasource::source::{DataSource, DataSourceExec};
use datafusion::error::Result;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::{Expr, TableType};
use datafusion::physical_expr::projection::ProjectionExprs;
use datafusion::physical_expr::{EquivalenceProperties, LexOrdering, PhysicalExpr};
use datafusion::physical_plan::execution_plan::SchedulingType;
use datafusion::physical_plan::{DisplayFormatType, ExecutionPlan, Partitioning};

/// Rows in memory, in partitions.
#[derive(Debug)]
pub(crate) struct Table {
    schema: SchemaRef,
    partitions: Vec<Vec<RecordBatch>>,
    number: usize,
}

impl Table {
    /// A table of these batches, all of which have the columns of `schema`.
    pub(crate) fn new(schema: SchemaRef, partitions: Vec<Vec<RecordBatch>>) -> Table {
        let batches = partitions.iter().flatten();
        Table {
            number: batches.map(RecordBatch::num_rows).sum(),
            schema,
            partitions,
        }
    }
}

#[async_trait]
impl TableProvider for Table {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    async fn scan(
        &self,
        _state: &dyn Session,
        projection: Option<&Vec<usize>>,
        _filters: &[Expr],
        _limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let schema = Arc::clone(&self.schema);
        let rows = MemorySourceConfig::try_new(&self.partitions, schema, projection.cloned())?;
        let columns = project_schema(&self.schema, projection)?;
        Ok(DataSourceExec::from_data_source(Counted {
            rows: Arc::new(rows),
            statistics: Arc::new(Statistics {
                num_rows: Precision::Exact(self.number),
                ..Statistics::new_unknown(&columns)
            }),
        }))
    }
}

/// A source whose rows were counted before.
#[derive(Debug)]
struct Counted {
    rows: Arc<dyn DataSource>,
    statistics: Arc<Statistics>,
}

impl Counted {
    fn with(&self, rows: Arc<dyn DataSource>) -> Arc<dyn DataSource> {
        Arc::new(Counted {
            rows,
            statistics: Arc::clone(&self.statistics),
        })
    }
}

impl DataSource for Counted {
    fn open(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        self.rows.open(partition, context)
    }

    fn fmt_as(&self, kind: DisplayFormatType, to: &mut Formatter) -> fmt::Result {
        self.rows.fmt_as(kind, to)
    }

    fn repartitioned(
        &self,
        target_partitions: usize,
        least_size: usize,
        ordering: Option<LexOrdering>,
    ) -> Result<Option<Arc<dyn DataSource>>> {
        let parted = self
            .rows
            .repartitioned(target_partitions, least_size, ordering)?;
        Ok(parted.map(|rows| self.with(rows)))
    }

    fn output_partitioning(&self) -> Partitioning {
        self.rows.output_partitioning()
    }

    fn eq_properties(&self) -> EquivalenceProperties {
        self.rows.eq_properties()
    }

    fn scheduling_type(&self) -> SchedulingType {
        self.rows.scheduling_type()
    }

    fn partition_statistics(&self, partition: Option<usize>) -> Result<Arc<Statistics>> {
        Ok(match partition {
            None => Arc::clone(&self.statistics),
            // Nobody plans by the size of a part.
            Some(_) => Arc::new(Statistics {
                num_rows: self.statistics.num_rows.to_inexact(),
                ..Statistics::clone(&self.statistics)
            }),
        })
    }

    fn with_fetch(&self, limit: Option<usize>) -> Option<Arc<dyn DataSource>> {
        // Then there may be fewer; the source counts what it will give.
        self.rows.with_fetch(limit)
    }

    fn fetch(&self) -> Option<usize> {
        self.rows.fetch()
    }

    fn try_swapping_with_projection(
        &self,
        _projection: &ProjectionExprs,
    ) -> Result<Option<Arc<dyn DataSource>>> {
        // Only the wanted columns are asked for in the first place.
        Ok(None)
    }

    fn apply_expressions(
        &self,
        visit: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        self.rows.apply_expressions(visit)
    }
}
