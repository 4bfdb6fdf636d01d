//! Members of tar files, also of packed ones, which can only be read from their start.

use std::cell::Cell;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use tar::EntryType;

use super::{Archive, Kind, Listing, Member, hidden};
use crate::source::Source;
use crate::source::bounds::{Exactly, counted};
use crate::source::unpack::{Opened, UnpackLimits, opened, unpacked};

/// What may stand before one member: its header, a long name, attributes. The library holds it in
/// memory.
const HEADERS: u64 = 1 << 20;

impl Listing<'_> {
    /// A tar file as it is: what its members hold is stepped over.
    pub(super) fn tar(&mut self, archive: Archive<'_>) -> io::Result<()> {
        let (reader, meter) = Metered::new(BufReader::new(archive.window.reader()));
        let mut tar = tar::Archive::new(reader);
        // Files that were joined are read to the end of the last.
        tar.set_ignore_zeros(true);
        self.tar_entries(tar.entries_with_seek()?, &meter, archive, true)
    }

    pub(super) fn packed_tar(&mut self, archive: Archive<'_>) -> io::Result<()> {
        let (raw, count) = counted(archive.window.reader(), Arc::default());
        let (inner, _) = unpacked(Box::new(raw), count, None, self.limits)?;
        let (reader, meter) = Metered::new(inner);
        let mut tar = tar::Archive::new(reader);
        tar.set_ignore_zeros(true);
        self.tar_entries(tar.entries()?, &meter, archive, false)
    }

    fn tar_entries<R: Read>(
        &mut self,
        mut entries: tar::Entries<'_, R>,
        meter: &Meter,
        archive: Archive<'_>,
        is_stored: bool,
    ) -> io::Result<()> {
        // Bytes of the last member that are still to be stepped over.
        let mut rest = 0_u64;
        loop {
            meter.left.set(rest.saturating_add(HEADERS));
            let Some(entry) = entries.next() else {
                return Ok(());
            };
            let mut entry = entry.map_err(damaged)?;
            meter.left.set(u64::MAX);
            let kind = entry.header().entry_type();
            let size = match kind {
                EntryType::GNUSparse => entry.header().entry_size()?,
                _ => entry.size(),
            };
            if !kind.is_dir() && !matches!(kind, EntryType::XGlobalHeader) {
                if !self.meet() {
                    return Ok(());
                }
                self.tar_entry(&mut entry, archive, is_stored)?;
            }
            let read = u64::MAX - meter.left.get();
            rest = if is_stored {
                0
            } else {
                size.saturating_sub(read)
            };
        }
    }

    fn tar_entry<R: Read>(
        &mut self,
        entry: &mut tar::Entry<'_, R>,
        archive: Archive<'_>,
        is_stored: bool,
    ) -> io::Result<()> {
        let path = entry.path_bytes().into_owned();
        let name = archive.name_of(&path);
        if let Some(why) = hidden(&path) {
            self.leave_out(name, why);
            return Ok(());
        }
        match entry.header().entry_type() {
            EntryType::Regular | EntryType::Continuous => {}
            EntryType::Link | EntryType::Symlink => {
                self.leave_out(name, "a link; what it leads to is read under its own name");
                return Ok(());
            }
            EntryType::Char | EntryType::Block | EntryType::Fifo => {
                self.leave_out(name, "a device or pipe, which holds nothing");
                return Ok(());
            }
            EntryType::GNUSparse => {
                self.lose(name, SPARSE);
                return Ok(());
            }
            _ => {
                self.lose(
                    name,
                    "a kind of member that is not read; unpack the archive first",
                );
                return Ok(());
            }
        }
        if is_sparse(entry)? {
            self.lose(name, SPARSE);
            return Ok(());
        }
        let (start, size) = (entry.raw_file_position(), entry.size());
        let depth = archive.depth + 1;
        let part = archive.window.part(start, size);
        let found = if is_stored {
            self.archive(Archive {
                name: &name,
                window: &part,
                depth,
                ..archive
            })
        } else {
            self.stream(&name, entry, depth).map(|head| head.is_none())
        };
        match found {
            Ok(true) => {}
            Ok(false) if is_stored => self.add(archive, name, size, &part, Kind::Stored(size)),
            Ok(false) => {
                let kind = Kind::Unpacked { start, size };
                self.add(archive, name, size, archive.window, kind);
            }
            Err(error) => self.lose(name, error),
        }
        Ok(())
    }
}

const SPARSE: &str =
    "it is stored with holes (sparse), which is not read; unpack the archive first";

/// Whether the attributes say that what is stored is not the file itself.
fn is_sparse<R: Read>(entry: &mut tar::Entry<'_, R>) -> io::Result<bool> {
    let Some(attributes) = entry.pax_extensions()? else {
        return Ok(false);
    };
    let mut keys = attributes.filter_map(Result::ok);
    Ok(keys.any(|key| key.key_bytes().starts_with(b"GNU.sparse.")))
}

fn damaged(error: io::Error) -> io::Error {
    io::Error::new(
        error.kind(),
        format!("the tar archive is damaged or cut off ({error}); get the file again"),
    )
}

/// How many bytes may still be read.
struct Meter {
    left: Cell<u64>,
}

/// Gives no more bytes than its meter allows.
struct Metered<R> {
    inner: R,
    meter: Rc<Meter>,
}

impl<R> Metered<R> {
    fn new(inner: R) -> (Self, Rc<Meter>) {
        let left = Cell::new(0);
        let meter = Rc::new(Meter { left });
        let metered = Metered {
            inner,
            meter: Rc::clone(&meter),
        };
        (metered, meter)
    }
}

impl<R: Read> Read for Metered<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let left = self.meter.left.get();
        if left == 0 && !buf.is_empty() {
            return Err(io::Error::other(format!(
                "more than {HEADERS} bytes stand before a member"
            )));
        }
        let most = usize::try_from(left).map_or(buf.len(), |left| left.min(buf.len()));
        let read = self.inner.read(buf.get_mut(..most).unwrap_or_default())?;
        self.meter.left.set(left - read as u64);
        Ok(read)
    }
}

impl<R: Seek> Seek for Metered<R> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.inner.seek(to)
    }
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
    let mut tar = match &first.member {
        Some(member) => whole(member, first, limits, progress),
        None => return Ok(()),
    };
    for (number, source) in members {
        let member = source.member.as_ref().map(|member| member.kind);
        let Some(Kind::Unpacked { start, size }) = member else {
            continue;
        };
        let opened = match &mut tar {
            Err(error) => Err(io::Error::new(error.kind(), error.to_string())),
            Ok(tar) => skip(tar, start.saturating_sub(tar.given)).and_then(|()| {
                let (raw, count) = counted(Exactly::new(tar, size), Arc::default());
                opened(Box::new(raw), count, None, limits)
            }),
        };
        read(*number, source, opened)?;
    }
    Ok(())
}

/// All that the packed tar file around `member` unpacks to.
fn whole(
    member: &Member,
    source: &Source,
    limits: UnpackLimits,
    progress: &Arc<AtomicU64>,
) -> io::Result<Position<impl Read + Send + use<>>> {
    let (raw, count) = counted(
        member.window(source.path.as_deref())?.reader(),
        Arc::clone(progress),
    );
    let (inner, _) = unpacked(Box::new(raw), count, None, limits)?;
    Ok(Position { inner, given: 0 })
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
