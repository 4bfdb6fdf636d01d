//! Pieces of files, read from any place: an archive inside an archive is a piece of the file around
//! it, or of the one temporary file that holds what had to be unpacked to look into it.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// A piece of a file that is open.
#[derive(Clone, Debug)]
pub(super) struct Window {
    file: Arc<Mutex<File>>,
    start: u64,
    length: u64,
}

impl Window {
    /// All of a file.
    pub(super) fn of(path: &Path) -> io::Result<Window> {
        let file = File::open(path)?;
        let length = file.metadata()?.len();
        Ok(Window {
            file: Arc::new(Mutex::new(file)),
            start: 0,
            length,
        })
    }

    /// Where it lies in its file.
    pub(super) fn start(&self) -> u64 {
        self.start
    }

    pub(super) fn length(&self) -> u64 {
        self.length
    }

    /// The `length` bytes behind byte `start` of this one, as far as it has them.
    pub(super) fn part(&self, start: u64, length: u64) -> Window {
        let start = start.min(self.length);
        Window {
            file: Arc::clone(&self.file),
            start: self.start + start,
            length: length.min(self.length - start),
        }
    }

    pub(super) fn reader(&self) -> WindowReader {
        WindowReader {
            window: self.clone(),
            at: 0,
        }
    }

    fn read_at(&self, buf: &mut [u8], at: u64) -> io::Result<usize> {
        let left = self.length.saturating_sub(at);
        let most = usize::try_from(left).map_or(buf.len(), |left| left.min(buf.len()));
        let buf = buf.get_mut(..most).unwrap_or_default();
        if buf.is_empty() {
            return Ok(0);
        }
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.seek(SeekFrom::Start(self.start + at))?;
        file.read(buf)
    }
}

impl rawzip::ReaderAt for Window {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        Window::read_at(self, buf, offset)
    }
}

/// Reads a window from its start.
pub(super) struct WindowReader {
    window: Window,
    at: u64,
}

impl Read for WindowReader {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let read = self.window.read_at(buf, self.at)?;
        self.at += read as u64;
        Ok(read)
    }
}

impl Seek for WindowReader {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let to = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
            SeekFrom::End(by) => self.window.length.checked_add_signed(by),
        };
        self.at = to.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.at)
    }
}

/// One temporary file without a name, made when it is first needed. It is gone when the program ends,
/// however it ends.
pub(super) struct Spool {
    folder: PathBuf,
    file: Option<Arc<Mutex<File>>>,
    end: u64,
}

impl Spool {
    pub(super) fn new(folder: &Path) -> Spool {
        Spool {
            folder: folder.to_owned(),
            file: None,
            end: 0,
        }
    }

    /// Takes what `input` gives, and says where it lies. What came before a fault is taken off again.
    /// `taken` counts all of it.
    pub(super) fn take(&mut self, input: &mut impl Read, taken: &mut u64) -> io::Result<Window> {
        let full = |error: io::Error| {
            io::Error::new(
                error.kind(),
                format!("no room to unpack it ({error}); name another folder with --temp-dir"),
            )
        };
        let shared = match &self.file {
            Some(file) => Arc::clone(file),
            None => {
                let file = tempfile::tempfile_in(&self.folder).map_err(full)?;
                Arc::clone(self.file.insert(Arc::new(Mutex::new(file))))
            }
        };
        let mut file = shared.lock().unwrap_or_else(PoisonError::into_inner);
        file.seek(SeekFrom::Start(self.end))?;
        let mut buffer = vec![0; 1 << 16];
        let mut length = 0;
        let copied = loop {
            let read = match input.read(&mut buffer) {
                Ok(0) => break Ok(()),
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => break Err(error),
            };
            length += read as u64;
            *taken += read as u64;
            if let Err(error) = file.write_all(buffer.get(..read).unwrap_or_default()) {
                break Err(full(error));
            }
        };
        if let Err(error) = copied {
            file.set_len(self.end)?;
            return Err(error);
        }
        let start = self.end;
        self.end += length;
        drop(file);
        Ok(Window {
            file: shared,
            start,
            length,
        })
    }
}
