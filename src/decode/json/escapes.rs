//! What escapes inside JSON texts stand for. Few texts have any.

/// Undoes the escapes of a text that has been stepped over before, so that all of them are whole.
#[cold]
pub(super) fn unescaped(raw: &str) -> String {
    let mut text = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some((plain, after)) = rest.split_once('\\') {
        text.push_str(plain);
        let mut letters = after.chars();
        match letters.next() {
            Some('b') => text.push('\u{8}'),
            Some('f') => text.push('\u{C}'),
            Some('n') => text.push('\n'),
            Some('r') => text.push('\r'),
            Some('t') => text.push('\t'),
            Some('u') => {
                let (letter, length) = unicode(after);
                text.push(letter);
                rest = after.get(length..).unwrap_or_default();
                continue;
            }
            Some(other) => text.push(other),
            None => {}
        }
        rest = letters.as_str();
    }
    text.push_str(rest);
    text
}

/// The letter of `uXXXX` or `uXXXX\uXXXX` at the start of `escape`, and how many bytes it takes.
fn unicode(escape: &str) -> (char, usize) {
    let unit = |at: usize| {
        let digits = escape.get(at..at + 4)?;
        u16::from_str_radix(digits, 16).ok()
    };
    let first = unit(1).unwrap_or_default();
    let second = escape.get(5..7).filter(|it| *it == "\\u").and(unit(7));
    let mut letters = char::decode_utf16([first].into_iter().chain(second));
    match letters.next() {
        Some(Ok(letter)) if letter.len_utf16() == 2 => (letter, 11),
        Some(Ok(letter)) => (letter, 5),
        _ => (char::REPLACEMENT_CHARACTER, 5),
    }
}
