//! What is done about records that can't be cut out: one rejection, and on with the next line that
//! can begin one.

use memchr::memchr;

use super::{Found, State, Structure};
use crate::decode::Rejected;
use crate::decode::framing::too_long;

/// Why a record can't be cut out.
#[derive(Clone, Copy)]
pub(super) enum Damage {
    Newline,
    Bracket,
    Depth,
    NoObject,
    CutOff,
    ListCutOff,
}

impl Damage {
    pub(super) fn words(self) -> &'static str {
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

impl Structure {
    /// Counts the current record as rejected. Its length is judged first, so that the reason does
    /// not depend on where the input was cut.
    pub(super) fn reject(&mut self, rejected: &mut Rejected, damage: Damage) {
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
    pub(super) fn break_off(
        &mut self,
        at: usize,
        rest: &[u8],
        damage: Damage,
        found: &mut Found,
    ) -> usize {
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

    pub(super) fn skip_line(&mut self, rest: &[u8]) -> usize {
        match memchr(b'\n', rest) {
            Some(at) => {
                self.line = self.position + at as u64 + 1;
                self.state = State::LineStart;
                at + 1
            }
            None => rest.len(),
        }
    }

    pub(super) fn line_start(&mut self, rest: &[u8]) -> usize {
        for (at, &byte) in rest.iter().enumerate() {
            let here = self.position + at as u64;
            match byte {
                b'\n' => self.line = here + 1,
                b' ' | b'\t' | b'\r' | b',' | b'}' | b']' => {}
                0xEF | 0xBB | 0xBF | 0x1E => self.mark(here),
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
}
