//! One step of judgement: the queries of a batch over everything that is remembered.

use std::collections::{BTreeSet, HashMap};
use std::path::Path;
use std::time::{Duration, Instant};

use datafusion::arrow::array::{
    Array, AsArray, RecordBatch, StringArray, TimestampMicrosecondArray,
};
use datafusion::arrow::compute;
use datafusion::arrow::datatypes::{DataType, Float64Type, TimeUnit, TimestampMicrosecondType};
use datafusion::arrow::error::ArrowError;

use super::history::column;
use crate::engine::{Engine, USUAL_ROW};
use crate::error::{Error, Result};
use crate::progress::Progress;
use crate::queries::{Changes, Queries, Session};
use crate::results::{Format, RowWriter};
use crate::signin::Columns;

/// The view that says when a finding has ended, if there is one.
const ENDINGS: &str = "endings";

/// Runs the steps.
pub(super) struct Judge {
    engine: Engine,
    queries: Queries,
    /// The queries, planned once for all steps, with what they found in the last one.
    session: Session,
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
        if endings.is_some_and(|query| !query.header.keep) {
            let reason = format!("the query {ENDINGS} needs the line `-- keep: yes` at its top");
            return Err(Error::setting("--queries", reason));
        }
        let endings = endings.map(|query| query.name.clone());
        let (findings, events) = (view("findings")?, view("events")?);
        let names = [Some(&findings), Some(&events), endings.as_ref()];
        let names = names.into_iter().flatten().cloned().collect();
        let session = Session::new(engine.context()?, queries.clone(), engine.temp())?;
        let mut session = session.of_stream(engine.view_budget());
        engine.query(session.plan(&names))?;
        Ok(Judge {
            engine,
            queries,
            session,
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
                let needs = self.engine.query(self.session.needs(&self.names, None))?;
                Ok(needs.columns)
            }
        }
    }

    /// Judges `signins`, of which only what is in `changes` is not as it was in the step before.
    pub(super) fn judge(&mut self, signins: RecordBatch, changes: Changes) -> Result<Judgement> {
        let began = Instant::now();
        let session = &mut self.session;
        session.fill_again(signins, changes, self.engine.batch_rows(USUAL_ROW));
        self.found(began)
    }

    /// What the queries find in the sign-ins that the session has.
    fn found(&mut self, began: Instant) -> Result<Judgement> {
        let session = &mut self.session;
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
    use crate::queries::table::Table;
    use datafusion::arrow::util::pretty::pretty_format_batches;
    use datafusion::catalog::TableProvider;
    use datafusion::datasource::MemTable;
    use std::sync::Arc;

    use super::*;
    use crate::engine::Resources;
    use crate::signin::{Signin, SigninBatch};
    use crate::stream::history::History;

    /// Numbers that look like chance, the same in every run.
    struct Dice(u64);

    impl Dice {
        fn below(&mut self, sides: u64) -> u64 {
            self.0 = self.0.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
            (self.0 >> 33) % sides
        }

        fn one<T: Copy>(&mut self, of: &[T]) -> T {
            of[self.below(of.len() as u64) as usize]
        }
    }

    /// So many microseconds lie between sign-ins.
    const APART: i64 = 120_000_000;

    /// A sign-in of accounts that have homes, until somebody sprays them and gets in: at a guess, and from new places.
    fn sprayed(dice: &mut Dice, number: i64) -> Signin<'static> {
        let user = dice.below(6);
        let (code, ip, network, client) = match (number, dice.below(4)) {
            (..500, _) | (_, 0) => (0, "198.51.100", user, "Edge"),
            (_, 1) if number > 700 => (0, "203.0.114", user, "Safari"),
            (_, 2) if number > 800 => (0, "203.0.113", dice.below(2), "Edge"),
            _ => (
                dice.one(&[50126, 50126, 50053]),
                "203.0.113",
                dice.below(2),
                "Opera",
            ),
        };
        Signin {
            sign_in_id: Some(format!("id{number}").into()),
            time: Some(number * APART),
            tenant_id: Some("a".into()),
            user_id: Some(format!("v{user}").into()),
            user_principal_name: Some(format!("v{user}@example.com").into()),
            ip_address: Some(format!("{ip}.{network}").into()),
            ip_network: Some(format!("{ip}.0/24").into()),
            user_agent: Some(client.into()),
            error_code: Some(code),
            stated_reason: (code == 50053).then(|| "lockout".into()),
            ..Signin::default()
        }
    }

    /// A guess at one of two accounts, which is near those before it in time, so that windows hold several, of several sources and
    /// steps.
    fn guessed(number: i64) -> Option<Signin<'static>> {
        let (burst, nth) = (number / 50, number / 4);
        (number > 400 && number % 4 == 0).then(|| Signin {
            sign_in_id: Some(format!("guess{number}").into()),
            time: Some(burst * 50 * APART + number % 50 * 20_000_000),
            tenant_id: Some("a".into()),
            user_id: Some(format!("w{}", nth % 2).into()),
            ip_address: Some(format!("203.0.115.{}", nth % 3).into()),
            ip_network: Some("203.0.115.0/24".into()),
            user_agent: Some("Opera".into()),
            error_code: Some(if nth % 4 == 3 { 50053 } else { 50126 }),
            stated_reason: (nth % 4 == 3).then(|| "lockout".into()),
            ..Signin::default()
        })
    }

    /// Somebody who signs in at home, then is blocked at an address that nobody else has and that is on a list, then at home again.
    fn travelled(number: i64) -> Option<Signin<'static>> {
        let (trip, away) = (number / 20, number % 20 == 6);
        let place = match away {
            true => format!("203.0.116.{}", trip % 200),
            false => "198.51.101.7".to_owned(),
        };
        (number % 6 == 0 && number % 20 < 15).then(|| Signin {
            sign_in_id: Some(format!("trip{number}").into()),
            time: Some(number * APART),
            tenant_id: Some("a".into()),
            user_id: Some(format!("x{}", trip % 3).into()),
            ip_address: Some(place.into()),
            ip_network: Some(
                if away {
                    "203.0.116.0/24"
                } else {
                    "198.51.101.0/24"
                }
                .into(),
            ),
            user_agent: Some("Edge".into()),
            error_code: Some(if away { 50053 } else { 0 }),
            stated_reason: away.then(|| "malicious_ip".into()),
            indicators: away.then(|| vec!["a list".into()]),
            ..Signin::default()
        })
    }

    /// A sign-in of a few accounts, places and clients, so that everything is beside everything.
    fn throw(dice: &mut Dice, number: i64) -> Signin<'static> {
        if dice.below(4) == 0 {
            return sprayed(dice, number);
        }
        let (user, place) = (dice.below(12), dice.below(8));
        let code = dice.one(&[
            0, 0, 0, 0, 0, 50053, 50053, 50126, 50126, 50126, 50074, 50034,
        ]);
        let stated = [
            Some("lockout"),
            Some("malicious_ip"),
            Some("high_confidence_risk"),
            None,
            None,
        ];
        let (ip, network) = match place {
            0 => ("2001:db8::7".to_owned(), "2001:db8::/64".to_owned()),
            _ => (
                format!("192.0.{place}.{}", dice.below(2)),
                format!("192.0.{place}.0/24"),
            ),
        };
        // Some accounts have no id, some that of nobody, and some sign-ins name neither.
        let id = match user {
            0..8 => Some(format!("u{user}")),
            8..10 => Some("00000000-0000-0000-0000-000000000000".to_owned()),
            _ => None,
        };
        Signin {
            // Now and then another copy of one that was there.
            sign_in_id: (dice.below(20) > 0).then(|| {
                let again = dice.below(10) == 0 && number > 50;
                format!(
                    "id{}",
                    if again {
                        number - dice.below(50) as i64
                    } else {
                        number
                    }
                )
                .into()
            }),
            time: (dice.below(40) > 0).then(|| number * APART - dice.below(900) as i64 * 1_000_000),
            tenant_id: Some(if dice.below(9) == 0 { "b" } else { "a" }.into()),
            user_id: id.map(Into::into),
            user_principal_name: (user < 11).then(|| format!("u{user}@example.com").into()),
            ip_address: (dice.below(30) > 0).then(|| ip.into()),
            ip_network: (dice.below(30) > 0).then(|| network.into()),
            user_agent: dice
                .one(&[None, Some("curl"), Some("Firefox"), Some("BAV2ROPC")])
                .map(Into::into),
            client_app: dice
                .one(&[None, Some("Browser"), Some("IMAP4")])
                .map(Into::into),
            device_id: (dice.below(6) == 0).then(|| format!("d{user}").into()),
            error_code: (dice.below(20) > 0).then_some(code),
            // What is known of a password without a code is all that there is.
            password_result: dice
                .one(&[None, None, Some("incorrect"), Some("correct")])
                .map(Into::into),
            stated_reason: (code == 50053).then(|| dice.one(&stated).unwrap_or("absent").into()),
            ..Signin::default()
        }
    }

    fn judge(temp: &Path) -> Judge {
        let resources = Resources {
            threads: 2,
            memory: 1 << 30,
            temp: temp.to_owned(),
        };
        let engine = Engine::start(&resources).unwrap();
        Judge::new(engine, Queries::builtin().unwrap()).unwrap()
    }

    /// What the judge finds in a table of so many sign-ins, as an analysis does.
    fn anew(judge: &mut Judge, table: Arc<dyn TableProvider>, rows: usize) -> Vec<String> {
        judge.session.fill(table, rows, 8192);
        bodies(judge.found(Instant::now()).unwrap())
    }

    /// The findings in one order: in a stream they have none.
    fn bodies(judgement: Judgement) -> Vec<String> {
        let events = judgement
            .events
            .iter()
            .map(RecordBatch::num_rows)
            .sum::<usize>();
        let findings = judgement.findings.into_iter();
        let bodies = findings.map(|finding| {
            format!(
                "{} {:?} {:?} {}",
                finding.body, finding.anchor, finding.ends_at, finding.gravity
            )
        });
        let mut bodies: Vec<String> = bodies.chain([format!("{events} events")]).collect();
        bodies.sort_unstable();
        bodies
    }

    /// The rows of every stored view, in one order and whatever they are kept as.
    fn stored(judge: &Judge) -> Vec<(String, Vec<String>)> {
        let views = judge.queries.list().iter().map(|query| {
            let rows = judge.session.rows(&query.name).unwrap();
            let mut lines: Vec<String> = rows
                .flat_map(|rows| {
                    let rows = pretty_format_batches(&[rows.unwrap()]).unwrap().to_string();
                    let lines = rows.lines().filter(|line| line.starts_with('|')).skip(1);
                    let cells = lines.map(|line| line.split_whitespace().collect::<String>());
                    cells.collect::<Vec<_>>()
                })
                .collect();
            lines.sort_unstable();
            (query.name.clone(), lines)
        });
        // Rows of one fold may be cut in other places.
        let is_fold = |name: &String| ["visits", "tenant_parts"].contains(&name.as_str());
        views.filter(|(name, _)| !is_fold(name)).collect()
    }

    #[test]
    fn steps_that_read_what_is_new_find_what_an_analysis_finds() {
        let temp = tempfile::tempdir().unwrap();
        let mut steps = judge(temp.path());
        let engine = steps.engine.context().unwrap();
        let mut whole = judge(temp.path());
        whole.session = Session::new(engine, whole.queries.clone(), temp.path()).unwrap();
        let mut history = History::new(steps.columns().unwrap()).unwrap();
        let (mut dice, mut number, mut most) = (Dice(7), 0, 0);
        let mut filled = BTreeSet::new();
        for step in 0..24 {
            let mut batch = SigninBatch::new(history.columns());
            // Large steps and small ones, and some with nothing but sign-ins that worked.
            let is_quiet = step % 4 == 3;
            for _ in 0..dice.one(&[1, 3, 20, 300]) {
                number += 1;
                let signin = throw(&mut dice, number);
                batch.push(&Signin {
                    error_code: if is_quiet { Some(0) } else { signin.error_code },
                    stated_reason: signin.stated_reason.clone().filter(|_| !is_quiet),
                    ..signin
                });
                let others = [guessed(number), travelled(number)];
                for other in others.into_iter().flatten().filter(|_| !is_quiet) {
                    batch.push(&other);
                }
            }
            history.add(&batch.take().unwrap().unwrap(), 0).unwrap();
            if step % 10 == 9 {
                history.forget(number * APART * 2 / 3, history.len());
            }
            let (signins, changes) = history.table().unwrap();
            // A table of the engine's is read whole by each view.
            let (schema, rows) = (signins.schema(), signins.num_rows());
            let all = MemTable::try_new(Arc::clone(&schema), vec![vec![signins.clone()]]);
            let expected = anew(&mut whole, Arc::new(all.unwrap()), rows);
            if step % 3 == 2 {
                let ours = Table::new(schema, vec![signins.clone()]);
                let found = anew(&mut whole, Arc::new(ours), rows);
                assert_eq!(found, expected, "an analysis at step {step}");
            }
            let found = bodies(steps.judge(signins, changes).unwrap());
            assert_eq!(found, expected, "step {step}");
            for (ours, theirs) in stored(&steps).into_iter().zip(stored(&whole)) {
                assert_eq!(ours, theirs, "step {step}");
                if !ours.1.is_empty() {
                    filled.insert(ours.0);
                }
            }
            most = most.max(found.len());
        }
        assert!(most > 10, "{most} findings are few to compare");
        let list = steps.queries.list().iter();
        let by = list.filter(|query| !query.header.by.is_empty());
        let never: Vec<_> = by.filter(|query| !filled.contains(&query.name)).collect();
        let never: Vec<_> = never.iter().map(|query| &query.name).collect();
        assert!(never.is_empty(), "{never:?} never had a row to compare");
    }
}
