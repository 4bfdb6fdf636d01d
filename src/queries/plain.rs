//! The columns that queries expect over a table that has them in another form: those that it lacks are NULL (nobody asked for
//! them), and dictionaries become plain columns where they are read. Filters are applied before that, and once: fewer rows
//! have to be made plain.

use std::sync::Arc;

use async_trait::async_trait;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::common::{Column, DFSchema};
use datafusion::error::Result;
use datafusion::logical_expr::utils::conjunction;
use datafusion::logical_expr::{
    Expr, TableProviderFilterPushDown, TableType, cast as logical_cast, lit,
};
use datafusion::physical_expr::{PhysicalExpr, expressions as physical};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::filter::FilterExec;
use datafusion::physical_plan::projection::{ProjectionExec, ProjectionExpr};
use datafusion::scalar::ScalarValue;

/// The columns of `all` over those of `table`.
pub(super) fn plain(all: &SchemaRef, table: Arc<dyn TableProvider>) -> Arc<dyn TableProvider> {
    let present = table.schema();
    let columns: Vec<Place> = all
        .fields()
        .iter()
        .map(|field| match present.column_with_name(field.name()) {
            Some((at, there)) if there.data_type() == field.data_type() => Place::AsItIs(at),
            Some((at, _)) => Place::Cast(at),
            None => Place::Missing,
        })
        .collect();
    Arc::new(Plain {
        table,
        schema: Arc::clone(all),
        columns,
    })
}

#[derive(Debug)]
struct Plain {
    table: Arc<dyn TableProvider>,
    schema: SchemaRef,
    columns: Vec<Place>,
}

/// Where a column is in the table.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Place {
    AsItIs(usize),
    Cast(usize),
    Missing,
}

impl Place {
    fn index(self) -> Option<usize> {
        match self {
            Place::AsItIs(at) | Place::Cast(at) => Some(at),
            Place::Missing => None,
        }
    }
}

#[async_trait]
impl TableProvider for Plain {
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
        _limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let every: Vec<usize> = (0..self.columns.len()).collect();
        let wanted = projection.unwrap_or(&every);
        let places = wanted.iter().map(|at| self.columns[*at]);
        let as_they_are = places.clone().map(|place| match place {
            Place::AsItIs(at) => Some(at),
            _ => None,
        });
        let as_they_are: Option<Vec<usize>> = as_they_are.collect();
        let mut inner: Vec<usize> = places.filter_map(Place::index).collect();
        let filter = self.filter(filters)?;
        if let Some(filter) = &filter {
            let present = self.table.schema();
            for column in filter.column_refs() {
                inner.push(present.index_of(&column.name)?);
            }
            inner.sort_unstable();
            inner.dedup();
        }
        // Parquet leaves out what cannot match.
        let known = filters.iter().filter(|filter| self.holds(filter));
        let known: Vec<Expr> = known.cloned().collect();
        let mut scan = self.table.scan(state, Some(&inner), &known, None).await?;
        if let Some(filter) = filter {
            let schema = DFSchema::try_from(scan.schema())?;
            let filter = state.create_physical_expr(filter, &schema)?;
            scan = Arc::new(FilterExec::try_new(filter, scan)?);
        }
        if as_they_are == Some(inner) {
            return Ok(scan);
        }
        let from = scan.schema();
        let columns = wanted
            .iter()
            .map(|at| {
                let field = self.schema.field(*at);
                let expr: Arc<dyn PhysicalExpr> = match self.columns[*at] {
                    Place::Missing => Arc::new(physical::Literal::new(ScalarValue::try_from(
                        field.data_type(),
                    )?)),
                    place => {
                        let column =
                            Arc::new(physical::Column::new_with_schema(field.name(), &from)?);
                        match place {
                            Place::Cast(_) => {
                                physical::cast(column, &from, field.data_type().clone())?
                            }
                            _ => column,
                        }
                    }
                };
                Ok(ProjectionExpr::new(expr, field.name().clone()))
            })
            .collect::<Result<Vec<_>>>()?;
        Ok(Arc::new(ProjectionExec::try_new(columns, scan)?))
    }
}

impl Plain {
    /// Whether all columns of a filter are in the table as they are.
    fn holds(&self, filter: &Expr) -> bool {
        filter.column_refs().iter().all(|column| {
            let at = self.schema.index_of(&column.name);
            at.is_ok_and(|at| matches!(self.columns[at], Place::AsItIs(_)))
        })
    }

    /// The filters over the columns of the table.
    fn filter(&self, filters: &[Expr]) -> Result<Option<Expr>> {
        let Some(filter) = conjunction(filters.iter().cloned()) else {
            return Ok(None);
        };
        let here = filter.transform_down(|expr| {
            let there = match &expr {
                Expr::Column(column) => self.value(column)?,
                Expr::IsNotNull(value) => match value.as_ref() {
                    Expr::Column(column) => self.has_value(column)?,
                    _ => return Ok(Transformed::no(expr)),
                },
                _ => return Ok(Transformed::no(expr)),
            };
            Ok(Transformed::new(there, true, TreeNodeRecursion::Jump))
        });
        Ok(Some(here?.data))
    }

    /// A column of the table as the queries see it.
    fn value(&self, column: &Column) -> Result<Expr> {
        let at = self.schema.index_of(&column.name)?;
        let kind = self.schema.field(at).data_type();
        let there = Expr::Column(Column::from_name(&column.name));
        Ok(match self.columns[at] {
            Place::AsItIs(_) => there,
            Place::Cast(_) => logical_cast(there, kind.clone()),
            Place::Missing => lit(ScalarValue::try_from(kind)?),
        })
    }

    /// Whether it has a value, which a dictionary tells too.
    fn has_value(&self, column: &Column) -> Result<Expr> {
        let at = self.schema.index_of(&column.name)?;
        Ok(match self.columns[at] {
            Place::Missing => lit(false),
            _ => Expr::Column(Column::from_name(&column.name)).is_not_null(),
        })
    }
}
