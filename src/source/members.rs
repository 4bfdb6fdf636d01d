//! Archives: each member of a ZIP or tar file is an input of its own, named `archive!/member`, and so
//! is each member of an archive within it, `archive!/inner!/member`.
//!
//! Members are listed before anything is read, so that each has its number and its line in the
//! coverage whatever happens later. Nothing is ever written to disk under a member's name: an archive
//! that can only be looked into once it is unpacked goes to a temporary file without a name.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::sync::{Arc, Mutex};

use super::bounds::{RATIO_FROM, counted};
use super::unpack::{Compression, UnpackLimits, full, unpacked};
use super::window::{Spool, Window};
use super::{Source, Unreadable};

mod tar;
mod zip;

pub use self::tar::each_of_tar;
pub(super) use self::zip::{Checked, Method, Zipped};

/// Where a member lies.
#[derive(Clone, Debug)]
pub struct Member {
    held: Held,
    pub(super) kind: Kind,
}

/// A place in the file that was named, or in the temporary one.
#[derive(Clone, Debug)]
enum Held {
    Named { start: u64, length: u64 },
    Spooled(Window),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// The place holds its bytes. There should be so many.
    Stored(u64),
    /// The place holds its bytes as ZIP packs them.
    Zipped(Zipped),
    /// The place holds a packed tar file, and these are its bytes in what that unpacks to.
    Unpacked { start: u64, size: u64 },
}

impl Member {
    /// Whether it is part of a packed tar file, whose members are read together.
    pub(super) fn is_of_packed_tar(&self) -> bool {
        matches!(self.kind, Kind::Unpacked { .. })
    }

    /// Whether both lie at one place: they are members of one packed tar file, if of any.
    pub(super) fn is_beside(&self, other: &Member) -> bool {
        let place = |member: &Member| match &member.held {
            Held::Named { start, length } => (false, *start, *length),
            Held::Spooled(window) => (true, window.start(), window.length()),
        };
        place(self) == place(other)
    }

    /// What its place holds; `named` is the file that was named.
    pub(super) fn window(&self, named: Option<&Path>) -> io::Result<Window> {
        match (&self.held, named) {
            (Held::Spooled(window), _) => Ok(window.clone()),
            (Held::Named { start, length }, Some(file)) => {
                Ok(Window::of(file)?.part(*start, *length))
            }
            // What comes from a pipe is always in the temporary file.
            (Held::Named { .. }, None) => Err(io::ErrorKind::NotSeekable.into()),
        }
    }
}

/// The members of every archive among `sources` in its place, and what is not read of them. Archives
/// that have to be unpacked to be looked into are unpacked into `folder`, and so is one that comes
/// from a pipe.
pub fn expand(
    sources: Vec<Source>,
    limits: UnpackLimits,
    folder: &Path,
) -> (Vec<Source>, Vec<Unreadable>) {
    let mut spool = Spool::new(folder);
    let mut expanded = Vec::with_capacity(sources.len());
    let mut unreadable = Vec::new();
    for mut source in sources {
        let mut listing = Listing {
            input: &source,
            limits,
            spool: &mut spool,
            packed: source.bytes,
            taken: 0,
            met: 0,
            members: Vec::new(),
            unreadable: &mut unreadable,
        };
        match listing.input() {
            Ok(Found::Archive) => expanded.append(&mut listing.members),
            Ok(Found::Plain) => expanded.push(source),
            Ok(Found::Stream(stream)) => {
                source.stream = Some(Arc::new(Mutex::new(Some(stream))));
                expanded.push(source);
            }
            Err(error) => {
                expanded.append(&mut listing.members);
                unreadable.push(Unreadable::lost(source.name, error));
            }
        }
    }
    (expanded, unreadable)
}

enum Found {
    Archive,
    Plain,
    /// No archive, and no file either: its bytes come only once.
    Stream(Box<dyn Read + Send>),
}

/// What the first bytes of an input show it to be.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Looks {
    Plain,
    Zip,
    Tar,
    /// A ZIP archive that is packed once more.
    PackedZip,
    PackedTar,
}

/// Bytes that tell an archive.
const HEAD: usize = 512;

/// Packed bytes that give so many. bzip2 gives nothing before it has seen 900 kB.
const PACKED_HEAD: usize = 1 << 20;

/// The first bytes, enough to tell what it is. A fault in them is met again when all is read.
fn head_of(reader: &mut impl Read) -> Vec<u8> {
    let mut head = Vec::new();
    let first = reader.by_ref().take(HEAD as u64).read_to_end(&mut head);
    if first.is_ok() && Compression::of(&head) != Compression::None {
        let more = (PACKED_HEAD - HEAD) as u64;
        let _ = reader.take(more).read_to_end(&mut head);
    }
    head
}

impl Looks {
    fn of(head: &[u8], limits: UnpackLimits) -> Looks {
        let (raw, count) = counted(head, Arc::default());
        let Ok((mut inner, compression)) = unpacked(Box::new(raw), count, None, limits) else {
            return Looks::Plain;
        };
        let packed = compression != Compression::None;
        let begin = full(&mut inner, HEAD).unwrap_or_default();
        let is_zip = begin.starts_with(b"PK\x03\x04")
            || begin.starts_with(b"PK\x05\x06")
            || begin.starts_with(b"PK\x07\x08");
        match (is_zip, begin.get(257..262) == Some(b"ustar")) {
            (true, _) if packed => Looks::PackedZip,
            (true, _) => Looks::Zip,
            (_, true) if packed => Looks::PackedTar,
            (_, true) => Looks::Tar,
            _ => Looks::Plain,
        }
    }
}

/// The members of one input, as they are found.
struct Listing<'a> {
    input: &'a Source,
    limits: UnpackLimits,
    spool: &'a mut Spool,
    /// Bytes of the input as it is, once that is known.
    packed: Option<u64>,
    /// Bytes that were unpacked to look into archives.
    taken: u64,
    /// Members met, read or not.
    met: usize,
    members: Vec<Source>,
    unreadable: &'a mut Vec<Unreadable>,
}

/// One archive among them.
#[derive(Clone, Copy)]
struct Archive<'a> {
    name: &'a str,
    window: &'a Window,
    /// Whether it lies in the temporary file.
    is_spooled: bool,
    /// How many archives lie around it.
    depth: usize,
}

impl Archive<'_> {
    /// The name of one of its members. Long ones are cut, since all are kept.
    fn name_of(&self, member: &[u8]) -> String {
        let cut = member.get(..1024).unwrap_or(member);
        format!("{}!/{}", self.name, String::from_utf8_lossy(cut))
    }
}

impl Listing<'_> {
    fn input(&mut self) -> io::Result<Found> {
        let name = &self.input.name;
        let mut stream: Box<dyn Read + Send> = match (&self.input.path, self.input.bytes) {
            (Some(path), Some(_)) => {
                // A file that cannot be opened says so when it is read.
                let Ok(window) = Window::of(path) else {
                    return Ok(Found::Plain);
                };
                let archive = Archive {
                    name,
                    window: &window,
                    is_spooled: false,
                    depth: 0,
                };
                return Ok(match self.archive(archive)? {
                    true => Found::Archive,
                    false => Found::Plain,
                });
            }
            (Some(path), None) => Box::new(File::open(path)?),
            (None, _) => Box::new(io::stdin()),
        };
        Ok(match self.stream(name, &mut stream, 0)? {
            None => Found::Archive,
            Some(head) => Found::Stream(Box::new(io::Cursor::new(head).chain(stream))),
        })
    }

    /// Lists the members of what may be an archive. False if it is none.
    fn archive(&mut self, archive: Archive<'_>) -> io::Result<bool> {
        let looks = Looks::of(&head_of(&mut archive.window.reader()), self.limits);
        if looks != Looks::Plain {
            self.list(archive, looks)?;
        }
        Ok(looks != Looks::Plain)
    }

    /// The same for what is read only once: if it is no archive, its first bytes are given back.
    fn stream(
        &mut self,
        name: &str,
        mut input: impl Read,
        depth: usize,
    ) -> io::Result<Option<Vec<u8>>> {
        let head = head_of(&mut input);
        let looks = Looks::of(&head, self.limits);
        if looks == Looks::Plain {
            return Ok(Some(head));
        }
        self.allow(depth)?;
        let window = self.unpack(io::Cursor::new(head).chain(input))?;
        if depth == 0 {
            // The input itself, as it came from a pipe.
            (self.packed, self.taken) = (Some(window.length()), 0);
        }
        let archive = Archive {
            name,
            window: &window,
            is_spooled: true,
            depth,
        };
        self.list(archive, looks).map(|()| None)
    }

    fn list(&mut self, archive: Archive<'_>, looks: Looks) -> io::Result<()> {
        self.allow(archive.depth)?;
        match looks {
            Looks::Plain => Ok(()),
            Looks::Zip => self.zip(archive),
            Looks::Tar => self.tar(archive),
            Looks::PackedTar => self.packed_tar(archive),
            Looks::PackedZip => {
                let (raw, count) = counted(archive.window.reader(), Arc::default());
                let (inner, _) = unpacked(Box::new(raw), count, None, self.limits)?;
                let window = self.unpack(inner)?;
                self.zip(Archive {
                    window: &window,
                    is_spooled: true,
                    ..archive
                })
            }
        }
    }

    fn allow(&self, depth: usize) -> io::Result<()> {
        if depth < self.limits.archives {
            return Ok(());
        }
        Err(io::Error::other(format!(
            "an archive within {depth} others is not looked into; unpack it first"
        )))
    }

    /// Unpacks what may be looked into only as a whole. All that is unpacked for one input counts
    /// against the limits together.
    fn unpack(&mut self, input: impl Read) -> io::Result<Window> {
        let limits = self.limits;
        let by_ratio = self.packed.map(|bytes| {
            let bytes = bytes.max(1).saturating_mul(limits.ratio);
            bytes.max(RATIO_FROM)
        });
        let most = by_ratio.unwrap_or(u64::MAX).min(limits.bytes);
        let mut input = input.take(most.saturating_sub(self.taken).saturating_add(1));
        let before = self.taken;
        let window = self.spool.take(&mut input, &mut self.taken)?;
        if self.taken <= most {
            return Ok(window);
        }
        // What was taken over the limit is of no use; it still counts, or it could be tried forever.
        self.taken = most.max(before);
        let flag = if most == limits.bytes {
            "--max-unpacked"
        } else {
            "--max-ratio"
        };
        Err(io::Error::other(format!(
            "the archives within it unpack to more than {most} bytes in all (a decompression bomb?); if that is right, raise {flag}"
        )))
    }

    /// Whether one more member may be met. The first that may not is told.
    fn meet(&mut self) -> bool {
        self.met += 1;
        let most = self.limits.members;
        if self.met == most + 1 {
            let reason = format!(
                "it has more than {most} members; the first {most} are read, unpack it for the rest"
            );
            let name = self.input.name.clone();
            self.unreadable.push(Unreadable::lost(name, reason));
        }
        self.met <= most
    }

    fn add(&mut self, archive: Archive<'_>, name: String, bytes: u64, window: &Window, kind: Kind) {
        let held = if archive.is_spooled {
            Held::Spooled(window.clone())
        } else {
            Held::Named {
                start: window.start(),
                length: window.length(),
            }
        };
        self.members.push(Source {
            name,
            path: self.input.path.clone(),
            bytes: Some(bytes),
            named: false,
            member: Some(Member { held, kind }),
            stream: None,
        });
    }

    /// A member that is not read, though it may hold sign-ins.
    fn lose(&mut self, name: String, reason: impl ToString) {
        self.unreadable.push(Unreadable::lost(name, reason));
    }

    /// A member that is not read, and need not be.
    fn leave_out(&mut self, name: String, reason: impl ToString) {
        self.unreadable.push(Unreadable::left_out(name, reason));
    }
}

/// Why a member of this name is no input: hidden files are left out of folders, too.
fn hidden(name: &[u8]) -> Option<&'static str> {
    let mut parts = name.split(|at| matches!(at, b'/' | b'\\'));
    parts.find_map(|part| match part {
        b"__MACOSX" => Some("a note of macOS about another member"),
        [b'.', b'_', ..] => Some("a note of macOS about another member"),
        b"." | b".." => None,
        [b'.', ..] => Some("hidden; unpack the archive and name it if it should be read"),
        _ => None,
    })
}

#[cfg(test)]
mod tests;
