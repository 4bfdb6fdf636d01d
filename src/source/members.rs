//! Archives: each member of a ZIP or tar file is an input of its own, named `archive!/member`.
//!
//! Members are listed before anything is read, so that each has its number and its line in the
//! coverage whatever happens later. Nothing is ever written to disk under a member's name.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use super::unpack::{Opened, UnpackLimits, open, opened};
use super::{Source, Unreadable};

/// Where a member lies in its archive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Member {
    /// At this place of the file; each such member can be opened alone.
    Stored {
        /// Where its bytes begin.
        start: u64,
        /// How many they are.
        packed: u64,
        /// Whether they are packed with deflate.
        deflated: bool,
    },
    /// At this place of what the file unpacks to, so that the file is read from its start.
    Unpacked {
        /// Where its bytes begin.
        start: u64,
        /// How many they are.
        size: u64,
    },
}

/// More members than this are not believed.
const MEMBERS: usize = 100_000;

/// The members of every archive among `sources` in its place, and what can't be read of them.
pub fn expand(sources: Vec<Source>, limits: UnpackLimits) -> (Vec<Source>, Vec<Unreadable>) {
    let mut expanded = Vec::with_capacity(sources.len());
    let mut unreadable = Vec::new();
    for source in sources {
        let Some(path) = source.path.clone().filter(|_| source.bytes.is_some()) else {
            expanded.push(source);
            continue;
        };
        let mut list = List {
            archive: &source,
            members: Vec::new(),
            unreadable: &mut unreadable,
        };
        match list.members_of(&path, limits) {
            // A file that cannot be opened says so when it is read.
            Ok(false) => expanded.push(source),
            Ok(true) => expanded.append(&mut list.members),
            Err(error) => {
                let mut members = list.members;
                unreadable.push(Unreadable {
                    name: source.name.clone(),
                    reason: error.to_string(),
                });
                expanded.append(&mut members);
            }
        }
    }
    (expanded, unreadable)
}

/// The members of one archive, as they are found.
struct List<'a> {
    archive: &'a Source,
    members: Vec<Source>,
    unreadable: &'a mut Vec<Unreadable>,
}

impl List<'_> {
    /// Whether the file is an archive; if it is, its members are listed.
    fn members_of(&mut self, path: &Path, limits: UnpackLimits) -> io::Result<bool> {
        let Ok(file) = File::open(path) else {
            return Ok(false);
        };
        let mut head = Vec::new();
        if (&file).take(TAR_HEADER).read_to_end(&mut head).is_err() {
            return Ok(false);
        }
        if head.starts_with(b"PK\x03\x04") || head.starts_with(b"PK\x05\x06") {
            self.zip(path)?;
            return Ok(true);
        }
        if is_tar(&head) {
            self.tar(BufReader::new(File::open(path)?), |start, size| {
                Member::Stored {
                    start,
                    packed: size,
                    deflated: false,
                }
            })?;
            return Ok(true);
        }
        let packed = head.starts_with(b"\x1f\x8b")
            || head.starts_with(b"BZh")
            || head.starts_with(b"\xfd7zXZ")
            || head.starts_with(b"\x28\xb5\x2f\xfd");
        if !packed {
            return Ok(false);
        }
        let begin = || open(self.archive, limits, &Arc::new(AtomicU64::new(0)));
        let mut first = Vec::new();
        let Ok(unpacked) = begin() else {
            return Ok(false);
        };
        // What is damaged here is damaged when it is read, and said then.
        if unpacked.take(TAR_HEADER).read_to_end(&mut first).is_err() || !is_tar(&first) {
            return Ok(false);
        }
        let unpacked = begin()?;
        self.tar(unpacked, |start, size| Member::Unpacked { start, size })?;
        Ok(true)
    }

    fn add(&mut self, member: &str, bytes: u64, at: Member) -> io::Result<()> {
        if self.members.len() >= MEMBERS {
            return Err(io::Error::other(format!(
                "it has more than {MEMBERS} members; the first {MEMBERS} are read"
            )));
        }
        self.members.push(Source {
            name: format!("{}!/{member}", self.archive.name),
            path: self.archive.path.clone(),
            bytes: Some(bytes),
            named: false,
            member: Some(at),
        });
        Ok(())
    }

    fn zip(&mut self, path: &Path) -> io::Result<()> {
        let damaged = |error: zip::result::ZipError| {
            io::Error::other(format!(
                "the ZIP archive is damaged ({error}); get the file again"
            ))
        };
        let mut archive =
            zip::ZipArchive::new(BufReader::new(File::open(path)?)).map_err(damaged)?;
        for number in 0..archive.len().min(MEMBERS + 1) {
            let member = archive.by_index_raw(number).map_err(damaged)?;
            let name = member.name().to_owned();
            if member.is_dir() || is_hidden(&name) {
                continue;
            }
            let method = member.compression();
            let reason = if member.encrypted() {
                Some("is encrypted; unpack it first".to_owned())
            } else if !matches!(
                method,
                zip::CompressionMethod::Stored | zip::CompressionMethod::Deflated
            ) {
                Some(format!(
                    "is packed with {method}, which is not read; unpack it first"
                ))
            } else {
                None
            };
            if let Some(reason) = reason {
                self.unreadable.push(Unreadable {
                    name: format!("{}!/{name}", self.archive.name),
                    reason,
                });
                continue;
            }
            let at = Member::Stored {
                start: member.data_start(),
                packed: member.compressed_size(),
                deflated: method == zip::CompressionMethod::Deflated,
            };
            self.add(&name, member.compressed_size(), at)?;
        }
        Ok(())
    }

    fn tar(&mut self, reader: impl Read, at: impl Fn(u64, u64) -> Member) -> io::Result<()> {
        let mut archive = tar::Archive::new(reader);
        for entry in archive.entries()? {
            let entry = entry.map_err(damaged_tar)?;
            if !entry.header().entry_type().is_file() {
                continue;
            }
            let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
            if is_hidden(&name) {
                continue;
            }
            let (start, size) = (entry.raw_file_position(), entry.size());
            self.add(&name, size, at(start, size))?;
        }
        Ok(())
    }
}

/// Bytes that tell a tar file.
const TAR_HEADER: u64 = 512;

fn is_tar(head: &[u8]) -> bool {
    head.get(257..262) == Some(b"ustar")
}

fn is_hidden(name: &str) -> bool {
    name.split(['/', '\\'])
        .any(|part| part == "__MACOSX" || part.starts_with('.') && part != "." && part != "..")
}

fn damaged_tar(error: io::Error) -> io::Error {
    io::Error::new(
        error.kind(),
        format!("the tar archive is damaged or cut off ({error}); get the file again"),
    )
}

/// Opens the members of one packed tar file, one after another, and hands each to `read` with its
/// number. `members` are of that file and in its order. Members behind a fault are handed over with
/// the fault.
///
/// # Errors
/// What `read` says.
pub fn each_of_tar<'s, E>(
    members: &[(usize, &'s Source)],
    limits: UnpackLimits,
    progress: &Arc<AtomicU64>,
    mut read: impl FnMut(usize, &'s Source, io::Result<Opened<'_>>) -> Result<(), E>,
) -> Result<(), E> {
    let Some((_, first)) = members.first() else {
        return Ok(());
    };
    let whole = Source {
        member: None,
        ..(*first).clone()
    };
    let mut unpacked = open(&whole, limits, progress).map(|inner| Position { inner, given: 0 });
    for (number, member) in members {
        let Some(Member::Unpacked { start, size }) = member.member else {
            continue;
        };
        let opened = match &mut unpacked {
            Err(error) => Err(io::Error::new(error.kind(), error.to_string())),
            Ok(tar) => skip(tar, start.saturating_sub(tar.given))
                .and_then(|()| opened(Box::new(Exactly::new(tar, size)), limits)),
        };
        read(*number, member, opened)?;
    }
    Ok(())
}

/// Knows how many bytes it has given.
struct Position<R> {
    inner: R,
    given: u64,
}

impl<R: Read> Read for Position<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buf)?;
        self.given += read as u64;
        Ok(read)
    }
}

/// Steps over `bytes`.
fn skip(reader: &mut impl Read, bytes: u64) -> io::Result<()> {
    io::copy(&mut Exactly::new(reader, bytes), &mut io::sink()).map(|_| ())
}

/// Gives so many bytes, and an error if the input ends before them.
pub(super) struct Exactly<R> {
    inner: R,
    left: u64,
}

impl<R> Exactly<R> {
    pub(super) fn new(inner: R, left: u64) -> Self {
        Exactly { inner, left }
    }
}

impl<R: Read> Read for Exactly<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let most = usize::try_from(self.left).map_or(buf.len(), |left| left.min(buf.len()));
        let Some(buf) = buf.get_mut(..most).filter(|buf| !buf.is_empty()) else {
            return Ok(0);
        };
        let read = self.inner.read(buf)?;
        if read == 0 {
            return Err(io::Error::new(
                io::ErrorKind::UnexpectedEof,
                "the archive ends inside this member (cut off while copying?); get the file again",
            ));
        }
        self.left -= read as u64;
        Ok(read)
    }
}

#[cfg(test)]
mod tests;
