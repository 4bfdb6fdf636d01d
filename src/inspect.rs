//! What each input is, before anything is judged: what it holds, what could not be read, and which
//! columns a judgement would miss. The first thing to run on a folder that nobody knows.
//!
//! Inputs are looked at one by one: a sign-in that two of them hold counts in both.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, PoisonError};

use arrow::array::{Array, AsArray, RecordBatch, StringArray};
use arrow::datatypes::{Int32Type, UInt16Type};
use hashbrown::HashSet;
use serde::Serialize;

use crate::batch::{self, Settings};
use crate::coverage::{Coverage, Input};
use crate::decode::REFUSED;
use crate::engine::Engine;
use crate::error::Result;
use crate::progress::Progress;
use crate::queries::Session;
use crate::read::Sink;
use crate::signin::{Columns, Places, RICHNESS};

/// Ids that are remembered to count copies, over all inputs: about 100 MB of them.
const IDS: usize = 8 << 20;

/// The view that says which columns a judgement rests on.
const NEEDS: &str = "needs";

/// One input, and what it holds.
#[derive(Clone, Debug, Serialize)]
pub struct Inspected {
    /// How reading went.
    #[serde(flatten)]
    pub input: Input,
    /// What the records are, for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub what: Option<&'static str>,
    /// Sign-ins with ids of their own; `None` where there are too many to count here.
    pub distinct_ids: Option<u64>,
    /// Sign-ins by category.
    pub categories: BTreeMap<String, u64>,
    /// Sign-ins that worked (error code 0).
    pub successes: u64,
    /// Sign-ins refused with 50053.
    pub refusals: u64,
    /// Those by stated reason.
    pub stated_reasons: BTreeMap<String, u64>,
    /// Columns that a judgement rests on and that some or all sign-ins do not fill.
    pub missing: Vec<Missing>,
}

/// A column that is not filled everywhere.
#[derive(Clone, Debug, Serialize)]
pub struct Missing {
    /// The column.
    pub column: String,
    /// Sign-ins that fill it. For `stated_reason`, refusals that state one.
    pub filled: u64,
    /// What is not known without it.
    pub lost: String,
    /// What helps.
    pub help: String,
}

/// Looks at every input. Nothing is judged, and nothing is written.
///
/// # Errors
/// Inputs that do not exist, settings that cannot be met, or a stop.
pub fn inspect(settings: &Settings, progress: &Progress) -> Result<(Vec<Inspected>, Coverage)> {
    let engine = Engine::start(&settings.resources)?;
    let needs = needs(&engine, settings)?;
    let looks = Looks::default();
    let columns = needs.iter().map(|need| need.column.as_str());
    let columns = Columns::of(columns).union(Columns::of(["category", "error_code"]));
    let inputs = batch::read_inputs(&engine, settings, columns, &looks, progress)?;
    let mut facts = looks
        .facts
        .into_inner()
        .unwrap_or_else(PoisonError::into_inner);
    let full = looks
        .ids
        .into_inner()
        .unwrap_or_else(PoisonError::into_inner)
        .full;
    let inspected = inputs.iter().enumerate().map(|(number, input)| {
        let facts = facts.remove(&(number as u32)).unwrap_or_default();
        facts.tell(input.clone(), &needs, full)
    });
    let inspected = inspected.collect();
    Ok((inspected, Coverage::of("inspect", inputs)))
}

/// A column that a judgement rests on.
struct Need {
    column: String,
    lost: String,
    help: String,
}

fn needs(engine: &Engine, settings: &Settings) -> Result<Vec<Need>> {
    let queries = settings.queries.clone();
    let mut session = Session::new(engine.context()?, queries, engine.temp())?;
    let view = BTreeSet::from([NEEDS.to_owned()]);
    engine.query(session.provide(&view, &Progress::default()))?;
    let mut needs = Vec::new();
    for batch in session.rows(NEEDS)? {
        let batch = batch?;
        let text = |column: usize, row: usize| {
            batch
                .columns()
                .get(column)
                .and_then(|column| column.as_string_opt::<i32>())
                .map(|texts| texts.value(row).to_owned())
                .unwrap_or_default()
        };
        needs.extend((0..batch.num_rows()).map(|row| Need {
            column: text(0, row),
            lost: text(1, row),
            help: text(2, row),
        }));
    }
    Ok(needs)
}

/// What all batches of all inputs showed so far.
#[derive(Default)]
struct Looks {
    facts: Mutex<HashMap<u32, Facts>>,
    ids: Mutex<Ids>,
    hasher: RandomState,
}

/// The ids met, by input.
#[derive(Default)]
struct Ids {
    seen: HashSet<(u32, u64)>,
    full: bool,
}

/// What one input holds.
#[derive(Default)]
struct Facts {
    rows: u64,
    filled: BTreeMap<String, u64>,
    categories: BTreeMap<String, u64>,
    reasons: BTreeMap<String, u64>,
    successes: u64,
    refusals: u64,
    ids: u64,
}

impl Sink for Looks {
    fn take(&self, batch: &RecordBatch, input: u32, _places: Places<'_>) -> Result<()> {
        let mut facts = Facts::of(batch);
        if let Some(ids) = text(batch, "sign_in_id") {
            let sign_ins = batch.column_by_name(RICHNESS);
            let sign_ins = sign_ins.map(|column| column.as_primitive::<UInt16Type>());
            let hashes: Vec<u64> = ids
                .iter()
                .enumerate()
                .filter(|(row, _)| sign_ins.is_none_or(|counts| counts.value(*row) > 0))
                .filter_map(|(_, id)| id.map(|id| self.hasher.hash_one(id)))
                .collect();
            let mut known = self.ids.lock().unwrap_or_else(PoisonError::into_inner);
            for hash in hashes {
                if known.seen.len() >= IDS {
                    known.full = true;
                    break;
                }
                facts.ids += u64::from(known.seen.insert((input, hash)));
            }
        }
        let mut all = self.facts.lock().unwrap_or_else(PoisonError::into_inner);
        all.entry(input).or_default().add(facts);
        Ok(())
    }

    fn forget(&self, input: u32) {
        let mut all = self.facts.lock().unwrap_or_else(PoisonError::into_inner);
        all.remove(&input);
        let mut known = self.ids.lock().unwrap_or_else(PoisonError::into_inner);
        known.seen.retain(|(of, _)| *of != input);
    }
}

fn text<'b>(batch: &'b RecordBatch, column: &str) -> Option<&'b StringArray> {
    batch.column_by_name(column)?.as_string_opt::<i32>()
}

impl Facts {
    fn of(batch: &RecordBatch) -> Facts {
        let mut facts = Facts::default();
        // Steps of sign-ins are rows without richness, and no sign-ins.
        let richness = batch.column_by_name(RICHNESS);
        let richness = richness.map(|column| column.as_primitive::<UInt16Type>());
        let is_sign_in = |row: usize| richness.is_none_or(|counts| counts.value(row) > 0);
        let rows: Vec<usize> = (0..batch.num_rows())
            .filter(|row| is_sign_in(*row))
            .collect();
        facts.rows = rows.len() as u64;
        for (field, column) in batch.schema().fields().iter().zip(batch.columns()) {
            let says = |row: &&usize| says(field.name(), column, **row);
            let filled = rows.iter().filter(says).count() as u64;
            facts.filled.insert(field.name().clone(), filled);
        }
        let codes = batch.column_by_name("error_code");
        if let Some(codes) = codes.and_then(|codes| codes.as_primitive_opt::<Int32Type>()) {
            let count = |code: i32| {
                let has = |row: &&usize| codes.is_valid(**row) && codes.value(**row) == code;
                rows.iter().filter(has).count() as u64
            };
            facts.successes = count(0);
            facts.refusals = count(REFUSED);
        }
        for (counts, column) in [
            (&mut facts.categories, "category"),
            (&mut facts.reasons, "stated_reason"),
        ] {
            let Some(texts) = text(batch, column) else {
                continue;
            };
            for row in rows.iter().filter(|row| texts.is_valid(**row)) {
                *counts.entry(texts.value(*row).to_owned()).or_default() += 1;
            }
        }
        facts
    }

    fn add(&mut self, other: Facts) {
        for (mine, theirs) in [
            (&mut self.filled, other.filled),
            (&mut self.categories, other.categories),
            (&mut self.reasons, other.reasons),
        ] {
            for (name, count) in theirs {
                *mine.entry(name).or_default() += count;
            }
        }
        self.rows += other.rows;
        self.successes += other.successes;
        self.refusals += other.refusals;
        self.ids += other.ids;
    }

    fn tell(self, input: Input, needs: &[Need], full: bool) -> Inspected {
        let missing = needs.iter().filter_map(|need| {
            let filled = self.filled.get(&need.column).copied().unwrap_or_default();
            let of = match need.column.as_str() {
                "stated_reason" => self.refusals,
                _ => self.rows,
            };
            (filled < of).then(|| Missing {
                column: need.column.clone(),
                filled,
                lost: need.lost.clone(),
                help: need.help.clone(),
            })
        });
        Inspected {
            missing: missing.collect(),
            what: input.spelling.as_deref().and_then(crate::decode::title),
            input,
            distinct_ids: (!full).then_some(self.ids),
            categories: self.categories,
            successes: self.successes,
            refusals: self.refusals,
            stated_reasons: self.reasons,
        }
    }
}

/// Whether a cell says anything.
fn says(column: &str, cells: &dyn Array, row: usize) -> bool {
    let nothing = match column {
        "category" | "password_result" => "unknown",
        "stated_reason" => "absent",
        _ => return cells.is_valid(row),
    };
    let text = cells
        .as_string_opt::<i32>()
        .filter(|cells| cells.is_valid(row));
    text.is_some_and(|cells| cells.value(row) != nothing)
}
