//! Thresholds: every number that decides, by name, from `queries/00_thresholds.sql`.

use std::ops::ControlFlow;

use datafusion::sql::parser::{DFParser, Statement};
use datafusion::sql::sqlparser::ast::{
    Expr, SelectItem, SetExpr, Statement as Sql, Value, visit_expressions_mut,
};
use jiff::{Span, SpanRelativeTo};

use crate::error::{Error, Result};

/// One named number, text or length of time.
#[derive(Clone, Debug)]
pub struct Threshold {
    /// Its name; queries write `$name`.
    pub name: String,
    literal: Expr,
    overridden: bool,
}

impl Threshold {
    /// The value in force, as SQL.
    pub fn value(&self) -> String {
        self.literal.to_string()
    }

    /// Whether it is not the value of the file.
    pub fn is_overridden(&self) -> bool {
        self.overridden
    }

    pub(super) fn set(&mut self, value: &str) -> Result<()> {
        let wrong = |kind: &str| {
            Error::setting(
                format!("--set {}={value}", self.name),
                format!("{kind} is wanted here; it is {} by default", self.value()),
            )
        };
        // The text that is parsed as SQL is made of a parsed number, never of what was typed.
        let sql = match &self.literal {
            Expr::Interval(_) => {
                let length = value
                    .parse::<Span>()
                    .and_then(|span| span.to_duration(SpanRelativeTo::days_are_24_hours()))
                    .map_err(|_| wrong("a length of time such as 20m, 1h30m or 1d"))?;
                let micros = length.as_micros();
                if micros <= 0 {
                    return Err(wrong("a length of time above zero"));
                }
                format!("INTERVAL '{micros} microseconds'")
            }
            Expr::Value(literal) => match &literal.value {
                Value::Number(default, _) if default.contains('.') => {
                    let number: f64 = value.parse().map_err(|_| wrong("a number"))?;
                    if !number.is_finite() || number < 0.0 {
                        return Err(wrong("a number from zero up"));
                    }
                    format!("{number:?}")
                }
                Value::Number(..) => {
                    let number: u32 = value.parse().map_err(|_| wrong("a whole number"))?;
                    number.to_string()
                }
                Value::Boolean(_) => {
                    let flag: bool = value.parse().map_err(|_| wrong("true or false"))?;
                    flag.to_string()
                }
                _ => return Err(wrong("nothing: it cannot be set")),
            },
            _ => return Err(wrong("nothing: it cannot be set")),
        };
        let parsed =
            DFParser::parse_sql_into_expr(&sql).map_err(|_| wrong("another kind of value"))?;
        self.literal = parsed.expr;
        self.overridden = true;
        Ok(())
    }
}

/// Reads the one SELECT of the file of thresholds.
pub(super) fn read(file: &str, statement: &Statement) -> Result<Vec<Threshold>> {
    let wrong = |reason: String| Error::QueryFile {
        file: file.to_owned(),
        reason,
    };
    let mut thresholds = Vec::new();
    for item in projection(statement)
        .ok_or_else(|| wrong("is not a plain SELECT of `literal AS name`".to_owned()))?
    {
        match item {
            SelectItem::ExprWithAlias {
                expr: literal @ (Expr::Value(_) | Expr::Interval(_)),
                alias,
            } => {
                thresholds.push(Threshold {
                    name: alias.value.clone(),
                    literal: literal.clone(),
                    overridden: false,
                });
            }
            other => return Err(wrong(format!("{other} is not `literal AS name`"))),
        }
    }
    Ok(thresholds)
}

fn projection(statement: &Statement) -> Option<&Vec<SelectItem>> {
    let Statement::Statement(statement) = statement else {
        return None;
    };
    let Sql::Query(query) = statement.as_ref() else {
        return None;
    };
    let SetExpr::Select(select) = query.body.as_ref() else {
        return None;
    };
    Some(&select.projection)
}

/// Replaces every `$name` of `statement` by its value; the error is the name that is not known.
pub(super) fn fill(statement: &mut Statement, thresholds: &[Threshold]) -> Result<(), String> {
    let Statement::Statement(statement) = statement else {
        return Ok(());
    };
    let filled = visit_expressions_mut(statement.as_mut(), |expr| {
        let Expr::Value(value) = expr else {
            return ControlFlow::Continue(());
        };
        let Value::Placeholder(placeholder) = &value.value else {
            return ControlFlow::Continue(());
        };
        let name = placeholder.trim_start_matches('$');
        match thresholds.iter().find(|threshold| threshold.name == name) {
            Some(threshold) => {
                *expr = threshold.literal.clone();
                ControlFlow::Continue(())
            }
            None => ControlFlow::Break(placeholder.clone()),
        }
    });
    match filled {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(name) => Err(name),
    }
}

/// Puts the values in force into the file of thresholds itself, so that the view shows them.
pub(super) fn show(statement: &mut Statement, thresholds: &[Threshold]) {
    let Statement::Statement(statement) = statement else {
        return;
    };
    let Sql::Query(query) = statement.as_mut() else {
        return;
    };
    let SetExpr::Select(select) = query.body.as_mut() else {
        return;
    };
    for item in &mut select.projection {
        if let SelectItem::ExprWithAlias { expr, alias } = item
            && let Some(threshold) = thresholds.iter().find(|known| known.name == alias.value)
        {
            *expr = threshold.literal.clone();
        }
    }
}
