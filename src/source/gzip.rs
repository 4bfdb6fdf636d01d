//! Undoes gzip. Logs of one hour are 13 times smaller in it, so it is what most archives of lines come in, and one stream is
//! unpacked by one thread that all else waits for: fdeflate takes half the time of zlib-rs for it (0.36 s and 0.68 s for 1 GB of
//! sign-ins), but knows only zlib's frame around deflate. So gzip's own (RFC 1952) is taken off here: its header with flate2, its
//! checksum and length by hand.

#![allow(
    clippy::disallowed_types,
    reason = "one of the few places that unpack, and only within `Capped`"
)]

use std::io::{self, BufRead, ErrorKind, Read};

use crc32fast::Hasher;
use fdeflate::{DecompressionError, Decompressor};

/// So far back deflate repeats.
const WINDOW: usize = 32 << 10;

/// Bytes that are unpacked at a time: what comes out is copied from the processor's cache.
const ROOM: usize = 256 << 10;

/// The header of zlib that fdeflate wants to see before deflate: a window of 32 KiB, no dictionary.
const ZLIB: [u8; 2] = [0x78, 0x01];

/// So many bytes behind deflate fdeflate may have read when it is done: four that it takes for zlib's checksum, where gzip has its
/// own, and up to three that its 64 bits have room for.
const BEHIND: usize = 7;

/// Unpacks all members of a gzip file, one after another.
pub(super) struct Gunzip<R> {
    packed: Steady<R>,
    inflate: Option<Decompressor>,
    /// What was unpacked of this member last, at least [`WINDOW`] bytes of it if there are so many.
    bytes: Vec<u8>,
    /// So many of them have been given.
    given: usize,
    filled: usize,
    /// The checksum of what this member has given, and how many bytes that was, modulo 2^32.
    sum: Hasher,
    length: u32,
    /// The last packed bytes of this member that were read.
    behind: Vec<u8>,
    is_first: bool,
}

impl<R: BufRead> Gunzip<R> {
    /// What `packed` gives is gzip.
    pub(super) fn new(packed: R) -> Self {
        Gunzip {
            packed: Steady {
                inner: packed,
                back: Vec::new(),
            },
            inflate: None,
            bytes: vec![0; WINDOW + ROOM],
            given: 0,
            filled: 0,
            sum: Hasher::new(),
            length: 0,
            behind: Vec::with_capacity(2 * BEHIND),
            is_first: true,
        }
    }

    /// Begins the next member; false: there is none.
    fn begin(&mut self) -> io::Result<bool> {
        if !self.is_first && self.packed.fill_buf()?.is_empty() {
            return Ok(false);
        }
        let mut header = flate2::bufread::GzDecoder::new(&mut self.packed);
        if header.header().is_none() {
            // It has kept what is wrong for whoever reads on.
            header.read_exact(&mut [0])?;
        }
        let mut inflate = Decompressor::new();
        inflate.ignore_adler32();
        inflate
            .read(&ZLIB, &mut [], 0, false)
            .map_err(|error| damaged(&error))?;
        self.inflate = Some(inflate);
        self.is_first = false;
        (self.given, self.filled) = (0, 0);
        (self.sum, self.length) = (Hasher::new(), 0);
        self.behind.clear();
        Ok(true)
    }

    /// Unpacks more, once all has been given; false: the member is at its end.
    fn more(&mut self) -> io::Result<bool> {
        let Some(inflate) = self.inflate.as_mut().filter(|inflate| !inflate.is_done()) else {
            return Ok(false);
        };
        if self.filled + WINDOW > self.bytes.len() {
            self.bytes.copy_within(self.filled - WINDOW..self.filled, 0);
            (self.given, self.filled) = (WINDOW, WINDOW);
        }
        let packed = self.packed.fill_buf()?;
        let (read, made) = inflate
            .read(packed, &mut self.bytes, self.filled, false)
            .map_err(|error| damaged(&error))?;
        // Something may be left to give when everything has been read.
        if read == 0 && made == 0 && !inflate.is_done() {
            return Err(match packed.is_empty() {
                true => ErrorKind::UnexpectedEof.into(),
                false => io::Error::new(ErrorKind::InvalidData, "deflate that does not go on"),
            });
        }
        let last = packed.get(read.saturating_sub(BEHIND)..read);
        self.behind.extend_from_slice(last.unwrap_or_default());
        let surplus = self.behind.len().saturating_sub(BEHIND);
        self.behind.drain(..surplus);
        self.packed.consume(read);
        self.filled += made;
        Ok(true)
    }

    /// Ends a member: behind it stand its checksum and its length modulo 2^32. fdeflate does not say how much of the second it
    /// has read, so the place is where both are right; what belongs to the next member is put back. A member without bytes may lack
    /// the last of its eight zeros unseen, since deflate ends with one there.
    fn end(&mut self) -> io::Result<()> {
        let wanted = [self.sum.clone().finalize(), self.length].map(u32::to_le_bytes);
        let wanted = wanted.as_flattened();
        let mut next = Vec::with_capacity(4);
        self.packed.by_ref().take(4).read_to_end(&mut next)?;
        let mut is_cut_off = false;
        for read in 4..=BEHIND {
            let (first, rest) = wanted.split_at(read);
            if !self.behind.ends_with(first) {
                continue;
            }
            if next.starts_with(rest) {
                self.packed.back = next.split_off(rest.len());
                return Ok(());
            }
            is_cut_off |= next.len() < rest.len() && rest.starts_with(&next);
        }
        Err(match is_cut_off {
            true => ErrorKind::UnexpectedEof.into(),
            false => io::Error::new(
                ErrorKind::InvalidData,
                "its checksum is that of other bytes",
            ),
        })
    }
}

impl<R: BufRead> Read for Gunzip<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if buf.is_empty() {
            return Ok(0);
        }
        loop {
            if let Some(bytes) = self.bytes.get(self.given..self.filled)
                && !bytes.is_empty()
            {
                let count = bytes.len().min(buf.len());
                let (bytes, buf) = (&bytes[..count], &mut buf[..count]);
                buf.copy_from_slice(bytes);
                self.sum.update(bytes);
                self.length = self.length.wrapping_add(count as u32);
                self.given += count;
                return Ok(count);
            }
            if self.inflate.is_some() {
                if !self.more()? {
                    self.end()?;
                    self.inflate = None;
                }
            } else if !self.begin()? {
                return Ok(0);
            }
        }
    }
}

fn damaged(error: &DecompressionError) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, format!("{error:?}"))
}

/// Reads on after an interruption, since half of a header would be lost, and takes bytes back.
struct Steady<R> {
    inner: R,
    back: Vec<u8>,
}

impl<R: BufRead> Read for Steady<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let mut bytes = self.fill_buf()?;
        let count = bytes.read(buf)?;
        self.consume(count);
        Ok(count)
    }
}

impl<R: BufRead> BufRead for Steady<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if !self.back.is_empty() {
            return Ok(&self.back);
        }
        loop {
            match self.inner.fill_buf() {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
                Ok([]) => return Ok(&[]),
                Ok(_) => break,
            }
        }
        // What is there is given again.
        self.inner.fill_buf()
    }

    fn consume(&mut self, count: usize) {
        match self.back.is_empty() {
            true => self.inner.consume(count),
            false => drop(self.back.drain(..count.min(self.back.len()))),
        }
    }
}

#[cfg(test)]
mod tests;
