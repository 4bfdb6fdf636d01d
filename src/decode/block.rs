//! Whole records in, rows out: the part of decoding that runs on every core.

mod table;
mod words;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::mem;
use std::ops::Range;
use std::sync::Arc;

use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;
use memchr::memchr;

use super::dialect::category_of_file;
use super::framing::structure::Structure;
use super::framing::{BOM, Header, Records, csv, too_long};
use super::json::{Key, Memory, Seen, Unreadable};
use super::judge::{Judge, Judged, Raw};
use super::{Block, DateOrder, Dialect, Limits, Sift, Spelling, Tally};
use crate::signin::{Columns, Signin, SigninBatch};
pub(super) use table::Table;
use words::words;

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
    /// The rows, if any: the chosen columns and [`RICHNESS`](crate::signin::RICHNESS), which is 0 where
    /// a row is no sign-in but a step of one that is told elsewhere.
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
    /// The dialect of the last record. It is only read first, and never believed without its claim.
    expected: &'static Dialect,
    /// The fields of the last record, and what they told.
    claimed: Option<(Seen, Option<&'static Dialect>)>,
    /// The last header, and what it said.
    table: Option<(Arc<Header>, Arc<Table>)>,
    /// What the name of the input says about sign-ins that say nothing themselves.
    category_of_file: Option<&'static str>,
    judge: Judge,
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
            expected: spelling.dialect,
            claimed: None,
            table: None,
            category_of_file: category_of_file(source_file),
            judge: Judge::default(),
            batch: SigninBatch::new(columns),
        }
    }

    /// Says which of day and month stands first in this input. Until then, blocks whose tally needs
    /// the order are only looked at: they must be read again.
    pub fn set_date_order(&mut self, order: DateOrder) {
        self.judge.dates.order = Some(order);
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
            Records::At(ranges, headers) => {
                self.records(block.bytes(), block.offset, ranges, headers, &mut tally, 0);
            }
            Records::Lines => self.lines(block.bytes(), block.offset, &mut tally),
        }
        tally.dates = mem::take(&mut self.judge.dates.forms);
        Ok(Decoded {
            batch: self.batch.take()?,
            tally,
        })
    }

    /// Reads only those lines of a block that `sift` wants, and says of each row where its line begins. In the second pass
    /// nothing is counted again that the first one counted, but for the lines that are read now.
    ///
    /// # Errors
    /// As [`decode`](Self::decode).
    pub fn decode_some(
        &mut self,
        block: &Block,
        sift: &Sift,
    ) -> Result<(Decoded, Vec<u64>), ArrowError> {
        let sifted = sift.lines(block.bytes(), self.limits);
        let mut tally = Tally {
            records: sifted.passed,
            passed: sifted.passed,
            ..Tally::default()
        };
        if !sift.is_second() {
            tally.records += block.rejected.count;
            tally.rejected = block.rejected.clone();
        }
        let mut places = Vec::with_capacity(sifted.wanted.len());
        for line in sifted.wanted {
            let offset = block.offset + line.start as u64;
            let line = block.bytes().get(line).unwrap_or_default();
            self.line(line, offset, &mut tally);
            let rows = self.rows() - places.len();
            places.extend((offset..).take(rows));
        }
        tally.dates = mem::take(&mut self.judge.dates.forms);
        let batch = self.batch.take()?;
        Ok((Decoded { batch, tally }, places))
    }

    fn lines(&mut self, mut bytes: &[u8], mut offset: u64, tally: &mut Tally) {
        while !bytes.is_empty() {
            let end = memchr(b'\n', bytes).unwrap_or(bytes.len());
            let (line, rest) = bytes.split_at_checked(end).unwrap_or((bytes, &[]));
            self.line(line, offset, tally);
            bytes = rest.get(1..).unwrap_or_default();
            offset += end as u64 + 1;
        }
    }

    /// Reads one line, which stands at `offset`. Its rows wait for [`take`](Self::take), so that one
    /// who must know which line a row comes from can ask for [`rows`](Self::rows) in between.
    pub fn line(&mut self, line: &[u8], offset: u64, tally: &mut Tally) {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        // Files that were joined keep their byte order marks.
        let text = line.strip_prefix(BOM).unwrap_or(line);
        let blank = text.iter().all(u8::is_ascii_whitespace);
        let begin = offset + (line.len() - text.len()) as u64;
        if line.len() > self.limits.max_record {
            tally.records += 1;
            tally.rejected.add(offset, || too_long(self.limits));
        } else if !blank {
            self.record(text, begin, true, tally, 0);
        }
    }

    /// Rows that wait for [`take`](Self::take).
    pub fn rows(&self) -> usize {
        self.batch.len()
    }

    /// The rows of the lines read so far; `None` when there are none.
    ///
    /// # Errors
    /// Only what [`SigninBatch::take`] says.
    pub fn take(&mut self) -> Result<Option<RecordBatch>, ArrowError> {
        self.batch.take()
    }

    /// Records that have been found already, and rows under headers.
    fn records(
        &mut self,
        bytes: &[u8],
        offset: u64,
        ranges: &[Range<usize>],
        headers: &[(usize, Option<Arc<Header>>)],
        tally: &mut Tally,
        depth: usize,
    ) {
        let mut headers = headers.iter().peekable();
        let mut header = None;
        for (number, range) in ranges.iter().enumerate() {
            while let Some((_, next)) = headers.next_if(|(from, _)| *from <= number) {
                header = next.as_ref();
            }
            let record = bytes.get(range.clone()).unwrap_or_default();
            let offset = offset + range.start as u64;
            match header {
                Some(header) => self.row(record, offset, header, tally),
                None => self.record(record, offset, false, tally, depth),
            }
        }
    }

    /// One record, or text that may also hold a list of records.
    fn record(
        &mut self,
        bytes: &[u8],
        offset: u64,
        may_be_list: bool,
        tally: &mut Tally,
        depth: usize,
    ) {
        self.judge.dates.place = offset;
        let mut raw = Raw::default();
        let mut outcome = self.outcome(bytes, may_be_list, &mut raw);
        match outcome {
            Outcome::List => {
                let look = Structure::look(bytes, offset, self.limits, true);
                tally.records += look.rejected.count;
                tally.rejected += look.rejected;
                self.records(bytes, offset, &look.records, &look.headers, tally, depth);
                return;
            }
            Outcome::Inner if depth < WRAPPED_DEPTH => {
                let inner = raw.inner.take().unwrap_or_default();
                // Places inside an inner text mean nothing: the record around it is where it is.
                let mut own = Tally::default();
                self.record(inner.as_bytes(), offset, true, &mut own, depth + 1);
                own.rejected.move_to(offset);
                *tally += own;
                return;
            }
            Outcome::Inner => {
                outcome = Outcome::Rejected("wrapped in too many other records".into());
            }
            _ => {}
        }
        self.settle(outcome, &mut raw.row, offset, tally);
    }

    /// One row under a header.
    fn row(&mut self, bytes: &[u8], offset: u64, header: &Arc<Header>, tally: &mut Tally) {
        self.judge.dates.place = offset;
        let table = self.table(header);
        let text = match text(bytes) {
            Ok(text) => text,
            Err(outcome) => return self.settle(outcome, &mut Signin::default(), offset, tally),
        };
        let cells;
        let mut raw = Raw {
            seen: table.seen,
            ..Raw::default()
        };
        let dialect = table.dialect;
        let result = match header.delimiter {
            Some(delimiter) => {
                let is_known = |at| matches!(table.columns.get(at), Some(Some(_)));
                cells = csv::cells(text, delimiter, is_known);
                if cells.len() == table.columns.len() {
                    if let Some(dialect) = dialect {
                        (dialect.read_cells)(&table.columns, &cells, &mut self.memory, &mut raw);
                    }
                    Ok(())
                } else {
                    Err(Unreadable::Cells)
                }
            }
            None => {
                let read = dialect.map_or(self.spelling.dialect.read_list, |it| it.read_list);
                let levels = self.limits.max_depth;
                read(&table.columns, text, levels, &mut self.memory, &mut raw)
            }
        };
        let outcome = match (result, dialect) {
            (Err(error), _) => Outcome::Rejected(words(&error, self.limits).into()),
            (Ok(()), None) => Outcome::Other("other"),
            (Ok(()), Some(dialect)) if raw.inner.is_some() => {
                let inner = raw.inner.take().unwrap_or_default();
                let mut own = Tally::default();
                self.record(inner.as_bytes(), offset, true, &mut own, 1);
                own.rejected.move_to(offset);
                *tally += own;
                let _ = dialect;
                return;
            }
            (Ok(()), Some(dialect)) => self.judged(dialect, &mut raw),
        };
        self.settle(outcome, &mut raw.row, offset, tally);
    }

    /// What the cells under `header` are.
    fn table(&mut self, header: &Arc<Header>) -> Arc<Table> {
        match &self.table {
            Some((known, table)) if Arc::ptr_eq(known, header) => Arc::clone(table),
            _ => {
                let table = Arc::new(Table::of(header));
                self.table = Some((Arc::clone(header), Arc::clone(&table)));
                table
            }
        }
    }

    fn judged(&mut self, dialect: &'static Dialect, raw: &mut Raw<'_>) -> Outcome {
        match raw.judge(&mut self.judge) {
            Judged::SignIn => {
                if matches!(
                    raw.row.category.as_deref(),
                    Some("unknown" | "service_principal")
                ) && let Some(category) = self.category_of_file
                    && dialect.name == "portal"
                {
                    raw.row.category = Some(Cow::Borrowed(category));
                }
                Outcome::SignIn(dialect)
            }
            Judged::Step => Outcome::Step,
            Judged::Other(what) => Outcome::Other(what),
            Judged::Rejected(reason) => Outcome::Rejected(reason.into()),
        }
    }

    /// Counts what a record turned out to be, and keeps the row of a sign-in.
    fn settle<'a>(
        &'a mut self,
        outcome: Outcome,
        row: &mut Signin<'a>,
        offset: u64,
        tally: &mut Tally,
    ) {
        tally.records += 1;
        match outcome {
            Outcome::Rejected(reason) => tally.rejected.add(offset, || reason.into_owned()),
            Outcome::Other(what) => *tally.others.entry(what.to_owned()).or_default() += 1,
            // Whether its sign-in is wanted is not known here: without it the row comes to nothing.
            Outcome::Step => {
                tally.steps += 1;
                if row.sign_in_id.is_some() {
                    self.batch.push_step(row);
                }
            }
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
            Outcome::List | Outcome::Inner => {}
        }
    }

    /// What a record is. The row of a sign-in is left in `raw`.
    fn outcome<'a>(&mut self, bytes: &'a [u8], may_be_list: bool, raw: &mut Raw<'a>) -> Outcome {
        let text = match text(bytes) {
            Ok(text) => text,
            Err(outcome) => return outcome,
        };
        if may_be_list && text.trim_start().starts_with('[') {
            return Outcome::List;
        }
        let levels = self.limits.max_depth;
        let mut dialect = self.expected;
        let mut result = (dialect.read)(text, levels, &mut self.memory, raw);
        let claiming = self.claiming(raw.seen);
        if may_be_list {
            let lists = raw.seen.count(&LISTS) > 0;
            let trailing = matches!(result, Err(Unreadable::Trailing));
            if trailing || lists && claiming.is_none() {
                return Outcome::List;
            }
        }
        if let (Ok(()), Some(other)) = (&result, claiming)
            && !std::ptr::eq(other, dialect)
        {
            dialect = other;
            *raw = Raw::default();
            result = (dialect.read)(text, levels, &mut self.memory, raw);
        }
        if let Err(error) = result {
            return Outcome::Rejected(words(&error, self.limits).into());
        }
        let Some(dialect) = claiming else {
            return Outcome::Other("other");
        };
        self.expected = dialect;
        if raw.inner.is_some() {
            return Outcome::Inner;
        }
        self.judged(dialect, raw)
    }

    /// The dialect that claims records with these fields; mostly the same as of the last record.
    fn claiming(&mut self, seen: Seen) -> Option<&'static Dialect> {
        match self.claimed {
            Some((known, dialect)) if known == seen => dialect,
            _ => {
                let dialect = Dialect::of(seen);
                self.claimed = Some((seen, dialect));
                dialect
            }
        }
    }
}

/// So many records may be wrapped in one another.
pub(super) const WRAPPED_DEPTH: usize = 4;

/// Fields that hold lists of records.
const LISTS: [Key; 5] = [
    Key::Value,
    Key::Records,
    Key::Results,
    Key::Tables,
    Key::Hits,
];

/// A record as text, or its rejection.
#[inline]
fn text(bytes: &[u8]) -> Result<&str, Outcome> {
    simdutf8::basic::from_utf8(bytes).map_err(|_| {
        let at = std::str::from_utf8(bytes).map_or_else(|error| error.valid_up_to(), str::len);
        Outcome::Rejected(format!("not valid UTF-8 at byte {at} of the record").into())
    })
}

/// What a record is.
enum Outcome {
    SignIn(&'static Dialect),
    /// A step of a sign-in that is told elsewhere.
    Step,
    /// Not a sign-in.
    Other(&'static str),
    Rejected(Cow<'static, str>),
    /// Text that is not a record itself but holds several.
    List,
    /// A record that only carries another, which is left in `raw`.
    Inner,
}
