//! Text files of one entry a line, as people keep them: comments, labels, any line ends.

use std::io::Read;
use std::path::Path;

use crate::error::{Error, Result};

/// Lists are kept in memory; a longer one is a mistake.
const MOST: u64 = 256 << 20;

/// One line that says something.
pub(super) struct Line<'t> {
    /// Its number, from 1.
    pub(super) number: usize,
    /// What stands before the first blank or comma.
    pub(super) value: &'t str,
    /// What stands after it.
    pub(super) label: Option<&'t str>,
    /// All of it.
    pub(super) whole: &'t str,
}

/// The text of a file that was named with `flag`.
pub(super) fn read(flag: &str, path: &Path) -> Result<String> {
    let named = || format!("{flag} {}", path.display());
    let mut bytes = Vec::new();
    let failed = |error: std::io::Error| Error::setting(named(), error.to_string());
    let file = std::fs::File::open(path).map_err(failed)?;
    file.take(MOST + 1)
        .read_to_end(&mut bytes)
        .map_err(failed)?;
    if bytes.len() as u64 > MOST {
        return Err(Error::setting(named(), "is longer than 256 MiB: no list"));
    }
    let text = String::from_utf8(bytes)
        .map_err(|_| Error::setting(named(), "is not UTF-8 text; save it as UTF-8"))?;
    Ok(match text.strip_prefix('\u{feff}') {
        Some(rest) => rest.to_owned(),
        None => text,
    })
}

/// What an error about one line is named.
pub(super) fn place(flag: &str, path: &Path, line: usize) -> String {
    format!("{flag} {}, line {line}", path.display())
}

/// The lines that say something. A comment begins with `#` at the start of a line or after a blank:
/// the names of guests have a `#` inside.
pub(super) fn lines(text: &str) -> impl Iterator<Item = Line<'_>> {
    text.lines().enumerate().filter_map(|(at, line)| {
        let comment = line.match_indices('#').find(|(at, _)| {
            line[..*at]
                .chars()
                .next_back()
                .is_none_or(char::is_whitespace)
        });
        let whole = comment.map_or(line, |(at, _)| &line[..at]).trim();
        if whole.is_empty() {
            return None;
        }
        let (value, label) = match whole.split_once([' ', '\t', ',', ';']) {
            Some((value, label)) => (value, Some(label.trim_matches([' ', '\t', ',', ';', '"']))),
            None => (whole, None),
        };
        Some(Line {
            number: at + 1,
            value,
            label: label.filter(|label| !label.is_empty()),
            whole,
        })
    })
}
