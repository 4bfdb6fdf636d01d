//! gzip of every kind, cut and changed anywhere, in pieces of any size: what comes out is what flate2 gives, or an error.

use std::io::{BufReader, Write};

use proptest::prelude::*;

use super::*;

/// Gives so many bytes at a time, and an interruption before each.
struct Pieces<'b>(&'b [u8], usize, bool);

impl Read for Pieces<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.2 = !self.2;
        if self.2 {
            return Err(ErrorKind::Interrupted.into());
        }
        let most = self.1.min(buf.len());
        self.0.read(&mut buf[..most])
    }
}

fn packed(bytes: &[u8], level: u32, name: &str) -> Vec<u8> {
    let header = flate2::GzBuilder::new().filename(name).comment("made here");
    let mut encoder = header.write(Vec::new(), flate2::Compression::new(level));
    // A flush ends a block, and leaves an empty one.
    let half = bytes.len() / 2;
    encoder.write_all(&bytes[..half]).unwrap();
    encoder.flush().unwrap();
    encoder.write_all(&bytes[half..]).unwrap();
    encoder.finish().unwrap()
}

/// What is given, in pieces of `piece` bytes, before the end or a fault.
fn given(packed: &[u8], piece: usize) -> (Vec<u8>, Option<ErrorKind>) {
    let pieces = BufReader::with_capacity(piece, Pieces(packed, piece, false));
    let mut reader = Gunzip::new(pieces);
    let (mut all, mut buf) = (Vec::new(), vec![0; 1000]);
    loop {
        match reader.read(&mut buf) {
            Ok(0) => return (all, None),
            Ok(count) => all.extend_from_slice(&buf[..count]),
            Err(error) => return (all, Some(error.kind())),
        }
    }
}

/// Bytes that pack well and badly, and go back far: longer than what is unpacked at a time.
fn long() -> Vec<u8> {
    let line = |n: u32| {
        format!(
            "{{\"id\":{},\"time\":{n}}}\n",
            n.wrapping_mul(2_654_435_761)
        )
    };
    let text: String = (0..20_000).map(line).collect();
    let noise =
        (0..30_000_u32).flat_map(|n| n.wrapping_mul(n).wrapping_mul(2_654_435_761).to_le_bytes());
    let mut bytes: Vec<u8> = text.bytes().chain(noise).collect();
    bytes.extend_from_within(..200_000);
    assert!(bytes.len() > 3 * ROOM);
    bytes
}

#[test]
fn members_of_every_level_are_unpacked_however_they_arrive() {
    let bytes = long();
    for level in [0, 1, 6, 9] {
        let member = packed(&bytes, level, "a.json");
        for piece in [7, 4096, 1 << 18] {
            let (all, fault) = given(&member, piece);
            assert!(
                all == bytes && fault.is_none(),
                "level {level}, {piece} at a time: {fault:?}"
            );
        }
    }
}

#[test]
fn bytes_that_are_cut_off_or_changed_are_never_taken_for_whole() {
    let bytes = b"one sign-in, and one sign-in more, and another\n".repeat(9);
    let members = [packed(&bytes, 6, "a"), packed(&bytes, 1, "b")].concat();
    let all = [&bytes[..], &bytes].concat();
    let first = packed(&bytes, 6, "a").len();
    for cut in 0..members.len() {
        let (got, fault) = given(&members[..cut], 5);
        assert!(all.starts_with(&got), "cut at {cut}");
        let wanted = (cut != first).then_some(ErrorKind::UnexpectedEof);
        assert_eq!(fault, wanted, "cut at {cut}");
    }
    for at in 0..members.len() {
        let mut changed = members.clone();
        changed[at] ^= 0x10;
        let (got, fault) = given(&changed, 5);
        // Names, comments and times are nobody's.
        assert!(fault.is_some() || got == all, "changed at {at}");
    }
}

proptest! {
    #[test]
    fn what_zlib_packs_and_unpacks_is_the_same_here(
        texts in prop::collection::vec((prop::collection::vec(0..4_u8, 0..300), 0..10_u32, "[a-z]{0,9}"), 1..6),
        repeat in 1..40_usize,
        piece in 1..40_usize,
        behind in prop::option::of(prop::collection::vec(any::<u8>(), 1..20)),
    ) {
        let members: Vec<_> = texts.iter().map(|(text, level, name)| packed(&text.repeat(repeat), *level, name)).collect();
        let all: Vec<u8> = texts.iter().flat_map(|(text, _, _)| text.repeat(repeat)).collect();
        let mut members = members.concat();
        let (got, fault) = given(&members, piece);
        prop_assert!(got == all && fault.is_none(), "{fault:?}");
        if let Some(behind) = behind {
            members.extend(behind);
            let mut theirs = Vec::new();
            let their_fault = flate2::bufread::MultiGzDecoder::new(&members[..]).read_to_end(&mut theirs);
            let (got, fault) = given(&members, piece);
            prop_assert!(got == all && theirs == all);
            prop_assert_eq!(fault, their_fault.err().map(|error| error.kind()));
        }
    }

    #[test]
    fn anything_ends(bytes in prop::collection::vec(any::<u8>(), 0..200), piece in 1..9_usize) {
        let header = packed(b"", 6, "");
        let all = [&header[..header.len() - 10], &bytes].concat();
        given(&all, piece);
    }
}
