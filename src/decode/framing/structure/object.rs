//! Following one object to its end: a record, or a page until its list comes and again after it.

use memchr::memchr3;

use super::damage::Damage;
use super::{FOLLOWED_DEPTH, Found, List, State, Structure};
use crate::decode::framing::{Framing, too_long};

impl Structure {
    pub(super) fn begin_object(&mut self, here: u64) {
        self.begin_value(b'{', here);
    }

    /// An object or a row begins.
    pub(super) fn begin_value(&mut self, bracket: u8, here: u64) {
        self.open.clear();
        self.open.push(bracket);
        (self.last, self.last_at) = (bracket, here);
        (self.in_quotes, self.escaped, self.name_len) = (false, false, 0);
    }

    /// Inside an object: a record, or the rest of a page.
    pub(super) fn inside(&mut self, rest: &[u8], found: &mut Found) -> usize {
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
                0xEF | 0xBB | 0xBF | 0x1E => self.mark(here),
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
                        if list == List::Rows {
                            // The rows of a table begin: what stands before names their cells.
                            found.new_header = Some(self.begin..here);
                        }
                        self.enter(list);
                        if list != List::Tables {
                            self.found_first();
                        }
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
        if self.open.len() <= 2 {
            for &byte in text.iter().take(self.name.len()) {
                if let Some(slot) = self.name.get_mut(self.name_len) {
                    *slot = byte;
                }
                self.name_len += 1;
            }
        }
    }

    /// Which list the array that begins here is, if it stands directly in an object under one of
    /// the known names.
    fn named_list(&self) -> Option<List> {
        let in_tables = self.lists.last() == Some(&List::Tables);
        match (self.open.as_slice(), self.name.get(..self.name_len)) {
            _ if self.state != State::Record => None,
            ([b'{'], Some(b"value")) => Some(List::Value),
            ([b'{'], Some(b"records")) => Some(List::Records),
            ([b'{'], Some(b"results" | b"Results")) => Some(List::Results),
            ([b'{'], Some(b"tables" | b"Tables")) => Some(List::Tables),
            ([b'{'], Some(b"rows" | b"Rows")) if in_tables => Some(List::Rows),
            ([b'{', b'{'], Some(b"hits")) => Some(List::Hits),
            _ => None,
        }
    }

    /// Notes how the input begins, once.
    pub(super) fn found_first(&mut self) {
        let framing = match self.lists.last() {
            None => Framing::JsonObjects,
            Some(List::Array) => Framing::JsonArray,
            Some(List::Value) => Framing::JsonPages,
            Some(List::Records) => Framing::JsonRecords,
            Some(List::Results) => Framing::JsonResults,
            Some(List::Hits) => Framing::JsonHits,
            Some(List::Tables | List::Rows) => Framing::JsonTables,
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
}
