//! Framing and reading in one, for streams: push bytes as they come, take rows when they are
//! wanted.

use std::collections::VecDeque;
use std::fmt;

use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;

use super::{
    Block, BlockDecoder, Framer, HEAD_BYTES, Keep, Limits, Spelling, Tally, Unrecognised, detect,
};
use crate::signin::Columns;

/// Why a stream can't be decoded.
#[derive(Debug)]
#[non_exhaustive]
pub enum DecodeError {
    /// Its first bytes are not those of a sign-in log.
    Unrecognised(Unrecognised),
    /// The rows could not be put into Arrow's form.
    Arrow(ArrowError),
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DecodeError::Unrecognised(reason) => {
                write!(f, "the input is not a sign-in log: {reason}")
            }
            DecodeError::Arrow(_) => f.write_str("the rows could not be put into a batch"),
        }
    }
}

impl std::error::Error for DecodeError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            DecodeError::Unrecognised(_) => None,
            DecodeError::Arrow(error) => Some(error),
        }
    }
}

/// Decodes one stream, whose bytes may come in pieces cut anywhere.
///
/// The spelling is told from the first [`HEAD_BYTES`], or from less when [`settle`](Self::settle)
/// or [`finish`](Self::finish) says that no more will come soon.
///
/// A stream does not wait for its end: dates such as `3/4/2026` are read in the usual order until one
/// comes that decides; [`Tally::dates`] says so.
#[derive(Debug)]
pub struct Decoder {
    state: State,
    source_file: String,
    columns: Columns,
    keep: Keep,
    limits: Limits,
    tally: Tally,
    batches: VecDeque<RecordBatch>,
}

#[derive(Debug)]
enum State {
    /// The first bytes, until they are enough to tell the spelling.
    Head(Vec<u8>),
    Known(Spelling, Box<(Framer, BlockDecoder)>),
}

impl Decoder {
    /// A decoder at the start of a stream whose spelling is not known yet.
    pub fn new(source_file: &str, columns: Columns, keep: Keep, limits: Limits) -> Self {
        Decoder {
            state: State::Head(Vec::new()),
            source_file: source_file.to_owned(),
            columns,
            keep,
            limits,
            tally: Tally::default(),
            batches: VecDeque::new(),
        }
    }

    /// The spelling, once it is known.
    pub fn spelling(&self) -> Option<Spelling> {
        match &self.state {
            State::Head(_) => None,
            State::Known(spelling, _) => Some(*spelling),
        }
    }

    /// What became of the records so far.
    pub fn tally(&self) -> &Tally {
        &self.tally
    }

    /// The next bytes, cut anywhere.
    ///
    /// # Errors
    /// See [`DecodeError`]. A bad record is not an error; it is counted.
    pub fn push(&mut self, bytes: &[u8]) -> Result<(), DecodeError> {
        match &mut self.state {
            State::Head(head) => {
                head.extend_from_slice(bytes);
                if head.len() >= HEAD_BYTES {
                    self.begin(false)
                } else {
                    Ok(())
                }
            }
            State::Known(_, parts) => {
                parts.0.push(bytes);
                self.drain()
            }
        }
    }

    /// Nothing more will come for a while: tells the spelling from what is there, if there is
    /// anything. Does nothing once the spelling is known.
    ///
    /// # Errors
    /// See [`DecodeError`].
    pub fn settle(&mut self) -> Result<(), DecodeError> {
        match &self.state {
            State::Head(head) if !head.is_empty() => self.begin(false),
            _ => Ok(()),
        }
    }

    /// Rows that have been decoded, one batch at a time; `None` when there are no more for now.
    pub fn take(&mut self) -> Option<RecordBatch> {
        self.batches.pop_front()
    }

    /// The end of the stream: the rows not yet taken and what became of all records.
    ///
    /// # Errors
    /// See [`DecodeError`].
    pub fn finish(mut self) -> Result<(Vec<RecordBatch>, Tally), DecodeError> {
        if let State::Head(_) = self.state {
            self.begin(true)?;
        }
        if let State::Known(_, parts) = &mut self.state
            && let Some(block) = parts.0.finish()
        {
            self.decode(&block)?;
        }
        Ok((self.batches.into(), self.tally))
    }

    fn begin(&mut self, complete: bool) -> Result<(), DecodeError> {
        let State::Head(head) = &mut self.state else {
            return Ok(());
        };
        let looked_at = head.get(..HEAD_BYTES).unwrap_or(head);
        let spelling = detect(looked_at, complete && looked_at.len() == head.len())
            .map_err(DecodeError::Unrecognised)?;
        let mut framer = Framer::new(spelling.framing, self.limits);
        framer.push(head);
        let decoder = BlockDecoder::new(
            spelling,
            &self.source_file,
            self.columns,
            self.keep.clone(),
            self.limits,
        );
        self.state = State::Known(spelling, Box::new((framer, decoder)));
        self.drain()
    }

    fn drain(&mut self) -> Result<(), DecodeError> {
        while let State::Known(_, parts) = &mut self.state
            && let Some(block) = parts.0.cut()
        {
            self.decode(&block)?;
        }
        Ok(())
    }

    fn decode(&mut self, block: &Block) -> Result<(), DecodeError> {
        if let State::Known(_, parts) = &mut self.state {
            let decoded = parts.1.decode(block).map_err(DecodeError::Arrow)?;
            self.tally += decoded.tally;
            if let Some(order) = self.tally.dates.shown() {
                parts.1.set_date_order(order);
            }
            self.batches.extend(decoded.batch);
        }
        Ok(())
    }
}
