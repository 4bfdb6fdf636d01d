//! Walking through a record without building it: what is known is taken, the rest is skipped.
//!
//! Each object of a vendor is a [`Part`]: one table from the names of its fields to the places in
//! [`Raw`] where their values go. Values are borrowed from the text wherever no escape has to be
//! undone. A value of an unexpected type never costs the record: a number is taken as text where
//! text is wanted, anything else counts as absent. Of a key that occurs twice, the last value
//! counts; null and empty text never displace a value.

use std::borrow::Cow;

use super::Limits;
use super::judge::Raw;

mod escapes;
mod keys;
mod memory;
mod reader;

#[cfg(test)]
mod tests;

pub(crate) use keys::{Key, Seen, is_field};
pub(crate) use memory::Memory;
pub(crate) use reader::{Reader, Stop};

use memory::Name;
use reader::Kind;

/// One kind of vendor object.
pub(crate) trait Part {
    /// Takes the value of `key`, which comes next, and puts it into its place; skips what it has no
    /// use for.
    fn read<'de>(raw: &mut Raw<'de>, key: Key, from: &mut Reader<'de, '_>) -> Result<(), Stop>;

    /// A list of such objects begins.
    fn list(_raw: &mut Raw<'_>) {}

    /// An object has been read to its end.
    fn done(_raw: &mut Raw<'_>) {}
}

/// Why a record is not readable as JSON.
#[derive(Debug)]
pub(crate) enum Unreadable {
    /// It is not valid JSON.
    Json(serde_json::Error),
    /// It is JSON, but not an object.
    NoObject,
    /// It is nested too deeply.
    Depth,
    /// Something follows the object.
    Trailing,
    /// A row has more or fewer cells than there are columns.
    Cells,
}

/// Reads one whole record, whose outermost object is a `P` and which may nest `levels` deep. What was
/// read before an error stays in `raw`.
pub(crate) fn read<'de, P: Part>(
    text: &'de str,
    levels: usize,
    memory: &mut Memory,
    raw: &mut Raw<'de>,
) -> Result<(), Unreadable> {
    memory.restart();
    let mut from = Reader::new(text, levels, memory);
    if from.kind() != Ok(Kind::Object) {
        return Err(why(text, Unreadable::NoObject));
    }
    match object::<P, true>(raw, &mut from) {
        Ok(()) if from.is_at_end() => Ok(()),
        Ok(()) => Err(Unreadable::Trailing),
        Err(Stop::Depth) => Err(Unreadable::Depth),
        Err(Stop::Syntax) => Err(why(text, Unreadable::NoObject)),
    }
}

/// What is wrong with `text`, in the words of a parser that keeps count of lines and columns.
#[cold]
fn why(text: &str, otherwise: Unreadable) -> Unreadable {
    match serde_json::from_str::<serde::de::IgnoredAny>(text) {
        Ok(_) => otherwise,
        Err(error) => Unreadable::Json(error),
    }
}

/// Reads the cells of one row, whose outermost object is a `P`. JSON inside a cell that is not whole
/// costs that cell.
pub(crate) fn read_cells<'de, P: Part>(
    columns: &[Option<Key>],
    cells: &'de [Cow<'de, str>],
    memory: &mut Memory,
    raw: &mut Raw<'de>,
) {
    for (column, cell) in columns.iter().zip(cells) {
        if let Some(key) = column.filter(|_| !cell.is_empty()) {
            let levels = Limits::default().max_depth;
            let _ = P::read(raw, key, &mut Reader::cell(cell, levels, memory));
        }
    }
    P::done(raw);
}

/// Reads one JSON array whose values stand under `columns`.
pub(crate) fn read_list<'de, P: Part>(
    columns: &[Option<Key>],
    text: &'de str,
    levels: usize,
    memory: &mut Memory,
    raw: &mut Raw<'de>,
) -> Result<(), Unreadable> {
    memory.restart();
    let mut from = Reader::new(text, levels, memory);
    let result = (|| {
        let mut columns = columns.iter();
        let mut more = from.open(b']')?;
        while more {
            match columns.next() {
                Some(Some(key)) => P::read(raw, *key, &mut from)?,
                _ => from.skip()?,
            }
            more = from.goes_on(b']')?;
        }
        Ok(columns.next().is_none())
    })();
    match result {
        Ok(true) if from.is_at_end() => {
            P::done(raw);
            Ok(())
        }
        Ok(_) => Err(Unreadable::Cells),
        Err(Stop::Depth) => Err(Unreadable::Depth),
        Err(Stop::Syntax) => Err(why(text, Unreadable::Cells)),
    }
}

/// The names of the columns in a text such as `{"name":…,"columns":[{"name":…},…],"rows":`.
pub(crate) fn column_names(text: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut memory = Memory::default();
    let mut from = Reader::new(text, Limits::default().max_depth, &mut memory);
    // It ends where the rows begin, so there is no end to wait for.
    let _ = (|| -> Result<(), Stop> {
        let mut more = from.kind()? == Kind::Object && from.open(b'}')?;
        while more {
            match from.name()?.key {
                Some(Key::Columns) if from.kind()? == Kind::Array => {
                    let mut another = from.open(b']')?;
                    while another {
                        names.push(column_name(&mut from)?);
                        another = from.goes_on(b']')?;
                    }
                }
                _ => from.skip()?,
            }
            more = from.goes_on(b'}')?;
        }
        Ok(())
    })();
    names
}

fn column_name(from: &mut Reader<'_, '_>) -> Result<String, Stop> {
    let mut name = None;
    if from.kind()? != Kind::Object {
        from.skip()?;
        return Ok(String::new());
    }
    let mut more = from.open(b'}')?;
    while more {
        match from.name()?.key {
            Some(Key::Name | Key::ColumnName) => text(&mut name, from)?,
            _ => from.skip()?,
        }
        more = from.goes_on(b'}')?;
    }
    Ok(name.unwrap_or_default().into_owned())
}

/// Keeps a value that is an object, or text that seems to hold one, as the JSON text it is.
pub(crate) fn unwrap_value<'de>(
    slot: &mut Option<Cow<'de, str>>,
    from: &mut Reader<'de, '_>,
) -> Result<(), Stop> {
    let value = match from.kind()? {
        Kind::Object => Some(Cow::Borrowed(from.value()?)),
        Kind::Text => {
            let text = from.text()?;
            text.trim_start().starts_with(['{', '[']).then_some(text)
        }
        _ => {
            from.skip()?;
            None
        }
    };
    put(slot, value);
    Ok(())
}

fn object<'de, P: Part, const OUTERMOST: bool>(
    raw: &mut Raw<'de>,
    from: &mut Reader<'de, '_>,
) -> Result<(), Stop> {
    let place = from.place();
    let mut name = from.first_name()?;
    while let Some(Name { key, upper }) = name {
        match key {
            Some(key) => {
                if OUTERMOST {
                    raw.seen.note(key, upper);
                }
                P::read(raw, key, from)?;
            }
            None => from.skip()?,
        }
        name = from.next_name()?;
    }
    from.back(place);
    P::done(raw);
    Ok(())
}

/// Reads an object, or a list of objects, of kind `P`; also where it is JSON inside a text.
/// Anything else is skipped.
pub(crate) fn nested<'de, P: Part>(
    raw: &mut Raw<'de>,
    from: &mut Reader<'de, '_>,
) -> Result<(), Stop> {
    match from.kind()? {
        Kind::Object => object::<P, false>(raw, from),
        Kind::Array => {
            P::list(raw);
            let mut more = from.open(b']')?;
            while more {
                nested::<P>(raw, from)?;
                more = from.goes_on(b']')?;
            }
            Ok(())
        }
        Kind::Text => {
            let text = from.text()?;
            if text.trim_start().starts_with(['{', '[']) {
                let mut inner = Raw::default();
                // JSON inside a text that is not JSON after all is one field less, not one record
                // less.
                if nested::<P>(&mut inner, &mut from.inner(&text)).is_ok() {
                    raw.absorb(inner);
                }
            }
            Ok(())
        }
        _ => from.skip(),
    }
}

/// A plain value as text; `None` if it is null, empty or not a plain value. A number without a fraction is written without
/// one: 50053.0 is 50053, as tables with missing values have it.
#[inline]
fn plain<'de>(from: &mut Reader<'de, '_>) -> Result<Option<Cow<'de, str>>, Stop> {
    let text = match from.kind()? {
        Kind::Text => from.text()?,
        Kind::Null => {
            from.skip_word(b"null")?;
            return Ok(None);
        }
        Kind::False => {
            from.skip_word(b"false")?;
            Cow::Borrowed("false")
        }
        Kind::True => {
            from.skip_word(b"true")?;
            Cow::Borrowed("true")
        }
        Kind::Number => {
            let number = from.number()?;
            // 50053.0 is 50053. Anything else stays as it is written, and is judged as such: nothing is rounded.
            let point = number.bytes().position(|byte| byte == b'.');
            let (whole, fraction) = number
                .split_at_checked(point.unwrap_or(number.len()))
                .unwrap_or((number, ""));
            let is_whole = fraction.bytes().skip(1).all(|digit| digit == b'0');
            Cow::Borrowed(if is_whole { whole } else { number })
        }
        Kind::Object | Kind::Array => {
            from.skip()?;
            return Ok(None);
        }
    };
    Ok((!text.is_empty()).then_some(text))
}

/// Puts the text of a value into `slot`, unless it is null, empty or not a plain value.
#[inline]
pub(crate) fn text<'de>(
    slot: &mut Option<Cow<'de, str>>,
    from: &mut Reader<'de, '_>,
) -> Result<(), Stop> {
    let value = match from.short_text() {
        Some(text) => (!text.is_empty()).then_some(Cow::Borrowed(text)),
        None => plain(from)?,
    };
    put(slot, value);
    Ok(())
}

/// Puts a whole number, or text that is one, into `slot`.
pub(crate) fn integer(slot: &mut Option<i64>, from: &mut Reader<'_, '_>) -> Result<(), Stop> {
    let value = plain(from)?;
    put(slot, value.and_then(|text| text.trim().parse().ok()));
    Ok(())
}

/// Puts a number, or text that is one, into `slot`. Text can also spell infinities, which are none.
pub(crate) fn float(slot: &mut Option<f64>, from: &mut Reader<'_, '_>) -> Result<(), Stop> {
    let value = match from.kind()? {
        Kind::Number => from.number()?.parse().ok(),
        _ => plain(from)?.and_then(|text| text.trim().parse().ok()),
    };
    put(slot, value.filter(|value: &f64| value.is_finite()));
    Ok(())
}

/// Puts true or false into `slot`: as JSON has it, or as the texts and numbers that stand for it.
pub(crate) fn flag(slot: &mut Option<bool>, from: &mut Reader<'_, '_>) -> Result<(), Stop> {
    let is = |text: &str, word: &str| text.eq_ignore_ascii_case(word);
    let value = match from.kind()? {
        Kind::True => from.skip_word(b"true").map(|()| Some(true))?,
        Kind::False => from.skip_word(b"false").map(|()| Some(false))?,
        _ => plain(from)?.and_then(|text| match text.trim() {
            text if is(text, "true") || text == "1" => Some(true),
            text if is(text, "false") || text == "0" => Some(false),
            _ => None,
        }),
    };
    put(slot, value);
    Ok(())
}

/// Puts a list of texts into `slot`: from an array, from JSON text that holds one, or from a single
/// text.
pub(crate) fn list<'de>(
    slot: &mut Option<Vec<Cow<'de, str>>>,
    from: &mut Reader<'de, '_>,
) -> Result<(), Stop> {
    let value = texts(from)?;
    put(slot, value);
    Ok(())
}

fn texts<'de>(from: &mut Reader<'de, '_>) -> Result<Option<Vec<Cow<'de, str>>>, Stop> {
    match from.kind()? {
        Kind::Array => {
            let mut texts = Vec::new();
            let mut more = from.open(b']')?;
            while more {
                texts.extend(plain(from)?);
                more = from.goes_on(b']')?;
            }
            Ok(Some(texts))
        }
        Kind::Text => {
            let text = from.text()?;
            let trimmed = text.trim();
            if trimmed.is_empty() {
                return Ok(None);
            }
            if trimmed.starts_with('[') {
                let inner = texts(&mut from.inner(trimmed));
                return Ok(inner.ok().flatten().map(owned));
            }
            Ok(Some(vec![Cow::Owned(trimmed.to_owned())]))
        }
        _ => {
            from.skip()?;
            Ok(None)
        }
    }
}

fn put<T>(slot: &mut Option<T>, value: Option<T>) {
    if value.is_some() {
        *slot = value;
    }
}

/// The same texts, borrowed from nothing.
pub(crate) fn owned<'a>(texts: Vec<Cow<'_, str>>) -> Vec<Cow<'a, str>> {
    texts
        .into_iter()
        .map(|text| Cow::Owned(text.into_owned()))
        .collect()
}
