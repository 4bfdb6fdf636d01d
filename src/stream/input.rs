//! Standard input to decoded lines, on a thread of its own: what waits is bounded, so a slow reader
//! of findings slows whoever writes to us.

use std::io::{self, Read};
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

/// Lines that have come together.
pub(super) struct Arrived {
    /// The bytes that the lines are in.
    pub(super) bytes: Vec<u8>,
    /// What each line is.
    pub(super) lines: Vec<Line>,
    /// The rows of all lines.
    pub(super) rows: Option<RecordBatch>,
    /// What became of the records in them.
    pub(super) tally: Tally,
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
    /// Whether a line of this kind is passed on undecoded.
    is_control: fn(&[u8]) -> bool,
}

impl Lines {
    pub(super) fn new(
        columns: Columns,
        keep: Keep,
        max_line: usize,
        is_control: fn(&[u8]) -> bool,
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
            is_control,
        }
    }

    /// The lines that are whole now that `bytes` have come; at the end (no bytes) the last one needs
    /// no line end.
    pub(super) fn push(&mut self, bytes: &[u8]) -> Result<Option<Arrived>> {
        let at_end = bytes.is_empty();
        let mut arrived = Arrived {
            bytes: Vec::with_capacity(self.begun.len() + bytes.len()),
            lines: Vec::new(),
            rows: None,
            tally: Tally::default(),
        };
        let mut rest = bytes;
        while let Some(end) = memchr(b'\n', rest) {
            self.grow(&rest[..end]);
            self.line(&mut arrived);
            rest = &rest[end + 1..];
        }
        self.grow(rest);
        if at_end && !self.begun.is_empty() {
            self.line(&mut arrived);
        }
        arrived.rows = self.decoder.take().map_err(|source| Error::Table {
            input: "-".to_owned(),
            source,
        })?;
        Ok((!arrived.lines.is_empty()).then_some(arrived))
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
    fn line(&mut self, arrived: &mut Arrived) {
        let line = self.begun.strip_suffix(b"\r").unwrap_or(&self.begun);
        let first = self.decoder.rows();
        let mut tally = Tally::default();
        let mut rejected = None;
        if self.skipping || line.len() > self.max_line {
            let reason = format!(
                "longer than {} bytes, the limit for one line",
                self.max_line
            );
            tally.records += 1;
            tally.rejected.count += 1;
            rejected = Some(reason);
        } else if !(self.is_control)(line) {
            self.decoder.line(line, 0, &mut tally);
            let sample = tally.rejected.samples.first();
            rejected = sample.map(|sample| sample.reason.clone());
        }
        let from = arrived.bytes.len();
        arrived.bytes.extend_from_slice(line);
        arrived.lines.push(Line {
            place: from..arrived.bytes.len(),
            rows: first..self.decoder.rows(),
            rejected,
            cut: self.skipping,
        });
        arrived.tally += tally;
        self.begun.clear();
        self.skipping = false;
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
        let event = match lines.push(bytes) {
            Ok(None) => None,
            Ok(Some(arrived)) => {
                waiting.take(arrived.bytes.len());
                Some(Event::Lines(Box::new(arrived)))
            }
            Err(error) => Some(Event::Ended(Err(error))),
        };
        if event.is_some_and(|event| send.send(event).is_err()) {
            return;
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
