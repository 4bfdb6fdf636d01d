//! Queries to plans: a view that is stored gets a place for its rows, every other becomes part of what reads it.

use std::sync::Arc;
use std::time::Duration;

use datafusion::catalog::view::ViewTable;
use datafusion::common::tree_node::{Transformed, TreeNodeRecursion};
use datafusion::datasource::provider_as_source;
use datafusion::error::DataFusionError;
use datafusion::execution::SessionState;
use datafusion::logical_expr::{LogicalPlan, LogicalPlanBuilder, col, lit};
use datafusion::sql::parser::Statement;

use super::needs::of_plan;
use super::part::Part;
use super::{Plan, Session};
use crate::error::{Error, Result};
use crate::queries::slot::Slot;
use crate::queries::{CAUSES, CLAIMS, Query, SIGNINS, THRESHOLDS, Values, thresholds};

impl Session {
    /// Plans one query, which may read those planned before.
    pub(super) async fn plan_query(&mut self, query: &Query, state: &SessionState) -> Result<()> {
        let mut statement = Statement::clone(&query.statement);
        if query.name == THRESHOLDS {
            thresholds::show(&mut statement, &self.queries.thresholds);
        }
        thresholds::fill(&mut statement, &self.queries.thresholds)
            .map_err(|name| query.wrong(format!("{name} is not named in 00_thresholds.sql")))?;
        let failed = |error| Error::query(&query.file)(error);
        let plan = state.statement_to_plan(statement).await.map_err(failed)?;
        if query.is_stored() {
            // Only then are the types of its columns what they will be.
            let mut logical = state.optimize(&plan).map_err(failed)?;
            self.check_only(query)?;
            let columns = of_plan(&logical).map_err(failed)?.columns;
            let part = Part::of(&query.header, columns, self.is_stream);
            let signins = part.as_ref().map_or(&self.signins, |part| &part.signins);
            if part.is_some() {
                logical = read_from(logical, signins).map_err(failed)?;
            }
            let reads = self.slots_of(&logical, signins).map_err(failed)?;
            let schema = Arc::clone(logical.schema().inner());
            let rows = Arc::new(Slot::new(schema));
            let table: Arc<Slot> = Arc::clone(&rows);
            self.register(&query.name, table)?;
            let plan = Plan {
                logical,
                reads,
                rows,
                part,
                seen: None,
                kept: None,
                took: Duration::ZERO,
            };
            self.plans.insert(query.name.clone(), plan);
        } else {
            self.register(&query.name, Arc::new(ViewTable::new(plan, None)))?;
        }
        self.planned.insert(query.name.clone());
        Ok(())
    }

    /// The views `causes` (what the headers say) and `claims` (what all cause views found).
    pub(super) async fn plan_claims(&self) -> Result<()> {
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

    /// Whether the views that the header's `only` names have the columns that it names.
    fn check_only(&self, query: &Query) -> Result<()> {
        for only in &query.header.only {
            if let Values::Of(view, column) = &only.values
                && let Some(plan) = self.plans.get(view)
                && plan
                    .logical
                    .schema()
                    .index_of_column_by_name(None, column)
                    .is_none()
            {
                return Err(query.wrong(format!("only: {view} has no column {column}")));
            }
        }
        Ok(())
    }

    /// Where an optimised plan reads from: `signins` and stored views, each as often as it is read.
    fn slots_of(
        &self,
        plan: &LogicalPlan,
        signins: &Arc<Slot>,
    ) -> Result<Vec<Option<Arc<Slot>>>, DataFusionError> {
        let mut slots = Vec::new();
        plan.apply_with_subqueries(|node| {
            if let LogicalPlan::TableScan(scan) = node {
                let table = scan.table_name.table();
                let slot = match table == SIGNINS {
                    true => Some(signins),
                    false => self.plans.get(table).map(|plan| &plan.rows),
                };
                slots.push(slot.cloned());
            }
            Ok::<_, DataFusionError>(TreeNodeRecursion::Continue)
        })?;
        Ok(slots)
    }
}

/// The same plan, which reads `signins` there.
fn read_from(plan: LogicalPlan, signins: &Arc<Slot>) -> Result<LogicalPlan, DataFusionError> {
    let plan = plan.transform_down_with_subqueries(|node| {
        Ok(match node {
            LogicalPlan::TableScan(mut scan) if scan.table_name.table() == SIGNINS => {
                let signins: Arc<Slot> = Arc::clone(signins);
                scan.source = provider_as_source(signins);
                Transformed::yes(LogicalPlan::TableScan(scan))
            }
            node => Transformed::no(node),
        })
    })?;
    Ok(plan.data)
}
