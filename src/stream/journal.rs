//! The state on disk: a journal of what came and what was told, so that a stream that is killed at
//! any moment goes on where it was.
//!
//! `journal-N` files hold frames (length, checksum, kind, bytes). Each file begins with the whole state
//! but for the sign-ins; those are in the files in the order in which they came. A new file is begun
//! when one is full, and old ones go when everything in them is older than what is remembered.
//! Findings are written here before they are told, and marked afterwards: after a crash between the
//! two they are told again, word for word.
//!
//! A host that acknowledges gives messages one by one, and a frame of one sign-in is forty times as long as one sign-in in a
//! frame of many, and takes many times as long to write. So a line that is deferred goes as it is to the file `deferred`, which
//! is emptied when the lines have been committed together. Deferred lines are numbered, and the journal says in one frame with
//! their sign-ins up to which it has them: after a crash each is taken in once, from here or from there.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use arrow::array::RecordBatch;
use arrow::error::ArrowError;
use arrow::ipc::CompressionType;
use arrow::ipc::reader::StreamReader;
use arrow::ipc::writer::{IpcWriteOptions, StreamWriter};
use crc32fast::Hasher;
use serde::{Deserialize, Serialize};

use super::history::NEVER;
use super::metrics::Counters;
use super::told::Entry;
use crate::error::{Error, Result};

/// The file of what is deferred.
const DEFERRED: &str = "deferred";
/// A file is full then.
const FULL: u64 = 64 << 20;
/// No frame is longer; a length beyond it is damage.
const LONGEST: usize = 1 << 30;
/// Version of the files.
const VERSION: u32 = 1;

/// What a file begins with.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct State {
    pub(super) version: u32,
    pub(super) latest: Option<i64>,
    pub(super) counters: Counters,
    pub(super) told: Vec<Entry>,
    /// Those of them that may not have been told yet.
    pub(super) telling: Vec<Entry>,
}

/// What a journal holds, in order.
pub(super) enum Record {
    /// All that was known but for the sign-ins.
    State(State),
    /// Sign-ins.
    Rows(RecordBatch),
    /// Findings that are about to be told.
    Telling(Vec<Entry>),
    /// They have been told.
    Told,
    /// How far it has come.
    Reached(Counters),
    /// A line that was deferred, and its number.
    Deferred(u64, Vec<u8>),
    /// What came of the deferred lines up to this one stands before.
    Taken(u64),
    /// Records that are there all or none. Whoever reads gets them one by one.
    Together(Vec<Record>),
}

/// The kind of frame that holds others.
const TOGETHER: u8 = 8;

impl Record {
    fn kind(&self) -> u8 {
        match self {
            Record::State(_) => 0,
            Record::Rows(_) => 1,
            Record::Telling(_) => 2,
            Record::Told => 3,
            Record::Reached(_) => 4,
            Record::Deferred(..) => 6,
            Record::Taken(_) => 7,
            Record::Together(_) => TOGETHER,
        }
    }

    fn bytes(&self) -> Result<Vec<u8>, ArrowError> {
        let json = |bytes: serde_json::Result<Vec<u8>>| {
            bytes.map_err(|error| ArrowError::JsonError(error.to_string()))
        };
        match self {
            Record::State(state) => json(serde_json::to_vec(state)),
            Record::Telling(entries) => json(serde_json::to_vec(entries)),
            Record::Reached(counters) => json(serde_json::to_vec(counters)),
            Record::Told => Ok(Vec::new()),
            Record::Deferred(number, line) => Ok([&number.to_le_bytes()[..], line].concat()),
            Record::Taken(number) => Ok(number.to_le_bytes().to_vec()),
            Record::Together(records) => {
                let frames: Result<Vec<_>, _> = records.iter().map(frame).collect();
                Ok(frames?.concat())
            }
            Record::Rows(batch) => {
                let options = IpcWriteOptions::default()
                    .try_with_compression(Some(CompressionType::LZ4_FRAME))?;
                let schema = batch.schema();
                let mut writer = StreamWriter::try_new_with_options(Vec::new(), &schema, options)?;
                writer.write(batch)?;
                writer.into_inner()
            }
        }
    }

    fn read(kind: u8, bytes: &[u8]) -> Option<Record> {
        Some(match kind {
            0 => Record::State(serde_json::from_slice(bytes).ok()?),
            1 => {
                let mut reader = StreamReader::try_new(bytes, None).ok()?;
                Record::Rows(reader.next()?.ok()?)
            }
            6 => {
                let (number, line) = bytes.split_first_chunk()?;
                Record::Deferred(u64::from_le_bytes(*number), line.to_vec())
            }
            7 => Record::Taken(u64::from_le_bytes(bytes.try_into().ok()?)),
            2 => Record::Telling(serde_json::from_slice(bytes).ok()?),
            3 => Record::Told,
            4 => Record::Reached(serde_json::from_slice(bytes).ok()?),
            TOGETHER => {
                let (mut records, mut rest) = (Vec::new(), bytes);
                while let Some((head, after)) = rest.split_first_chunk() {
                    let head = Head::read(*head);
                    let (bytes, after) = after.split_at_checked(head.length)?;
                    if head.kind == TOGETHER {
                        return None;
                    }
                    records.push(Record::read(head.kind, bytes)?);
                    rest = after;
                }
                Record::Together(records)
            }
            _ => return None,
        })
    }
}

/// What stands before the bytes of a record.
struct Head {
    length: usize,
    sum: u32,
    kind: u8,
}

impl Head {
    fn read([l0, l1, l2, l3, c0, c1, c2, c3, kind]: [u8; 9]) -> Head {
        Head {
            length: u32::from_le_bytes([l0, l1, l2, l3]) as usize,
            sum: u32::from_le_bytes([c0, c1, c2, c3]),
            kind,
        }
    }
}

/// The files of one stream.
pub(super) struct Journal {
    folder: PathBuf,
    file: File,
    number: u64,
    length: u64,
    /// Age of the newest sign-in in the file that is written.
    newest: i64,
    /// The files before it, each with the age of its newest sign-in.
    earlier: Vec<(u64, i64)>,
    deferred: File,
    /// The number of the line that was deferred last, of the last one whose sign-ins have been appended, and of the last one
    /// that is not in the file any more.
    last: u64,
    taken: u64,
    gone: u64,
    /// Held as long as this lives, so that two streams never share a state.
    _lock: File,
}

/// A journal that has been read and not begun again yet.
pub(super) struct Replayed {
    folder: PathBuf,
    files: Vec<(u64, i64)>,
    lock: File,
    /// Lines that were deferred and whose sign-ins are not in the journal, in order.
    pub(super) deferred: Vec<Vec<u8>>,
    /// The number of the last of them, or of the last one that was taken.
    last: u64,
    /// What is damaged in it.
    pub(super) damaged: Vec<String>,
}

impl Replayed {
    /// Opens or makes the folder and gives every record in it to `each`, in order; `age_of` is the
    /// age of the newest row of a batch. A stream that still comes to its end, as when a host is started
    /// again, is waited for as long as `patience`.
    ///
    /// # Errors
    /// A folder that cannot be used, or is in use; or what `each` says.
    pub(super) fn open(
        folder: &Path,
        patience: Duration,
        age_of: fn(&RecordBatch) -> i64,
        mut each: impl FnMut(Record) -> Result<()>,
    ) -> Result<Replayed> {
        fs::create_dir_all(folder).map_err(Error::write(folder))?;
        let path = folder.join("lock");
        let lock = File::create(&path).map_err(Error::write(&path))?;
        let began = Instant::now();
        loop {
            match lock.try_lock() {
                Ok(()) => break,
                Err(TryLockError::WouldBlock) if began.elapsed() < patience => {
                    thread::sleep(Duration::from_millis(50));
                }
                Err(TryLockError::WouldBlock) => {
                    let reason = format!("{} is in use by another stream", folder.display());
                    return Err(Error::setting("--state-dir", reason));
                }
                Err(TryLockError::Error(source)) => return Err(Error::write(&path)(source)),
            }
        }
        let numbers = numbers(folder)?;
        let (mut files, mut damaged) = (Vec::new(), Vec::new());
        let mut taken = 0;
        let last = numbers.last().copied();
        for number in numbers {
            let path = path_of(folder, number);
            let mut newest = NEVER;
            let whole = frames(&path, |record| {
                match &record {
                    Record::Rows(batch) => newest = newest.max(age_of(batch)),
                    Record::Taken(number) => taken = taken.max(*number),
                    _ => {}
                }
                each(record)
            })?;
            let length = fs::metadata(&path).map_err(Error::read(&path))?.len();
            if whole < length && Some(number) == last {
                // The end of the last file may be half-written; that was never acknowledged.
                let file = OpenOptions::new().write(true).open(&path);
                file.and_then(|file| file.set_len(whole))
                    .map_err(Error::write(&path))?;
            } else if whole < length {
                damaged.push(format!(
                    "{} is damaged at byte {whole}; what follows in it is lost",
                    path.display()
                ));
            }
            files.push((number, newest));
        }
        let path = folder.join(DEFERRED);
        let mut last = taken;
        let mut deferred = Vec::new();
        if path.exists() {
            let whole = frames(&path, |record| {
                if let Record::Deferred(number, line) = record
                    && number > taken
                {
                    last = last.max(number);
                    deferred.push(line);
                }
                Ok(())
            })?;
            // What is half-written was never answered.
            let file = OpenOptions::new().write(true).open(&path);
            file.and_then(|file| file.set_len(whole))
                .map_err(Error::write(&path))?;
        }
        Ok(Replayed {
            folder: folder.to_owned(),
            files,
            lock,
            deferred,
            last,
            damaged,
        })
    }

    /// Begins a new file with `state`.
    pub(super) fn begin(self, state: &State) -> Result<Journal> {
        let number = self.files.last().map_or(1, |(last, _)| last + 1);
        let (file, length) = begin(&self.folder, number, state)?;
        let path = self.folder.join(DEFERRED);
        let deferred = OpenOptions::new().create(true).append(true).open(&path);
        Ok(Journal {
            deferred: deferred.map_err(Error::write(&path))?,
            last: self.last,
            taken: 0,
            gone: 0,
            folder: self.folder,
            file,
            number,
            length,
            newest: NEVER,
            earlier: self.files,
            _lock: self.lock,
        })
    }
}

/// Begins a file: it has its name only when the state is safe in it.
fn begin(folder: &Path, number: u64, state: &State) -> Result<(File, u64)> {
    let hidden = folder.join(".journal");
    let path = path_of(folder, number);
    let state = Record::State(State {
        version: VERSION,
        ..state.clone()
    });
    let frame = frame(&state).map_err(Error::table(&path))?;
    let mut file = File::create(&hidden).map_err(Error::write(&hidden))?;
    file.write_all(&frame)
        .and_then(|()| file.sync_all())
        .and_then(|()| fs::rename(&hidden, &path))
        .and_then(|()| File::open(folder)?.sync_all())
        .map_err(Error::write(&path))?;
    Ok((file, frame.len() as u64))
}

impl Journal {
    /// Appends a record, the newest row of which has the age `newest`. It is safe after the next [`sync`](Self::sync).
    pub(super) fn append(&mut self, record: &Record, newest: i64) -> Result<()> {
        let frame = frame(record).map_err(Error::table(&self.folder))?;
        self.file
            .write_all(&frame)
            .map_err(Error::write(&self.folder))?;
        self.length += frame.len() as u64;
        self.newest = self.newest.max(newest);
        Ok(())
    }

    /// Keeps a line whose sign-ins will be appended later, together with others: what is kept outlives this process,
    /// though not the system.
    pub(super) fn defer(&mut self, line: Vec<u8>) -> Result<()> {
        let path = self.folder.join(DEFERRED);
        let frame = frame(&Record::Deferred(self.last + 1, line)).map_err(Error::table(&path))?;
        let written = self.deferred.write_all(&frame);
        written.map_err(Error::write(&path))?;
        self.last += 1;
        Ok(())
    }

    /// Appends what came of all lines that were deferred before, but for the last `waiting` ones.
    pub(super) fn append_all(
        &mut self,
        mut records: Vec<Record>,
        newest: i64,
        waiting: u64,
    ) -> Result<()> {
        let taken = self.last.saturating_sub(waiting);
        if taken <= self.taken {
            let mut records = records.iter();
            return records.try_for_each(|record| self.append(record, newest));
        }
        records.push(Record::Taken(taken));
        self.append(&Record::Together(records), newest)?;
        self.taken = taken;
        Ok(())
    }

    /// Waits until the disk has what was appended. The deferred lines go if it has the sign-ins of all of them.
    pub(super) fn sync(&mut self) -> Result<()> {
        self.file.sync_data().map_err(Error::write(&self.folder))?;
        if self.taken == self.last && self.gone < self.last {
            let emptied = self.deferred.set_len(0);
            emptied.map_err(Error::write(&self.folder.join(DEFERRED)))?;
            self.gone = self.last;
        }
        Ok(())
    }

    /// Whether a new file should be begun.
    pub(super) fn is_full(&self) -> bool {
        self.length >= FULL
    }

    /// Begins a new file with `state`, and removes those in which everything is older than `age`.
    pub(super) fn turn(&mut self, state: &State, age: Option<i64>) -> Result<()> {
        self.sync()?;
        let number = self.number + 1;
        (self.file, self.length) = begin(&self.folder, number, state)?;
        self.earlier.push((self.number, self.newest));
        (self.number, self.newest) = (number, NEVER);
        // The files before it may go.
        self.append(&Record::Taken(self.taken), NEVER)?;
        let folder = &self.folder;
        let is_old = |newest: i64| age.is_some_and(|age| newest < age);
        for (number, _) in self.earlier.extract_if(.., |(_, newest)| is_old(*newest)) {
            let path = path_of(folder, number);
            fs::remove_file(&path).map_err(Error::write(&path))?;
        }
        Ok(())
    }
}

fn path_of(folder: &Path, number: u64) -> PathBuf {
    folder.join(format!("journal-{number:08}"))
}

/// The numbers of the files, in order.
fn numbers(folder: &Path) -> Result<Vec<u64>> {
    let mut numbers = Vec::new();
    for entry in fs::read_dir(folder).map_err(Error::read(folder))? {
        let name = entry.map_err(Error::read(folder))?.file_name();
        let number = name.to_str().and_then(|name| name.strip_prefix("journal-"));
        numbers.extend(number.and_then(|number| number.parse::<u64>().ok()));
    }
    numbers.sort_unstable();
    Ok(numbers)
}

fn frame(record: &Record) -> Result<Vec<u8>, ArrowError> {
    let bytes = record.bytes()?;
    let mut frame = Vec::with_capacity(bytes.len() + 9);
    frame.extend((bytes.len() as u32).to_le_bytes());
    frame.extend(checksum(record.kind(), &bytes).to_le_bytes());
    frame.push(record.kind());
    frame.extend(bytes);
    Ok(frame)
}

fn checksum(kind: u8, bytes: &[u8]) -> u32 {
    let mut hasher = Hasher::new();
    hasher.update(&[kind]);
    hasher.update(bytes);
    hasher.finalize()
}

/// Gives every whole record of a file to `each`. Returns how many bytes of it are whole.
fn frames(path: &Path, mut each: impl FnMut(Record) -> Result<()>) -> Result<u64> {
    let mut file = BufReader::new(File::open(path).map_err(Error::read(path))?);
    let mut whole = 0;
    loop {
        let mut head = [0; 9];
        if file.read_exact(&mut head).is_err() {
            return Ok(whole);
        }
        let size = head.len();
        let Head { length, sum, kind } = Head::read(head);
        let mut bytes = Vec::new();
        let read = file.by_ref().take(length as u64).read_to_end(&mut bytes);
        let is_whole = length <= LONGEST
            && read.is_ok_and(|read| read == length)
            && checksum(kind, &bytes) == sum;
        match is_whole.then(|| Record::read(kind, &bytes)).flatten() {
            None => return Ok(whole),
            Some(Record::Together(records)) => records.into_iter().try_for_each(&mut each)?,
            Some(record) => each(record)?,
        }
        whole += (length + size) as u64;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{AsArray, Int32Array};
    use arrow::datatypes::Int32Type;

    use super::*;

    fn rows(values: &[i32]) -> RecordBatch {
        let column = Arc::new(Int32Array::from(values.to_vec()));
        RecordBatch::try_from_iter([("a", column as _)]).unwrap()
    }

    /// What is read again: rows, and lines that were only deferred.
    fn read(folder: &Path) -> (Replayed, Vec<i32>, Vec<String>) {
        let mut appended = Vec::new();
        let replayed = Replayed::open(
            folder,
            Duration::ZERO,
            |_| 0,
            |record| {
                if let Record::Rows(rows) = record {
                    let values = rows.column(0).as_primitive::<Int32Type>();
                    appended.extend_from_slice(values.values());
                }
                Ok(())
            },
        );
        let replayed = replayed.unwrap();
        let lines = replayed.deferred.iter();
        let lines = lines.map(|line| String::from_utf8_lossy(line).into_owned());
        let lines = lines.collect();
        (replayed, appended, lines)
    }

    fn defer(journal: &mut Journal, line: &str) {
        journal.defer(line.as_bytes().to_vec()).unwrap();
    }

    #[test]
    fn what_is_deferred_is_there_until_it_is_taken_however_the_process_ends() {
        let temp = tempfile::tempdir().unwrap();
        let folder = temp.path();
        let mut journal = read(folder).0.begin(&State::default()).unwrap();
        journal.append(&Record::Rows(rows(&[1])), 0).unwrap();
        journal.sync().unwrap();
        defer(&mut journal, "two");
        defer(&mut journal, "three");
        drop(journal);
        // The last one was only half written.
        let path = folder.join(DEFERRED);
        let length = fs::metadata(&path).unwrap().len();
        let file = OpenOptions::new().write(true).open(&path).unwrap();
        file.set_len(length - 1).unwrap();

        let (replayed, appended, deferred) = read(folder);
        assert_eq!((appended, deferred), (vec![1], vec!["two".to_owned()]));
        assert!(replayed.damaged.is_empty());
        let mut journal = replayed.begin(&State::default()).unwrap();
        defer(&mut journal, "four");
        // One of the two has been appended when the process ends, and the file was not emptied.
        journal
            .append_all(vec![Record::Rows(rows(&[2]))], 0, 1)
            .unwrap();
        journal.sync().unwrap();
        drop(journal);
        let (replayed, appended, deferred) = read(folder);
        assert_eq!((appended, deferred), (vec![1, 2], vec!["four".to_owned()]));

        let mut journal = replayed.begin(&State::default()).unwrap();
        journal
            .append_all(vec![Record::Rows(rows(&[4]))], 0, 0)
            .unwrap();
        journal.sync().unwrap();
        assert_eq!(fs::metadata(&path).unwrap().len(), 0);
        defer(&mut journal, "five");
        journal.turn(&State::default(), Some(9)).unwrap();
        drop(journal);
        // The files that said what was taken have gone, and what was not is still there.
        let (_, appended, deferred) = read(folder);
        assert_eq!((appended, deferred), (vec![], vec!["five".to_owned()]));
    }

    #[test]
    fn a_deferred_line_is_there_once_wherever_the_process_ends() {
        let temp = tempfile::tempdir().unwrap();
        let folder = temp.path();
        let mut journal = read(folder).0.begin(&State::default()).unwrap();
        defer(&mut journal, "1");
        defer(&mut journal, "2");
        let path = path_of(folder, journal.number);
        let before = journal.length as usize;
        let all = [[1], [2]].map(|values| Record::Rows(rows(&values))).into();
        journal.append_all(all, 0, 0).unwrap();
        drop(journal);
        let whole = fs::read(&path).unwrap();
        for end in before..=whole.len() {
            fs::write(&path, &whole[..end]).unwrap();
            let (replayed, appended, deferred) = read(folder);
            assert!(replayed.damaged.is_empty());
            let deferred = deferred.iter().map(|line| line.parse().unwrap());
            let all: Vec<i32> = appended.into_iter().chain(deferred).collect();
            assert_eq!(
                all,
                [1, 2],
                "after {} bytes of {}",
                end - before,
                whole.len() - before
            );
        }
    }
}
