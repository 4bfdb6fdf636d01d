//! Whole records in, rows out: the part of decoding that runs on every core.

use std::borrow::Cow;
use std::collections::BTreeMap;

use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;
use memchr::memchr;

use super::framing::structure::Structure;
use super::framing::{BOM, Records, too_long};
use super::json::{Key, Memory, Unreadable};
use super::judge::{Judged, Raw};
use super::{Block, Dialect, Limits, Spelling, Tally};
use crate::signin::{Columns, Signin, SigninBatch};

/// Which sign-ins are wanted. The default wants all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Keep {
    /// Only sign-ins at or after this time, microseconds UTC.
    pub since: Option<i64>,
    /// Only sign-ins before this time, microseconds UTC.
    pub until: Option<i64>,
    /// Only sign-ins that these tenants logged, lower case. Empty means every tenant.
    pub tenants: Vec<String>,
}

impl Keep {
    /// Whether a sign-in of this time and tenant is wanted. One without a time is not in any span,
    /// and one without a tenant not of any tenant.
    pub fn admits(&self, time: Option<i64>, tenant: Option<&str>) -> bool {
        let since = self
            .since
            .is_none_or(|since| time.is_some_and(|time| time >= since));
        let until = self
            .until
            .is_none_or(|until| time.is_some_and(|time| time < until));
        since
            && until
            && (self.tenants.is_empty()
                || self.tenants.iter().any(|wanted| Some(&**wanted) == tenant))
    }

    fn wants(&self, row: &Signin<'_>) -> bool {
        self.admits(row.time, row.tenant_id.as_deref())
    }
}

/// What one block held.
#[derive(Clone, Debug)]
pub struct Decoded {
    /// The rows, if any: the chosen columns and [`RICHNESS`](crate::signin::RICHNESS).
    pub batch: Option<RecordBatch>,
    /// What became of every record.
    pub tally: Tally,
}

/// Reads the records of blocks. Each thread has its own.
#[derive(Debug)]
pub struct BlockDecoder {
    spelling: Spelling,
    source_file: String,
    /// The text of column `spelling` for each dialect, in the order of
    /// [`DIALECTS`](super::DIALECTS).
    names: BTreeMap<&'static str, String>,
    keep: Keep,
    limits: Limits,
    memory: Memory,
    batch: SigninBatch,
}

impl BlockDecoder {
    /// A decoder for the blocks of one input.
    ///
    /// `source_file` is the text of the column of that name; `columns` are the columns to build.
    pub fn new(
        spelling: Spelling,
        source_file: &str,
        columns: Columns,
        keep: Keep,
        limits: Limits,
    ) -> Self {
        let name = |dialect: &&'static Dialect| {
            (
                dialect.name,
                Spelling {
                    framing: spelling.framing,
                    dialect,
                }
                .name(),
            )
        };
        BlockDecoder {
            spelling,
            source_file: source_file.to_owned(),
            names: super::DIALECTS.iter().map(name).collect(),
            keep,
            limits,
            memory: Memory::default(),
            batch: SigninBatch::new(columns),
        }
    }

    /// Reads every record of a block. A record that can't be read is counted and the others go on.
    ///
    /// # Errors
    /// Only what [`SigninBatch::take`] says.
    pub fn decode(&mut self, block: &Block) -> Result<Decoded, ArrowError> {
        let mut tally = Tally {
            rejected: block.rejected.clone(),
            ..Tally::default()
        };
        tally.records = tally.rejected.count;
        match &block.records {
            Records::At(ranges) => {
                for range in ranges {
                    let record = block.bytes.get(range.clone()).unwrap_or_default();
                    self.record(record, block.offset + range.start as u64, false, &mut tally);
                }
            }
            Records::Lines => self.lines(&block.bytes, block.offset, &mut tally),
        }
        Ok(Decoded {
            batch: self.batch.take()?,
            tally,
        })
    }

    fn lines(&mut self, mut bytes: &[u8], mut offset: u64, tally: &mut Tally) {
        while !bytes.is_empty() {
            let end = memchr(b'\n', bytes).unwrap_or(bytes.len());
            let (line, rest) = bytes.split_at_checked(end).unwrap_or((bytes, &[]));
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            // Files that were joined keep their byte order marks.
            let text = line.strip_prefix(BOM).unwrap_or(line);
            let blank = text.iter().all(u8::is_ascii_whitespace);
            let begin = offset + (line.len() - text.len()) as u64;
            if line.len() > self.limits.max_record {
                tally.records += 1;
                tally.rejected.add(offset, || too_long(self.limits));
            } else if !blank {
                self.record(text, begin, true, tally);
            }
            bytes = rest.get(1..).unwrap_or_default();
            offset += end as u64 + 1;
        }
    }

    /// One record, or a line that may also hold a list of records.
    fn record(&mut self, bytes: &[u8], offset: u64, is_line: bool, tally: &mut Tally) {
        let mut raw = Raw::default();
        let outcome = self.outcome(bytes, is_line, &mut raw);
        if let Outcome::List = outcome {
            let look = Structure::look(bytes, offset, self.limits, true);
            tally.records += look.rejected.count;
            tally.rejected += look.rejected;
            for range in look.records {
                let record = bytes.get(range.clone()).unwrap_or_default();
                self.record(record, offset + range.start as u64, false, tally);
            }
            return;
        }
        tally.records += 1;
        let row = &mut raw.row;
        match outcome {
            Outcome::Rejected(reason) => tally.rejected.add(offset, || reason.into_owned()),
            Outcome::Other(what) => *tally.others.entry(what.to_owned()).or_default() += 1,
            Outcome::SignIn(_) if !self.keep.wants(row) => tally.outside += 1,
            Outcome::SignIn(dialect) => {
                tally.sign_ins += 1;
                tally.without_id += u64::from(row.sign_in_id.is_none());
                tally.without_time += u64::from(row.time.is_none());
                tally.first_time = [tally.first_time, row.time].into_iter().flatten().min();
                tally.last_time = tally.last_time.max(row.time);
                *tally.dialects.entry(dialect.name).or_default() += 1;
                row.source_file = Some(Cow::Borrowed(&self.source_file));
                row.spelling = self
                    .names
                    .get(dialect.name)
                    .map(|name| Cow::Borrowed(&**name));
                self.batch.push(row);
            }
            Outcome::List => {}
        }
    }

    /// What a record is. The row of a sign-in is left in `raw`.
    fn outcome<'a>(&mut self, bytes: &'a [u8], is_line: bool, raw: &mut Raw<'a>) -> Outcome {
        let text = match std::str::from_utf8(bytes) {
            Ok(text) => text,
            Err(error) => {
                let at = error.valid_up_to();
                let reason = format!("not valid UTF-8 at byte {at} of the record");
                return Outcome::Rejected(reason.into());
            }
        };
        if is_line && text.trim_start().starts_with('[') {
            return Outcome::List;
        }
        let levels = self.limits.max_depth;
        let mut dialect = self.spelling.dialect;
        let mut result = (dialect.read)(text, levels, &mut self.memory, raw);
        let claimed = (dialect.claims)(raw.seen);
        if is_line {
            let lists = raw.seen.has(Key::Value) || raw.seen.has(Key::Records);
            let trailing = matches!(result, Err(Unreadable::Trailing));
            if trailing || lists && !claimed {
                return Outcome::List;
            }
        }
        if result.is_ok() && !claimed {
            let Some(other) = Dialect::of(raw.seen) else {
                return Outcome::Other("other");
            };
            dialect = other;
            *raw = Raw::default();
            result = (dialect.read)(text, levels, &mut self.memory, raw);
        }
        if let Err(error) = result {
            return Outcome::Rejected(words(&error, self.limits).into());
        }
        match raw.judge() {
            Judged::SignIn => Outcome::SignIn(dialect),
            Judged::Other(what) => Outcome::Other(what),
            Judged::Rejected(reason) => Outcome::Rejected(reason.into()),
        }
    }
}

/// What a record is.
enum Outcome {
    SignIn(&'static Dialect),
    /// Not a sign-in.
    Other(&'static str),
    Rejected(Cow<'static, str>),
    /// A line that is not a record itself but holds several.
    List,
}

/// Why a record is not readable, in words that hold nothing of the record itself.
fn words(error: &Unreadable, limits: Limits) -> String {
    match error {
        Unreadable::Depth => format!("nested deeper than {} levels, the limit", limits.max_depth),
        Unreadable::Trailing => "something follows the record on its line".to_owned(),
        Unreadable::Json(error) if error.is_eof() => {
            "the line ends inside a record (cut off?)".to_owned()
        }
        // What the parser says about syntax is fixed text and quotes no value.
        Unreadable::Json(error) => format!("not valid JSON: {error}"),
        Unreadable::NoObject => "not a JSON object".to_owned(),
    }
}
