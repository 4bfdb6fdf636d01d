//! JSON text, read once from front to back: what is wanted is taken, everything else is stepped over
//! but still checked, so that a damaged record is rejected whichever of its fields are wanted.
//!
//! It accepts exactly what `serde_json` accepts (a property test and a fuzz target hold it to that)
//! and is about three times as quick, because it builds nothing: names are compared where they stand,
//! and thirty-two bytes of a text are looked at in one step. One difference is wanted: half of a
//! surrogate pair in an escape becomes U+FFFD and does not cost the record, since whoever chooses a
//! user agent could hide a sign-in with it.

use std::borrow::Cow;

use wide::u8x32;

use super::escapes::unescaped;
use super::memory::{Memory, Name};

/// Why reading stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    /// It is not JSON.
    Syntax,
    /// Nested deeper than allowed.
    Depth,
}

/// What kind of value comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Object,
    Array,
    Number,
    True,
    False,
    Null,
}

/// A place in JSON text.
#[derive(Debug)]
pub(crate) struct Reader<'de, 'm> {
    text: &'de str,
    /// The next byte to look at.
    at: usize,
    /// How many more levels of arrays and objects are allowed.
    levels: usize,
    memory: &'m mut Memory,
    /// The text is a single value and no JSON: the cell of a table.
    is_cell: bool,
}

impl<'de, 'm> Reader<'de, 'm> {
    /// At the start of `text`, which may nest `levels` deep.
    pub(super) fn new(text: &'de str, levels: usize, memory: &'m mut Memory) -> Self {
        Reader {
            text,
            at: 0,
            levels,
            memory,
            is_cell: false,
        }
    }

    /// A value that is plain text, as the cells of a table are.
    pub(super) fn cell(text: &'de str, levels: usize, memory: &'m mut Memory) -> Self {
        Reader {
            is_cell: true,
            ..Reader::new(text, levels, memory)
        }
    }

    /// A reader of JSON that stands inside a text of this one.
    pub(super) fn inner<'t>(&mut self, text: &'t str) -> Reader<'t, '_> {
        Reader::new(text, self.levels, self.memory)
    }

    #[inline(always)]
    fn byte(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// The next byte that is not blank.
    #[inline(always)]
    fn peek(&mut self) -> Option<u8> {
        match self.byte()? {
            byte if byte > b' ' => Some(byte),
            _ => self.peek_far(),
        }
    }

    /// The same where a blank or a control character comes next.
    #[inline]
    fn peek_far(&mut self) -> Option<u8> {
        loop {
            match self.byte()? {
                b' ' | b'\n' | b'\r' | b'\t' => self.at += 1,
                byte => return Some(byte),
            }
        }
    }

    /// Whether nothing but blanks follows.
    pub(super) fn is_at_end(&mut self) -> bool {
        self.peek().is_none()
    }

    /// What comes next, without taking it.
    #[inline(always)]
    pub(super) fn kind(&mut self) -> Result<Kind, Stop> {
        if self.is_cell {
            return Ok(Kind::Text);
        }
        Ok(match self.peek() {
            Some(b'"') => Kind::Text,
            Some(b'{') => Kind::Object,
            Some(b'[') => Kind::Array,
            Some(b'-' | b'0'..=b'9') => Kind::Number,
            Some(b't') => Kind::True,
            Some(b'f') => Kind::False,
            Some(b'n') => Kind::Null,
            _ => return Err(Stop::Syntax),
        })
    }

    /// Steps into the array or object that begins here. False if it is empty; then it has been
    /// stepped over.
    #[inline(always)]
    pub(super) fn open(&mut self, close: u8) -> Result<bool, Stop> {
        self.levels = self.levels.checked_sub(1).ok_or(Stop::Depth)?;
        self.at += 1;
        if self.peek() == Some(close) {
            self.at += 1;
            self.levels += 1;
            return Ok(false);
        }
        Ok(true)
    }

    /// After a value: whether another follows in this array or object. If not, it has been left.
    #[inline(always)]
    pub(super) fn goes_on(&mut self, close: u8) -> Result<bool, Stop> {
        match self.peek() {
            Some(b',') => {
                self.at += 1;
                Ok(true)
            }
            Some(byte) if byte == close => {
                self.at += 1;
                self.levels += 1;
                Ok(false)
            }
            _ => Err(Stop::Syntax),
        }
    }

    /// Steps into the object that begins here, and over the name of its first field.
    #[inline(always)]
    pub(super) fn first_name(&mut self) -> Result<Option<Name>, Stop> {
        match self.open(b'}')? {
            true => self.name().map(Some),
            false => Ok(None),
        }
    }

    /// After the value of a field: steps over the name of the next. Unknown fields in between, which hardly ever change, are
    /// stepped over too. `None`: the object has been left.
    #[inline(always)]
    pub(super) fn next_name(&mut self) -> Result<Option<Name>, Stop> {
        let rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
        match rest.first() {
            Some(b'}') => {
                self.at += 1;
                self.levels += 1;
                return Ok(None);
            }
            Some(b',') => {
                if let Some((name, length)) = self.memory.leap(rest, self.levels) {
                    self.at += length;
                    self.levels += usize::from(name.is_none());
                    return Ok(name);
                }
            }
            _ => {}
        }
        self.walk()
    }

    /// The same one field after the other.
    #[inline(never)]
    fn walk(&mut self) -> Result<Option<Name>, Stop> {
        let (begin, place, levels) = (self.at, self.memory.place(), self.levels);
        let mut name = None;
        while self.goes_on(b'}')? {
            let next = self.name()?;
            self.peek();
            let rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
            let steady = match next.key {
                Some(_) => None,
                None => self.memory.steady(rest, levels),
            };
            let Some(length) = steady else {
                name = Some(next);
                break;
            };
            self.at += length;
        }
        let text = self.text.as_bytes().get(begin..self.at);
        let text = text.unwrap_or_default();
        self.memory.learn_leap(place, text, name, levels);
        Ok(name)
    }

    /// The name of the field whose value comes next, as a place to come back to.
    #[inline(always)]
    pub(super) fn place(&self) -> usize {
        self.memory.place()
    }

    /// The value of the field at `place` has been read.
    #[inline(always)]
    pub(super) fn back(&mut self, place: usize) {
        self.memory.back(place);
    }

    /// The name of a field and the colon behind it.
    #[inline(always)]
    pub(super) fn name(&mut self) -> Result<Name, Stop> {
        if self.peek() != Some(b'"') {
            return Err(Stop::Syntax);
        }
        let rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
        if let Some((name, length)) = self.memory.name(rest) {
            self.at += length;
            return Ok(name);
        }
        self.new_name(rest)
    }

    fn new_name(&mut self, rest: &[u8]) -> Result<Name, Stop> {
        let begin = self.at;
        let name = Name::of(&self.text()?);
        if self.peek() != Some(b':') {
            return Err(Stop::Syntax);
        }
        self.at += 1;
        let quoted = rest.get(..self.at - begin).unwrap_or_default();
        self.memory.learn(quoted, name);
        Ok(name)
    }

    /// The text that begins here, borrowed unless an escape had to be undone.
    #[inline(always)]
    pub(super) fn text(&mut self) -> Result<Cow<'de, str>, Stop> {
        if self.is_cell {
            return Ok(Cow::Borrowed(self.text));
        }
        let rest = self.text.get(self.at + 1..).ok_or(Stop::Syntax)?;
        let length = plain_length(rest.as_bytes());
        if rest.as_bytes().get(length) == Some(&b'"') {
            self.at += length + 2;
            return rest.get(..length).map(Cow::Borrowed).ok_or(Stop::Syntax);
        }
        self.escaped_text()
    }

    /// The text that begins here, if it is a short one in which nothing is escaped; else nothing is read.
    #[inline(always)]
    pub(super) fn short_text(&mut self) -> Option<&'de str> {
        if self.is_cell || self.byte() != Some(b'"') {
            return None;
        }
        let rest = self.text.get(self.at + 1..)?;
        let (block, more) = rest.as_bytes().split_first_chunk()?;
        let mut found = special(u8x32::new(*block)).trailing_zeros();
        if found == 32 {
            // An id is longer than one block, and little else is.
            found += special(u8x32::new(*more.first_chunk()?)).trailing_zeros();
        }
        let length = found as usize;
        // What is special first may be something else than the quote that ends the text.
        if rest.as_bytes().get(length) != Some(&b'"') {
            return None;
        }
        self.at += length + 2;
        rest.get(..length)
    }

    /// The same where something is escaped, or wrong.
    #[cold]
    fn escaped_text(&mut self) -> Result<Cow<'de, str>, Stop> {
        let begin = self.at + 1;
        self.skip_text()?;
        let raw = self.text.get(begin..self.at - 1).ok_or(Stop::Syntax)?;
        Ok(Cow::Owned(unescaped(raw)))
    }

    /// The number that begins here, as it is written.
    pub(super) fn number(&mut self) -> Result<&'de str, Stop> {
        let begin = self.at;
        self.skip_number()?;
        self.text.get(begin..self.at).ok_or(Stop::Syntax)
    }

    /// The value that comes next, as it is written.
    pub(super) fn value(&mut self) -> Result<&'de str, Stop> {
        let begin = self.at;
        self.skip_value()?;
        self.text.get(begin..self.at).ok_or(Stop::Syntax)
    }

    /// Steps over the value that comes next.
    #[inline]
    pub(crate) fn skip(&mut self) -> Result<(), Stop> {
        if self.is_cell {
            return Ok(());
        }
        let kind = self.kind()?;
        let rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
        if let Some(length) = self.memory.skipped(rest, self.levels) {
            self.at += length;
            return Ok(());
        }
        let begin = self.at;
        self.skip_kind(kind)?;
        let value = rest.get(..self.at - begin).unwrap_or_default();
        self.memory.keep(value, self.levels);
        Ok(())
    }

    fn skip_value(&mut self) -> Result<(), Stop> {
        let kind = self.kind()?;
        self.skip_kind(kind)
    }

    /// Steps over the value that comes next, of which the kind is known.
    #[inline]
    fn skip_kind(&mut self, kind: Kind) -> Result<(), Stop> {
        match kind {
            Kind::Text => self.skip_text(),
            Kind::Null => self.skip_word(b"null"),
            Kind::False => self.skip_word(b"false"),
            Kind::True => self.skip_word(b"true"),
            Kind::Number => self.skip_number(),
            Kind::Object => self.skip_object(),
            Kind::Array => self.skip_array(),
        }
    }

    fn skip_object(&mut self) -> Result<(), Stop> {
        let mut more = self.open(b'}')?;
        while more {
            if self.peek() != Some(b'"') {
                return Err(Stop::Syntax);
            }
            self.skip_text()?;
            if self.peek() != Some(b':') {
                return Err(Stop::Syntax);
            }
            self.at += 1;
            self.skip_value()?;
            more = self.goes_on(b'}')?;
        }
        Ok(())
    }

    fn skip_array(&mut self) -> Result<(), Stop> {
        let mut more = self.open(b']')?;
        while more {
            self.skip_value()?;
            more = self.goes_on(b']')?;
        }
        Ok(())
    }

    #[inline(always)]
    pub(super) fn skip_word(&mut self, word: &[u8]) -> Result<(), Stop> {
        let end = self.at + word.len();
        if self.text.as_bytes().get(self.at..end) != Some(word) {
            return Err(Stop::Syntax);
        }
        self.at = end;
        Ok(())
    }

    /// Steps over the text that begins here.
    #[inline(always)]
    fn skip_text(&mut self) -> Result<(), Stop> {
        self.at += 1;
        loop {
            let rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
            self.at += plain_length(rest);
            match self.byte() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(());
                }
                Some(b'\\') => self.skip_escape()?,
                // A control character, or the end.
                _ => return Err(Stop::Syntax),
            }
        }
    }

    fn skip_escape(&mut self) -> Result<(), Stop> {
        let bytes = self.text.as_bytes();
        match bytes.get(self.at + 1) {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => self.at += 2,
            Some(b'u') => {
                let digits = bytes.get(self.at + 2..self.at + 6).ok_or(Stop::Syntax)?;
                if !digits.iter().all(u8::is_ascii_hexdigit) {
                    return Err(Stop::Syntax);
                }
                self.at += 6;
            }
            _ => return Err(Stop::Syntax),
        }
        Ok(())
    }

    fn skip_number(&mut self) -> Result<(), Stop> {
        if self.byte() == Some(b'-') {
            self.at += 1;
        }
        match self.byte() {
            Some(b'0') => self.at += 1,
            Some(b'1'..=b'9') => self.skip_digits()?,
            _ => return Err(Stop::Syntax),
        }
        if self.byte() == Some(b'.') {
            self.at += 1;
            self.skip_digits()?;
        }
        if let Some(b'e' | b'E') = self.byte() {
            self.at += 1;
            if let Some(b'+' | b'-') = self.byte() {
                self.at += 1;
            }
            self.skip_digits()?;
        }
        // What may follow a number is seen by whoever expects it; a second number can't.
        Ok(())
    }

    /// One digit or more.
    fn skip_digits(&mut self) -> Result<(), Stop> {
        let begin = self.at;
        while let Some(b'0'..=b'9') = self.byte() {
            self.at += 1;
        }
        if self.at == begin {
            return Err(Stop::Syntax);
        }
        Ok(())
    }
}

/// How many bytes at the start stand for themselves inside quotes.
#[inline(always)]
fn plain_length(bytes: &[u8]) -> usize {
    let mut length = 0;
    // Most texts end within 32 bytes: one step for all of these is one branch that is foreseen.
    while let Some(block) = bytes.get(length..).and_then(<[u8]>::first_chunk::<32>) {
        let special = special(u8x32::new(*block));
        if special != 0 {
            return length + special.trailing_zeros() as usize;
        }
        length += 32;
    }
    let rest = bytes.get(length..).unwrap_or_default();
    let plain = |byte: &u8| !matches!(byte, b'"' | b'\\' | 0..=0x1F);
    length + rest.iter().take_while(|byte| plain(byte)).count()
}

/// One bit for each byte that does not stand for itself inside quotes: quotes, backslashes and control characters.
#[inline(always)]
fn special(block: u8x32) -> u32 {
    // With this bit turned a quote is a blank, the next one above the control characters, and a blank is above it: one
    // comparison finds them all, since only what is not above the blank stays unchanged.
    let turned = block ^ u8x32::splat(b'"' ^ b' ');
    let low = turned.min(u8x32::splat(b' ')).simd_eq(turned);
    (low | block.simd_eq(u8x32::splat(b'\\'))).to_bitmask()
}
