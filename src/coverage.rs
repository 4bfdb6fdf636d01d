//! Coverage: what was read, what was not, and what could therefore not be judged. Written as
//! `coverage.json` beside every result, so that a number can be trusted.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::context::Given;
use crate::decode::{DateOrder, Rejected, Tally};

/// The whole run.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Coverage {
    /// Always `signsift`: by this key we know our own file again.
    pub tool: &'static str,
    /// signsift's version.
    pub version: &'static str,
    /// analyze, convert or sql.
    pub command: &'static str,
    /// Sums over all inputs.
    pub totals: Totals,
    /// Sign-ins kept, by category: which of the sign-in tables the inputs hold.
    pub categories: BTreeMap<String, u64>,
    /// What could not be judged, and why.
    pub not_judged: Vec<NotJudged>,
    /// Thresholds in force, as SQL, with those that were overridden marked.
    pub thresholds: Vec<ThresholdInForce>,
    /// What the analyst knew and brought, and how many sign-ins it was filled into.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub context: Option<Given>,
    /// Event times asked for: from (inclusive) and until (exclusive), RFC 3339.
    pub asked: Asked,
    /// One entry for each input.
    pub inputs: Vec<Input>,
    /// The coverage of the archive that was analysed, from when it was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub archive: Option<serde_json::Value>,
}

/// The limits that were asked for.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Asked {
    /// `--since`.
    pub since: Option<String>,
    /// `--until`.
    pub until: Option<String>,
    /// `--tenant`; empty means all.
    pub tenants: Vec<String>,
}

/// Sums over all inputs.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Totals {
    /// Inputs met, whether read or not.
    pub inputs: u64,
    /// Inputs of which something is missing: unreadable, cut off or damaged.
    pub inputs_lost: u64,
    /// Inputs that hold no sign-ins and were left out.
    pub inputs_left_out: u64,
    /// Bytes on disk.
    pub bytes: u64,
    /// Records met.
    pub records: u64,
    /// Records that are sign-ins within what was asked for, copies included.
    pub sign_ins: u64,
    /// Sign-ins, each once.
    pub distinct: u64,
    /// Copies that were removed.
    pub duplicates: u64,
    /// Sign-ins outside `--since`, `--until` and `--tenant`.
    pub outside: u64,
    /// Records that could not be read.
    pub rejected: u64,
    /// Records of other logs.
    pub other_records: u64,
    /// Steps of sign-ins that are told in another input.
    #[serde(skip_serializing_if = "is_zero")]
    pub steps: u64,
    /// Sign-ins without an id, whose copies cannot be told.
    pub without_id: u64,
    /// Sign-ins without an event time, which no time window can hold unless a copy has it.
    pub without_time: u64,
    /// Earliest event, RFC 3339.
    pub first_time: Option<String>,
    /// Latest event, RFC 3339.
    pub last_time: Option<String>,
}

/// One input.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Input {
    /// Path as reached from what was typed, or `-`.
    pub name: String,
    /// How it went.
    pub status: Status,
    /// Why it was not, or not wholly, read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Framing and dialect, such as `diagnostic_settings.json_lines`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spelling: Option<String>,
    /// none, gzip, zstd, bzip2, xz or deflate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub compression: Option<&'static str>,
    /// How its text is encoded, where that is not UTF-8.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encoding: Option<&'static str>,
    /// Which of day and month stands first in dates such as `3/4/2026`: `day_first`, `month_first`,
    /// or `month_first_assumed` where no date shows it. Nothing where there are no such dates.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub date_order: Option<&'static str>,
    /// Bytes on disk that were read.
    pub bytes: u64,
    /// Records met.
    pub records: u64,
    /// Records that are sign-ins within what was asked for, copies included.
    pub sign_ins: u64,
    /// Sign-ins of this input that stayed.
    pub distinct: u64,
    /// Sign-ins of this input that were dropped, since another copy stayed.
    pub duplicates: u64,
    /// Sign-ins outside `--since`, `--until` and `--tenant`.
    pub outside: u64,
    /// Records that could not be read, with the first few.
    pub rejected: RejectedRecords,
    /// Records of other logs, by what they are.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub other_records: BTreeMap<String, u64>,
    /// Steps of sign-ins that are told in another input.
    #[serde(skip_serializing_if = "is_zero")]
    pub steps: u64,
    /// Sign-ins without an id.
    pub without_id: u64,
    /// Sign-ins without an event time; one with a copy elsewhere takes it from there.
    pub without_time: u64,
    /// Earliest event, RFC 3339.
    pub first_time: Option<String>,
    /// Latest event, RFC 3339.
    pub last_time: Option<String>,
    /// Earliest and latest event, in microseconds since the Unix epoch.
    #[serde(skip)]
    pub span: Option<(i64, i64)>,
    /// All that decoding counted.
    #[serde(skip)]
    pub(crate) tally: Tally,
}

/// How an input was dealt with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Read to its end.
    #[default]
    Read,
    /// Read up to a fault; what came before it is in the results.
    PartlyRead,
    /// Not read at all, though it should have been.
    Unreadable,
    /// Not sign-ins.
    LeftOut,
}

/// Records that could not be read.
#[derive(Clone, Debug, Default, Serialize)]
pub struct RejectedRecords {
    /// How many.
    pub count: u64,
    /// The first few.
    pub first: Vec<RejectedRecord>,
}

/// One record that could not be read.
#[derive(Clone, Debug, Serialize)]
pub struct RejectedRecord {
    /// Byte offset of the record in the unpacked input.
    pub offset: u64,
    /// Why.
    pub reason: String,
}

/// Something that the inputs do not allow to judge.
#[derive(Clone, Debug, Serialize)]
pub struct NotJudged {
    /// What could not be judged.
    pub what: String,
    /// Why, and what would help.
    pub why: String,
}

/// One threshold in force.
#[derive(Clone, Debug, Serialize)]
pub struct ThresholdInForce {
    /// Its name.
    pub name: String,
    /// Its value, as SQL.
    pub value: String,
    /// Whether it is not the default.
    pub overridden: bool,
}

impl From<Rejected> for RejectedRecords {
    fn from(rejected: Rejected) -> Self {
        let first = rejected
            .samples
            .into_iter()
            .map(|sample| RejectedRecord {
                offset: sample.offset,
                reason: sample.reason,
            })
            .collect();
        RejectedRecords {
            count: rejected.count,
            first,
        }
    }
}

impl Input {
    /// An input that is not read, with the reason.
    pub fn not_read(name: &str, status: Status, reason: impl Into<String>) -> Input {
        Input {
            name: name.to_owned(),
            status,
            reason: Some(reason.into()),
            ..Input::default()
        }
    }

    /// Takes over what decoding counted.
    pub fn count(&mut self, tally: Tally) {
        self.tally = tally.clone();
        self.date_order = tally.dates.need_order().then(|| match tally.dates.order() {
            DateOrder::DayFirst => "day_first",
            DateOrder::MonthFirst if tally.dates.is_guess() => ASSUMED,
            DateOrder::MonthFirst => "month_first",
        });
        self.records = tally.records;
        self.sign_ins = tally.sign_ins;
        self.distinct = tally.sign_ins;
        self.outside = tally.outside;
        self.rejected = tally.rejected.into();
        self.other_records = tally.others;
        self.steps = tally.steps;
        self.without_id = tally.without_id;
        self.without_time = tally.without_time;
        self.span = tally.first_time.zip(tally.last_time);
        self.first_time = tally.first_time.and_then(rfc3339);
        self.last_time = tally.last_time.and_then(rfc3339);
    }

    /// Takes over what was counted of records that had been passed over before.
    pub fn count_passed(&mut self, found: Input) {
        let mut found = found.tally;
        let mut sum = std::mem::take(&mut self.tally);
        // They were counted as records already, and all others were passed over again.
        let read = found.records - found.passed;
        sum.passed = sum.passed.saturating_sub(read);
        (found.records, found.passed) = (0, 0);
        sum += found;
        self.count(sum);
    }

    /// Takes off `rows` that were copies of sign-ins which stayed elsewhere.
    pub fn drop_copies(&mut self, rows: u64) {
        self.duplicates += rows;
        self.distinct = self.distinct.saturating_sub(rows);
    }

    /// One line for people that says why this input was not, or not wholly, read.
    pub fn complaint(&self) -> String {
        let mut text = format!("{}: ", self.name);
        match (&self.reason, self.rejected.count) {
            (Some(reason), _) => text.push_str(reason),
            (None, 0) if !self.has_records() && self.steps > 0 => text.push_str(
                "it only has the steps of sign-ins; give the sign-ins that were downloaded with it too",
            ),
            (None, 0) => text.push_str("read"),
            (None, 1) => text.push_str("1 record could not be read"),
            (None, count) => text.push_str(&format!("{count} records could not be read")),
        }
        if let Some(first) = self.rejected.first.first() {
            text.push_str(&format!(
                "; the first at byte {}: {}",
                first.offset, first.reason
            ));
        }
        text
    }

    /// Whether any record could be read that says something by itself.
    pub fn has_records(&self) -> bool {
        self.records > self.rejected.count + self.steps
    }

    /// Whether something that should have been read was not.
    pub fn is_lost(&self) -> bool {
        matches!(self.status, Status::PartlyRead | Status::Unreadable) || self.rejected.count > 0
    }
}

impl Coverage {
    /// The coverage of `inputs`, summed.
    pub fn of(command: &'static str, inputs: Vec<Input>) -> Coverage {
        let sum = |of: fn(&Input) -> u64| inputs.iter().map(of).sum();
        let times = || inputs.iter().filter_map(|input| input.span);
        let totals = Totals {
            inputs: inputs.len() as u64,
            inputs_lost: sum(|input| {
                matches!(input.status, Status::PartlyRead | Status::Unreadable).into()
            }),
            inputs_left_out: sum(|input| (input.status == Status::LeftOut).into()),
            bytes: sum(|input| input.bytes),
            records: sum(|input| input.records),
            sign_ins: sum(|input| input.sign_ins),
            distinct: sum(|input| input.distinct),
            duplicates: sum(|input| input.duplicates),
            outside: sum(|input| input.outside),
            rejected: sum(|input| input.rejected.count),
            other_records: sum(|input| input.other_records.values().sum()),
            steps: sum(|input| input.steps),
            without_id: sum(|input| input.without_id),
            without_time: sum(|input| input.without_time),
            first_time: times().map(|(first, _)| first).min().and_then(rfc3339),
            last_time: times().map(|(_, last)| last).max().and_then(rfc3339),
        };
        Coverage {
            tool: "signsift",
            version: env!("CARGO_PKG_VERSION"),
            command,
            totals,
            not_judged: assumed_dates(&inputs).into_iter().collect(),
            inputs,
            ..Coverage::default()
        }
    }

    /// Whether something that should have been read was not.
    pub fn is_lossy(&self) -> bool {
        self.inputs.iter().any(Input::is_lost)
    }
}

/// The order of day and month that is a guess.
const ASSUMED: &str = "month_first_assumed";

fn assumed_dates(inputs: &[Input]) -> Option<NotJudged> {
    let mut assumed = inputs
        .iter()
        .filter(|input| input.date_order == Some(ASSUMED));
    let first = &assumed.next()?.name;
    let inputs = match assumed.count() {
        0 => first.clone(),
        more => format!("{first} and {more} more"),
    };
    Some(NotJudged {
        what: format!("which of day and month stands first in the dates of {inputs}"),
        why: "no date there shows it, so the month was taken; if that is wrong, export with ISO dates or add days after the 12th"
            .to_owned(),
    })
}

fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// Microseconds since the Unix epoch as RFC 3339 in UTC.
pub(crate) fn rfc3339(micros: i64) -> Option<String> {
    jiff::Timestamp::from_microsecond(micros)
        .ok()
        .map(|time| time.to_string())
}
