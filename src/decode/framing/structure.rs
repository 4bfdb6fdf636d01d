//! Records that are found by following brackets and quotes: arrays, pages, messages and bare objects, in any mix.
//!
//! One state machine goes over every byte once and remembers where it is between two pieces, so a 10 GB array on one
//! line streams. It accepts more than JSON does (missing or superfluous commas, several documents one after another),
//! because tools that append to a file write exactly that. It does not check the inside of a record: the reader does.
//!
//! After damage it goes on at a later line: one that begins with an opening bracket, no further to the right than the
//! damaged record did. In a pretty-printed file that is the next record and not an object inside the damaged one.
//! What can't be told apart: a document cut off right after a colon or comma whose successor would be a valid value
//! there. Such a record runs on to its end or to the limit of its length, and is rejected whole.

use std::ops::Range;

use memchr::{memchr, memchr3};

use super::{Cut, Framing, Records, too_long};
use crate::decode::{Limits, Rejected};

/// Nesting that is followed; a record with more is rejected here already. The limit of a record is far below this.
const FOLLOWED_DEPTH: usize = 1 << 20;
/// Lists inside lists that are remembered. Pages need two; the rest are leftovers of documents that were cut off.
const REMEMBERED_LISTS: usize = 64;

/// What encloses the records that come next.
#[derive(Clone, Copy, Debug, PartialEq)]
enum List {
    /// A plain array.
    Array,
    /// The array inside a page; the rest of that object follows after it.
    Value,
    /// The array inside a message; the same.
    Records,
}

/// Where in the text we are.
#[derive(Clone, Copy, Debug, PartialEq)]
enum State {
    /// Where a record may begin.
    Between,
    /// Inside an object that is a record, or a page whose list has not come yet.
    Record,
    /// Inside a page, behind its list.
    PageRest,
    /// Inside text where a record should stand.
    Text,
    /// Inside a number or a word where a record should stand.
    Word,
    /// Damaged: on the way to the next line end.
    SkipLine,
    /// Damaged: at the start of a line.
    LineStart,
}

/// Why a record can't be cut out.
#[derive(Clone, Copy)]
enum Damage {
    Newline,
    Bracket,
    Depth,
    NoObject,
    CutOff,
    ListCutOff,
}

impl Damage {
    fn words(self) -> &'static str {
        match self {
            Damage::Newline => {
                "a line ends inside quotes; skipped to the next line that begins a record"
            }
            Damage::Bracket => {
                "brackets do not match; skipped to the next line that begins a record"
            }
            Damage::Depth => "nested too deeply; skipped to the next line that begins a record",
            Damage::NoObject => "not a JSON object",
            Damage::CutOff => "the input ends inside a record (cut off?)",
            Damage::ListCutOff => "the input ends inside a list of records (cut off?)",
        }
    }
}

/// The scanner. All positions are bytes of the whole input.
#[derive(Debug)]
pub(in crate::decode) struct Structure {
    limits: Limits,
    state: State,
    lists: Vec<List>,
    /// The first byte that has not been looked at.
    position: u64,
    /// Start of the current line.
    line: u64,
    /// Where the current record begins, and how far from the start of its line.
    begin: u64,
    column: u64,
    /// The brackets that are open inside the record.
    open: Vec<u8>,
    /// The last byte of the record that is neither blank nor inside quotes, and where it stands.
    last: u8,
    last_at: u64,
    in_quotes: bool,
    escaped: bool,
    /// The start of the last text directly inside the record: enough of it to know the names of lists.
    name: [u8; 8],
    name_len: usize,
    /// Damage has been met, so lists may have been left open by it.
    damaged: bool,
    /// How the first record is enclosed.
    first: Option<Framing>,
}

/// What stands in one piece of text.
#[derive(Debug)]
pub(in crate::decode) struct Look {
    /// How the first record is enclosed.
    pub(in crate::decode) framing: Framing,
    /// Where the whole records lie.
    pub(in crate::decode) records: Vec<Range<usize>>,
    /// Where a record begins that is not whole.
    pub(in crate::decode) unfinished: Option<usize>,
    /// What is no record.
    pub(in crate::decode) rejected: Rejected,
}

/// What one pass over the buffer found.
struct Found {
    /// Where the first byte of the buffer stands in the input.
    offset: u64,
    records: Vec<Range<usize>>,
    rejected: Rejected,
}

impl Structure {
    pub(in crate::decode) fn new(limits: Limits) -> Self {
        Structure {
            limits,
            state: State::Between,
            lists: Vec::new(),
            position: 0,
            line: 0,
            begin: 0,
            column: 0,
            open: Vec::new(),
            last: 0,
            last_at: 0,
            in_quotes: false,
            escaped: false,
            name: [0; 8],
            name_len: 0,
            damaged: false,
            first: None,
        }
    }

    pub(super) fn cut(&mut self, buffer: &[u8], offset: u64) -> Cut {
        let found = self.scan(buffer, offset);
        let end = found.records.last().map_or(0, |record| record.end);
        // A record that is too long already will be rejected at its end: its bytes are not needed.
        let too_long = self.position - self.begin > self.limits.max_record as u64;
        let keep_from = match self.state {
            State::Record if !too_long => (self.begin.saturating_sub(offset)) as usize,
            _ => buffer.len(),
        };
        let records = Records::At(found.records);
        Cut {
            records,
            start: 0,
            end,
            keep_from: keep_from.max(end),
            rejected: found.rejected,
        }
    }

    pub(super) fn finish(&mut self, buffer: &[u8], offset: u64) -> Cut {
        let mut cut = self.cut(buffer, offset);
        let damage = match self.state {
            State::Record => Some((self.begin, Damage::CutOff)),
            State::Text | State::Word => Some((self.begin, Damage::NoObject)),
            // Whole records may have followed: better one rejection too many than silence.
            _ if !self.lists.is_empty() && !self.damaged => {
                Some((self.position, Damage::ListCutOff))
            }
            _ => None,
        };
        if let Some((begin, damage)) = damage {
            self.begin = begin;
            self.reject(&mut cut.rejected, damage);
        }
        self.lists.clear();
        self.state = State::Between;
        Cut {
            keep_from: buffer.len(),
            ..cut
        }
    }

    /// Looks through one piece of text: a line that holds a whole page, or the first bytes of an input.
    pub(in crate::decode) fn look(bytes: &[u8], offset: u64, limits: Limits, at_end: bool) -> Look {
        let mut structure = Structure::new(limits);
        (structure.position, structure.line) = (offset, offset);
        let cut = structure.cut(bytes, offset);
        let unfinished = (structure.state == State::Record)
            .then(|| (structure.begin.saturating_sub(offset)) as usize);
        let mut rejected = cut.rejected;
        structure.found_first();
        if at_end {
            rejected += structure.finish(bytes, offset).rejected;
        }
        let records = match cut.records {
            Records::At(records) => records,
            Records::Lines => Vec::new(),
        };
        let framing = structure.first.unwrap_or(Framing::JsonObjects);
        Look {
            framing,
            records,
            unfinished,
            rejected,
        }
    }

    fn scan(&mut self, buffer: &[u8], offset: u64) -> Found {
        let mut found = Found {
            offset,
            records: Vec::new(),
            rejected: Rejected::default(),
        };
        let mut at = (self.position.saturating_sub(offset)) as usize;
        while let Some(rest) = buffer.get(at..).filter(|rest| !rest.is_empty()) {
            self.position = offset + at as u64;
            at += match self.state {
                State::Between => self.between(rest),
                State::Record | State::PageRest => self.inside(rest, &mut found),
                State::Text => self.text(rest, &mut found),
                State::Word => self.word(rest, &mut found),
                State::SkipLine => self.skip_line(rest),
                State::LineStart => self.line_start(rest),
            };
        }
        self.position = offset + buffer.len() as u64;
        found
    }

    // Each of these takes the bytes from `self.position` on and returns how many of them it is done with.

    fn between(&mut self, rest: &[u8]) -> usize {
        for (at, &byte) in rest.iter().enumerate() {
            let here = self.position + at as u64;
            match byte {
                b'\n' => self.line = here + 1,
                // Byte order marks (files that were joined) and record separators are no more than blanks here.
                b' ' | b'\t' | b'\r' | b',' | 0xEF | 0xBB | 0xBF | 0x1E => {}
                b'[' => self.enter(List::Array),
                b']' => self.leave(here),
                // The end of a page that damage made us lose sight of.
                b'}' => {}
                _ => {
                    self.begin = here;
                    self.column = here - self.line;
                    self.state = match byte {
                        b'{' => State::Record,
                        b'"' => State::Text,
                        _ => State::Word,
                    };
                    if byte == b'{' {
                        self.begin_object(here);
                    }
                    return at + 1;
                }
            }
            if self.state != State::Between {
                return at + 1;
            }
        }
        rest.len()
    }

    fn begin_object(&mut self, here: u64) {
        self.open.clear();
        self.open.push(b'{');
        (self.last, self.last_at) = (b'{', here);
        (self.in_quotes, self.escaped, self.name_len) = (false, false, 0);
    }

    fn enter(&mut self, list: List) {
        if self.lists.len() >= REMEMBERED_LISTS {
            self.lists.remove(0);
        }
        self.lists.push(list);
    }

    fn leave(&mut self, here: u64) {
        if matches!(self.lists.pop(), Some(List::Value | List::Records)) {
            self.begin_object(here);
            // What follows the list inside the page: a comma or the end.
            self.last = b']';
            self.state = State::PageRest;
        }
    }

    /// Inside an object: a record, or the rest of a page.
    fn inside(&mut self, rest: &[u8], found: &mut Found) -> usize {
        let mut at = 0;
        while let Some(&byte) = rest.get(at) {
            if self.in_quotes {
                let run = rest.get(at..).unwrap_or_default();
                if self.escaped {
                    self.escaped = false;
                    if byte != b'\n' {
                        self.note(&[b'\\', byte]);
                        at += 1;
                        continue;
                    }
                }
                let Some(length) = memchr3(b'"', b'\\', b'\n', run) else {
                    self.note(run);
                    return rest.len();
                };
                self.note(run.get(..length).unwrap_or_default());
                at += length;
                match rest.get(at) {
                    Some(b'"') => self.in_quotes = false,
                    Some(b'\\') => self.escaped = true,
                    _ => return self.break_off(at, rest, Damage::Newline, found),
                }
                at += 1;
                continue;
            }
            let here = self.position + at as u64;
            match byte {
                b' ' | b'\t' | b'\r' => {}
                b'\n' => self.line = here + 1,
                b'"' => {
                    self.in_quotes = true;
                    self.name_len = 0;
                    (self.last, self.last_at) = (byte, here);
                }
                b'{' | b'[' => {
                    let fits = match self.open.last() {
                        Some(b'{') => self.last == b':',
                        _ => self.last == b'[' || self.last == b',',
                    };
                    if !fits {
                        return self.break_off(at, rest, Damage::Bracket, found);
                    }
                    if let Some(list) = self.named_list().filter(|_| byte == b'[') {
                        self.enter(list);
                        self.found_first();
                        self.state = State::Between;
                        return at + 1;
                    }
                    if self.open.len() >= FOLLOWED_DEPTH {
                        return self.break_off(at, rest, Damage::Depth, found);
                    }
                    self.open.push(byte);
                    (self.last, self.last_at) = (byte, here);
                }
                b'}' | b']' => {
                    let opening = if byte == b'}' { b'{' } else { b'[' };
                    if self.open.last() != Some(&opening) {
                        return self.break_off(at, rest, Damage::Bracket, found);
                    }
                    self.open.pop();
                    (self.last, self.last_at) = (byte, here);
                    if self.open.is_empty() {
                        if self.state == State::Record {
                            self.complete(here + 1, found);
                        }
                        self.state = State::Between;
                        return at + 1;
                    }
                }
                _ => (self.last, self.last_at) = (byte, here),
            }
            at += 1;
        }
        rest.len()
    }

    /// Remembers text directly inside the record: it may be the name of a list.
    fn note(&mut self, text: &[u8]) {
        if self.open.len() == 1 {
            for &byte in text.iter().take(self.name.len()) {
                if let Some(slot) = self.name.get_mut(self.name_len) {
                    *slot = byte;
                }
                self.name_len += 1;
            }
        }
    }

    /// Which list the array that begins here is, if it stands directly in an object under one of the known names.
    fn named_list(&self) -> Option<List> {
        match self.name.get(..self.name_len) {
            _ if self.state != State::Record || self.open.len() != 1 => None,
            Some(b"value") => Some(List::Value),
            Some(b"records") => Some(List::Records),
            _ => None,
        }
    }

    /// Notes how the input begins, once.
    fn found_first(&mut self) {
        let framing = match self.lists.last() {
            None => Framing::JsonObjects,
            Some(List::Array) => Framing::JsonArray,
            Some(List::Value) => Framing::JsonPages,
            Some(List::Records) => Framing::JsonRecords,
        };
        self.first.get_or_insert(framing);
    }

    fn complete(&mut self, end: u64, found: &mut Found) {
        self.found_first();
        let range = self
            .begin
            .checked_sub(found.offset)
            .map(|begin| begin as usize);
        match range {
            Some(begin) if end - self.begin <= self.limits.max_record as u64 => {
                found.records.push(begin..(end - found.offset) as usize);
            }
            _ => found.rejected.add(self.begin, || too_long(self.limits)),
        }
    }

    /// Counts the current record as rejected. Its length is judged first, so that the reason does not depend on where
    /// the input was cut.
    fn reject(&mut self, rejected: &mut Rejected, damage: Damage) {
        let length = self.position - self.begin;
        let long = length > self.limits.max_record as u64;
        rejected.add(self.begin, || {
            if long {
                too_long(self.limits)
            } else {
                damage.words().to_owned()
            }
        });
    }

    /// The record is damaged at byte `at` of `rest`: rejects it and looks for a line to go on with.
    fn break_off(&mut self, at: usize, rest: &[u8], damage: Damage, found: &mut Found) -> usize {
        let here = self.position + at as u64;
        self.damaged = true;
        self.position = here;
        if self.state == State::PageRest {
            self.begin = here;
            self.column = u64::MAX;
        }
        self.reject(&mut found.rejected, damage);
        let opens = matches!(rest.get(at), Some(b'{' | b'['));
        let first_on_line = self.last_at < self.line && !self.in_quotes;
        self.state = if opens && first_on_line && here - self.line <= self.column {
            State::Between
        } else {
            State::SkipLine
        };
        at
    }

    fn skip_line(&mut self, rest: &[u8]) -> usize {
        match memchr(b'\n', rest) {
            Some(at) => {
                self.line = self.position + at as u64 + 1;
                self.state = State::LineStart;
                at + 1
            }
            None => rest.len(),
        }
    }

    fn line_start(&mut self, rest: &[u8]) -> usize {
        for (at, &byte) in rest.iter().enumerate() {
            let here = self.position + at as u64;
            match byte {
                b'\n' => self.line = here + 1,
                b' ' | b'\t' | b'\r' | b',' | b'}' | b']' | 0xEF | 0xBB | 0xBF | 0x1E => {}
                b'{' | b'[' if here - self.line <= self.column => {
                    self.state = State::Between;
                    return at;
                }
                _ => {
                    self.state = State::SkipLine;
                    return at;
                }
            }
        }
        rest.len()
    }

    fn text(&mut self, rest: &[u8], found: &mut Found) -> usize {
        let mut at = 0;
        while let Some(&byte) = rest.get(at) {
            at += 1;
            match byte {
                _ if self.escaped => self.escaped = false,
                b'\\' => self.escaped = true,
                b'"' | b'\n' => {
                    self.position += at as u64 - u64::from(byte == b'\n');
                    self.reject(&mut found.rejected, Damage::NoObject);
                    self.state = State::Between;
                    return at - usize::from(byte == b'\n');
                }
                _ => {}
            }
        }
        at
    }

    fn word(&mut self, rest: &[u8], found: &mut Found) -> usize {
        let ends = |byte: &u8| b" \t\r\n,[]{}\"".contains(byte);
        let Some(at) = rest.iter().position(ends) else {
            return rest.len();
        };
        self.position += at as u64;
        self.reject(&mut found.rejected, Damage::NoObject);
        self.state = State::Between;
        at
    }
}
