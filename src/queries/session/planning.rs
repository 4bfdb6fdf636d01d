//! Queries to plans: a view that is stored gets a place for its rows, every other becomes part of what reads it.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use datafusion::catalog::view::ViewTable;
use datafusion::common::tree_node::{Transformed, TreeNodeRecursion};
use datafusion::datasource::provider_as_source;
use datafusion::error::DataFusionError;
use datafusion::execution::SessionState;
use datafusion::logical_expr::{LogicalPlan, LogicalPlanBuilder, col, lit};
use datafusion::sql::parser::Statement;

use super::chosen::Keys;
use super::keyed::Keyed;
use super::needs::of_plan;
use super::part::Part;
use super::{Plan, Session};
use crate::error::{Error, Result};
use crate::queries::slot::Slot;
use crate::queries::{By, CAUSES, CLAIMS, Query, SIGNINS, THRESHOLDS, Values, thresholds};

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
            let schema = Arc::clone(logical.schema().inner());
            let keyed = match query.header.by.is_empty() {
                false => Some(self.keyed(query, &logical)?).filter(|_| self.is_stream),
                true => None,
            };
            self.deltas
                .extend(keyed.iter().flat_map(Keyed::wants).cloned());
            let place = |table: &str| match table {
                SIGNINS => part.as_ref().map(|part| &part.signins),
                view => keyed.as_ref().and_then(|keyed| keyed.place(view)),
            };
            if part.is_some() || keyed.is_some() {
                logical = read_from(logical, place).map_err(failed)?;
            }
            let reads = self.slots_of(&logical, place).map_err(failed)?;
            let rows = Arc::new(Slot::new(schema));
            let table: Arc<Slot> = Arc::clone(&rows);
            self.register(&query.name, table)?;
            let plan = Plan {
                logical,
                reads,
                rows,
                part,
                keyed,
                delta: None,
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

    /// What makes a view for some values alone, which its header tells apart by columns that it must have.
    fn keyed(&self, query: &Query, plan: &LogicalPlan) -> Result<Keyed> {
        let schema = plan.schema();
        for by in &query.header.by {
            let field = schema.field_with_unqualified_name(&by.column);
            let kind = field.map(|field| field.data_type().clone());
            if !kind.as_ref().is_ok_and(Keys::can_be) {
                let reason = format!("by: it has no {} of text or BIGINT ({kind:?})", by.column);
                return Err(query.wrong(reason));
            }
            let signins = crate::signin::schema();
            let is_alike = |name: &&String| {
                let there = signins.field_with_name(name);
                kind.as_ref().is_ok_and(|kind| {
                    there.is_ok_and(|there| Keys::are_alike(kind, there.data_type()))
                })
            };
            if let Some(name) = by.signins.iter().find(|name| !is_alike(name)) {
                let reason = format!(
                    "by: {} cannot have the values of {name} of signins: one is text, the other is not",
                    by.column
                );
                return Err(query.wrong(reason));
            }
        }
        let failed = |error| Error::query(&query.file)(error);
        let mut tables = BTreeSet::new();
        let found = plan.apply_with_subqueries(|node| {
            if let LogicalPlan::TableScan(scan) = node {
                tables.insert(scan.table_name.table().to_owned());
            }
            Ok::<_, DataFusionError>(TreeNodeRecursion::Continue)
        });
        found.map_err(failed)?;
        let is_told = |by: &By| !by.signins.is_empty() && !query.header.only.is_empty();
        if tables.contains(SIGNINS) && !query.header.by.iter().all(is_told) {
            let reason = "by: it reads signins, so each column needs `= COLUMN of signins, …`, and `only` is needed";
            return Err(query.wrong(reason.to_owned()));
        }
        let stored = tables.into_iter().filter_map(|table| {
            let rows = Arc::clone(&self.plans.get(&table)?.rows);
            Some((table, rows))
        });
        Ok(Keyed::new(
            &query.header.by,
            plan.schema().as_arrow(),
            stored,
        ))
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
    fn slots_of<'s>(
        &'s self,
        plan: &LogicalPlan,
        place: impl Fn(&str) -> Option<&'s Arc<Slot>>,
    ) -> Result<Vec<Option<Arc<Slot>>>, DataFusionError> {
        let mut slots = Vec::new();
        plan.apply_with_subqueries(|node| {
            if let LogicalPlan::TableScan(scan) = node {
                let table = scan.table_name.table();
                let slot = place(table).or_else(|| match table == SIGNINS {
                    true => Some(&self.signins),
                    false => self.plans.get(table).map(|plan| &plan.rows),
                });
                slots.push(slot.cloned());
            }
            Ok::<_, DataFusionError>(TreeNodeRecursion::Continue)
        })?;
        Ok(slots)
    }
}

/// The same plan, which reads tables where `place` says, if it says so.
fn read_from<'s>(
    plan: LogicalPlan,
    place: impl Fn(&str) -> Option<&'s Arc<Slot>>,
) -> Result<LogicalPlan, DataFusionError> {
    let plan = plan.transform_down_with_subqueries(|node| {
        let LogicalPlan::TableScan(mut scan) = node else {
            return Ok(Transformed::no(node));
        };
        let there = place(scan.table_name.table()).map(Arc::clone);
        let is_elsewhere = there.is_some();
        if let Some(there) = there {
            let there: Arc<Slot> = there;
            scan.source = provider_as_source(there);
        }
        let scan = LogicalPlan::TableScan(scan);
        Ok(Transformed::new_transformed(scan, is_elsewhere))
    })?;
    Ok(plan.data)
}
