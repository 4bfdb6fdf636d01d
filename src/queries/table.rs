//! Rows in memory that are looked up when a query runs and not when it is planned: a plan over them stays good when
//! other rows take their place, as they do at each step of a stream. The engine's own table holds its rows in the plan,
//! and counts rows, missing values and bytes anew whenever a rule asks, which was a fifth of all time in a stream.

use std::fmt::{self, Formatter};
use std::sync::{Arc, PoisonError, RwLock};

use async_trait::async_trait;
use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::stats::Precision;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{Statistics, project_schema};
use datafusion::datasource::source::{DataSource, DataSourceExec};
use datafusion::error::Result;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::{Expr, TableType};
use datafusion::physical_expr::projection::ProjectionExprs;
use datafusion::physical_expr::{EquivalenceProperties, PhysicalExpr};
use datafusion::physical_plan::coop::cooperative;
use datafusion::physical_plan::execution_plan::SchedulingType;
use datafusion::physical_plan::memory::MemoryStream;
use datafusion::physical_plan::{DisplayFormatType, ExecutionPlan, Partitioning};

/// Rows in memory.
#[derive(Debug)]
pub(crate) struct Table {
    schema: SchemaRef,
    rows: Arc<RwLock<Rows>>,
}

#[derive(Clone, Debug, Default)]
struct Rows {
    batches: Arc<[RecordBatch]>,
    number: usize,
}

impl Rows {
    fn of(batches: Vec<RecordBatch>) -> Rows {
        Rows {
            number: batches.iter().map(RecordBatch::num_rows).sum(),
            batches: batches.into(),
        }
    }

    /// The part `nth` of `parts`, of which each has as many rows as the others.
    fn part(&self, nth: usize, parts: usize) -> Vec<RecordBatch> {
        let edge = |nth: usize| (self.number as u128 * nth as u128 / parts.max(1) as u128) as usize;
        let (mut from, end) = (edge(nth), edge(nth + 1));
        let mut part = Vec::new();
        let mut begins = 0;
        for batch in self.batches.iter() {
            let ends = begins + batch.num_rows();
            if from < ends.min(end) {
                part.push(batch.slice(from - begins, ends.min(end) - from));
                from = ends.min(end);
            }
            begins = ends;
        }
        part
    }
}

impl Table {
    /// A table of these batches, all of which have the columns of `schema`.
    pub(crate) fn new(schema: SchemaRef, batches: Vec<RecordBatch>) -> Table {
        Table {
            schema,
            rows: Arc::new(RwLock::new(Rows::of(batches))),
        }
    }

    /// From now on it has these rows instead, for plans that were made before too.
    pub(super) fn replace(&self, batches: Vec<RecordBatch>) {
        *self.rows.write().unwrap_or_else(PoisonError::into_inner) = Rows::of(batches);
    }

    /// The rows that it has now.
    pub(super) fn rows(&self) -> Arc<[RecordBatch]> {
        current(&self.rows).batches
    }

    /// How many rows there are now.
    pub(super) fn number(&self) -> usize {
        current(&self.rows).number
    }
}

fn current(rows: &RwLock<Rows>) -> Rows {
    rows.read().unwrap_or_else(PoisonError::into_inner).clone()
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
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        _filters: &[Expr],
        _limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let number = self.number();
        let config = state.config();
        Ok(DataSourceExec::from_data_source(Looked {
            schema: project_schema(&self.schema, projection)?,
            projection: projection.cloned(),
            rows: Arc::clone(&self.rows),
            planned: number,
            parts: match number > config.batch_size() {
                true => config.target_partitions(),
                false => 1,
            },
        }))
    }
}

/// A scan of some columns, in parts.
#[derive(Clone, Debug)]
struct Looked {
    schema: SchemaRef,
    projection: Option<Vec<usize>>,
    rows: Arc<RwLock<Rows>>,
    /// How many rows there were when it was planned.
    planned: usize,
    parts: usize,
}

impl DataSource for Looked {
    fn open(
        &self,
        partition: usize,
        _context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        let part = current(&self.rows).part(partition, self.parts);
        let (schema, projection) = (Arc::clone(&self.schema), self.projection.clone());
        let rows = MemoryStream::try_new(part, schema, projection)?;
        Ok(Box::pin(cooperative(rows)))
    }

    fn fmt_as(&self, _kind: DisplayFormatType, to: &mut Formatter) -> fmt::Result {
        write!(to, "rows={}, parts={}", self.planned, self.parts)
    }

    fn output_partitioning(&self) -> Partitioning {
        Partitioning::UnknownPartitioning(self.parts)
    }

    fn eq_properties(&self) -> EquivalenceProperties {
        EquivalenceProperties::new(Arc::clone(&self.schema))
    }

    fn scheduling_type(&self) -> SchedulingType {
        SchedulingType::Cooperative
    }

    fn partition_statistics(&self, partition: Option<usize>) -> Result<Arc<Statistics>> {
        let rows = match partition {
            None => self.planned,
            Some(_) => self.planned / self.parts,
        };
        // Never exact: the planner would put the number itself where rows are counted.
        Ok(Arc::new(Statistics {
            num_rows: Precision::Inexact(rows),
            ..Statistics::new_unknown(&self.schema)
        }))
    }

    fn with_fetch(&self, _limit: Option<usize>) -> Option<Arc<dyn DataSource>> {
        None
    }

    fn fetch(&self) -> Option<usize> {
        None
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
        _visit: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use datafusion::arrow::array::{AsArray, Int64Array};
    use datafusion::arrow::datatypes::{DataType, Field, Int64Type, Schema};
    use datafusion::physical_plan::collect;
    use datafusion::physical_plan::execution_plan::reset_plan_states;
    use datafusion::prelude::{SessionConfig, SessionContext};

    fn batch(values: std::ops::Range<i64>) -> RecordBatch {
        let schema = Arc::new(Schema::new(vec![Field::new("a", DataType::Int64, true)]));
        RecordBatch::try_new(schema, vec![Arc::new(Int64Array::from_iter_values(values))]).unwrap()
    }

    #[test]
    fn parts_have_every_row_once_and_as_many_as_the_others() {
        for cuts in [
            vec![0, 0, 7],
            vec![0, 1, 4, 7],
            vec![0, 7, 7],
            vec![0, 2, 5, 6, 7],
        ] {
            let batches = cuts.windows(2).map(|cut| batch(cut[0]..cut[1])).collect();
            let rows = Rows::of(batches);
            for parts in 1..=9 {
                let mut all = Vec::new();
                for nth in 0..parts {
                    let part = rows.part(nth, parts);
                    let number: usize = part.iter().map(RecordBatch::num_rows).sum();
                    assert!(
                        (7 / parts..=7 / parts + 1).contains(&number),
                        "{parts} {number}"
                    );
                    assert!(part.iter().all(|batch| batch.num_rows() > 0));
                    for batch in part {
                        all.extend_from_slice(batch.column(0).as_primitive::<Int64Type>().values());
                    }
                }
                assert_eq!(all, (0..7).collect::<Vec<_>>(), "{cuts:?} {parts}");
            }
        }
    }

    #[tokio::test]
    async fn a_plan_made_before_reads_the_rows_of_now() {
        let config = SessionConfig::new()
            .with_target_partitions(2)
            .with_batch_size(4);
        let context = SessionContext::new_with_config(config);
        let rows = batch(0..10);
        let table = Arc::new(Table::new(rows.schema(), vec![rows]));
        let as_provider: Arc<Table> = Arc::clone(&table);
        context.register_table("t", as_provider).unwrap();
        let sql = "SELECT count(*), sum(a), (SELECT max(a) FROM t) FROM t WHERE a >= 1";
        let plan = context.sql(sql).await.unwrap();
        let plan = plan.create_physical_plan().await.unwrap();
        for (rows, told) in [
            (0..10, [9, 45, 9]),
            (1..1000, [999, 499_500, 999]),
            (5..6, [1, 5, 5]),
        ] {
            table.replace(vec![batch(rows)]);
            let fresh = reset_plan_states(Arc::clone(&plan)).unwrap();
            let found = collect(fresh, context.task_ctx()).await.unwrap();
            let columns = found[0].columns().iter();
            let found: Vec<i64> = columns
                .map(|column| column.as_primitive::<Int64Type>().value(0))
                .collect();
            assert_eq!(found, told);
        }
    }
}
