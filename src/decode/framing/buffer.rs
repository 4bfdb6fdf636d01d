//! Bytes that are read, cut and read over. The room behind them has been written to before, so that a reader can be handed it
//! as it is, and all of it at once: clearing it for each read was a twentieth of reading an archive, and asking in small pieces
//! let everything be copied once more on the way.

use std::io::{self, ErrorKind, Read};
use std::ops::Deref;

/// Bytes, and room for more behind them.
#[derive(Clone, Debug, Default)]
pub(super) struct Buffer {
    /// The bytes, and the room behind them as it was left.
    room: Vec<u8>,
    /// So many are bytes.
    filled: usize,
}

impl Deref for Buffer {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.room.get(..self.filled).unwrap_or_default()
    }
}

impl From<Vec<u8>> for Buffer {
    fn from(bytes: Vec<u8>) -> Self {
        Buffer {
            filled: bytes.len(),
            room: bytes,
        }
    }
}

impl From<Buffer> for Vec<u8> {
    fn from(mut buffer: Buffer) -> Self {
        buffer.room.truncate(buffer.filled);
        buffer.room
    }
}

impl Buffer {
    /// Bytes of memory that it holds.
    pub(super) fn capacity(&self) -> usize {
        self.room.capacity()
    }

    /// Reads from `input` until `at_most` bytes have come or it ends, and says how many came. Those that came before an
    /// error are kept. An interruption is no error.
    pub(super) fn fill(&mut self, input: &mut impl Read, at_most: usize) -> io::Result<usize> {
        let before = self.filled;
        let end = before + at_most;
        if self.room.len() < end {
            self.room.resize(end, 0);
        }
        while let Some(room) = self.room.get_mut(self.filled..end)
            && !room.is_empty()
        {
            match input.read(room) {
                Ok(0) => break,
                Ok(read) => self.filled += read.min(room.len()),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(self.filled - before)
    }

    /// Appends `bytes`.
    pub(super) fn extend(&mut self, bytes: &[u8]) {
        let end = self.filled + bytes.len();
        match self.room.get_mut(self.filled..end) {
            Some(room) => room.copy_from_slice(bytes),
            None => {
                self.room.truncate(self.filled);
                self.room.extend_from_slice(bytes);
            }
        }
        self.filled = end;
    }

    /// Makes room for so many bytes more, if there is none: at once, and not step by step.
    pub(super) fn reserve(&mut self, more: usize) {
        let lacking = (self.filled + more).saturating_sub(self.room.len());
        self.room.reserve(lacking);
    }

    /// Takes the first `count` bytes away.
    pub(super) fn drop_first(&mut self, count: usize) {
        let count = count.min(self.filled);
        self.room.copy_within(count..self.filled, 0);
        self.filled -= count;
    }

    /// Takes away what stands behind the first `count` bytes.
    pub(super) fn keep_first(&mut self, count: usize) {
        self.filled = self.filled.min(count);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives one byte at a time, an interruption before each, and an error at last.
    struct Slow<'b>(&'b [u8], bool);

    impl Read for Slow<'_> {
        fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
            self.1 = !self.1;
            if self.1 {
                return Err(ErrorKind::Interrupted.into());
            }
            let (first, rest) = self.0.split_first().ok_or(ErrorKind::TimedOut)?;
            self.0 = rest;
            buf[0] = *first;
            Ok(1)
        }
    }

    #[test]
    fn what_came_before_an_error_is_kept() {
        let mut buffer = Buffer::default();
        let mut input = Slow(b"abcde", false);
        assert_eq!(buffer.fill(&mut input, 2).unwrap(), 2);
        assert_eq!(&*buffer, b"ab");
        assert_eq!(
            buffer.fill(&mut input, 10).unwrap_err().kind(),
            ErrorKind::TimedOut
        );
        assert_eq!(&*buffer, b"abcde");
    }

    #[test]
    fn what_was_taken_away_does_not_come_back() {
        let mut buffer = Buffer::from(b"0123456789".to_vec());
        buffer.drop_first(3);
        buffer.keep_first(4);
        assert_eq!(&*buffer, b"3456");
        buffer.extend(b"ab");
        assert_eq!(&*buffer, b"3456ab");
        buffer.extend(b"longer than what was there");
        assert_eq!(&*buffer, b"3456ablonger than what was there");
        buffer.keep_first(1);
        assert_eq!(buffer.fill(&mut &b"xy"[..], 9).unwrap(), 2);
        assert_eq!(Vec::from(buffer), b"3xy");
        let mut all = Buffer::from(b"ab".to_vec());
        all.drop_first(9);
        all.keep_first(9);
        assert!(all.is_empty());
    }
}
