//! Where lines go: standard output, the file of findings, the file of what could not be used.

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::error::{Error, Result};

/// A file that is appended to, and opened again when its name has been given to another.
struct Appended {
    path: PathBuf,
    file: BufWriter<File>,
}

impl Appended {
    fn open(path: &Path) -> Result<Appended> {
        let file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(path)
            .map_err(Error::write(path))?;
        Ok(Appended {
            path: path.to_owned(),
            file: BufWriter::new(file),
        })
    }

    fn line(&mut self, line: &[u8]) -> Result<()> {
        self.file
            .write_all(line)
            .and_then(|()| self.file.write_all(b"\n"))
            .map_err(Error::write(&self.path))
    }

    fn flush(&mut self) -> Result<()> {
        self.file.flush().map_err(Error::write(&self.path))
    }
}

/// All of them.
pub(super) struct Sinks<W: Write> {
    stdout: BufWriter<W>,
    out: Option<Appended>,
    dead_letter: Option<Appended>,
}

/// A line that could not be used. It is itself a line that can be sent again: what is in `message` is
/// read.
#[derive(Serialize)]
struct Dead<'l> {
    reason: &'l str,
    bytes: usize,
    message: &'l str,
}

impl<W: Write> Sinks<W> {
    pub(super) fn new(stdout: W, out: Option<&Path>, dead_letter: Option<&Path>) -> Result<Self> {
        Ok(Sinks {
            stdout: BufWriter::with_capacity(1 << 16, stdout),
            out: out.map(Appended::open).transpose()?,
            dead_letter: dead_letter.map(Appended::open).transpose()?,
        })
    }

    /// Opens the files again, by their names.
    pub(super) fn reopen(&mut self) -> Result<()> {
        for file in [&mut self.out, &mut self.dead_letter].into_iter().flatten() {
            file.flush()?;
            *file = Appended::open(&file.path)?;
        }
        Ok(())
    }

    /// A line on standard output.
    pub(super) fn reply(&mut self, line: &[u8]) -> Result<()> {
        self.stdout
            .write_all(line)
            .and_then(|()| self.stdout.write_all(b"\n"))
            .map_err(output)
    }

    /// Findings, in the file if there is one; it is safe on disk afterwards.
    pub(super) fn findings(&mut self, lines: &[String]) -> Result<()> {
        let Some(out) = &mut self.out else {
            for line in lines {
                self.reply(line.as_bytes())?;
            }
            return self.flush();
        };
        for line in lines {
            out.line(line.as_bytes())?;
        }
        out.flush()?;
        out.file
            .get_ref()
            .sync_data()
            .map_err(Error::write(&out.path))
    }

    /// A line that could not be used.
    pub(super) fn dead(&mut self, line: &[u8], reason: &str) -> Result<()> {
        let Some(file) = &mut self.dead_letter else {
            return Ok(());
        };
        let message = String::from_utf8_lossy(line);
        let dead = Dead {
            reason,
            bytes: line.len(),
            message: &message,
        };
        let text = serde_json::to_vec(&dead).map_err(|error| output(error.into()))?;
        file.line(&text)?;
        file.flush()
    }

    /// Sends what is written on its way.
    pub(super) fn flush(&mut self) -> Result<()> {
        self.stdout.flush().map_err(output)
    }
}

fn output(source: io::Error) -> Error {
    Error::Output { source }
}
