//! Records that are found by following brackets and quotes: arrays, pages, messages and bare
//! objects, in any mix.
//!
//! One state machine goes over every byte once and remembers where it is between two pieces, so a
//! 10 GB array on one line streams. It accepts more than JSON does (missing or superfluous commas,
//! several documents one after another), because tools that append to a file write exactly that. It
//! does not check the inside of a record: the reader does.
//!
//! After damage it goes on at a later line: one that begins with an opening bracket, no further to
//! the right than the damaged record did. In a pretty-printed file that is the next record and not
//! an object inside the damaged one. What can't be told apart: a document cut off right after a
//! colon or comma whose successor would be a valid value there. Such a record runs on to its end or
//! to the limit of its length, and is rejected whole.

use std::ops::Range;
use std::sync::Arc;

use super::{Cut, Framing, Header, Records, too_long};
use crate::decode::{Limits, Rejected};

mod damage;
mod object;

use damage::Damage;

/// Nesting that is followed; a record with more is rejected here already. The limit of a record is
/// far below this.
const FOLLOWED_DEPTH: usize = 1 << 20;
/// Lists inside lists that are remembered. Pages need two; the rest are leftovers of documents that
/// were cut off.
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
    /// The array inside an answer; the same.
    Results,
    /// The array inside the object `hits` of an answer; the rest of both objects follows.
    Hits,
    /// The tables of an answer; each is an object with rows.
    Tables,
    /// The rows of a table, which are arrays; the rest of the table follows.
    Rows,
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
    /// The start of the last text directly inside the record: enough of it to know the names of
    /// lists.
    name: [u8; 8],
    name_len: usize,
    /// Damage has been met, so lists may have been left open by it.
    damaged: bool,
    /// How the first record is enclosed.
    first: Option<Framing>,
    /// What names the cells of the rows that come next.
    header: Option<Arc<Header>>,
}

/// What stands in one piece of text.
#[derive(Debug)]
pub(in crate::decode) struct Look {
    /// How the first record is enclosed.
    pub(in crate::decode) framing: Framing,
    /// Where the whole records lie, and from which of them on which header holds.
    pub(in crate::decode) records: Vec<Range<usize>>,
    pub(in crate::decode) headers: Vec<(usize, Option<Arc<Header>>)>,
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
    headers: Vec<(usize, Option<Arc<Header>>)>,
    /// Where a header stands in the input that has just ended.
    new_header: Option<Range<u64>>,
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
            header: None,
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
        let records = Records::At(found.records, found.headers);
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

    /// Looks through one piece of text: a line that holds a whole page, or the first bytes of an
    /// input.
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
        let (records, headers) = match cut.records {
            Records::At(records, headers) => (records, headers),
            Records::Lines => (Vec::new(), Vec::new()),
        };
        let framing = structure.first.unwrap_or(Framing::JsonObjects);
        Look {
            framing,
            records,
            headers,
            unfinished,
            rejected,
        }
    }

    fn scan(&mut self, buffer: &[u8], offset: u64) -> Found {
        let mut found = Found {
            offset,
            records: Vec::new(),
            headers: vec![(0, self.header.clone())],
            new_header: None,
            rejected: Rejected::default(),
        };
        let mut at = (self.position.saturating_sub(offset)) as usize;
        while let Some(rest) = buffer.get(at..).filter(|rest| !rest.is_empty()) {
            self.position = offset + at as u64;
            at += match self.state {
                State::Between => self.between(rest, &mut found),
                State::Record | State::PageRest => self.inside(rest, &mut found),
                State::Text => self.text(rest, &mut found),
                State::Word => self.word(rest, &mut found),
                State::SkipLine => self.skip_line(rest),
                State::LineStart => self.line_start(rest),
            };
            if let Some(header) = found.new_header.take() {
                if header.end - header.start > self.limits.max_record as u64 {
                    let words = || too_long(self.limits);
                    found.rejected.add(header.start, words);
                }
                let place = |at: u64| at.checked_sub(offset).map_or(usize::MAX, |at| at as usize);
                let bytes = buffer.get(place(header.start)..place(header.end));
                // One that is too long is gone by now, if it came in pieces.
                let fits = |bytes: &&[u8]| bytes.len() <= self.limits.max_record;
                let bytes = bytes.filter(fits).unwrap_or_default().to_vec();
                let header = Header {
                    bytes,
                    delimiter: None,
                };
                self.names(Some(Arc::new(header)), &mut found);
            }
        }
        self.position = offset + buffer.len() as u64;
        found
    }

    // Each of these takes the bytes from `self.position` on and returns how many of them it is done
    // with.

    fn between(&mut self, rest: &[u8], found: &mut Found) -> usize {
        for (at, &byte) in rest.iter().enumerate() {
            let here = self.position + at as u64;
            match byte {
                b'\n' => self.line = here + 1,
                // Byte order marks (files that were joined) and record separators are no more than
                // blanks here.
                b' ' | b'\t' | b'\r' | b',' => {}
                0xEF | 0xBB | 0xBF | 0x1E => self.mark(here),
                b'[' if self.lists.last() == Some(&List::Rows) => {
                    self.begin = here;
                    self.column = here - self.line;
                    self.state = State::Record;
                    self.begin_value(b'[', here);
                    return at + 1;
                }
                b'[' => self.enter(List::Array),
                b']' => self.leave(here, found),
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

    /// A byte order mark or a record separator takes no room: what follows it at the start of a line stands at the start of the line.
    fn mark(&mut self, here: u64) {
        if here == self.line {
            self.line = here + 1;
        }
    }

    fn enter(&mut self, list: List) {
        if self.lists.len() >= REMEMBERED_LISTS {
            self.lists.remove(0);
        }
        self.lists.push(list);
    }

    fn leave(&mut self, here: u64, found: &mut Found) {
        let list = self.lists.pop();
        if list == Some(List::Rows) {
            self.names(None, found);
        }
        if !matches!(list, None | Some(List::Array)) {
            self.begin_object(here);
            if list == Some(List::Hits) {
                self.open.push(b'{');
            }
            // What follows the list inside the page: a comma or the end.
            self.last = b']';
            self.state = State::PageRest;
        }
    }

    /// From here on `header` names the cells of rows.
    fn names(&mut self, header: Option<Arc<Header>>, found: &mut Found) {
        found.headers.push((found.records.len(), header.clone()));
        self.header = header;
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
