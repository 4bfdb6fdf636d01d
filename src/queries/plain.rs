//! The columns that queries expect over a table that has them in another form: those that it lacks are NULL (nobody asked for
//! them), and dictionaries become plain columns where they are read.

use std::sync::Arc;

use async_trait::async_trait;
use datafusion::arrow::datatypes::{DataType, SchemaRef};
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::common::{Column, DFSchema};
use datafusion::error::Result;
use datafusion::logical_expr::utils::conjunction;
use datafusion::logical_expr::{Expr, TableType, cast as logical_cast, lit};
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
    let is_whole = columns.len() == present.fields().len()
        && columns
            .iter()
            .enumerate()
            .all(|(at, place)| *place == Place::AsItIs(at));
    match is_whole {
        true => table,
        false => Arc::new(Plain {
            table,
            schema: Arc::clone(all),
            columns,
        }),
    }
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

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        _limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let every: Vec<usize> = (0..self.columns.len()).collect();
        let wanted = projection.unwrap_or(&every);
        let mut inner: Vec<usize> = wanted
            .iter()
            .filter_map(|at| self.columns[*at].index())
            .collect();
        let known = filters.iter().filter(|filter| self.holds(filter));
        let known: Vec<Expr> = known.cloned().collect();
        let is_plain = |at: &usize| matches!(self.columns[*at], Place::AsItIs(_));
        if wanted.iter().all(is_plain) {
            return self.table.scan(state, Some(&inner), &known, None).await;
        }
        let filter = self.filter(filters.iter().filter(|filter| self.is_cheap(filter)))?;
        if let Some(filter) = &filter {
            let present = self.table.schema();
            for column in filter.column_refs() {
                inner.push(present.index_of(&column.name)?);
            }
            inner.sort_unstable();
            inner.dedup();
        }
        let mut scan = self.table.scan(state, Some(&inner), &known, None).await?;
        // Fewer rows have to be made plain.
        if let Some(filter) = filter {
            let schema = DFSchema::try_from(scan.schema())?;
            let filter = state.create_physical_expr(filter, &schema)?;
            scan = Arc::new(FilterExec::try_new(filter, scan)?);
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

    /// Whether a filter costs less than it saves: one over text alone would have all of that text made plain.
    fn is_cheap(&self, filter: &Expr) -> bool {
        let columns = filter.column_refs();
        columns.is_empty()
            || columns.iter().any(|column| {
                let field = self.schema.field_with_name(&column.name);
                field.is_ok_and(|field| *field.data_type() != DataType::Utf8)
            })
    }

    /// The filters over the columns of the table.
    fn filter<'e>(&self, filters: impl Iterator<Item = &'e Expr>) -> Result<Option<Expr>> {
        let Some(filter) = conjunction(filters.cloned()) else {
            return Ok(None);
        };
        let here = filter.transform(|expr| {
            let Expr::Column(column) = expr else {
                return Ok(Transformed::no(expr));
            };
            let at = self.schema.index_of(&column.name)?;
            let kind = self.schema.field(at).data_type();
            let there = Expr::Column(Column::from_name(&column.name));
            Ok(Transformed::yes(match self.columns[at] {
                Place::AsItIs(_) => there,
                Place::Cast(_) => logical_cast(there, kind.clone()),
                Place::Missing => lit(ScalarValue::try_from(kind)?),
            }))
        });
        Ok(Some(here?.data))
    }
}
