//! Finds inputs and opens them: files, folders, globs, members of archives and stdin, with compression
//! undone by content.
//!
//! Whatever a name ends in does not matter here. Nothing is skipped without a word: what cannot be
//! reached is returned beside what can.

use std::collections::HashSet;
use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use crate::error::{Error, Result};

mod bounds;
mod gzip;
mod members;
mod unpack;
mod utf16;
mod window;

pub use bounds::{Capped, capped};
pub use members::{Member, each_of_tar, expand};
pub use unpack::{Compression, Opened, UnpackLimits, open};
pub use utf16::Encoding;

/// One input: a file, a member of an archive or stdin.
#[derive(Clone)]
pub struct Source {
    /// The name that coverage and the column `source_file` show: the path as it was reached from
    /// what was typed, or `-` for stdin.
    pub name: String,
    /// Where it is; `None` is stdin.
    pub path: Option<PathBuf>,
    /// Size on disk in bytes, when known.
    pub bytes: Option<u64>,
    /// Whether the user named this very file (or stdin), rather than a folder around it.
    pub named: bool,
    /// Which part of the file it is, if the file is an archive.
    pub member: Option<Member>,
    /// The bytes of what can be read only once, since its first ones have been looked at.
    stream: Option<Stream>,
}

/// Taken by whoever reads it.
type Stream = Arc<Mutex<Option<Box<dyn Read + Send>>>>;

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

impl Source {
    /// Whether it can only be read behind `other` in one go, since both are members of one packed tar
    /// file.
    pub fn is_read_with(&self, other: &Source) -> bool {
        match (&self.member, &other.member) {
            (Some(member), Some(before)) => {
                member.is_of_packed_tar() && self.path == other.path && member.is_beside(before)
            }
            _ => false,
        }
    }

    /// Whether it can be opened as often as one likes, and is the same each time.
    pub fn is_lasting(&self) -> bool {
        self.member.is_none() && self.stream.is_none() && self.bytes.is_some()
    }

    /// Whether it is a member of a packed tar file, to be read by [`each_of_tar`].
    pub fn is_of_packed_tar(&self) -> bool {
        let member = self.member.as_ref();
        member.is_some_and(Member::is_of_packed_tar)
    }

    /// All its bytes, as they are.
    fn bytes(&self) -> io::Result<Box<dyn Read + Send>> {
        if let Some(stream) = &self.stream {
            let mut stream = stream.lock().unwrap_or_else(PoisonError::into_inner);
            let again = || io::Error::other("it can be read only once");
            return stream.take().ok_or_else(again);
        }
        Ok(match &self.path {
            Some(path) => Box::new(File::open(path)?),
            None => Box::new(io::stdin()),
        })
    }
}

/// A file, folder or member that was met but is not read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable {
    /// As shown to people.
    pub name: String,
    /// Why not.
    pub reason: String,
    /// Whether it should have been read.
    pub is_lost: bool,
}

impl Unreadable {
    fn lost(name: String, reason: impl ToString) -> Unreadable {
        Unreadable {
            name,
            reason: reason.to_string(),
            is_lost: true,
        }
    }

    fn left_out(name: String, reason: impl ToString) -> Unreadable {
        Unreadable {
            is_lost: false,
            ..Unreadable::lost(name, reason)
        }
    }
}

/// Finds every input that `inputs` stands for, each once, in a stable order: as typed, and by name
/// within a folder or glob. Hidden files and folders are left out of folders and globs.
///
/// # Errors
/// An input that does not exist, or a glob that is malformed or matches nothing.
pub fn find(inputs: &[String]) -> Result<(Vec<Source>, Vec<Unreadable>)> {
    let mut found = Found::default();
    for input in inputs {
        let path = Path::new(input);
        if input == "-" {
            found.add(Source {
                name: input.clone(),
                path: None,
                bytes: None,
                named: true,
                member: None,
                stream: None,
            });
        } else if path.is_dir() {
            found.walk(path);
        } else if path.exists() {
            found.file(path, true);
        } else if input.contains(['*', '?', '[']) {
            found.glob(input)?;
        } else {
            return Err(Error::NoSuchInput {
                input: input.clone(),
            });
        }
    }
    Ok((found.sources, found.unreadable))
}

#[derive(Default)]
struct Found {
    sources: Vec<Source>,
    unreadable: Vec<Unreadable>,
    seen: HashSet<PathBuf>,
}

impl Found {
    fn add(&mut self, source: Source) {
        let key = match &source.path {
            Some(path) => path.canonicalize().unwrap_or_else(|_| path.clone()),
            None => PathBuf::from("-"),
        };
        if self.seen.insert(key) {
            self.sources.push(source);
        }
    }

    fn file(&mut self, path: &Path, named: bool) {
        let name = path.display().to_string();
        match path.metadata() {
            Ok(meta) => self.add(Source {
                name,
                path: Some(path.to_owned()),
                // A pipe or a device has no size that means anything.
                bytes: meta.is_file().then_some(meta.len()),
                named,
                member: None,
                stream: None,
            }),
            Err(error) => self.unreadable.push(Unreadable::lost(name, error)),
        }
    }

    fn walk(&mut self, folder: &Path) {
        let entries = walkdir::WalkDir::new(folder)
            .follow_links(true)
            .sort_by_file_name()
            .into_iter()
            .filter_entry(|entry| entry.depth() == 0 || !is_hidden(entry.file_name()));
        for entry in entries {
            match entry {
                Ok(entry) if entry.file_type().is_file() => self.file(entry.path(), false),
                Ok(_) => {}
                Err(error) => self.unreadable.push(Unreadable::lost(
                    error.path().unwrap_or(folder).display().to_string(),
                    match error.io_error() {
                        Some(error) => error.to_string(),
                        None => "a link that leads back to a folder above it".to_owned(),
                    },
                )),
            }
        }
    }

    fn glob(&mut self, pattern: &str) -> Result<()> {
        let options = glob::MatchOptions {
            require_literal_leading_dot: true,
            ..Default::default()
        };
        let paths = glob::glob_with(pattern, options).map_err(|error| Error::Glob {
            pattern: pattern.to_owned(),
            reason: format!("not a pattern: {}", error.msg),
        })?;
        let mut matched = false;
        for path in paths {
            matched = true;
            match path {
                Ok(path) if path.is_dir() => self.walk(&path),
                Ok(path) => self.file(&path, false),
                Err(error) => {
                    let name = error.path().display().to_string();
                    self.unreadable.push(Unreadable::lost(name, error.error()));
                }
            }
        }
        if matched {
            return Ok(());
        }
        Err(Error::Glob {
            pattern: pattern.to_owned(),
            reason: "nothing matches".to_owned(),
        })
    }
}

fn is_hidden(name: &std::ffi::OsStr) -> bool {
    name.as_encoded_bytes().starts_with(b".")
}

#[cfg(test)]
mod tests;
