//! Log text is hostile: attackers choose user agents, account and app names. What is shown on a
//! terminal or put in a spreadsheet goes through here.

use std::borrow::Cow;

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::error::ArrowError;
use datafusion::arrow::util::display::{ArrayFormatter, FormatOptions};

/// `text` with every character that could steer a terminal, turn its direction or hide itself
/// written as `\u{…}`. Line ends and tabs are such characters too.
pub fn terminal(text: &str) -> Cow<'_, str> {
    if !text.chars().any(steers) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        if steers(character) {
            safe.extend(character.escape_unicode());
        } else {
            safe.push(character);
        }
    }
    Cow::Owned(safe)
}

/// Controls (C0, DEL, C1), line and paragraph separators, direction marks and overrides, invisible
/// joiners and tags.
fn steers(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e007f}')
}

/// `text` as a spreadsheet takes it for text: what would begin a formula (CWE-1236) gets an
/// apostrophe in front.
pub fn spreadsheet(text: &str) -> Cow<'_, str> {
    match text.trim_start_matches([' ', '\u{feff}']).chars().next() {
        Some('=' | '+' | '-' | '@' | '\t' | '\r' | '\n' | '＝' | '＋' | '－' | '＠') => {
            Cow::Owned(format!("'{text}"))
        }
        _ => Cow::Borrowed(text),
    }
}

/// Every cell of `batch` as text that a terminal can show; NULL is empty.
///
/// # Errors
/// A type that Arrow cannot show.
pub fn cells(batch: &RecordBatch) -> Result<Vec<Vec<String>>, ArrowError> {
    let options = FormatOptions::default();
    let columns = batch
        .columns()
        .iter()
        .map(|column| ArrayFormatter::try_new(column.as_ref(), &options))
        .collect::<Result<Vec<_>, _>>()?;
    (0..batch.num_rows())
        .map(|row| {
            columns
                .iter()
                .map(|column| Ok(terminal(&column.value(row).try_to_string()?).into_owned()))
                .collect()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_steers_a_terminal_is_shown_as_its_number() {
        assert_eq!(terminal("\u{1b}[31mred"), "\\u{1b}[31mred");
        assert_eq!(
            terminal("a\u{202e}b\u{9b}c\nd"),
            "a\\u{202e}b\\u{9b}c\\u{a}d"
        );
        assert!(matches!(terminal("Zoë, 東京 ✓"), Cow::Borrowed(_)));
    }

    #[test]
    fn what_begins_a_formula_is_text() {
        assert_eq!(spreadsheet("=HYPERLINK(\"x\")"), "'=HYPERLINK(\"x\")");
        assert_eq!(spreadsheet(" @SUM(1)"), "' @SUM(1)");
        assert_eq!(spreadsheet("a=b"), "a=b");
        assert_eq!(spreadsheet(""), "");
    }
}
