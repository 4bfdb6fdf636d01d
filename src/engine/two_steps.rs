//! `count(DISTINCT …)` in groups, as two groupings: the first makes the values distinct, the second counts them. The engine's
//! own way holds a set of 8 KiB for each group, outside its memory limit.
//!
//! DataFusion has such a rule, but only where nothing else than sums and extremes is asked for beside it; questions about
//! sign-ins mostly count them too.

use std::sync::Arc;

use datafusion::common::tree_node::Transformed;
use datafusion::error::Result;
use datafusion::functions::core::expr_fn::coalesce;
use datafusion::functions_aggregate::count::count_udaf;
use datafusion::functions_aggregate::sum::sum_udaf;
use datafusion::logical_expr::expr::{AggregateFunction, AggregateFunctionParams};
use datafusion::logical_expr::{
    Aggregate, AggregateUDF, Expr, ExprSchemable, LogicalPlan, LogicalPlanBuilder, col, lit,
};
use datafusion::optimizer::{ApplyOrder, OptimizerConfig, OptimizerRule};

/// What the values that are made distinct are called between the two groupings.
const VALUE: &str = "__value";

/// The rule.
#[derive(Debug)]
pub(super) struct TwoSteps;

impl OptimizerRule for TwoSteps {
    fn name(&self) -> &str {
        "count_distinct_in_two_steps"
    }

    fn apply_order(&self) -> Option<ApplyOrder> {
        Some(ApplyOrder::TopDown)
    }

    fn rewrite(
        &self,
        plan: LogicalPlan,
        _config: &dyn OptimizerConfig,
    ) -> Result<Transformed<LogicalPlan>> {
        let LogicalPlan::Aggregate(grouping) = plan else {
            return Ok(Transformed::no(plan));
        };
        Ok(match in_two_steps(&grouping)? {
            Some(plan) => Transformed::yes(plan),
            None => Transformed::no(LogicalPlan::Aggregate(grouping)),
        })
    }
}

/// The two groupings; `None` if what is asked for does not come from such.
fn in_two_steps(grouping: &Aggregate) -> Result<Option<LogicalPlan>> {
    let Aggregate {
        input,
        group_expr: groups,
        aggr_expr: aggregates,
        schema,
        ..
    } = grouping;
    // Without groups there is one set, whatever it holds.
    if groups.is_empty() || groups.iter().any(|it| matches!(it, Expr::GroupingSet(_))) {
        return Ok(None);
    }
    let parts = aggregates.iter().map(Part::of).collect::<Option<Vec<_>>>();
    let Some(parts) = parts else { return Ok(None) };
    let mut values = parts.iter().filter_map(|part| match part {
        Part::Distinct(value) => Some(*value),
        _ => None,
    });
    let Some(value) = values.next().filter(|value| values.all(|it| it == *value)) else {
        return Ok(None);
    };

    let group = |at: usize| format!("__group_{at}");
    let part = |at: usize| format!("__part_{at}");
    let mut by: Vec<Expr> = groups
        .iter()
        .cloned()
        .enumerate()
        .map(|(at, it)| it.alias(group(at)))
        .collect();
    by.push(value.clone().alias(VALUE));
    let firsts = aggregates.iter().zip(&parts).enumerate();
    let firsts = firsts.filter(|(_, (_, kind))| !matches!(kind, Part::Distinct(_)));
    let firsts = firsts.map(|(at, (aggregate, _))| aggregate.clone().alias(part(at)));
    let first = LogicalPlanBuilder::from(Arc::clone(input)).aggregate(by, firsts)?;

    let seconds = parts.iter().enumerate().map(|(at, kind)| match kind {
        Part::Distinct(_) => call(count_udaf(), col(VALUE)),
        Part::Count => call(sum_udaf(), col(part(at))),
        Part::Same(function) => call(Arc::clone(function), col(part(at))),
    });
    let seconds: Vec<Expr> = seconds.collect();
    for (second, (_, field)) in seconds.iter().zip(schema.iter().skip(groups.len())) {
        // The sum of sums may be of a wider type.
        if second.get_type(first.schema())? != *field.data_type() {
            return Ok(None);
        }
    }
    let by = (0..groups.len()).map(|at| col(group(at)));
    let seconds = seconds.into_iter().enumerate();
    let seconds = seconds.map(|(at, second)| second.alias(part(at)));
    let second = first.aggregate(by.clone(), seconds)?;
    // A group has rows, but the engine does not know that a sum of their numbers is never missing.
    let results = parts.iter().enumerate().map(|(at, kind)| match kind {
        Part::Count => coalesce(vec![col(part(at)), lit(0_i64)]),
        _ => col(part(at)),
    });
    let results = by.chain(results).zip(schema.iter());
    let results = results
        .map(|(result, (table, field))| result.alias_qualified(table.cloned(), field.name()));
    second.project(results)?.build().map(Some)
}

/// What is asked for, as the second grouping has it.
enum Part<'a> {
    /// The number of distinct values.
    Distinct(&'a Expr),
    /// A number of rows: the sum of those of the first grouping.
    Count,
    /// What is the same of parts as of rows.
    Same(Arc<AggregateUDF>),
}

impl Part<'_> {
    fn of(aggregate: &Expr) -> Option<Part<'_>> {
        let Expr::AggregateFunction(AggregateFunction { func, params }) = aggregate else {
            return None;
        };
        let AggregateFunctionParams {
            args,
            distinct,
            filter,
            order_by,
            null_treatment,
        } = params;
        let ([argument], [], None) = (args.as_slice(), order_by.as_slice(), null_treatment) else {
            return None;
        };
        match (func.name(), distinct, filter) {
            ("count", true, None) => Some(Part::Distinct(argument)),
            ("count", false, _) => Some(Part::Count),
            ("sum" | "min" | "max", false, _) => Some(Part::Same(Arc::clone(func))),
            _ => None,
        }
    }
}

fn call(function: Arc<AggregateUDF>, argument: Expr) -> Expr {
    let plain = AggregateFunction::new_udf(function, vec![argument], false, None, vec![], None);
    Expr::AggregateFunction(plain)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{session_config, session_context};
    use datafusion::arrow::util::pretty::pretty_format_batches;
    use datafusion::prelude::SessionContext;

    const ROWS: &str = "(VALUES ('a', 1, 'x', 5, 1.5), ('a', 1, 'x', 7, NULL), ('a', 2, 'y', NULL, 2.5), ('a', 1, NULL, 1, 0.0),
        ('b', 1, NULL, NULL, NULL), (NULL, 3, 'x', 2, 4.0), (NULL, 3, 'z', 2, 4.0)) AS t(g, h, x, n, f)";

    /// The rows of a query over [`ROWS`], and whether it was grouped twice.
    async fn rows(context: &SessionContext, query: &str) -> (String, bool) {
        let frame = context.sql(&query.replace("ROWS", ROWS)).await.unwrap();
        let plan = frame.clone().into_optimized_plan().unwrap();
        let batches = frame.collect().await.unwrap();
        let rows = pretty_format_batches(&batches).unwrap().to_string();
        (rows, plan.display_indent().to_string().contains(VALUE))
    }

    #[tokio::test]
    async fn it_says_the_same_and_only_what_can_be_is_parted() {
        let ours = session_context(session_config(), Arc::default());
        let theirs = SessionContext::new_with_config(session_config());
        for (query, in_two) in [
            (
                "SELECT g, count(DISTINCT x), count(*) FROM ROWS GROUP BY g ORDER BY g",
                true,
            ),
            (
                "SELECT g, h + 1 AS h, count(DISTINCT x) AS xs, count(n) AS ns, sum(n), min(f), max(n), sum(f) FROM ROWS GROUP BY g, h + 1 ORDER BY 1, 2",
                true,
            ),
            (
                "SELECT g, count(DISTINCT lower(x)), count(DISTINCT lower(x)) + 1, count(*) FILTER (WHERE n > 2), sum(n) FILTER (WHERE h = 1) FROM ROWS GROUP BY g ORDER BY g",
                true,
            ),
            (
                "SELECT g, count(*) FROM ROWS GROUP BY g HAVING count(DISTINCT x) > 1 ORDER BY g",
                true,
            ),
            (
                "SELECT t.g, u.xs FROM ROWS JOIN (SELECT g, count(DISTINCT x) AS xs, count(*) AS k FROM ROWS GROUP BY g) AS u ON t.g = u.g AND t.n < u.k ORDER BY 1, 2",
                true,
            ),
            ("SELECT count(DISTINCT x), count(*) FROM ROWS", false),
            (
                "SELECT g, count(DISTINCT x), count(DISTINCT h), count(*) FROM ROWS GROUP BY g ORDER BY g",
                false,
            ),
            (
                "SELECT g, count(DISTINCT x) FILTER (WHERE n > 1), count(*) FROM ROWS GROUP BY g ORDER BY g",
                false,
            ),
            (
                "SELECT g, count(DISTINCT x), avg(n) FROM ROWS GROUP BY g ORDER BY g",
                false,
            ),
            (
                "SELECT g, h, count(DISTINCT x), count(*) FROM ROWS GROUP BY ROLLUP(g, h) ORDER BY 1, 2, 3, 4",
                false,
            ),
            (
                "SELECT g, count(DISTINCT x), count(*), array_agg(n ORDER BY n) FROM ROWS GROUP BY g ORDER BY g",
                false,
            ),
            (
                "SELECT g, count(DISTINCT x), count(*), sum(n::DECIMAL(9, 2)) FROM ROWS GROUP BY g ORDER BY g",
                false,
            ),
        ] {
            let (here, twice) = rows(&ours, query).await;
            assert_eq!(here, rows(&theirs, query).await.0, "{query}");
            assert_eq!(twice, in_two, "{query}");
        }
    }
}
