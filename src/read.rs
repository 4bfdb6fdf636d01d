//! Inputs to rows: opens, recognises, cuts and decodes all inputs on all cores, in one pass over
//! the raw bytes, and says of each how it went.

use std::io::{self, Read};
use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::RecordBatch;
use arrow::error::ArrowError;
use rayon::iter::{IntoParallelIterator, ParallelIterator};

use crate::archive;
use crate::coverage::{Input, Status};
use crate::decode::{
    Block, BlockDecoder, DateOrder, Framer, HEAD_BYTES, Keep, Limits, Sift, Spelling, Unrecognised,
    detect,
};
use crate::error::{Error, Result};
use crate::progress::Progress;
use crate::signin::{Columns, Places};
use crate::source::{self, Encoding, Opened, Source, UnpackLimits, Unreadable};
use crate::store::Store;

mod archived;
mod order;
mod parquet;
mod postponed;
mod sifted;

pub use archived::{archive_coverage, as_archive};
pub use sifted::read_again;

/// Where decoded rows go. Shared by all decoding threads.
pub trait Sink: Sync {
    /// Takes a batch of the columns that were asked for, plus richness, from input number `input`,
    /// whose rows stand at `places` in that input.
    ///
    /// # Errors
    /// A temporary file that cannot be written.
    fn take(&self, batch: &RecordBatch, input: u32, places: Places<'_>) -> Result<()>;

    /// Forgets all rows of this input: it was misread, and is read again.
    fn forget(&self, input: u32);
}

impl Sink for Store {
    fn take(&self, batch: &RecordBatch, input: u32, places: Places<'_>) -> Result<()> {
        self.push(batch, input, places)
    }

    fn forget(&self, input: u32) {
        self.forget_source(input);
    }
}

/// Bytes read at a time: large enough to keep a core busy, small enough to keep memory flat.
const CHUNK: usize = 1 << 20;
/// Where most bytes are only looked at, they should stay as near as they have come.
const FEW_BYTES: usize = 256 << 10;

/// What to read of the inputs.
#[derive(Clone, Debug)]
pub struct ReadOptions {
    /// Columns to decode.
    pub columns: Columns,
    /// Sign-ins to keep.
    pub keep: Keep,
    /// Limits on one record.
    pub limits: Limits,
    /// Limits on what one input unpacks to.
    pub unpack: UnpackLimits,
    /// Whether the first record or input that cannot be read ends the work.
    pub strict: bool,
    /// Which lines to read, where records are lines; all if there is none.
    pub sift: Option<Arc<Sift>>,
    /// Folder for what has to wait.
    pub temp: PathBuf,
}

/// Reads all `sources` into `sink`; `unreadable` ones only get their line in the coverage.
///
/// # Errors
/// With `strict`, the first thing that cannot be read. Otherwise only a full disk or a stop.
pub fn read(
    sources: &[Source],
    unreadable: &[Unreadable],
    options: &ReadOptions,
    sink: &dyn Sink,
    progress: &Progress,
) -> Result<Vec<Input>> {
    let total = sources.iter().filter_map(|source| source.bytes).sum();
    progress.restart(total);
    progress.enter("reading");
    let inputs = jobs(sources)
        .into_par_iter()
        .map(|job| {
            progress.check()?;
            let reading = |number: usize, source| Reading {
                number: number as u32,
                source,
                options,
                sink,
                progress,
            };
            let mut inputs = Vec::with_capacity(job.len());
            let mut keep = |input: Input| {
                if options.strict && input.is_lost() {
                    let reason = input.reason.unwrap_or_default();
                    return Err(Error::StrictInput {
                        input: input.name,
                        reason,
                    });
                }
                inputs.push(input);
                Ok(())
            };
            match job.first() {
                Some((_, first)) if first.is_of_packed_tar() => source::each_of_tar(
                    &job,
                    options.unpack,
                    &progress.bytes,
                    |number, source, opened| keep(reading(number, source).input(opened)?),
                )?,
                _ => {
                    for (number, source) in job {
                        let opened = source::open(source, options.unpack, &progress.bytes);
                        keep(reading(number, source).input(opened)?)?;
                    }
                }
            }
            Ok(inputs)
        })
        .collect::<Result<Vec<_>>>()?;
    let mut inputs: Vec<Input> = inputs.into_iter().flatten().collect();
    for found in unreadable {
        if options.strict && found.is_lost {
            return Err(Error::StrictInput {
                input: found.name.clone(),
                reason: found.reason.clone(),
            });
        }
        let status = if found.is_lost {
            Status::Unreadable
        } else {
            Status::LeftOut
        };
        inputs.push(Input::not_read(&found.name, status, found.reason.clone()));
    }
    Ok(inputs)
}

/// What can be read side by side: every source alone, but members of one packed tar file together.
fn jobs(sources: &[Source]) -> Vec<Vec<(usize, &Source)>> {
    let mut jobs: Vec<Vec<(usize, &Source)>> = Vec::new();
    for (number, source) in sources.iter().enumerate() {
        let same = |job: &&mut Vec<(usize, &Source)>| {
            let last = job.last();
            last.is_some_and(|(_, last)| source.is_read_with(last))
        };
        match jobs.last_mut().filter(same) {
            Some(job) => job.push((number, source)),
            None => jobs.push(vec![(number, source)]),
        }
    }
    jobs
}

/// One input being read.
struct Reading<'r> {
    number: u32,
    source: &'r Source,
    options: &'r ReadOptions,
    sink: &'r dyn Sink,
    progress: &'r Progress,
}

impl Reading<'_> {
    fn input(&self, opened: io::Result<Opened<'_>>) -> Result<Input> {
        let name = &self.source.name;
        let mut input = Input {
            name: name.clone(),
            ..Input::default()
        };
        let mut opened = match opened {
            Ok(opened) => opened,
            Err(error) => return Ok(Input::not_read(name, Status::Unreadable, error.to_string())),
        };
        input.compression = Some(opened.compression.name());
        input.encoding = Some(opened.encoding.name()).filter(|_| opened.encoding != Encoding::Utf8);
        let (head, complete, fault) = head_of(&mut opened);
        if head.starts_with(archive::MAGIC) && fault.is_none() && !self.is_second_pass() {
            return self.parquet(input, &head, &mut opened);
        }
        match detect(&head, complete) {
            Ok(spelling) => {
                input.spelling = Some(spelling.name());
                self.records(spelling, &head, &mut opened, fault, &mut input)?;
            }
            Err(unrecognised) => match fault {
                Some(error) => {
                    input.status = Status::Unreadable;
                    input.reason = Some(error.to_string());
                }
                None => self.leave_out(&unrecognised, &head, &mut input),
            },
        }
        input.bytes = opened.packed.load(Ordering::Relaxed);
        Ok(input)
    }

    /// A file in a folder that is something else is left out; one that was named was expected to
    /// be read.
    fn leave_out(&self, why: &Unrecognised, head: &[u8], input: &mut Input) {
        let own = head.starts_with(b"{\n  \"tool\": \"signsift\"");
        input.reason = Some(if own {
            "signsift's own coverage".to_owned()
        } else {
            why.to_string()
        });
        let expected = self.source.named && !own && !matches!(why, Unrecognised::Empty);
        input.status = if expected {
            Status::Unreadable
        } else {
            Status::LeftOut
        };
    }

    fn records(
        &self,
        spelling: Spelling,
        head: &[u8],
        rest: &mut (dyn Read + Send),
        fault: Option<io::Error>,
        input: &mut Input,
    ) -> Result<()> {
        let mut framer = Framer::new(spelling.framing, self.options.limits);
        framer.push(head);
        let fault = Mutex::new(fault);
        let mut blocks = Blocks::new(framer, rest, &fault);
        if let Some(sift) = self.sift(spelling) {
            blocks.chunk = FEW_BYTES;
            input.count(self.some(spelling, blocks, sift)?);
            faulty(input, fault);
            return Ok(());
        }
        if self.is_second_pass() {
            return Ok(());
        }
        let tally = self.all(spelling, blocks)?;
        input.count(tally);
        faulty(input, fault);
        Ok(())
    }

    fn decoder(&self, spelling: Spelling, order: Option<DateOrder>) -> BlockDecoder {
        let options = self.options;
        let name = &self.source.name;
        let keep = options.keep.clone();
        let mut decoder = BlockDecoder::new(spelling, name, options.columns, keep, options.limits);
        if let Some(order) = order {
            decoder.set_date_order(order);
        }
        decoder
    }

    fn failed(&self, source: ArrowError) -> Error {
        Error::Table {
            input: self.source.name.clone(),
            source,
        }
    }
}

/// Says of an input what went wrong behind its first bytes.
fn faulty(input: &mut Input, fault: Mutex<Option<io::Error>>) {
    if let Some(error) = fault.into_inner().unwrap_or_else(PoisonError::into_inner) {
        input.status = Status::PartlyRead;
        input.reason = Some(error.to_string());
    }
}

/// The first bytes of an input, whether they are all of it, and what went wrong while reading them.
fn head_of(input: &mut dyn Read) -> (Vec<u8>, bool, Option<io::Error>) {
    let mut head = Vec::with_capacity(HEAD_BYTES);
    match input.take(HEAD_BYTES as u64).read_to_end(&mut head) {
        Ok(read) => (head, read < HEAD_BYTES, None),
        Err(error) => (head, true, Some(error)),
    }
}

/// Blocks of whole records, read one after another.
struct Blocks<'b> {
    framer: Framer,
    input: &'b mut (dyn Read + Send),
    fault: &'b Mutex<Option<io::Error>>,
    ended: bool,
    done: bool,
    /// Bytes to read at a time.
    chunk: usize,
}

impl<'b> Blocks<'b> {
    /// Those of `framer`, which has been given the first bytes, and of the rest of the input. What goes wrong stands in
    /// `fault` afterwards; what is there already ended the first bytes.
    fn new(
        framer: Framer,
        input: &'b mut (dyn Read + Send),
        fault: &'b Mutex<Option<io::Error>>,
    ) -> Blocks<'b> {
        let known = fault.lock().unwrap_or_else(PoisonError::into_inner);
        let ended = known.is_some();
        drop(known);
        Blocks {
            framer,
            input,
            fault,
            ended,
            done: false,
            chunk: CHUNK,
        }
    }
}

impl Iterator for Blocks<'_> {
    type Item = Block;

    fn next(&mut self) -> Option<Block> {
        while !self.ended {
            match self.framer.fill(&mut self.input, self.chunk) {
                Ok(0) => self.ended = true,
                Ok(_) => {
                    if let Some(block) = self.framer.cut() {
                        return Some(block);
                    }
                }
                Err(error) => {
                    *self.fault.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
                    self.ended = true;
                }
            }
        }
        if self.done {
            return None;
        }
        self.done = true;
        self.framer.finish()
    }
}

#[cfg(test)]
mod tests;
