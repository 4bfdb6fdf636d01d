//! Walking through JSON without building it: what is known is taken, the rest is skipped.
//!
//! Each object of a vendor is a [`Part`]: one table from the names of its fields to the places in
//! [`Raw`] where their values go. Values are borrowed from the text wherever no escape has to be
//! undone. A value of an unexpected type never costs the record: a number is taken as text where
//! text is wanted, anything else counts as absent. Of a key that occurs twice, the last value
//! counts; null and empty text never displace a value.

use std::borrow::Cow;
use std::marker::PhantomData;

use serde::Deserializer as _;
use serde::de::{IgnoredAny, MapAccess};

use super::judge::Raw;

mod keys;
mod visit;

pub(crate) use keys::{Key, Seen};
use visit::{Text, Texts, Walk};

/// One kind of vendor object.
pub(crate) trait Part {
    /// Takes the value of `key` out of `map` and puts it into its place; [`skip`]s what it has no
    /// use for.
    fn read<'de, A: MapAccess<'de>>(
        raw: &mut Raw<'de>,
        key: Key,
        map: &mut A,
    ) -> Result<(), A::Error>;

    /// A list of such objects begins.
    fn list(_raw: &mut Raw<'_>) {}

    /// An object has been read to its end.
    fn done(_raw: &mut Raw<'_>) {}
}

/// Why a record is not readable as JSON.
#[derive(Debug)]
pub(crate) enum Unreadable {
    /// It is not valid JSON, or not an object.
    Json(serde_json::Error),
    /// Something follows the object.
    Trailing,
}

/// Reads one whole record, whose outermost object is a `P`. What was read before an error stays in
/// `raw`.
pub(crate) fn read<'de, P: Part>(text: &'de str, raw: &mut Raw<'de>) -> Result<(), Unreadable> {
    let mut json = serde_json::Deserializer::from_str(text);
    let walk = Walk::<P> {
        raw,
        outermost: true,
        part: PhantomData,
    };
    json.deserialize_map(walk).map_err(Unreadable::Json)?;
    json.end().map_err(|_| Unreadable::Trailing)
}

/// Steps over a value.
pub(crate) fn skip<'de, A: MapAccess<'de>>(map: &mut A) -> Result<(), A::Error> {
    map.next_value::<IgnoredAny>().map(|_| ())
}

/// Puts the text of a value into `slot`, unless it is null, empty or not a plain value.
pub(crate) fn text<'de, A: MapAccess<'de>>(
    slot: &mut Option<Cow<'de, str>>,
    map: &mut A,
) -> Result<(), A::Error> {
    let value = map.next_value_seed(Text)?;
    put(slot, value);
    Ok(())
}

/// Puts a whole number, or text that is one, into `slot`.
pub(crate) fn integer<'de, A: MapAccess<'de>>(
    slot: &mut Option<i64>,
    map: &mut A,
) -> Result<(), A::Error> {
    let value = map.next_value_seed(Text)?;
    put(slot, value.and_then(|text| text.trim().parse().ok()));
    Ok(())
}

/// Puts a number, or text that is one, into `slot`. Text can also spell infinities, which are none.
pub(crate) fn float<'de, A: MapAccess<'de>>(
    slot: &mut Option<f64>,
    map: &mut A,
) -> Result<(), A::Error> {
    let value = map.next_value_seed(Text)?;
    let value = value.and_then(|text| text.trim().parse().ok());
    put(slot, value.filter(|value: &f64| value.is_finite()));
    Ok(())
}

/// Puts true or false into `slot`: as JSON has it, or as the texts and numbers that stand for it.
pub(crate) fn flag<'de, A: MapAccess<'de>>(
    slot: &mut Option<bool>,
    map: &mut A,
) -> Result<(), A::Error> {
    let value = map.next_value_seed(Text)?;
    let is = |text: &str, word: &str| text.eq_ignore_ascii_case(word);
    let value = value.and_then(|text| match text.trim() {
        text if is(text, "true") || text == "1" => Some(true),
        text if is(text, "false") || text == "0" => Some(false),
        _ => None,
    });
    put(slot, value);
    Ok(())
}

/// Puts a list of texts into `slot`: from an array, from JSON text that holds one, or from a single
/// text.
pub(crate) fn list<'de, A: MapAccess<'de>>(
    slot: &mut Option<Vec<Cow<'de, str>>>,
    map: &mut A,
) -> Result<(), A::Error> {
    let value = map.next_value_seed(Texts)?;
    put(slot, value);
    Ok(())
}

/// Reads an object, or a list of objects, of kind `P`; also where it is JSON inside a text.
/// Anything else is skipped.
pub(crate) fn nested<'de, P: Part, A: MapAccess<'de>>(
    raw: &mut Raw<'de>,
    map: &mut A,
) -> Result<(), A::Error> {
    map.next_value_seed(Walk::<P> {
        raw,
        outermost: false,
        part: PhantomData,
    })
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
