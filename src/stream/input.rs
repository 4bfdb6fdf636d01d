//! Standard input to decoded lines, on a thread of its own: what waits is bounded, so a slow reader
//! of findings slows whoever writes to us.

use std::io::{self, Read};
use std::mem;
use std::ops::Range;
use std::sync::mpsc::Sender;
use std::sync::{Arc, Condvar, Mutex, PoisonError};

use arrow::array::RecordBatch;
use memchr::memchr;

use super::Event;
use crate::decode::{BlockDecoder, Keep, Limits, Spelling, Tally};
use crate::error::{Error, Result};
use crate::signin::Columns;

/// Bytes asked of the system at a time.
const READ: usize = 1 << 20;

/// Of a line that is too long so much is kept to show.
const SHOWN: usize = 4096;

/// Of a transaction so many bytes or lines are held before they are dealt with; those of rsyslog are shorter.
const HELD: usize = 16 << 20;
const HELD_LINES: usize = 1 << 14;

/// What a line takes that waits by itself, beside its bytes.
const ALONE: usize = 128;

/// What has come, in the order in which it is to be answered.
pub(super) enum Came {
    /// Whole lines.
    Lines(Box<Arrived>),
    /// A line of a transaction, as it is: it comes again with the others of it.
    Deferred(Vec<u8>),
}

impl Came {
    /// How many bytes wait with it.
    pub(super) fn len(&self) -> usize {
        match self {
            Came::Lines(arrived) => arrived.bytes.len(),
            Came::Deferred(line) => line.len() + ALONE,
        }
    }
}

/// Lines that have come together.
#[derive(Default)]
pub(super) struct Arrived {
    /// The bytes that the lines are in.
    pub(super) bytes: Vec<u8>,
    /// What each line is.
    pub(super) lines: Vec<Line>,
    /// The rows of all lines.
    pub(super) rows: Option<RecordBatch>,
    /// What became of the records in them.
    pub(super) tally: Tally,
    /// So many of the lines, the first ones, have been deferred, and answered then.
    pub(super) deferred: usize,
}

/// One line.
pub(super) struct Line {
    /// Where it lies, without its end.
    pub(super) place: Range<usize>,
    /// Its rows.
    pub(super) rows: Range<usize>,
    /// Why it, or a record in it, could not be read.
    pub(super) rejected: Option<String>,
    /// Whether it was too long, so that only its start is here.
    pub(super) cut: bool,
}

/// How many bytes wait to be dealt with.
#[derive(Clone)]
pub(super) struct Waiting {
    most: usize,
    bytes: Arc<(Mutex<usize>, Condvar)>,
}

impl Waiting {
    pub(super) fn new(most: usize) -> Waiting {
        Waiting {
            most,
            bytes: Arc::default(),
        }
    }

    /// Waits until there is room, and takes it.
    fn take(&self, bytes: usize) {
        let (waiting, changed) = &*self.bytes;
        let mut waiting = waiting.lock().unwrap_or_else(PoisonError::into_inner);
        while *waiting > 0 && *waiting + bytes > self.most {
            waiting = changed
                .wait(waiting)
                .unwrap_or_else(PoisonError::into_inner);
        }
        *waiting += bytes;
    }

    /// How many there are now.
    pub(super) fn bytes(&self) -> usize {
        *self.bytes.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives room back.
    pub(super) fn give(&self, bytes: usize) {
        let (waiting, changed) = &*self.bytes;
        *waiting.lock().unwrap_or_else(PoisonError::into_inner) -= bytes;
        changed.notify_all();
    }
}

/// Cuts lines and decodes them.
pub(super) struct Lines {
    decoder: BlockDecoder,
    max_line: usize,
    /// A line that has begun.
    begun: Vec<u8>,
    /// Inside a line that is too long, of which the start is in `begun`.
    skipping: bool,
    /// Whether a line begins a transaction (`true`) or ends it. Such a line is passed on undecoded.
    control: fn(&[u8]) -> Option<bool>,
    in_transaction: bool,
    /// Lines that are not passed on yet. Their rows are in the decoder: rows that are built one by one take many times as
    /// long as those of a transaction together.
    held: Arrived,
}

impl Lines {
    pub(super) fn new(
        columns: Columns,
        keep: Keep,
        max_line: usize,
        control: fn(&[u8]) -> Option<bool>,
    ) -> Lines {
        let limits = Limits {
            max_record: max_line,
            ..Limits::default()
        };
        Lines {
            decoder: BlockDecoder::new(Spelling::lines(), "-", columns, keep, limits),
            max_line,
            begun: Vec::new(),
            skipping: false,
            control,
            in_transaction: false,
            held: Arrived::default(),
        }
    }

    /// What is whole now that `bytes` have come; at the end (no bytes) the last line needs no line end.
    pub(super) fn push(&mut self, bytes: &[u8]) -> Result<Vec<Came>> {
        let at_end = bytes.is_empty();
        let mut came = Vec::new();
        self.held.bytes.reserve(self.begun.len() + bytes.len());
        let mut rest = bytes;
        while let Some(end) = memchr(b'\n', rest) {
            self.grow(&rest[..end]);
            self.line(&mut came)?;
            rest = &rest[end + 1..];
        }
        self.grow(rest);
        if at_end && !self.begun.is_empty() {
            self.line(&mut came)?;
        }
        if at_end || !self.in_transaction {
            self.pass_on(&mut came)?;
        }
        Ok(came)
    }

    /// Passes on what is held.
    fn pass_on(&mut self, came: &mut Vec<Came>) -> Result<()> {
        let mut arrived = mem::take(&mut self.held);
        if arrived.lines.is_empty() {
            return Ok(());
        }
        arrived.rows = self.decoder.take().map_err(|source| Error::Table {
            input: "-".to_owned(),
            source,
        })?;
        came.push(Came::Lines(Box::new(arrived)));
        Ok(())
    }

    /// Adds to the line that has begun.
    fn grow(&mut self, bytes: &[u8]) {
        if self.skipping {
            return;
        }
        self.begun.extend_from_slice(bytes);
        // One byte more may be the CR of the line's end.
        if self.begun.len() > self.max_line + 1 {
            self.skipping = true;
            self.begun.truncate(SHOWN);
        }
    }

    /// The line that has begun is whole.
    fn line(&mut self, came: &mut Vec<Came>) -> Result<()> {
        let begun = mem::take(&mut self.begun);
        let line = begun.strip_suffix(b"\r").unwrap_or(&begun);
        let first = self.decoder.rows();
        let mut tally = Tally::default();
        let mut rejected = None;
        let is_long = self.skipping || line.len() > self.max_line;
        let control = if is_long { None } else { (self.control)(line) };
        if is_long {
            let reason = format!(
                "longer than {} bytes, the limit for one line",
                self.max_line
            );
            tally.records += 1;
            tally.rejected.count += 1;
            rejected = Some(reason);
        } else if control.is_none() {
            self.decoder.line(line, 0, &mut tally);
            let sample = tally.rejected.samples.first();
            rejected = sample.map(|sample| sample.reason.clone());
        }
        let held = &mut self.held;
        let from = held.bytes.len();
        held.bytes.extend_from_slice(line);
        held.lines.push(Line {
            place: from..held.bytes.len(),
            rows: first..self.decoder.rows(),
            rejected,
            cut: self.skipping,
        });
        held.tally += tally;
        match control {
            Some(begins) => {
                self.in_transaction = begins;
                self.pass_on(came)?;
            }
            None if !self.in_transaction => {}
            // Of a line that is too long not all is here: it can only be dealt with now.
            None if is_long => self.pass_on(came)?,
            None => {
                held.deferred += 1;
                came.push(Came::Deferred(line.to_vec()));
                if held.bytes.len() > HELD || held.lines.len() > HELD_LINES {
                    self.pass_on(came)?;
                }
            }
        }
        self.begun = begun;
        self.begun.clear();
        self.skipping = false;
        Ok(())
    }
}

/// Reads `input` to its end and sends what comes. Ends early when nobody takes it any more.
pub(super) fn read(
    mut input: impl Read,
    mut lines: Lines,
    waiting: &Waiting,
    send: &Sender<Event>,
) {
    let mut buffer = vec![0; READ];
    loop {
        let read = match input.read(&mut buffer) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            read => read,
        };
        let (bytes, ended) = match &read {
            Ok(0) | Err(_) => (&[][..], true),
            Ok(read) => (&buffer[..*read], false),
        };
        let events = match lines.push(bytes) {
            Ok(came) => came.into_iter().map(Event::Came).collect(),
            Err(error) => vec![Event::Ended(Err(error))],
        };
        for event in events {
            if let Event::Came(came) = &event {
                waiting.take(came.len());
            }
            if send.send(event).is_err() {
                return;
            }
        }
        if ended {
            let end = read.map(|_| ()).map_err(|source| Error::Read {
                path: "-".into(),
                source,
            });
            // Nobody may be left to hear it.
            let _ = send.send(Event::Ended(end));
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn control(line: &[u8]) -> Option<bool> {
        match line {
            b"BEGIN" => Some(true),
            b"COMMIT" => Some(false),
            _ => None,
        }
    }

    /// What comes of `text`, pushed in pieces of so many bytes: lines with the number of those answered before, rows in
    /// brackets, and deferred lines after a plus.
    fn pushed(text: &str, piece: usize) -> Vec<String> {
        let mut lines = Lines::new(Columns::ALL, Keep::default(), 200, control);
        let mut came = Vec::new();
        for bytes in text.as_bytes().chunks(piece).chain([&[][..]]) {
            came.extend(lines.push(bytes).unwrap());
        }
        let shown = |came: Came| match came {
            Came::Deferred(line) => format!("+{}", line.len()),
            Came::Lines(arrived) => {
                let lines = arrived.lines.iter();
                let lengths = lines.map(|line| line.place.len().to_string());
                let rows = arrived.rows.map_or(0, |rows| rows.num_rows());
                let lengths = lengths.collect::<Vec<_>>().join(" ");
                format!("{}: {lengths} [{rows}]", arrived.deferred)
            }
        };
        came.into_iter().map(shown).collect()
    }

    #[test]
    fn lines_of_a_transaction_are_deferred_and_come_together_at_its_end() {
        let line = |id: u32| {
            format!(
                r#"{{"id":"{id}","createdDateTime":"2026-03-02T08:00:00Z","userId":"u","status":{{"errorCode":50053}}}}"#
            )
        };
        let [one, two] = [line(1), line(2)];
        let length = one.len();
        let long = "x".repeat(300);
        let text = format!(
            "BEGIN\n{one}\n{two}\nCOMMIT\nBEGIN\n{one}\n{long}\nno JSON\nCOMMIT\nBEGIN\n{two}"
        );
        let expected = [
            "0: 5 [0]".to_owned(),
            format!("+{length}"),
            format!("+{length}"),
            format!("2: {length} {length} 6 [2]"),
            "0: 5 [0]".to_owned(),
            format!("+{length}"),
            format!("1: {length} 300 [1]"),
            "+7".to_owned(),
            "1: 7 6 [0]".to_owned(),
            "0: 5 [0]".to_owned(),
            format!("+{length}"),
            format!("1: {length} [1]"),
        ];
        for piece in [1, 7, 4096] {
            // Of a line that is too long, what is kept depends on where it was cut.
            let mut came = pushed(&text, piece);
            for shown in &mut came {
                if shown.contains(&format!("1: {length} 2")) {
                    *shown = format!("1: {length} 300 [1]");
                }
            }
            assert_eq!(came, expected, "in pieces of {piece}");
        }
        assert_eq!(pushed(&format!("{one}\n{two}\n"), 4096).len(), 1);
        // A transaction without end is not held without end.
        let came = pushed(&format!("BEGIN\n{}", "\n".repeat(HELD_LINES + 2)), 4096);
        assert_eq!(came.len(), 1 + HELD_LINES + 2 + 2);
    }
}
