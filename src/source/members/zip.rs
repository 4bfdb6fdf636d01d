//! Members of ZIP archives, as the directory at the end of the archive lists them: also in archives
//! over 4 GiB (ZIP64), and where the sizes follow the bytes (data descriptors).

use std::io::{self, Read};
use std::sync::Arc;

use crc32fast::Hasher;
use rawzip::{CompressionMethod, ZipArchive, ZipLocator};

use super::{Archive, Kind, Listing, hidden};
use crate::source::bounds::counted;
use crate::source::unpack::inflated;

/// How ZIP packs a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::source) struct Zipped {
    /// Bytes in the archive.
    pub(in crate::source) packed: u64,
    /// How they are packed.
    pub(in crate::source) method: Method,
    /// Bytes that come out.
    pub(in crate::source) size: u64,
    /// Their check sum.
    pub(in crate::source) crc: u32,
}

/// What ZIP packs with and is read. Everything else is known by its own first bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::source) enum Method {
    Stored,
    Deflate,
    /// bzip2, xz or zstd, which check themselves.
    Known,
}

impl Method {
    fn of(method: CompressionMethod) -> Option<Method> {
        match method {
            CompressionMethod::STORE => Some(Method::Stored),
            CompressionMethod::DEFLATE => Some(Method::Deflate),
            CompressionMethod::BZIP2
            | CompressionMethod::XZ
            | CompressionMethod::ZSTD
            | CompressionMethod::ZSTD_DEPRECATED => Some(Method::Known),
            _ => None,
        }
    }
}

/// One line of the directory.
struct Line {
    name: Vec<u8>,
    is_link: bool,
    is_encrypted: bool,
    method: CompressionMethod,
    at: rawzip::ZipArchiveEntryWayfinder,
    crc: u32,
}

impl Listing<'_> {
    pub(super) fn zip(&mut self, archive: Archive<'_>) -> io::Result<()> {
        let window = archive.window;
        let mut buffer = vec![0; rawzip::MAX_CENTRAL_DIRECTORY_RECORD_SIZE];
        let zip = ZipLocator::new()
            .locate_in_reader(window.clone(), &mut buffer, window.length())
            .map_err(|(_, error)| damaged(error))?;
        let mut lines = zip.entries(&mut buffer);
        // Members lie one behind another, so together they are no longer than the archive.
        let mut room = window.length();
        let mut notes = 0_u64;
        while let Some(line) = lines.next_entry().map_err(damaged)? {
            if line.is_dir() {
                continue;
            }
            if !self.meet() {
                break;
            }
            let line = Line {
                name: line.file_path().as_bytes().to_vec(),
                is_link: line.mode().is_symlink(),
                is_encrypted: line.flags().is_encrypted(),
                method: line.compression_method(),
                at: line.wayfinder(),
                crc: line.crc32(),
            };
            let Some(left) = room.checked_sub(line.at.compressed_size_hint()) else {
                return Err(io::Error::other(
                    "its members lie over one another (a decompression bomb?); unpack it first if it is none",
                ));
            };
            room = left;
            if line.name.starts_with(b"__MACOSX/") {
                notes += 1;
                continue;
            }
            self.zipped(archive, &zip, &line);
        }
        if notes > 0 {
            let name = archive.name_of(b"__MACOSX");
            self.leave_out(name, format!("{notes} notes of macOS about other members"));
        }
        Ok(())
    }

    fn zipped(
        &mut self,
        archive: Archive<'_>,
        zip: &ZipArchive<crate::source::window::Window>,
        line: &Line,
    ) {
        let name = archive.name_of(&line.name);
        if let Some(why) = hidden(&line.name) {
            return self.leave_out(name, why);
        }
        if line.is_link {
            return self.leave_out(name, "a link; what it leads to is read under its own name");
        }
        if line.is_encrypted {
            return self.lose(name, "it is encrypted; unpack it with its password first");
        }
        let Some(method) = Method::of(line.method) else {
            let method = line.method;
            let reason =
                format!("it is packed by method {method}, which is not read; unpack it first");
            return self.lose(name, reason);
        };
        let (start, end) = match zip.get_entry(line.at) {
            Ok(entry) => entry.compressed_data_range(),
            Err(error) => return self.lose(name, damaged(error)),
        };
        let zipped = Zipped {
            packed: end.saturating_sub(start),
            method,
            size: line.at.uncompressed_size_hint(),
            crc: line.crc,
        };
        let window = archive.window.part(start, zipped.packed);
        let depth = archive.depth + 1;
        let found = match method {
            Method::Stored | Method::Known => self.archive(Archive {
                name: &name,
                window: &window,
                depth,
                ..archive
            }),
            Method::Deflate => {
                let (raw, count) = counted(window.reader(), Arc::default());
                let input = inflated(Box::new(raw), &count, zipped, self.limits);
                self.stream(&name, input, depth).map(|head| head.is_none())
            }
        };
        match found {
            Ok(true) => {}
            Ok(false) => self.add(archive, name, zipped.packed, &window, Kind::Zipped(zipped)),
            Err(error) => self.lose(name, error),
        }
    }
}

fn damaged(error: rawzip::Error) -> io::Error {
    io::Error::other(format!(
        "the ZIP archive is damaged or cut off ({error}); get the file again"
    ))
}

/// Gives a member's bytes, and an error if they are not those that the archive lists.
pub(in crate::source) struct Checked<R> {
    inner: R,
    sum: Hasher,
    given: u64,
    zipped: Zipped,
}

impl<R> Checked<R> {
    pub(in crate::source) fn new(inner: R, zipped: Zipped) -> Self {
        Checked {
            inner,
            sum: Hasher::new(),
            given: 0,
            zipped,
        }
    }
}

impl<R: Read> Read for Checked<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if buf.is_empty() {
            return Ok(0);
        }
        let read = self.inner.read(buf)?;
        self.sum.update(buf.get(..read).unwrap_or_default());
        self.given += read as u64;
        let is_over = self.given > self.zipped.size;
        let is_short = read == 0 && self.given < self.zipped.size;
        if is_over || is_short || read == 0 && self.sum.clone().finalize() != self.zipped.crc {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "the bytes are not those that the archive lists (damaged?); get the file again",
            ));
        }
        Ok(read)
    }
}
