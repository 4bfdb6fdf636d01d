//! The temporary file for rows that are over the memory budget: Arrow IPC, packed with LZ4, one
//! piece after another. The file has no name and is gone when the program ends, however it ends.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use arrow::array::RecordBatch;
use arrow::compute::{max, min};
use arrow::error::ArrowError;
use arrow::ipc::CompressionType;
use arrow::ipc::reader::StreamReader;
use arrow::ipc::writer::{IpcWriteOptions, StreamWriter};

use crate::error::{Error, IntoTableError, Result};

pub(super) struct Spill {
    file: Mutex<File>,
    folder: PathBuf,
    end: u64,
}

/// Where a piece of rows lies in the file.
pub(super) struct Spilled {
    offset: u64,
    length: u64,
    /// Bytes that the rows take in memory.
    pub(super) memory: usize,
    minutes: Option<(usize, usize)>,
}

impl Spilled {
    /// Whether any row may lie in the minutes `first..end` of its day.
    pub(super) fn touches(&self, first: usize, end: usize) -> bool {
        self.minutes
            .is_none_or(|(earliest, latest)| earliest < end && latest >= first)
    }
}

impl Spill {
    pub(super) fn create(folder: &Path) -> Result<Spill> {
        let file = tempfile::tempfile_in(folder).map_err(Error::write(folder))?;
        Ok(Spill {
            file: Mutex::new(file),
            folder: folder.to_owned(),
            end: 0,
        })
    }

    pub(super) fn write(&mut self, batch: &RecordBatch) -> Result<Spilled> {
        let failed = |error: ArrowError| error.into_error(&self.folder);
        let options = IpcWriteOptions::default()
            .try_with_compression(Some(CompressionType::LZ4_FRAME))
            .map_err(failed)?;
        let schema = batch.schema();
        let mut writer =
            StreamWriter::try_new_with_options(Vec::new(), &schema, options).map_err(failed)?;
        writer.write(batch).map_err(failed)?;
        let bytes = writer.into_inner().map_err(failed)?;
        let file = self.file.get_mut().unwrap_or_else(PoisonError::into_inner);
        let offset = self.end;
        file.seek(SeekFrom::Start(offset))
            .and_then(|_| file.write_all(&bytes))
            .map_err(Error::write(&self.folder))?;
        self.end += bytes.len() as u64;
        let minutes = super::times(batch)
            .and_then(|times| Some((min(times)?, max(times)?)))
            .map(|(first, last)| (super::minute_of(first), super::minute_of(last)));
        Ok(Spilled {
            offset,
            length: bytes.len() as u64,
            memory: batch.get_array_memory_size(),
            minutes,
        })
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
