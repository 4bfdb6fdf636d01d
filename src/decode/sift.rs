//! Lines that matter to a question about one error code, found without reading the others.
//!
//! A record can only have a code if the code's digits stand in it, so a line without them is passed over after one look at
//! its bytes. One thing is left to know: whether it is a copy of a sign-in that does have the code, since the copy
//! that says most decides what a sign-in is. So the ids in lines that are passed over are noted, eight bytes each, and if
//! one that matters is among them, the lines that have it are looked for in a second pass.
//!
//! What cannot be told from bytes alone is read: lines that do not begin and end as one object, that are too long, or in which
//! digits or letters of ids may hide behind escapes.

use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::{iter, mem};

use hashbrown::HashSet;
use memchr::memchr_iter;
use memchr::memmem::Finder;
use wide::u8x16;

use super::Limits;

/// The bytes of an id: `8-4-4-4-12` hexadecimal digits.
const ID: usize = 36;
/// Codes of fewer digits stand in nearly every line.
const FEWEST_DIGITS: usize = 4;
/// Ids that were met lately are not noted again.
const RECENT: usize = 1024;

/// Which lines may matter to a question about one error code. Shared by all decoding threads.
#[derive(Debug)]
pub struct Sift {
    marks: Marks,
    seen: Seen,
    /// In the second pass: the sign-ins whose copies are looked for.
    wanted: Option<HashSet<IdPrint>>,
    useless: AtomicBool,
}

/// An id in any letter case, as a number that others hardly have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct IdPrint(u64);

/// What is to be done with the lines of a block.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Sifted {
    /// Where the lines are that must be read.
    pub(super) wanted: Vec<Range<usize>>,
    /// How many others there are.
    pub(super) passed: u64,
}

impl Sift {
    /// For the sign-ins with `code`; notes ids in at most `memory` bytes. `None` if reading every line is as good.
    pub fn of_code(code: i32, memory: usize) -> Option<Sift> {
        Some(Sift {
            marks: Marks::of_code(code)?,
            seen: Seen::new(memory),
            wanted: None,
            useless: AtomicBool::new(false),
        })
    }

    /// The second pass: for lines that were passed over in the first and may be copies of these.
    pub fn again(&self, wanted: HashSet<IdPrint>) -> Sift {
        Sift {
            marks: self.marks.clone(),
            seen: Seen::new(0),
            wanted: Some(wanted),
            useless: AtomicBool::new(false),
        }
    }

    /// Whether this is the second pass.
    pub fn is_second(&self) -> bool {
        self.wanted.is_some()
    }

    /// Whether a line that was passed over may have one of these ids.
    pub fn may_have_passed(&self, ids: &HashSet<IdPrint>) -> bool {
        self.seen.may_have(ids)
    }

    /// Notes that lines which were passed over decide how others are read: all must be read after all.
    pub fn give_up(&self) {
        self.useless.store(true, Ordering::Relaxed);
    }

    /// Whether all lines must be read after all.
    pub fn is_useless(&self) -> bool {
        self.useless.load(Ordering::Relaxed)
    }

    /// Sorts the lines of a block. In the first pass those are wanted that may have the code; in the second, those of the
    /// others that may be copies.
    pub(super) fn lines(&self, bytes: &[u8], limits: Limits) -> Sifted {
        let mut sifted = Sifted::default();
        let mut recent = [IdPrint(0); RECENT];
        let mut ids = Vec::new();
        let mut marks = [self.marks.code(bytes, 0), self.marks.escape(bytes, 0)];
        let mut start = 0;
        for end in memchr_iter(b'\n', bytes).chain(iter::once(bytes.len())) {
            let line = bytes.get(start..end).unwrap_or_default();
            let may_have_code = marks.iter().any(|mark| *mark < end)
                || !is_one_object(line)
                || line.len() > limits.max_record;
            let [code, escape] = &mut marks;
            if *code < end {
                *code = self.marks.code(bytes, end);
            }
            if *escape < end {
                *escape = self.marks.escape(bytes, end);
            }
            match (&self.wanted, may_have_code) {
                _ if line.is_empty() => {}
                (None, true) => sifted.wanted.push(start..end),
                (None, false) => {
                    sifted.passed += 1;
                    each_id(line, |id| {
                        if let Some(slot) = recent.get_mut(id.0 as usize % RECENT)
                            && *slot != id
                        {
                            *slot = id;
                            ids.push(id);
                        }
                    });
                }
                (Some(_), true) => {}
                (Some(wanted), false) => {
                    let mut is_copy = false;
                    each_id(line, |id| is_copy |= wanted.contains(&id));
                    if is_copy {
                        sifted.wanted.push(start..end);
                    }
                }
            }
            start = end + 1;
        }
        if self.wanted.is_none() {
            self.seen.note(ids);
        }
        sifted
    }
}

/// What makes a line one to be read: the digits of the code, and escapes of letters that need none.
#[derive(Clone, Debug)]
struct Marks {
    code: Finder<'static>,
    escape: Finder<'static>,
}

impl Marks {
    fn of_code(code: i32) -> Option<Marks> {
        let digits = u32::try_from(code).ok()?.to_string();
        (digits.len() >= FEWEST_DIGITS).then(|| Marks {
            code: Finder::new(&digits).into_owned(),
            escape: Finder::new("\\u00").into_owned(),
        })
    }

    /// Where the code stands next, from `from` on; or the end.
    fn code(&self, bytes: &[u8], from: usize) -> usize {
        let rest = bytes.get(from..).unwrap_or_default();
        self.code.find(rest).map_or(bytes.len(), |at| from + at)
    }

    /// The same for an escape behind which digits or letters of ids may hide.
    fn escape(&self, bytes: &[u8], from: usize) -> usize {
        let rest = bytes.get(from..).unwrap_or_default();
        let hides = |at: &usize| rest.get(at + 4..at + 6).is_none_or(hides_something);
        let found = self.escape.find_iter(rest).find(hides);
        found.map_or(bytes.len(), |at| from + at)
    }
}

/// Whether these two digits of `\u00..` stand for what a number or an id is made of. Other escapes are common: exporters write
/// quotes, signs and angles so.
fn hides_something(digits: &[u8]) -> bool {
    let letter = std::str::from_utf8(digits)
        .ok()
        .and_then(|digits| u8::from_str_radix(digits, 16).ok());
    letter.is_none_or(|letter| letter.is_ascii_hexdigit() || letter == b'-')
}

/// Whether a line looks like one whole object from outside.
fn is_one_object(line: &[u8]) -> bool {
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    line.first() == Some(&b'{') && line.last() == Some(&b'}')
}

impl IdPrint {
    /// Of the text of an id; `None` if it does not have the form that ids of sign-ins have.
    pub fn of(id: &str) -> Option<IdPrint> {
        let id = id.as_bytes();
        // Of hexadecimal digits and dashes a line can only hide one behind `\u00`.
        let fits = |(at, byte): (usize, &u8)| match at {
            8 | 13 | 18 | 23 => *byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        };
        let has_form = id.len() == ID && id.iter().enumerate().all(fits);
        has_form.then(|| IdPrint::of_bytes(id))?
    }

    fn of_bytes(id: &[u8]) -> Option<IdPrint> {
        // A bit makes capitals small, and leaves digits and dashes as they are.
        const SMALL: u64 = 0x2020_2020_2020_2020;
        let part = |at: usize| {
            let bytes = id.get(at..)?.first_chunk::<8>()?;
            Some(u64::from_le_bytes(*bytes) | SMALL)
        };
        let mixed = part(0)?.wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(29)
            ^ part(19)?
                .wrapping_mul(0xC2B2_AE3D_27D4_EB4F)
                .rotate_left(43)
            ^ part(28)?.wrapping_mul(0x1656_67B1_9E37_79F9);
        let mixed = (mixed ^ (mixed >> 32)).wrapping_mul(0xD6E8_FEB8_6659_FD93);
        Some(IdPrint(mixed ^ (mixed >> 32)))
    }
}

/// Gives everything in `line` that has the form of an id and stands behind a quote; some of it twice.
#[inline]
fn each_id(line: &[u8], mut each: impl FnMut(IdPrint)) {
    let mut look = |block: &[u8; LOOK], at: usize| {
        let mut found = first_dashes(block);
        while found != 0 {
            let first = at + found.trailing_zeros() as usize;
            found &= found - 1;
            if let Some(start) = first.checked_sub(8)
                && let Some(id) = line.get(start..start + ID)
                && line.get(start.wrapping_sub(1)) == Some(&b'"')
                && let Some(id) = IdPrint::of_bytes(id)
            {
                each(id);
            }
        }
    };
    let (mut at, mut rest) = (0, line);
    while let Some((block, _)) = rest.split_first_chunk() {
        look(block, at);
        at += STEP;
        rest = rest.get(STEP..).unwrap_or_default();
    }
    // The end is shorter than a look: one more that goes back.
    if let Some((_, block)) = line.split_last_chunk() {
        look(block, line.len() - LOOK);
    }
}

/// Places where the first dash of an id may be that are looked at in one go, and the bytes up to the last dash.
const STEP: usize = 16;
const LOOK: usize = STEP + 15;

/// One bit for each of the first sixteen places where the first of four dashes stands, as they do in ids.
#[inline(always)]
fn first_dashes(block: &[u8; LOOK]) -> u32 {
    let dashes = |from: usize| {
        let sixteen = block.get(from..).and_then(<[u8]>::first_chunk);
        u8x16::new(*sixteen.unwrap_or(&[0; STEP])).simd_eq(u8x16::splat(b'-'))
    };
    match (dashes(0) & dashes(15)).to_bitmask() {
        0 => 0,
        ends => ends & (dashes(5) & dashes(10)).to_bitmask(),
    }
}

/// Ids that have been met, in no order. A set that can be asked would cost as much as all the rest, since each id would be
/// a walk to memory.
#[derive(Debug)]
struct Seen {
    most: usize,
    met: Mutex<Met>,
}

#[derive(Debug, Default)]
struct Met {
    blocks: Vec<Vec<IdPrint>>,
    number: usize,
}

impl Seen {
    fn new(memory: usize) -> Seen {
        Seen {
            most: memory / mem::size_of::<IdPrint>(),
            met: Mutex::default(),
        }
    }

    fn note(&self, mut ids: Vec<IdPrint>) {
        ids.shrink_to_fit();
        let mut met = self.met.lock().unwrap_or_else(PoisonError::into_inner);
        met.number += ids.len();
        if met.number <= self.most {
            met.blocks.push(ids);
        } else {
            met.blocks.clear();
        }
    }

    /// Whether one of these has been met, or who knows: there were too many.
    fn may_have(&self, ids: &HashSet<IdPrint>) -> bool {
        let met = self.met.lock().unwrap_or_else(PoisonError::into_inner);
        met.number > self.most || met.blocks.iter().flatten().any(|id| ids.contains(id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::{BlockDecoder, Keep, Spelling, Tally};
    use crate::signin::Columns;
    use arrow::array::AsArray;
    use arrow::datatypes::Int32Type;
    use proptest::prelude::*;

    const ID_A: &str = "0a1b2c3d-0000-4000-8000-00000000000a";
    const ID_B: &str = "0a1b2c3d-0000-4000-8000-00000000000b";

    fn sift() -> Sift {
        Sift::of_code(50053, 1 << 20).unwrap()
    }

    #[track_caller]
    fn wanted(line: &str, is_wanted: bool) {
        for (before, after) in [("", ""), ("{\"a\":1}\n", "\n{\"b\":2}\n")] {
            let block = format!("{before}{line}{after}");
            let sifted = sift().lines(block.as_bytes(), Limits::default());
            let place = before.len()..before.len() + line.len();
            let expected = if is_wanted { vec![place] } else { vec![] };
            assert_eq!(sifted.wanted, expected, "{block}");
            let lines = block.lines().filter(|line| !line.is_empty()).count();
            assert_eq!(sifted.passed as usize, lines - sifted.wanted.len());
        }
    }

    #[test]
    fn a_code_is_found_however_it_is_written() {
        for code in ["50053", "\"50053\"", "50053.0", "\"5\\u0030053\""] {
            wanted(&format!("{{\"errorCode\":{code}}}"), true);
        }
        wanted("{\"errorCode\":50126}", false);
        wanted("{\"errorCode\":50126,\"other\":\"\\u0027\\u002b\"}", false);
        wanted("{\"message\":\"{\\\"errorCode\\\":50053}\"}", true);
    }

    #[test]
    fn what_bytes_do_not_tell_is_read() {
        for line in [
            "{\"cut\":",
            "[{\"a\":1}]",
            "\u{feff}{\"a\":1}",
            "{\"id\":\"\\u0041\"}",
            "{\"a\":\"\\u00",
            " {\"a\":1}",
        ] {
            wanted(line, true);
        }
        let limits = Limits {
            max_record: 10,
            ..Limits::default()
        };
        let sifted = sift().lines(b"{\"long\":12345}\n", limits);
        assert_eq!(
            (sifted.passed, sifted.wanted),
            (0, vec![Range { start: 0, end: 14 }])
        );
        assert_eq!(
            sift().lines(b"{\"a\":1}\r\n\n\n", Limits::default()).passed,
            1
        );
    }

    #[test]
    fn an_id_that_was_passed_over_is_known_and_found_again() {
        let (a, b) = (IdPrint::of(ID_A).unwrap(), IdPrint::of(ID_B).unwrap());
        // Anywhere in a line, in any letter case, also in JSON inside a text.
        for pad in 0..40 {
            let pad = " ".repeat(pad);
            for line in [
                format!("{{{pad}\"id\":\"{}\"}}", ID_A.to_uppercase()),
                format!("{{\"text\":\"{{\\\"id\\\":\\\"{ID_A}\\\"}}\"{pad}}}"),
            ] {
                let first = sift();
                let block = format!("{{\"id\":\"{ID_B}\",\"errorCode\":50053}}\n{line}\n");
                assert_eq!(first.lines(block.as_bytes(), Limits::default()).passed, 1);
                assert!(first.may_have_passed(&HashSet::from([a])), "{line}");
                assert!(!first.may_have_passed(&HashSet::from([b])), "{line}");
                let second = first.again(HashSet::from([a, b]));
                let found = second.lines(block.as_bytes(), Limits::default()).wanted;
                let at = block.find('\n').unwrap() + 1;
                let (start, end) = (at, at + line.len());
                assert_eq!(found, vec![Range { start, end }], "{line}");
            }
        }
    }

    #[test]
    fn ids_have_a_form_and_codes_have_digits() {
        assert_eq!(IdPrint::of(ID_A), IdPrint::of(&ID_A.to_uppercase()));
        assert_ne!(IdPrint::of(ID_A), IdPrint::of(ID_B));
        assert_eq!(IdPrint::of("aaaa-1"), None);
        // What stands in the line is `\b`.
        let escaped = ID_A.replace('b', "\u{8}");
        assert_eq!((escaped.len(), IdPrint::of(&escaped)), (ID, None));
        for code in [0, 999, -50053] {
            assert!(Sift::of_code(code, 0).is_none());
        }
    }

    #[test]
    fn where_too_many_ids_were_met_any_may_be_among_them() {
        let (a, b) = (IdPrint::of(ID_A).unwrap(), IdPrint::of(ID_B).unwrap());
        let seen = Seen::new(16);
        seen.note(vec![a, a]);
        assert!(seen.may_have(&HashSet::from([a])) && !seen.may_have(&HashSet::from([b])));
        seen.note(vec![a]);
        assert!(seen.may_have(&HashSet::from([b])));
    }

    /// `text` with some of its letters as escapes.
    fn escaped(text: &str, which: &[bool]) -> String {
        let letters = text.chars().zip(which.iter().chain(iter::repeat(&false)));
        let written = letters.map(|(letter, escape)| match escape {
            true => format!("\\u{:04x}", letter as u32),
            false => letter.to_string(),
        });
        written.collect()
    }

    fn some_of(length: usize) -> impl Strategy<Value = Vec<bool>> {
        prop_oneof![
            Just(vec![]),
            proptest::collection::vec(proptest::bool::weighted(0.05), length)
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn what_decoding_finds_is_never_passed_over(
            (id_escapes, code_escapes, key_escapes) in (some_of(36), some_of(6), some_of(9)),
            upper in any::<bool>(),
            inside in any::<bool>(),
            (is_text, code) in (any::<bool>(), proptest::sample::select(vec!["50053", "50053.0", "5.0053e4", "50126", "0"])),
            damage in proptest::option::weighted(0.2, (any::<prop::sample::Index>(), proptest::sample::select(vec!["\"", "{", "}", "\\", " ", "\u{feff}"]))),
        ) {
            let id = if upper { ID_A.to_uppercase() } else { ID_A.to_owned() };
            let (id, key) = (escaped(&id, &id_escapes), escaped("errorCode", &key_escapes));
            let code = if is_text { format!("\"{}\"", escaped(code, &code_escapes)) } else { code.to_owned() };
            let event = format!("{{\"id\":\"{id}\",\"createdDateTime\":\"2026-03-02T08:00:00Z\",\"userId\":\"u\",\"status\":{{\"{key}\":{code}}}}}");
            let mut line = match inside {
                true => format!("{{\"message\":\"{}\"}}", event.replace('\\', "\\\\").replace('"', "\\\"")),
                false => event,
            };
            if let Some((at, piece)) = damage {
                line.insert_str(at.index(line.len()), piece);
            }
            let limits = Limits::default();
            let columns = Columns::of(["sign_in_id", "error_code"]);
            let mut decoder = BlockDecoder::new(Spelling::lines(), "in", columns, Keep::default(), limits);
            decoder.line(line.as_bytes(), 0, &mut Tally::default());
            let Some(rows) = decoder.take().unwrap() else { return Ok(()) };
            let first = sift();
            let passed = first.lines(line.as_bytes(), limits).passed == 1;
            let codes = rows.column_by_name("error_code").unwrap().as_primitive::<Int32Type>();
            prop_assert!(!passed || codes.iter().all(|code| code != Some(50053)), "{}", line);
            for id in rows.column_by_name("sign_in_id").unwrap().as_string::<i32>().iter().flatten() {
                if let (true, Some(id)) = (passed, IdPrint::of(id)) {
                    prop_assert!(first.may_have_passed(&[id].into_iter().collect()), "{}", line);
                }
            }
        }
    }
}
