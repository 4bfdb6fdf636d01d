//! What optimised plans read of `signins`: which columns, and whether of one error code only. What is not needed is not decoded.

use std::collections::BTreeSet;

use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::error::DataFusionError;
use datafusion::logical_expr::utils::split_conjunction;
use datafusion::logical_expr::{Expr, LogicalPlan, Operator};
use datafusion::scalar::ScalarValue;
use datafusion::sql::parser::Statement;

use super::Session;
use crate::error::{Error, Result};
use crate::queries::SIGNINS;
use crate::signin::Columns;

/// What queries need of `signins`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Needs {
    /// The columns that they read.
    pub columns: Columns,
    /// Which sign-ins.
    pub codes: Codes,
}

/// The error codes of the sign-ins that queries look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Codes {
    /// None: the table is not read.
    None,
    /// Only this one.
    One(i32),
    /// More than one, or who knows.
    Any,
}

impl Needs {
    /// Nothing.
    pub const NONE: Needs = Needs {
        columns: Columns::NONE,
        codes: Codes::None,
    };

    /// What two queries need together.
    pub fn and(self, other: Needs) -> Needs {
        Needs {
            columns: self.columns.union(other.columns),
            codes: match (self.codes, other.codes) {
                (Codes::None, codes) | (codes, Codes::None) => codes,
                (Codes::One(one), Codes::One(other)) if one == other => Codes::One(one),
                _ => Codes::Any,
            },
        }
    }
}

impl Session {
    /// What the views `names`, planned before, and `statement` read of `signins`.
    ///
    /// # Errors
    /// A statement that does not plan.
    pub async fn needs(
        &self,
        names: &BTreeSet<String>,
        statement: Option<&Statement>,
    ) -> Result<Needs> {
        let needed = self.queries.closure(names);
        let plans = self.plans.iter().filter(|(name, _)| needed.contains(*name));
        let mut needs = Needs::NONE;
        for (name, plan) in plans {
            needs = needs.and(of_plan(&plan.logical).map_err(Error::query(name))?);
        }
        if let Some(statement) = statement {
            let state = self.context.state();
            let failed = Error::query("query");
            let plan = state.statement_to_plan(statement.clone()).await;
            let read = plan
                .and_then(|plan| state.optimize(&plan))
                .and_then(|plan| of_plan(&plan));
            needs = needs.and(read.map_err(failed)?);
        }
        Ok(needs)
    }
}

/// What an optimised plan reads of `signins`.
pub(super) fn of_plan(plan: &LogicalPlan) -> Result<Needs, DataFusionError> {
    let mut needs = Needs::NONE;
    plan.apply_with_subqueries(|node| {
        if let LogicalPlan::TableScan(scan) = node
            && scan.table_name.table() == SIGNINS
        {
            let fields = scan.projected_schema.fields();
            let names = fields.iter().map(|field| field.name().as_str());
            let filtered = scan.filters.iter().flat_map(Expr::column_refs);
            let names = names.chain(filtered.map(|column| column.name.as_str()));
            // All filters of a scan hold for every row that is used.
            let filters = scan.filters.iter().flat_map(split_conjunction);
            let code = filters.filter_map(code_of).next();
            needs = needs.and(Needs {
                columns: Columns::of(names),
                codes: code.map_or(Codes::Any, Codes::One),
            });
        }
        Ok::<_, DataFusionError>(TreeNodeRecursion::Continue)
    })?;
    Ok(needs)
}

/// The code that a filter asks for, if that is all it does.
fn code_of(filter: &Expr) -> Option<i32> {
    let Expr::BinaryExpr(comparison) = filter else {
        return None;
    };
    match (&*comparison.left, comparison.op, &*comparison.right) {
        (Expr::Column(column), Operator::Eq, Expr::Literal(ScalarValue::Int32(code), _))
        | (Expr::Literal(ScalarValue::Int32(code), _), Operator::Eq, Expr::Column(column)) => {
            code.filter(|_| column.name == "error_code")
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{Engine, Resources};
    use crate::queries::Queries;
    use datafusion::sql::parser::DFParser;

    #[track_caller]
    fn codes(query: &str) -> Codes {
        let engine = Engine::start(&Resources {
            threads: 2,
            memory: 1 << 28,
            temp: std::env::temp_dir(),
        })
        .unwrap();
        let queries = Queries::builtin().unwrap();
        let mut session = Session::new(engine.context().unwrap(), queries, engine.temp()).unwrap();
        let statement = DFParser::parse_sql(query).unwrap().pop_front().unwrap();
        let names = Session::tables(&statement).unwrap();
        engine.query(session.plan(&names)).unwrap();
        let needs = engine.query(session.needs(&names, Some(&statement)));
        needs.unwrap().codes
    }

    #[test]
    fn one_code_is_all_that_is_needed_only_where_every_scan_says_so() {
        let one = Codes::One(50053);
        for query in [
            "SELECT count(*) FROM signins WHERE error_code = 50053",
            "SELECT count(*) FROM signins WHERE 50053 = error_code AND user_id = 'a'",
            "SELECT user_id, count(*) FROM signins WHERE error_code = 50053 AND country <> 'SE' GROUP BY 1",
            "SELECT a.user_id FROM signins a JOIN signins b USING (user_id) WHERE a.error_code = 50053 AND b.error_code = 50053",
            "WITH r AS (SELECT * FROM signins WHERE error_code = 50053) SELECT date_bin(INTERVAL '1' HOUR, time), count(*) FROM r GROUP BY 1",
        ] {
            assert_eq!(codes(query), one, "{query}");
        }
        for query in [
            "SELECT count(*) FROM signins",
            "SELECT count(*) FROM signins WHERE error_code = 50053 OR error_code = 0",
            "SELECT count(*) FROM signins WHERE error_code <> 50053",
            "SELECT count(*) FILTER (WHERE error_code = 50053) FROM signins",
            "SELECT a.user_id FROM signins a JOIN signins b USING (user_id) WHERE a.error_code = 50053",
            "SELECT count(*) FROM (SELECT * FROM signins ORDER BY time LIMIT 5) WHERE error_code = 50053",
            "SELECT (SELECT count(*) FROM signins) AS every, count(*) FROM signins WHERE error_code = 50053",
            "SELECT cause, count(*) FROM findings GROUP BY 1",
        ] {
            assert_eq!(codes(query), Codes::Any, "{query}");
        }
        assert_eq!(codes("SELECT 1"), Codes::None);
    }
}
