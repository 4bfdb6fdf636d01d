//! UTF-16 as UTF-8: what PowerShell's redirection writes, turned over while it is read.

use std::io::{self, Read};

use encoding_rs::{CoderResult, Decoder, UTF_16BE, UTF_16LE};

/// How the text of an input is encoded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Encoding {
    /// UTF-8, or whatever is not UTF-16.
    #[default]
    Utf8,
    /// UTF-16, low byte first.
    Utf16Le,
    /// UTF-16, high byte first.
    Utf16Be,
}

impl Encoding {
    /// The name in coverage.
    pub fn name(self) -> &'static str {
        match self {
            Encoding::Utf8 => "utf-8",
            Encoding::Utf16Le => "utf-16le",
            Encoding::Utf16Be => "utf-16be",
        }
    }

    /// Told by the mark, or by a zero beside the first character of JSON or CSV.
    pub(super) fn of(head: &[u8]) -> Encoding {
        match head {
            [0xFF, 0xFE, ..] => Encoding::Utf16Le,
            [0xFE, 0xFF, ..] => Encoding::Utf16Be,
            [b'{' | b'[' | b'"', 0, second, 0, ..] if *second != 0 => Encoding::Utf16Le,
            [0, b'{' | b'[' | b'"', 0, second, ..] if *second != 0 => Encoding::Utf16Be,
            _ => Encoding::Utf8,
        }
    }
}

/// Gives the UTF-8 of a UTF-16 input. What is no character becomes U+FFFD.
pub(super) struct Utf8Reader<R> {
    inner: R,
    decoder: Decoder,
    /// Bytes read and not yet turned over: `wide[wide_at..wide_end]`.
    wide: Box<[u8]>,
    wide_at: usize,
    wide_end: usize,
    ended: bool,
    /// Bytes turned over and not yet given.
    text: Box<[u8]>,
    text_at: usize,
    text_end: usize,
    finished: bool,
}

const WIDE: usize = 64 * 1024;

impl<R: Read> Utf8Reader<R> {
    pub(super) fn new(inner: R, encoding: Encoding) -> Self {
        let coding = match encoding {
            Encoding::Utf16Be => UTF_16BE,
            _ => UTF_16LE,
        };
        Utf8Reader {
            inner,
            decoder: coding.new_decoder_with_bom_removal(),
            wide: vec![0; WIDE].into(),
            wide_at: 0,
            wide_end: 0,
            ended: false,
            text: vec![0; WIDE * 2].into(),
            text_at: 0,
            text_end: 0,
            finished: false,
        }
    }

    /// Turns the next bytes over.
    fn turn(&mut self) -> io::Result<()> {
        if self.wide_at == self.wide_end && !self.ended {
            self.wide_at = 0;
            self.wide_end = 0;
            self.wide_end = self.inner.read(&mut self.wide)?;
            self.ended = self.wide_end == 0;
        }
        let wide = self
            .wide
            .get(self.wide_at..self.wide_end)
            .unwrap_or_default();
        let (result, read, written, _) =
            self.decoder
                .decode_to_utf8(wide, &mut self.text, self.ended);
        self.wide_at += read;
        (self.text_at, self.text_end) = (0, written);
        self.finished = self.ended && result == CoderResult::InputEmpty;
        Ok(())
    }
}

impl<R: Read> Read for Utf8Reader<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        while self.text_at == self.text_end && !self.finished {
            self.turn()?;
        }
        let text = self
            .text
            .get(self.text_at..self.text_end)
            .unwrap_or_default();
        let length = text.len().min(buf.len());
        if let (Some(to), Some(from)) = (buf.get_mut(..length), text.get(..length)) {
            to.copy_from_slice(from);
        }
        self.text_at += length;
        Ok(length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives one byte at a time.
    struct Drops<'a>(&'a [u8]);

    impl Read for Drops<'_> {
        fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
            self.0
                .take(1)
                .read(buf)
                .inspect(|read| self.0 = &self.0[*read..])
        }
    }

    #[test]
    fn cut_anywhere_it_is_the_same_text() {
        let text = "{\"a\":\"\u{1F511} é\"}\r\n";
        for (big, encoding) in [(false, Encoding::Utf16Le), (true, Encoding::Utf16Be)] {
            for mark in ["", "\u{feff}"] {
                let bytes: Vec<u8> = format!("{mark}{text}")
                    .encode_utf16()
                    .flat_map(|unit| {
                        if big {
                            unit.to_be_bytes()
                        } else {
                            unit.to_le_bytes()
                        }
                    })
                    .collect();
                assert_eq!(Encoding::of(&bytes), encoding);
                let mut out = String::new();
                Utf8Reader::new(Drops(&bytes), encoding)
                    .read_to_string(&mut out)
                    .unwrap();
                assert_eq!(out, text);
            }
        }
        assert_eq!(Encoding::of(b"{\"a\":1}"), Encoding::Utf8);
    }

    #[test]
    fn half_a_character_at_the_end_is_shown() {
        let mut out = String::new();
        Utf8Reader::new(&b"{\0}\0x"[..], Encoding::Utf16Le)
            .read_to_string(&mut out)
            .unwrap();
        assert_eq!(out, "{}\u{fffd}");
    }

    #[test]
    fn long_texts_come_whole() {
        let text = "é\u{1F511}x".repeat(100_000);
        let bytes: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let mut out = String::new();
        Utf8Reader::new(&bytes[..], Encoding::Utf16Le)
            .read_to_string(&mut out)
            .unwrap();
        assert!(out == text);
    }
}
