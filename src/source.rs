//! Finds inputs and opens them: files, folders, globs and stdin, with compression undone by content.
//!
//! Whatever a name ends in does not matter here. Nothing is skipped without a word: what cannot be
//! reached is returned beside what can.

use std::collections::HashSet;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::error::{Error, Result};

/// One input: a file or stdin.
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

/// How an input was packed, found by its first bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compression {
    /// As it is.
    None,
    /// gzip (RFC 1952), with any number of members.
    Gzip,
    /// Zstandard (RFC 8878), with any number of frames.
    Zstd,
}

impl Compression {
    /// The name in coverage.
    pub fn name(self) -> &'static str {
        match self {
            Compression::None => "none",
            Compression::Gzip => "gzip",
            Compression::Zstd => "zstd",
        }
    }

    fn of(head: &[u8]) -> Compression {
        match head {
            [0x1f, 0x8b, ..] => Compression::Gzip,
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Compression::Zstd,
            _ => Compression::None,
        }
    }
}

/// What an unpacked input may grow to before it is taken for a decompression bomb.
#[derive(Clone, Copy, Debug)]
pub struct UnpackLimits {
    /// Bytes that one input may unpack to.
    pub bytes: u64,
    /// Times its packed size that one input may unpack to (looked at after the first 64 MiB).
    pub ratio: u64,
}

impl Default for UnpackLimits {
    /// 256 GiB and 500 times. Sign-in logs pack 10 to 40 times; gzip can pack zeros 1,032 times.
    fn default() -> Self {
        UnpackLimits {
            bytes: 256 << 30,
            ratio: 500,
        }
    }
}

/// Below this size the ratio means nothing: a few thousand equal lines pack very well.
const RATIO_FROM: u64 = 64 << 20;

/// An opened input: `Read` gives the unpacked bytes.
pub struct Opened {
    reader: Box<dyn Read + Send>,
    /// How it was packed.
    pub compression: Compression,
    /// Packed bytes read so far.
    pub packed: Arc<AtomicU64>,
}

impl Read for Opened {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.reader.read(buf)
    }
}

/// Opens `source`. Packed bytes are added to `progress` as they are read.
///
/// # Errors
/// What the system says when the file cannot be opened or its first bytes cannot be read.
pub fn open(
    source: &Source,
    limits: UnpackLimits,
    progress: &Arc<AtomicU64>,
) -> io::Result<Opened> {
    let raw: Box<dyn Read + Send> = match &source.path {
        Some(path) => Box::new(File::open(path)?),
        None => Box::new(io::stdin()),
    };
    let packed = Arc::new(AtomicU64::new(0));
    let counted = Counted {
        inner: raw,
        packed: Arc::clone(&packed),
        progress: Arc::clone(progress),
    };
    let mut buffered = BufReader::with_capacity(1 << 18, counted);
    let compression = Compression::of(buffered.fill_buf()?);
    #[allow(
        clippy::disallowed_types,
        reason = "the one place that unpacks, and only within `Capped`"
    )]
    let reader: Box<dyn Read + Send> = match compression {
        Compression::None => Box::new(buffered),
        Compression::Gzip => Box::new(Capped {
            inner: flate2::bufread::MultiGzDecoder::new(buffered),
            packed: Arc::clone(&packed),
            unpacked: 0,
            limits,
        }),
        Compression::Zstd => Box::new(Capped {
            inner: zstd::stream::read::Decoder::with_buffer(buffered)?,
            packed: Arc::clone(&packed),
            unpacked: 0,
            limits,
        }),
    };
    Ok(Opened {
        reader,
        compression,
        packed,
    })
}

struct Counted<R> {
    inner: R,
    packed: Arc<AtomicU64>,
    progress: Arc<AtomicU64>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buf)?;
        self.packed.fetch_add(read as u64, Ordering::Relaxed);
        self.progress.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}

/// The only way to unpack: it stops at the limits (see `.clippy.toml`).
struct Capped<R> {
    inner: R,
    packed: Arc<AtomicU64>,
    unpacked: u64,
    limits: UnpackLimits,
}

impl<R: Read> Read for Capped<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buf).map_err(cut_off)?;
        self.unpacked += read as u64;
        let packed = self.packed.load(Ordering::Relaxed).max(1);
        if self.unpacked > self.limits.bytes {
            return Err(io::Error::other(format!(
                "unpacks to more than {} bytes; if that is right, raise --max-unpacked",
                self.limits.bytes
            )));
        }
        if self.unpacked > RATIO_FROM && self.unpacked / packed > self.limits.ratio {
            return Err(io::Error::other(format!(
                "unpacks to more than {} times its size (a decompression bomb?); if that is right, raise --max-ratio",
                self.limits.ratio
            )));
        }
        Ok(read)
    }
}

fn cut_off(error: io::Error) -> io::Error {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => io::Error::new(
            error.kind(),
            "the compressed data ends too early (cut off while copying?); get the file again",
        ),
        // What zstd says has no kind of its own; what the system says has a number.
        io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData | io::ErrorKind::Other
            if error.raw_os_error().is_none() =>
        {
            io::Error::new(
                error.kind(),
                format!("the compressed data is damaged ({error}); get the file again"),
            )
        }
        _ => error,
    }
}

#[cfg(test)]
mod tests;
