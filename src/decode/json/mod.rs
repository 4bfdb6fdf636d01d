//! Walking through JSON without building it: what is known is taken, the rest is skipped.
//!
//! Each object of a vendor is a [`Part`]: one table from the names of its fields to the places in [`Raw`] where their
//! values go. Values are borrowed from the text wherever no escape has to be undone. A value of an unexpected type
//! never costs the record: a number is taken as text where text is wanted, anything else counts as absent. Of a key
//! that occurs twice, the last value counts; null and empty text never displace a value.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::judge::Raw;

mod keys;

pub(crate) use keys::{Key, Seen};

/// One kind of vendor object.
pub(crate) trait Part {
    /// Takes the value of `key` out of `map` and puts it into its place; [`skip`]s what it has no use for.
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

/// Reads one whole record, whose outermost object is a `P`. What was read before an error stays in `raw`.
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

/// Puts a number, or text that is one, into `slot`.
pub(crate) fn number<'de, A: MapAccess<'de>, N: std::str::FromStr>(
    slot: &mut Option<N>,
    map: &mut A,
) -> Result<(), A::Error> {
    let value = map.next_value_seed(Text)?;
    put(slot, value.and_then(|text| text.trim().parse().ok()));
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

/// Puts a list of texts into `slot`: from an array, from JSON text that holds one, or from a single text.
pub(crate) fn list<'de, A: MapAccess<'de>>(
    slot: &mut Option<Vec<Cow<'de, str>>>,
    map: &mut A,
) -> Result<(), A::Error> {
    let value = map.next_value_seed(Texts)?;
    put(slot, value);
    Ok(())
}

/// Reads an object, or a list of objects, of kind `P`; also where it is JSON inside a text. Anything else is skipped.
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

/// Goes through an object of kind `P`.
struct Walk<'r, 'de, P> {
    raw: &'r mut Raw<'de>,
    outermost: bool,
    part: PhantomData<P>,
}

impl<'de, P: Part> DeserializeSeed<'de> for Walk<'_, 'de, P> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, P: Part> Visitor<'de> for Walk<'_, 'de, P> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(name) = map.next_key_seed(Name)? {
            let Some((key, upper)) = name else {
                skip(&mut map)?;
                continue;
            };
            if self.outermost {
                self.raw.seen.note(key, upper);
            }
            P::read(self.raw, key, &mut map)?;
        }
        P::done(self.raw);
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        P::list(self.raw);
        let raw = self.raw;
        while seq
            .next_element_seed(Walk::<P> {
                raw,
                outermost: false,
                part: PhantomData,
            })?
            .is_some()
        {}
        Ok(())
    }

    fn visit_str<E>(self, text: &str) -> Result<(), E> {
        if !self.outermost && text.trim_start().starts_with(['{', '[']) {
            let mut inner = Raw::default();
            let walk = Walk::<P> {
                raw: &mut inner,
                outermost: false,
                part: PhantomData,
            };
            let mut json = serde_json::Deserializer::from_str(text);
            // JSON inside a text that is not JSON after all is one field less, not one record less.
            if walk.deserialize(&mut json).is_ok() {
                self.raw.absorb(inner);
            }
        }
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }
}

/// The name of a field: the field it stands for, and whether it begins with a capital letter.
struct Name;

impl<'de> DeserializeSeed<'de> for Name {
    type Value = Option<(Key, bool)>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Name {
    type Value = Option<(Key, bool)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a field")
    }

    fn visit_str<E>(self, name: &str) -> Result<Self::Value, E> {
        let upper = name.as_bytes().first().is_some_and(u8::is_ascii_uppercase);
        Ok(Key::of(name).map(|key| (key, upper)))
    }
}

/// Any plain value as text.
struct Text;

impl<'de> DeserializeSeed<'de> for Text {
    type Value = Option<Cow<'de, str>>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Text {
    type Value = Option<Cow<'de, str>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a plain value")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok((!text.is_empty()).then_some(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok((!text.is_empty()).then(|| Cow::Owned(text.to_owned())))
    }

    fn visit_bool<E>(self, value: bool) -> Result<Self::Value, E> {
        Ok(Some(Cow::Borrowed(if value { "true" } else { "false" })))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Self::Value, E> {
        Ok(Some(Cow::Owned(value.to_string())))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Self::Value, E> {
        Ok(Some(Cow::Owned(value.to_string())))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Self::Value, E> {
        Ok(Some(Cow::Owned(value.to_string())))
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(None)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(None)
    }
}

/// A list of texts.
struct Texts;

impl<'de> DeserializeSeed<'de> for Texts {
    type Value = Option<Vec<Cow<'de, str>>>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Texts {
    type Value = Option<Vec<Cow<'de, str>>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of texts")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut texts = Vec::new();
        while let Some(text) = seq.next_element_seed(Text)? {
            texts.extend(text);
        }
        Ok(Some(texts))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        let text = text.trim();
        if text.is_empty() {
            return Ok(None);
        }
        if text.starts_with('[') {
            let inner = Texts.deserialize(&mut serde_json::Deserializer::from_str(text));
            return Ok(inner.ok().flatten().map(owned));
        }
        Ok(Some(vec![Cow::Owned(text.to_owned())]))
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(None)
    }
}

/// The same texts, borrowed from nothing.
pub(crate) fn owned<'a>(texts: Vec<Cow<'_, str>>) -> Vec<Cow<'a, str>> {
    texts
        .into_iter()
        .map(|text| Cow::Owned(text.into_owned()))
        .collect()
}
