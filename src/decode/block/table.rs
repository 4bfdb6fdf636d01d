//! The columns of a table, by their names in its header.

use std::borrow::Cow;

use crate::decode::Dialect;
use crate::decode::framing::{Header, csv};
use crate::decode::json::{Key, Seen, column_names};

/// What a header says of the cells below it.
#[derive(Debug)]
pub(in crate::decode) struct Table {
    pub(in crate::decode) columns: Vec<Option<Key>>,
    pub(in crate::decode) seen: Seen,
    pub(in crate::decode) dialect: Option<&'static Dialect>,
}

impl Table {
    /// Looks up the names of the columns. What Log Analytics and spreadsheets do to names is undone:
    /// blanks around and inside, and the zone behind.
    pub(in crate::decode) fn of(header: &Header) -> Table {
        let text = String::from_utf8_lossy(&header.bytes);
        let names = match header.delimiter {
            Some(delimiter) => csv::cells(&text, delimiter, |_| true)
                .into_iter()
                .map(Cow::into_owned)
                .collect(),
            None => column_names(&text),
        };
        let mut seen = Seen::default();
        let mut columns = Vec::with_capacity(names.len());
        for name in names {
            let words: Vec<_> = name.split_whitespace().collect();
            let name = words.join(" ");
            let name = name.strip_suffix(" [UTC]").unwrap_or(&name);
            let key = Key::of(name);
            if let Some(key) = key {
                seen.note(
                    key,
                    name.starts_with(|first: char| first.is_ascii_uppercase()),
                );
            }
            columns.push(key);
        }
        let dialect = Dialect::of(seen);
        Table {
            columns,
            seen,
            dialect,
        }
    }
}
