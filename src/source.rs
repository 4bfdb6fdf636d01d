//! Finds inputs and opens them: files, folders, globs, members of archives and stdin, with compression
//! undone by content.
//!
//! Whatever a name ends in does not matter here. Nothing is skipped without a word: what cannot be
//! reached is returned beside what can.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};

mod members;
mod unpack;
mod utf16;

pub use members::{Member, each_of_tar, expand};
pub use unpack::{Compression, Opened, UnpackLimits, capped, open};
pub use utf16::Encoding;

/// One input: a file, a member of an archive or stdin.
#[derive(Clone, Debug, PartialEq, Eq)]
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
}

/// A file or folder that was met but cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable {
    /// As shown to people.
    pub name: String,
    /// What the system said.
    pub reason: String,
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
            }),
            Err(error) => self.unreadable.push(Unreadable {
                name,
                reason: error.to_string(),
            }),
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
                Err(error) => self.unreadable.push(Unreadable {
                    name: error.path().unwrap_or(folder).display().to_string(),
                    reason: match error.io_error() {
                        Some(error) => error.to_string(),
                        None => "a link that leads back to a folder above it".to_owned(),
                    },
                }),
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
                Err(error) => self.unreadable.push(Unreadable {
                    name: error.path().display().to_string(),
                    reason: error.error().to_string(),
                }),
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
