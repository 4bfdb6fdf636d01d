//! Rows of a table as text: cells between delimiters, some in quotes that may hold line ends.
//!
//! The first row names the columns. A quote counts only where a cell begins, as spreadsheets have it.
//! One that is never closed costs its own line and not the rest of the file.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use memchr::{memchr, memchr2};

use super::{BOM, Cut, Header, Records, too_long};
use crate::decode::{Limits, Rejected};

/// Cuts whole rows. All positions are bytes of the whole input.
#[derive(Debug)]
pub(in crate::decode) struct Csv {
    limits: Limits,
    header: Option<Arc<Header>>,
    /// The first byte that has not been looked at, and where the current row begins.
    position: u64,
    begin: u64,
    in_quotes: bool,
    /// Where the first line of a row ends that has several.
    first_line_end: Option<u64>,
    /// Inside a row that is too long and has been rejected already.
    skipping: bool,
}

/// What a scan has found so far.
struct Found {
    rows: Vec<Range<usize>>,
    rejected: Rejected,
}

impl Csv {
    pub(in crate::decode) fn new(limits: Limits) -> Self {
        Csv {
            limits,
            header: None,
            position: 0,
            begin: 0,
            in_quotes: false,
            first_line_end: None,
            skipping: false,
        }
    }

    /// The header, once its row is whole.
    pub(in crate::decode) fn header(&self) -> Option<&Arc<Header>> {
        self.header.as_ref()
    }

    /// Looks through the first bytes of an input, which may be all of it.
    pub(in crate::decode) fn look(&mut self, bytes: &[u8], complete: bool) -> Cut {
        self.scan(bytes, 0, complete)
    }

    pub(super) fn cut(&mut self, buffer: &[u8], offset: u64) -> Cut {
        self.scan(buffer, offset, false)
    }

    pub(super) fn finish(&mut self, buffer: &[u8], offset: u64) -> Cut {
        self.scan(buffer, offset, true)
    }

    fn scan(&mut self, buffer: &[u8], offset: u64, at_end: bool) -> Cut {
        // A byte order mark moves the start of the input.
        self.position = self.position.max(offset);
        self.begin = self.begin.max(offset);
        let mut found = Found {
            rows: Vec::new(),
            rejected: Rejected::default(),
        };
        loop {
            self.rows(buffer, offset, at_end, &mut found);
            if self.is_too_long() && !self.skipping {
                found.rejected.add(self.begin, || too_long(self.limits));
                if !self.resume() {
                    self.skipping = true;
                    self.in_quotes = false;
                    continue;
                }
            } else if at_end && self.in_quotes {
                found.rejected.add(self.begin, || {
                    "a quote that opens in this row is never closed (cut off?)".to_owned()
                });
                if !self.resume() {
                    self.begin = self.position;
                    self.in_quotes = false;
                }
            } else if at_end && self.position > self.begin {
                let end = (self.position - offset) as usize;
                self.end_row(buffer, offset, end, &mut found);
            } else {
                break;
            }
        }
        let keep_from = if self.skipping {
            buffer.len()
        } else {
            (self.begin - offset) as usize
        };
        let end = found.rows.last().map_or(0, |row| row.end);
        let headers = vec![(0, self.header.clone())];
        Cut {
            records: Records::At(found.rows, headers),
            start: 0,
            end,
            keep_from: keep_from.max(end),
            rejected: found.rejected,
        }
    }

    /// Whether the row cannot become one any more. Its line end may have been looked at, and does not
    /// count.
    fn is_too_long(&self) -> bool {
        self.position - self.begin > self.limits.max_record as u64 + 1
    }

    /// After a quote that nothing closes: goes on at the second line of the row, if there is one.
    fn resume(&mut self) -> bool {
        let Some(line_end) = self.first_line_end.take() else {
            return false;
        };
        (self.begin, self.position, self.in_quotes) = (line_end, line_end, false);
        true
    }

    fn rows(&mut self, buffer: &[u8], offset: u64, at_end: bool, found: &mut Found) {
        loop {
            let at = (self.position - offset) as usize;
            let rest = buffer.get(at..).unwrap_or_default();
            let Some(next) = memchr2(b'"', b'\n', rest) else {
                self.position = offset + buffer.len() as u64;
                return;
            };
            let at = at + next;
            self.position = offset + at as u64 + 1;
            let is_quote = buffer.get(at) == Some(&b'"');
            match (is_quote, self.in_quotes) {
                (true, true) => match buffer.get(at + 1) {
                    // Two quotes are one that belongs to the text.
                    Some(b'"') => self.position += 1,
                    None if !at_end => {
                        self.position -= 1;
                        return;
                    }
                    _ => self.in_quotes = false,
                },
                (true, false) => {
                    let begin = (self.begin - offset) as usize;
                    let before = buffer.get(begin..at).unwrap_or_default();
                    self.in_quotes = !self.skipping && begins_cell(before, self.delimiter(before));
                }
                (false, true) => {
                    self.first_line_end.get_or_insert(self.position);
                    if self.is_too_long() {
                        return;
                    }
                }
                (false, false) => self.end_row(buffer, offset, at + 1, found),
            }
        }
    }

    fn delimiter(&self, first_row: &[u8]) -> u8 {
        match &self.header {
            Some(header) => header.delimiter.unwrap_or(b','),
            None => delimiter_of(first_row),
        }
    }

    /// A row ends before byte `end` of the buffer, its line end included.
    fn end_row(&mut self, buffer: &[u8], offset: u64, end: usize, found: &mut Found) {
        let begin = (self.begin - offset) as usize;
        let began = self.begin;
        self.begin = offset + end as u64;
        self.position = self.begin;
        let first_line_end = self.first_line_end.take();
        if std::mem::take(&mut self.skipping) {
            return;
        }
        let row = buffer.get(begin..end).unwrap_or_default();
        let row = row.strip_suffix(b"\n").unwrap_or(row);
        let row = row.strip_suffix(b"\r").unwrap_or(row);
        if row.len() > self.limits.max_record {
            found.rejected.add(began, || too_long(self.limits));
            // As where the row was given up before its end had come.
            self.first_line_end = first_line_end;
            self.resume();
            return;
        }
        let text = row.strip_prefix(BOM).unwrap_or(row);
        if text.iter().all(u8::is_ascii_whitespace) {
            return;
        }
        match &self.header {
            // Files that were joined repeat their header.
            Some(header) if header.bytes == text => {}
            Some(_) => found
                .rows
                .push(begin + (row.len() - text.len())..begin + row.len()),
            // PowerShell names the type first, spreadsheets the delimiter.
            None if text.starts_with(b"#TYPE ") || text.starts_with(b"sep=") => {}
            None => {
                let delimiter = Some(delimiter_of(text));
                let bytes = text.to_vec();
                self.header = Some(Arc::new(Header { bytes, delimiter }));
            }
        }
    }
}

/// What stands between the cells of a header: whichever of the usual is there most.
pub(in crate::decode) fn delimiter_of(header: &[u8]) -> u8 {
    let count = |wanted: u8| header.iter().filter(|byte| **byte == wanted).count();
    let usual = [b'|', b'\t', b';', b','];
    usual
        .into_iter()
        .max_by_key(|delimiter| count(*delimiter))
        .unwrap_or(b',')
}

/// Whether a cell begins behind `before`, the row so far.
fn begins_cell(before: &[u8], delimiter: u8) -> bool {
    let before = before.strip_prefix(BOM).unwrap_or(before);
    let blank = before
        .iter()
        .rev()
        .take_while(|byte| **byte == b' ')
        .count();
    let before = before.get(..before.len() - blank).unwrap_or_default();
    before.last().is_none_or(|last| *last == delimiter)
}

/// The cells of one row. Cells borrow from the row unless a doubled quote had to be undone, which is only done where a cell
/// `is_wanted`, by its number.
pub(in crate::decode) fn cells(
    row: &str,
    delimiter: u8,
    is_wanted: impl Fn(usize) -> bool,
) -> Vec<Cow<'_, str>> {
    let mut cells = Vec::with_capacity(64);
    let mut rest = Some(row);
    while let Some(text) = rest {
        let (cell, after) = match text.trim_start_matches(' ').strip_prefix('"') {
            Some(quoted) => quoted_cell(quoted, delimiter, is_wanted(cells.len())),
            None => {
                let (cell, after) = plain_cell(text, delimiter);
                (Cow::Borrowed(cell), after)
            }
        };
        cells.push(cell);
        rest = after;
    }
    cells
}

fn plain_cell(text: &str, delimiter: u8) -> (&str, Option<&str>) {
    match memchr(delimiter, text.as_bytes()) {
        Some(at) => {
            let (cell, rest) = text.split_at_checked(at).unwrap_or((text, ""));
            (cell, rest.get(1..))
        }
        None => (text, None),
    }
}

/// A cell whose opening quote has been taken off.
fn quoted_cell(text: &str, delimiter: u8, is_wanted: bool) -> (Cow<'_, str>, Option<&str>) {
    let (end, doubled) = closing_quote(text.as_bytes());
    let (cell, after) = text.split_at_checked(end).unwrap_or((text, ""));
    let cell = match doubled && is_wanted {
        true => Cow::Owned(undoubled(cell)),
        false => Cow::Borrowed(cell),
    };
    // The framer only gives rows whose quotes are closed.
    let Some(after) = after.strip_prefix('"') else {
        return (cell, None);
    };
    let (tail, next) = plain_cell(after, delimiter);
    if tail.trim().is_empty() {
        return (cell, next);
    }
    // Something follows the quotes: it belongs to the cell, as spreadsheets have it.
    (Cow::Owned(cell.into_owned() + tail), next)
}

/// Where the quote stands that closes a cell, or the end; and whether there are doubled ones before it.
fn closing_quote(text: &[u8]) -> (usize, bool) {
    let (mut at, mut doubled) = (0, false);
    while let Some(found) = memchr(b'"', text.get(at..).unwrap_or_default()) {
        at += found;
        if text.get(at + 1) != Some(&b'"') {
            return (at, doubled);
        }
        doubled = true;
        at += 2;
    }
    (text.len(), doubled)
}

/// The text with one quote for each two.
fn undoubled(text: &str) -> String {
    let mut undoubled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = memchr(b'"', rest.as_bytes()) {
        let (before, after) = rest.split_at_checked(at + 1).unwrap_or((rest, ""));
        undoubled.push_str(before);
        rest = after.strip_prefix('"').unwrap_or(after);
    }
    undoubled.push_str(rest);
    undoubled
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(row: &str) -> Vec<String> {
        let cells = cells(row, b',', |_| true);
        cells.into_iter().map(Cow::into_owned).collect()
    }

    #[test]
    fn cells_are_what_spreadsheets_make_of_them() {
        assert_eq!(split("a,b,,d"), ["a", "b", "", "d"]);
        assert_eq!(split(""), [""]);
        assert_eq!(
            split(r#""a,b","say ""hi""",c"d"#),
            ["a,b", "say \"hi\"", "c\"d"]
        );
        assert_eq!(
            split("\"two\r\nlines\", \"blank before\" ,"),
            ["two\r\nlines", "blank before", ""]
        );
        assert_eq!(split(r#""a"b,c"#), ["ab", "c"]);
    }

    #[test]
    fn the_delimiter_is_the_most_frequent() {
        assert_eq!(delimiter_of(b"a;b;\"c,d\""), b';');
        assert_eq!(delimiter_of(b"a\tb"), b'\t');
        assert_eq!(delimiter_of(b"a,b"), b',');
        assert_eq!(delimiter_of(b"a"), b',');
    }
}
