//! What the records before were like: one exporter writes the same names in the same order, and the
//! same values for most of what nobody asks for. A name that follows the one before it as it did
//! last time is recognised by one comparison instead of being read and looked up, and so is a
//! skipped value that has not changed. Where several fields in a row are unknown and hardly ever
//! change, all of them and the name behind them are one comparison: a leap. Nothing that is found out
//! depends on any of this, only how long it takes.

use std::collections::HashMap;

use wide::u8x32;

use super::Key;

/// So many names are remembered, and none that is longer.
const NAMES: usize = 1024;
const NAME_BYTES: usize = 64;
/// Skipped values that are longer are not remembered.
const VALUE_BYTES: usize = 4096;
/// A skipped value that changes so often in a row is not remembered any more.
const PATIENCE: i8 = 6;
const MOST_PATIENCE: i8 = 64;
/// A value is steady that came again so often; each change counts as several that did.
const STEADY: u8 = 8;
const MOST_STEADY: u8 = 32;
/// A leap that is longer is not remembered.
const LEAP_BYTES: usize = 1024;

/// The name of a field, as far as decoding cares.
#[derive(Clone, Copy, Debug)]
pub(super) struct Name {
    pub(super) key: Option<Key>,
    /// Whether it begins with a capital letter.
    pub(super) upper: bool,
}

impl Name {
    pub(super) fn of(name: &str) -> Name {
        Name {
            key: Key::of(name),
            upper: name.starts_with(|first: char| first.is_ascii_uppercase()),
        }
    }
}

/// What a decoder remembers from record to record.
#[derive(Debug)]
pub(crate) struct Memory {
    /// The first stands for the start of a record and has no name.
    known: Vec<Known>,
    /// Which of `known` has a name, quotes and colon included.
    numbers: HashMap<Box<[u8]>, usize>,
    /// The name that was read last.
    last: usize,
}

#[derive(Debug)]
struct Known {
    /// The name with its quotes and colon.
    quoted: Start,
    name: Name,
    /// The names that have come next, the latest first.
    next: [usize; 2],
    /// What has come behind its value.
    leaps: Two<Leap>,
    /// The last two values of this name that were skipped.
    skipped: Two<Skipped>,
    patience: i8,
    steadiness: u8,
}

/// A value that was skipped, and how many levels were allowed to it then.
#[derive(Debug, Default)]
struct Skipped {
    value: Start,
    levels: usize,
    /// It is a number or a word, which ends only where something else begins.
    is_open: bool,
}

impl Skipped {
    /// Whether this very value is at the start of `rest`.
    #[inline(always)]
    fn is_at(&self, rest: &[u8], levels: usize) -> bool {
        self.value.begins(rest)
            && levels >= self.levels
            && (!self.is_open || matches!(rest.get(self.value.len()), Some(b',' | b'}' | b']')))
    }
}

/// The comma behind a value, unknown fields, and the name of the field behind them, or the end of the object.
#[derive(Debug, Default)]
struct Leap {
    text: Start,
    levels: usize,
    /// Which of `known` that name is, and the name.
    to: usize,
    name: Option<Name>,
}

/// Two of a kind, of which the one that was of use last is tried first.
#[derive(Debug, Default)]
struct Two<T> {
    both: [T; 2],
    is_second: bool,
}

impl<T> Two<T> {
    /// The one that `fits`, if either does.
    #[inline(always)]
    fn find(&mut self, fits: impl Fn(&T) -> bool) -> Option<&T> {
        let [first, second] = &self.both;
        let (likely, other) = match self.is_second {
            false => (first, second),
            true => (second, first),
        };
        if fits(likely) {
            return Some(likely);
        }
        if fits(other) {
            self.is_second = !self.is_second;
            return Some(other);
        }
        None
    }

    /// The one to forget, which counts as of use from now on.
    fn older(&mut self) -> &mut T {
        self.is_second = !self.is_second;
        self.latest()
    }

    /// The one that was found last.
    fn latest(&mut self) -> &mut T {
        let [first, second] = &mut self.both;
        if self.is_second { second } else { first }
    }
}

/// Bytes with which a text may start.
#[derive(Debug, Default)]
struct Start {
    bytes: Vec<u8>,
    /// The first of them, and one bit for each that counts: mostly they are all.
    first: [u8; 32],
    counting: u32,
}

impl Start {
    fn set(&mut self, bytes: &[u8]) {
        self.bytes.clear();
        self.bytes.extend_from_slice(bytes);
        self.first = [0; 32];
        self.counting = 0;
        for (at, (slot, byte)) in self.first.iter_mut().zip(bytes).enumerate() {
            *slot = *byte;
            self.counting |= 1 << at;
        }
    }

    fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Whether `text` begins with these bytes, if there are any.
    #[inline(always)]
    fn begins(&self, text: &[u8]) -> bool {
        self.counting != 0 && self.starts(text)
    }

    /// Whether `text` starts with these bytes.
    #[inline(always)]
    fn starts(&self, text: &[u8]) -> bool {
        let Some(first) = text.first_chunk::<32>() else {
            return text.starts_with(&self.bytes);
        };
        let equal = u8x32::new(*first).simd_eq(u8x32::new(self.first));
        if !equal.to_bitmask() & self.counting != 0 {
            return false;
        }
        self.bytes.len() <= 32 || text.starts_with(&self.bytes)
    }
}

impl Default for Memory {
    fn default() -> Self {
        // No text begins with this: where it is expected next, nothing is.
        let start = Known::new(b"\0", Name::of(""));
        Memory {
            known: vec![start],
            numbers: HashMap::new(),
            last: 0,
        }
    }
}

impl Known {
    fn new(quoted: &[u8], name: Name) -> Self {
        let mut start = Start::default();
        start.set(quoted);
        Known {
            quoted: start,
            name,
            next: [0; 2],
            leaps: Two::default(),
            skipped: Two::default(),
            patience: PATIENCE,
            steadiness: 0,
        }
    }
}

impl Memory {
    /// How many names are remembered.
    #[cfg(test)]
    pub(super) fn names(&self) -> usize {
        self.numbers.len()
    }

    /// A record begins.
    pub(super) fn restart(&mut self) {
        self.last = 0;
    }

    /// The name at the start of `rest`, if it is one that has come here before, and its length with
    /// quotes and colon.
    #[inline(always)]
    pub(super) fn name(&mut self, rest: &[u8]) -> Option<(Name, usize)> {
        let [likely, other] = self.known.get(self.last)?.next;
        let next = self.known.get(likely)?;
        if next.quoted.starts(rest) {
            self.last = likely;
            return Some((next.name, next.quoted.len()));
        }
        let next = self.known.get(other)?;
        if next.quoted.starts(rest) {
            let found = (next.name, next.quoted.len());
            if let Some(last) = self.known.get_mut(self.last) {
                last.next = [other, likely];
            }
            self.last = other;
            return Some(found);
        }
        None
    }

    /// A name that was not foreseen: `quoted` is how it is written, colon included.
    #[cold]
    pub(super) fn learn(&mut self, quoted: &[u8], name: Name) {
        let number = match self.numbers.get(quoted) {
            Some(number) => *number,
            // Whatever comes behind it is foreseen as little as what begins a record.
            None if quoted.len() > NAME_BYTES || self.known.len() >= NAMES => 0,
            None => {
                let number = self.known.len();
                self.numbers.insert(quoted.into(), number);
                self.known.push(Known::new(quoted, name));
                number
            }
        };
        if number > 0
            && let Some(last) = self.known.get_mut(self.last)
        {
            last.next = [number, last.next[0]];
        }
        self.last = number;
    }

    /// The place of the name that was read last, for [`back`](Self::back).
    #[inline(always)]
    pub(super) fn place(&self) -> usize {
        self.last
    }

    /// The value of the name at `place` has been read, whatever names were in it.
    #[inline(always)]
    pub(super) fn back(&mut self, place: usize) {
        self.last = place;
    }

    /// The name of the next field that is wanted or changes, unless the object ends, and the length of all that comes before
    /// its value, if `rest` begins as it did before at this place.
    #[inline(always)]
    pub(super) fn leap(&mut self, rest: &[u8], levels: usize) -> Option<(Option<Name>, usize)> {
        let leaps = &mut self.known.get_mut(self.last)?.leaps;
        let leap = leaps.find(|leap| leap.text.begins(rest) && levels >= leap.levels)?;
        let (name, length, to) = (leap.name, leap.text.len(), leap.to);
        // A value that has become steady is no longer where a leap should end.
        let is_unknown = name.is_some_and(|name| name.key.is_none());
        if is_unknown && self.known.get(to)?.steadiness >= STEADY {
            let leaps = &mut self.known.get_mut(self.last)?.leaps;
            *leaps.latest() = Leap::default();
            leaps.is_second = !leaps.is_second;
            return None;
        }
        self.last = to;
        Some((name, length))
    }

    /// Behind the value of the name at `place` stood `text`, which ends with `name`, the one that was read last, or with the
    /// end of the object.
    pub(super) fn learn_leap(
        &mut self,
        place: usize,
        text: &[u8],
        name: Option<Name>,
        levels: usize,
    ) {
        let to = self.last;
        if to > 0
            && text.len() <= LEAP_BYTES
            && text.starts_with(b",")
            && let Some(known) = self.known.get_mut(place)
        {
            let leap = known.leaps.older();
            leap.text.set(text);
            leap.levels = levels;
            leap.to = to;
            leap.name = name;
        }
    }

    /// The length of the value at the start of `rest`, if it is one that was skipped here before and hardly ever changes.
    pub(super) fn steady(&mut self, rest: &[u8], levels: usize) -> Option<usize> {
        let known = self.known.get(self.last)?;
        if known.steadiness < STEADY {
            return None;
        }
        self.skipped(rest, levels)
    }

    /// The length of the value at the start of `rest`, if it is one that was skipped here before.
    #[inline(always)]
    pub(super) fn skipped(&mut self, rest: &[u8], levels: usize) -> Option<usize> {
        let known = self.known.get_mut(self.last)?;
        let skipped = known.skipped.find(|value| value.is_at(rest, levels))?;
        let length = skipped.value.len();
        known.patience = (known.patience + 1).min(MOST_PATIENCE);
        known.steadiness = (known.steadiness + 1).min(MOST_STEADY);
        Some(length)
    }

    /// `value` has been skipped with so many `levels` allowed.
    #[inline(always)]
    pub(super) fn keep(&mut self, value: &[u8], levels: usize) {
        let Some(known) = self.known.get_mut(self.last) else {
            return;
        };
        known.steadiness = known.steadiness.saturating_sub(STEADY);
        if known.patience == 0 {
            return;
        }
        known.patience -= 1;
        if known.patience == 0 {
            known.skipped = Two::default();
        } else if value.len() <= VALUE_BYTES {
            let kept = known.skipped.older();
            kept.value.set(value);
            kept.levels = levels;
            kept.is_open = !matches!(value.last(), Some(b'"' | b']' | b'}'));
        }
    }
}
