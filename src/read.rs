//! Inputs to store: opens, recognises, cuts and decodes all inputs on all cores, in one pass over
//! the raw bytes, and says of each how it went.

use std::io::{self, Read};
use std::path::Path;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::{Array, AsArray, BooleanArray, RecordBatch, UInt16Array, new_null_array};
use arrow::compute::filter_record_batch;
use arrow::datatypes::TimestampMicrosecondType;
use arrow::error::ArrowError;
use rayon::iter::{IntoParallelIterator, ParallelBridge, ParallelIterator};

use crate::archive;
use crate::coverage::{Input, Status};
use crate::decode::{
    Block, BlockDecoder, Framer, HEAD_BYTES, Keep, Limits, Spelling, Tally, Unrecognised, detect,
};
use crate::error::{Error, Result};
use crate::progress::Progress;
use crate::signin::{self, Columns};
use crate::source::{self, Encoding, Opened, Source, UnpackLimits, Unreadable};
use crate::store::Store;

/// Bytes read at a time: large enough to keep a core busy, small enough to keep memory flat.
const CHUNK: usize = 1 << 20;

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
}

/// Reads all `sources` into `store`; `unreadable` ones only get their line in the coverage.
///
/// # Errors
/// With `strict`, the first thing that cannot be read. Otherwise only a full disk or a stop.
pub fn read(
    sources: &[Source],
    unreadable: &[Unreadable],
    options: &ReadOptions,
    store: &Store,
    progress: &Progress,
) -> Result<Vec<Input>> {
    let total = sources.iter().filter_map(|source| source.bytes).sum();
    progress.bytes_total.store(total, Ordering::Relaxed);
    progress.enter("reading");
    let inputs = jobs(sources)
        .into_par_iter()
        .map(|job| {
            progress.check()?;
            let reading = |number: usize, source| Reading {
                number: number as u32,
                source,
                options,
                store,
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
                Some((_, first)) if is_packed_tar(first) => source::each_of_tar(
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
        if options.strict {
            return Err(Error::StrictInput {
                input: found.name.clone(),
                reason: found.reason.clone(),
            });
        }
        inputs.push(Input::not_read(
            &found.name,
            Status::Unreadable,
            found.reason.clone(),
        ));
    }
    Ok(inputs)
}

/// What can be read side by side: every source alone, but members of one packed tar file together.
fn jobs(sources: &[Source]) -> Vec<Vec<(usize, &Source)>> {
    let mut jobs: Vec<Vec<(usize, &Source)>> = Vec::new();
    for (number, source) in sources.iter().enumerate() {
        let same = |job: &&mut Vec<(usize, &Source)>| {
            job.last().is_some_and(|(_, last)| {
                is_packed_tar(source) && is_packed_tar(last) && last.path == source.path
            })
        };
        match jobs.last_mut().filter(same) {
            Some(job) => job.push((number, source)),
            None => jobs.push(vec![(number, source)]),
        }
    }
    jobs
}

fn is_packed_tar(source: &Source) -> bool {
    matches!(source.member, Some(source::Member::Unpacked { .. }))
}

/// One input being read.
struct Reading<'r> {
    number: u32,
    source: &'r Source,
    options: &'r ReadOptions,
    store: &'r Store,
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
        if head.starts_with(archive::MAGIC) && self.source.member.is_none() {
            return self.archive(input);
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
        opened: &mut Opened<'_>,
        fault: Option<io::Error>,
        input: &mut Input,
    ) -> Result<()> {
        let mut framer = Framer::new(spelling.framing, self.options.limits);
        framer.push(head);
        let fault = Mutex::new(fault);
        let ended = fault
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .is_some();
        let blocks = Blocks {
            framer,
            input: opened,
            fault: &fault,
            ended,
            done: false,
        };
        let tally = blocks
            .par_bridge()
            .map_init(
                || {
                    BlockDecoder::new(
                        spelling,
                        &self.source.name,
                        self.options.columns,
                        self.options.keep.clone(),
                        self.options.limits,
                    )
                },
                |decoder, block| self.block(decoder, &block),
            )
            .try_reduce(Tally::default, |mut sum, tally| {
                sum += tally;
                Ok(sum)
            })?;
        input.count(tally);
        if let Some(error) = fault.into_inner().unwrap_or_else(PoisonError::into_inner) {
            input.status = Status::PartlyRead;
            input.reason = Some(error.to_string());
        }
        Ok(())
    }

    fn block(&self, decoder: &mut BlockDecoder, block: &Block) -> Result<Tally> {
        self.progress.check()?;
        let decoded = decoder
            .decode(block)
            .map_err(|source| self.failed(source))?;
        if let Some(batch) = &decoded.batch {
            self.store.push(batch, self.number, block.offset)?;
        }
        self.progress
            .records
            .fetch_add(decoded.tally.records, Ordering::Relaxed);
        match decoded.tally.rejected.samples.first() {
            Some(rejection) if self.options.strict => Err(Error::Strict {
                input: self.source.name.clone(),
                offset: rejection.offset,
                reason: rejection.reason.clone(),
            }),
            _ => Ok(decoded.tally),
        }
    }

    fn failed(&self, source: ArrowError) -> Error {
        Error::Table {
            input: self.source.name.clone(),
            source,
        }
    }

    /// A day of an archive that is read beside other inputs, and so may hold copies of theirs.
    fn archive(&self, mut input: Input) -> Result<Input> {
        let not_read =
            |status, reason: String| Ok(Input::not_read(&self.source.name, status, reason));
        let Some(path) = &self.source.path else {
            return not_read(
                Status::Unreadable,
                "Parquet cannot be read from a pipe; name the file".to_owned(),
            );
        };
        let file = match archive::inspect(path) {
            Ok(file) => file,
            Err(reason) if self.source.named => return not_read(Status::Unreadable, reason),
            Err(reason) => return not_read(Status::LeftOut, reason),
        };
        input.spelling = Some("signsift_archive".to_owned());
        input.bytes = self.source.bytes.unwrap_or_default();
        let batches = match file.batches(path) {
            Ok(batches) => batches,
            Err(reason) => return not_read(Status::Unreadable, reason),
        };
        let mut tally = Tally::default();
        for batch in batches {
            self.progress.check()?;
            let batch = match batch {
                Ok(batch) => batch,
                Err(reason) => {
                    input.status = Status::PartlyRead;
                    input.reason = Some(reason);
                    break;
                }
            };
            let place = tally.records;
            tally.records += batch.num_rows() as u64;
            self.progress
                .records
                .fetch_add(batch.num_rows() as u64, Ordering::Relaxed);
            let (batch, outside) =
                canonical(&batch, self.options).map_err(|source| self.failed(source))?;
            tally += outside;
            self.store.push(&batch, self.number, place)?;
        }
        self.progress
            .bytes
            .fetch_add(input.bytes, Ordering::Relaxed);
        input.count(tally);
        Ok(input)
    }
}

/// Rows of an archive as the store takes them: kept ones, in the columns asked for, with richness.
fn canonical(
    batch: &RecordBatch,
    options: &ReadOptions,
) -> std::result::Result<(RecordBatch, Tally), ArrowError> {
    let all = signin::schema();
    let rows = batch.num_rows();
    let mut richness = vec![0_u16; rows];
    for field in all.fields() {
        let counts = !matches!(field.name().as_str(), "source_file" | "spelling");
        if let (true, Some(column)) = (counts, batch.column_by_name(field.name())) {
            for (row, count) in richness.iter_mut().enumerate() {
                *count += u16::from(column.is_valid(row));
            }
        }
    }
    let columns = Store::columns_for(options.columns);
    let mut arrays = Vec::new();
    let mut fields = Vec::new();
    for field in columns.schema().fields() {
        let column = batch.column_by_name(field.name()).cloned();
        arrays.push(column.unwrap_or_else(|| new_null_array(field.data_type(), rows)));
        fields.push(Arc::clone(field));
    }
    arrays.push(Arc::new(UInt16Array::from(richness)));
    fields.push(Arc::new(arrow::datatypes::Field::new(
        signin::RICHNESS,
        arrow::datatypes::DataType::UInt16,
        true,
    )));
    let schema = Arc::new(arrow::datatypes::Schema::new(fields));
    let whole = RecordBatch::try_new(schema, arrays)?;
    let kept = filter_record_batch(&whole, &kept_rows(batch, &options.keep))?;
    let mut tally = Tally {
        sign_ins: kept.num_rows() as u64,
        outside: (rows - kept.num_rows()) as u64,
        ..Tally::default()
    };
    if let Some(times) = kept.column_by_name("time") {
        let times = times.as_primitive::<TimestampMicrosecondType>();
        tally.first_time = arrow::compute::min(times);
        tally.last_time = arrow::compute::max(times);
        tally.without_time = times.null_count() as u64;
    }
    if let Some(ids) = kept.column_by_name("sign_in_id") {
        tally.without_id = ids.null_count() as u64;
    }
    Ok((kept, tally))
}

fn kept_rows(batch: &RecordBatch, keep: &Keep) -> BooleanArray {
    let times = batch
        .column_by_name("time")
        .map(|times| times.as_primitive::<TimestampMicrosecondType>());
    let tenants = batch
        .column_by_name("tenant_id")
        .map(|tenants| tenants.as_string::<i32>());
    (0..batch.num_rows())
        .map(|row| {
            let time = times
                .filter(|times| times.is_valid(row))
                .map(|times| times.value(row));
            let tenant = tenants
                .filter(|ids| ids.is_valid(row))
                .map(|ids| ids.value(row));
            Some(keep.admits(time, tenant))
        })
        .collect()
}

/// The first bytes of an input, whether they are all of it, and what went wrong while reading them.
fn head_of(input: &mut Opened<'_>) -> (Vec<u8>, bool, Option<io::Error>) {
    let mut head = Vec::with_capacity(HEAD_BYTES);
    match input
        .by_ref()
        .take(HEAD_BYTES as u64)
        .read_to_end(&mut head)
    {
        Ok(read) => (head, read < HEAD_BYTES, None),
        Err(error) => (head, true, Some(error)),
    }
}

/// Blocks of whole records, read one after another.
struct Blocks<'b, 'o> {
    framer: Framer,
    input: &'b mut Opened<'o>,
    fault: &'b Mutex<Option<io::Error>>,
    ended: bool,
    done: bool,
}

impl Iterator for Blocks<'_, '_> {
    type Item = Block;

    fn next(&mut self) -> Option<Block> {
        while !self.ended {
            match self.framer.fill(self.input, CHUNK) {
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

/// Whether `sources` are days of one archive, so that no sign-in is there twice and none needs to be
/// decoded: then the files, with their coverage lines.
pub fn as_archive(sources: &[Source]) -> Option<Vec<(std::path::PathBuf, Input)>> {
    let mut files = Vec::new();
    for source in sources {
        let path = source.path.as_ref()?;
        if path
            .file_name()
            .is_some_and(|name| name == crate::results::COVERAGE_FILE)
        {
            continue;
        }
        let mut magic = [0; 4];
        std::fs::File::open(path)
            .and_then(|mut file| file.read_exact(&mut magic))
            .ok()?;
        if magic != archive::MAGIC {
            return None;
        }
        let file = archive::inspect(path).ok()?;
        let input = Input {
            name: source.name.clone(),
            spelling: Some("signsift_archive".to_owned()),
            compression: Some("none"),
            bytes: source.bytes.unwrap_or_default(),
            records: file.rows,
            sign_ins: file.rows,
            distinct: file.rows,
            ..Input::default()
        };
        files.push((path.clone(), input));
    }
    let paths: Vec<_> = files.iter().map(|(path, _)| path.clone()).collect();
    archive::common_root(&paths)?;
    Some(files)
}

/// The coverage that `convert` wrote beside the days of an archive.
pub fn archive_coverage(paths: &[std::path::PathBuf]) -> Option<serde_json::Value> {
    let root: &Path = archive::common_root(paths)?;
    let text = std::fs::read(root.join(crate::results::COVERAGE_FILE)).ok()?;
    serde_json::from_slice(&text).ok()
}

#[cfg(test)]
mod tests;
