//! One step of judgement: the queries of a batch over everything that is remembered.

use std::collections::{BTreeSet, HashMap};
use std::path::Path;
use std::time::{Duration, Instant};

use datafusion::arrow::array::{
    Array, AsArray, RecordBatch, StringArray, TimestampMicrosecondArray,
};
use datafusion::arrow::compute;
use datafusion::arrow::datatypes::{
    DataType, Float64Type, SchemaRef, TimeUnit, TimestampMicrosecondType,
};
use datafusion::arrow::error::ArrowError;

use super::history::column;
use crate::engine::{Engine, USUAL_ROW};
use crate::error::{Error, Result};
use crate::progress::Progress;
use crate::queries::{Keep, Queries, Session};
use crate::results::{Format, RowWriter};
use crate::signin::Columns;

/// The view that says when a finding has ended, if there is one.
const ENDINGS: &str = "endings";

/// Runs the steps.
pub(super) struct Judge {
    engine: Engine,
    queries: Queries,
    /// The queries, planned once for all steps: for few sign-ins, and for many.
    few: Session,
    many: Session,
    names: BTreeSet<String>,
    /// The view of each result that is told.
    findings: String,
    events: String,
    endings: Option<String>,
}

/// What one step found.
#[derive(Default)]
pub(super) struct Judgement {
    pub(super) findings: Vec<Finding>,
    /// The refusals with their findings.
    events: Vec<RecordBatch>,
    /// How long it took.
    pub(super) took: Duration,
}

/// A finding as it is now.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Finding {
    pub(super) id: String,
    pub(super) tenant: Option<String>,
    pub(super) cause: String,
    /// What must be told at once when it changes: everything but growth.
    pub(super) gravity: String,
    pub(super) first_seen: Option<i64>,
    pub(super) last_seen: Option<i64>,
    pub(super) ends_at: Option<i64>,
    /// Its latest refusal: by it the finding that took its place is found again.
    pub(super) anchor: Option<String>,
    /// The row as a JSON object.
    pub(super) body: String,
}

/// What is said of one refusal.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub(super) struct Explained {
    pub(super) stated_reason: Option<String>,
    pub(super) reason: Option<String>,
    pub(super) reason_basis: Option<String>,
    pub(super) confidence: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) cause: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) finding_id: Option<String>,
}

impl Explained {
    /// All that can be said of a refusal that has no id to find it by.
    pub(super) fn stated(reason: &str) -> Explained {
        Explained {
            stated_reason: Some(reason.to_owned()),
            reason: None,
            reason_basis: None,
            confidence: None,
            cause: None,
            finding_id: None,
        }
    }
}

impl Judge {
    pub(super) fn new(engine: Engine, queries: Queries) -> Result<Judge> {
        let view = |result: &str| {
            let mut list = queries.list().iter();
            let found = list.find(|query| query.header.result.as_deref() == Some(result));
            found.map(|query| query.name.clone()).ok_or_else(|| {
                Error::setting("--queries", format!("no query has the result {result}"))
            })
        };
        let endings = queries.list().iter().find(|query| query.name == ENDINGS);
        if endings.is_some_and(|query| query.header.keep != Keep::Yes) {
            let reason = format!("the query {ENDINGS} needs the line `-- keep: yes` at its top");
            return Err(Error::setting("--queries", reason));
        }
        let endings = endings.map(|query| query.name.clone());
        let (findings, events) = (view("findings")?, view("events")?);
        let names = [Some(&findings), Some(&events), endings.as_ref()];
        let names = names.into_iter().flatten().cloned().collect();
        let session = |queries| Session::new(engine.context()?, queries, engine.temp());
        let (few, mut many) = (
            session(queries.clone().of_few())?,
            session(queries.clone())?,
        );
        let mut few = few.of_few(engine.view_budget());
        engine.query(few.plan(&names))?;
        engine.query(many.plan(&names))?;
        Ok(Judge {
            engine,
            queries,
            few,
            many,
            names,
            findings,
            events,
            endings,
        })
    }

    /// The columns of `signins` that it reads.
    pub(super) fn columns(&self) -> Result<Columns> {
        match self.queries.columns() {
            Some(columns) => Ok(columns),
            None => {
                let needs = self.engine.query(self.many.needs(&self.names, None))?;
                Ok(needs.columns)
            }
        }
    }

    /// Judges the sign-ins of `table`.
    pub(super) fn judge(
        &mut self,
        schema: SchemaRef,
        table: Vec<RecordBatch>,
    ) -> Result<Judgement> {
        let began = Instant::now();
        let number: usize = table.iter().map(RecordBatch::num_rows).sum();
        let (session, other) = match number <= self.engine.few_rows() {
            true => (&mut self.few, &mut self.many),
            false => (&mut self.many, &mut self.few),
        };
        other.clear();
        session.fill_again(&schema, table, self.engine.batch_rows(USUAL_ROW));
        self.engine
            .query(session.provide(&self.names, &Progress::default()))?;
        let events = session.rows(&self.events)?.collect::<Result<Vec<_>>>()?;
        let anchors = anchors(&events)?;
        let ends = match &self.endings {
            Some(view) => ends(session, view)?,
            None => HashMap::new(),
        };
        let mut findings = Vec::new();
        for batch in session.rows(&self.findings)? {
            let batch = batch?;
            for mut finding in rows(&batch)? {
                finding.anchor = anchors.get(finding.id.as_str()).cloned().flatten();
                finding.ends_at = ends.get(&finding.id).copied();
                findings.push(finding);
            }
        }
        Ok(Judgement {
            findings,
            events,
            took: began.elapsed(),
        })
    }
}

impl Judgement {
    /// What is said of these refusals, by their ids.
    pub(super) fn explain(&self, ids: &BTreeSet<&str>) -> Result<HashMap<String, Explained>> {
        let mut explained = HashMap::new();
        if ids.is_empty() {
            return Ok(explained);
        }
        for batch in &self.events {
            let text = |name| Ok::<_, Error>(text_column(batch, name)?.clone());
            let sign_in_id = text("sign_in_id")?;
            let (stated, reason, basis) = (
                text("stated_reason")?,
                text("reason")?,
                text("reason_basis")?,
            );
            let (cause, finding) = (text("cause")?, text("finding_id")?);
            let confidence = column(batch, "reason_confidence").map_err(failed)?;
            let confidence = confidence.as_primitive::<Float64Type>();
            for (row, id) in sign_in_id.iter().enumerate() {
                let Some(id) = id.filter(|id| ids.contains(id)) else {
                    continue;
                };
                let owned = |of: &StringArray| of.is_valid(row).then(|| of.value(row).to_owned());
                explained.insert(
                    id.to_owned(),
                    Explained {
                        stated_reason: owned(&stated),
                        reason: owned(&reason),
                        reason_basis: owned(&basis),
                        confidence: confidence.is_valid(row).then(|| confidence.value(row)),
                        cause: owned(&cause),
                        finding_id: owned(&finding),
                    },
                );
            }
        }
        Ok(explained)
    }
}

/// The latest refusal of each finding.
fn anchors(events: &[RecordBatch]) -> Result<HashMap<&str, Option<String>>> {
    let mut anchors: HashMap<&str, Option<&str>> = HashMap::new();
    for batch in events {
        let ids = text_column(batch, "sign_in_id")?;
        let findings = text_column(batch, "finding_id")?;
        for (finding, id) in findings.iter().zip(ids) {
            if let Some(finding) = finding {
                anchors.insert(finding, id);
            }
        }
    }
    let owned = anchors.into_iter();
    Ok(owned
        .map(|(finding, id)| (finding, id.map(str::to_owned)))
        .collect())
}

fn ends(session: &Session, view: &str) -> Result<HashMap<String, i64>> {
    let mut ends = HashMap::new();
    for batch in session.rows(view)? {
        let batch = batch?;
        let findings = text_column(&batch, "finding_id")?;
        let times = times(&batch, "ends_at")?;
        for (finding, time) in findings.iter().zip(&times) {
            if let (Some(finding), Some(time)) = (finding, time) {
                ends.insert(finding.to_owned(), time);
            }
        }
    }
    Ok(ends)
}

/// The rows of the result `findings`.
fn rows(batch: &RecordBatch) -> Result<Vec<Finding>> {
    let mut writer = RowWriter::new(
        Vec::new(),
        Path::new("findings"),
        Format::Json,
        batch.schema(),
    )?;
    writer.write(batch)?;
    let json = String::from_utf8_lossy(&writer.finish()?).into_owned();
    let ids = text_column(batch, "finding_id")?;
    let tenants = text_column(batch, "tenant_id")?;
    let causes = text_column(batch, "cause")?;
    let reasons = text_column(batch, "reason")?;
    let severities = text_column(batch, "severity")?;
    let compromised = column(batch, "compromised_users").map_err(failed)?;
    let (first, last) = (times(batch, "first_seen")?, times(batch, "last_seen")?);
    let of = |column: &StringArray, row: usize| {
        column.is_valid(row).then(|| column.value(row).to_owned())
    };
    let mut rows = Vec::with_capacity(batch.num_rows());
    for (row, body) in json.lines().enumerate() {
        let users = compromised.as_list_opt::<i32>();
        let users = users.filter(|users| users.is_valid(row));
        rows.push(Finding {
            id: of(ids, row).unwrap_or_default(),
            tenant: of(tenants, row),
            cause: of(causes, row).unwrap_or_default(),
            gravity: format!(
                "{} {} {}",
                of(severities, row).unwrap_or_default(),
                of(reasons, row).unwrap_or_default(),
                users.map_or(0, |users| users.value(row).len())
            ),
            first_seen: first.is_valid(row).then(|| first.value(row)),
            last_seen: last.is_valid(row).then(|| last.value(row)),
            body: body.to_owned(),
            ..Finding::default()
        });
    }
    Ok(rows)
}

fn text_column<'b>(batch: &'b RecordBatch, name: &str) -> Result<&'b StringArray> {
    let column = column(batch, name).map_err(failed)?;
    column
        .as_string_opt::<i32>()
        .ok_or_else(|| wrong_type(name))
}

fn times(batch: &RecordBatch, name: &str) -> Result<TimestampMicrosecondArray> {
    let column = column(batch, name).map_err(failed)?;
    let column = compute::cast(
        column,
        &DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
    )
    .map_err(failed)?;
    Ok(column.as_primitive::<TimestampMicrosecondType>().clone())
}

fn wrong_type(name: &str) -> Error {
    Error::setting(
        "--queries",
        format!("the column {name} of a result is not text"),
    )
}

fn failed(source: ArrowError) -> Error {
    Error::Table {
        input: "results".to_owned(),
        source,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Resources;
    use crate::signin::{Signin, SigninBatch};
    use crate::stream::history::History;

    /// What a judge with so much memory finds in 11,000 sign-ins, at three steps.
    fn found(memory: usize) -> (bool, Vec<Vec<String>>) {
        let temp = tempfile::tempdir().unwrap();
        let resources = Resources {
            threads: 2,
            memory,
            temp: temp.path().to_owned(),
        };
        let engine = Engine::start(&resources).unwrap();
        let mut judge = Judge::new(engine, Queries::builtin().unwrap()).unwrap();
        let mut history = History::new(judge.columns().unwrap()).unwrap();
        let (mut steps, mut number) = (Vec::new(), 0);
        for (rows, cause) in [(20, 50053), (10_980, 0), (30, 50126)] {
            let mut batch = SigninBatch::new(history.columns());
            for _ in 0..rows {
                number += 1;
                let (user, id) = (
                    format!("u{}@example.com", number % 40),
                    format!("id{number}"),
                );
                batch.push(&Signin {
                    sign_in_id: Some(id.into()),
                    time: Some(number * 1_000_000),
                    tenant_id: Some("t".into()),
                    user_principal_name: Some(user.into()),
                    ip_address: Some("192.0.2.7".into()),
                    error_code: Some(cause),
                    stated_reason: (cause == 50053).then_some("lockout".into()),
                    ..Signin::default()
                });
            }
            let batch = batch.take().unwrap().unwrap();
            history.add(&batch, 0).unwrap();
            let (schema, table) = history.table(8192).unwrap();
            let judged = judge.judge(schema, table).unwrap();
            steps.push(
                judged
                    .findings
                    .into_iter()
                    .map(|finding| finding.body)
                    .collect(),
            );
        }
        (history.len() <= judge.engine.few_rows(), steps)
    }

    #[test]
    fn few_sign_ins_and_many_are_judged_alike() {
        let (few, many) = (found(1 << 30), found(64 << 20));
        assert_eq!((few.0, many.0), (true, false));
        assert!(few.1.iter().all(|step| !step.is_empty()));
        assert_eq!(few.1, many.1);
    }
}
