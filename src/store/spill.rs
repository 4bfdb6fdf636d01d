//! The temporary file for rows that are over the memory budget: Arrow IPC, packed with LZ4, one
//! piece after another. The file has no name and is gone when the program ends, however it ends.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use arrow::array::{RecordBatch, TimestampMicrosecondArray};
use arrow::error::ArrowError;
use arrow::ipc::CompressionType;
use arrow::ipc::reader::StreamReader;
use arrow::ipc::writer::{IpcWriteOptions, StreamWriter};

use crate::error::{Error, IntoTableError, Result};

/// The file; several threads write to it and read from it.
pub(super) struct Spill {
    file: Mutex<File>,
    folder: PathBuf,
}

/// Where a piece of rows lies in the file.
pub(super) struct Spilled {
    offset: u64,
    length: u64,
    /// Bytes that the rows take in memory with plain text.
    pub(super) memory: usize,
    minutes: Option<Minutes>,
}

/// A set of the minutes of a day: inputs of several hours are read side by side, so the rows of one piece may lie hours
/// apart.
struct Minutes([u64; MINUTES / 64 + 1]);

/// Minutes of a day.
const MINUTES: usize = 1440;

impl Minutes {
    fn of(times: &TimestampMicrosecondArray) -> Minutes {
        let mut set = Minutes(Default::default());
        for time in times.iter().flatten() {
            let minute = super::minute_of(time);
            set.0[minute / 64] |= 1 << (minute % 64);
        }
        set
    }

    fn any(&self, minutes: Range<usize>) -> bool {
        let mut minutes = minutes;
        minutes.any(|minute| self.0[minute / 64] >> (minute % 64) & 1 == 1)
    }
}

impl Spilled {
    /// Whether any row may lie in the minutes `first..end` of its day.
    pub(super) fn touches(&self, first: usize, end: usize) -> bool {
        let minutes = self.minutes.as_ref();
        minutes.is_none_or(|minutes| minutes.any(first..end))
    }

    /// Whether every row is known to lie in the minutes `first..end` of its day.
    pub(super) fn lies_within(&self, first: usize, end: usize) -> bool {
        let others = |minutes: &Minutes| minutes.any(0..first) || minutes.any(end..MINUTES);
        self.minutes.as_ref().is_some_and(|it| !others(it))
    }
}

impl Spill {
    pub(super) fn create(folder: &Path) -> Result<Spill> {
        let file = tempfile::tempfile_in(folder).map_err(Error::write(folder))?;
        Ok(Spill {
            file: Mutex::new(file),
            folder: folder.to_owned(),
        })
    }

    /// Writes rows that take `memory` bytes with plain text.
    pub(super) fn write(&self, batch: &RecordBatch, memory: usize) -> Result<Spilled> {
        let failed = |error: ArrowError| error.into_error(&self.folder);
        let options = IpcWriteOptions::default()
            .try_with_compression(Some(CompressionType::LZ4_FRAME))
            .map_err(failed)?;
        let schema = batch.schema();
        let mut writer =
            StreamWriter::try_new_with_options(Vec::new(), &schema, options).map_err(failed)?;
        writer.write(batch).map_err(failed)?;
        let bytes = writer.into_inner().map_err(failed)?;
        let offset = self.append(&bytes).map_err(Error::write(&self.folder))?;
        Ok(Spilled {
            offset,
            length: bytes.len() as u64,
            memory,
            minutes: super::times(batch).map(Minutes::of),
        })
    }

    /// Where the bytes begin that have been added at the end.
    fn append(&self, bytes: &[u8]) -> io::Result<u64> {
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        let offset = file.seek(SeekFrom::End(0))?;
        file.write_all(bytes)?;
        Ok(offset)
    }

    pub(super) fn read(&self, spilled: &Spilled) -> Result<RecordBatch> {
        let bytes = self.bytes(spilled).map_err(Error::read(&self.folder))?;
        let failed = |source| Error::Table {
            input: "temporary rows".to_owned(),
            source,
        };
        let mut reader =
            StreamReader::try_new(BufReader::new(bytes.as_slice()), None).map_err(failed)?;
        match reader.next() {
            Some(batch) => batch.map_err(failed),
            None => Err(failed(ArrowError::IpcError("no rows".to_owned()))),
        }
    }

    fn bytes(&self, spilled: &Spilled) -> io::Result<Vec<u8>> {
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.seek(SeekFrom::Start(spilled.offset))?;
        let mut bytes = vec![0; spilled.length as usize];
        file.read_exact(&mut bytes)?;
        Ok(bytes)
    }
}
