//! What the records before were like: one exporter writes the same names in the same order, and the
//! same values for most of what nobody asks for. A name that follows the one before it as it did
//! last time is recognised by one comparison instead of being read and looked up, and so is a
//! skipped value that has not changed. Nothing that is found out depends on any of this, only how
//! long it takes.

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
    /// The last value of this name that was skipped, and how many levels were allowed to it then.
    skipped: Start,
    levels: usize,
    patience: i8,
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

    fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    fn len(&self) -> usize {
        self.bytes.len()
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
            skipped: Start::default(),
            levels: 0,
            patience: PATIENCE,
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
        if quoted.len() > NAME_BYTES {
            return;
        }
        let number = match self.numbers.get(quoted) {
            Some(number) => *number,
            None if self.known.len() >= NAMES => return,
            None => {
                let number = self.known.len();
                self.numbers.insert(quoted.into(), number);
                self.known.push(Known::new(quoted, name));
                number
            }
        };
        if let Some(last) = self.known.get_mut(self.last) {
            last.next = [number, last.next[0]];
        }
        self.last = number;
    }

    /// The length of the value at the start of `rest`, if it is the one that was skipped here
    /// before.
    #[inline(always)]
    pub(super) fn skipped(&mut self, rest: &[u8], levels: usize) -> Option<usize> {
        let known = self.known.get_mut(self.last)?;
        if known.skipped.is_empty() || levels < known.levels || !known.skipped.starts(rest) {
            return None;
        }
        known.patience = (known.patience + 1).min(MOST_PATIENCE);
        Some(known.skipped.len())
    }

    /// `value` has been skipped with so many `levels` allowed. It must be one that shows its own
    /// end: a text, an array or an object.
    #[inline(always)]
    pub(super) fn keep(&mut self, value: &[u8], levels: usize) {
        let Some(known) = self.known.get_mut(self.last) else {
            return;
        };
        if known.patience == 0 {
            return;
        }
        known.patience -= 1;
        let kept = known.patience > 0 && value.len() <= VALUE_BYTES;
        known.skipped.set(if kept { value } else { &[] });
        known.levels = levels;
    }
}
