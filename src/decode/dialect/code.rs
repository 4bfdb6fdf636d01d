//! Result codes: the one number that must be exact, in the many types in which logs carry it.

use std::borrow::Cow;

use super::{Reader, Stop, text};
use crate::decode::judge::Code;
/// Puts the code of a value into `slot`: a number, text that is one, or a word that means success.
pub(super) fn code<'de>(slot: &mut Option<Code>, from: &mut Reader<'de, '_>) -> Result<(), Stop> {
    let mut value: Option<Cow<'de, str>> = None;
    text(&mut value, from)?;
    if let Some(value) = value {
        *slot = Some(meaning(value.trim()));
    }
    Ok(())
}

fn meaning(text: &str) -> Code {
    // Tables with missing values write whole numbers so.
    let text = match text.split_once('.') {
        Some((whole, fraction)) if fraction.bytes().all(|digit| digit == b'0') => whole,
        _ => text,
    };
    if let Ok(number) = text.parse() {
        return Code::Number(number);
    }
    let digits = text.strip_prefix('-').unwrap_or(text);
    if digits.starts_with(|first: char| first.is_ascii_digit()) {
        return Code::OutOfRange;
    }
    if text.eq_ignore_ascii_case("success") {
        Code::Number(0)
    } else {
        Code::Word
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_exact() {
        assert_eq!(meaning("50053"), Code::Number(50053));
        assert_eq!(meaning("500532"), Code::Number(500_532));
        assert_eq!(meaning("0"), Code::Number(0));
        assert_eq!(meaning("Success"), Code::Number(0));
        assert_eq!(meaning("SUCCESS"), Code::Number(0));
        assert_eq!(meaning("Failure"), Code::Word);
        assert_eq!(meaning("50053000000"), Code::OutOfRange);
        assert_eq!(meaning("50053.0"), Code::Number(50053));
        assert_eq!(meaning("50053.5"), Code::OutOfRange);
        assert_eq!(meaning("5.0053e4"), Code::OutOfRange);
        assert_eq!(meaning("99999999999999999999999"), Code::OutOfRange);
    }
}
