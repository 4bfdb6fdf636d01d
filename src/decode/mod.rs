//! Bytes in, canonical rows out: the only place that knows how vendors spell a sign-in.
//!
//! A spelling is a [`Framing`] (where a record begins and ends) times a [`Dialect`] (what its
//! fields are called), and it is recognised by content alone, never by the name of a file:
//!
//! ```text
//! bytes ──▶ Framer ──Block──▶ BlockDecoder ──▶ batch + Tally
//! ```
//!
//! The [`Framer`] cuts whole records and is quick; the [`BlockDecoder`] reads them and may run on
//! many threads, one block at a time. [`Decoder`] is both in one, for streams. Nothing here knows
//! files, compression or SQL.

mod block;
mod category;
mod dates;
mod decoder;
mod detect;
mod dialect;
mod framing;
mod json;
mod judge;
mod sift;
mod tally;

pub(crate) mod ip;
pub(crate) mod password;
pub(crate) mod stated_reason;
pub(crate) mod time;

#[cfg(test)]
mod tests;

pub use block::{BlockDecoder, Decoded, Keep};
pub use dates::{DateForms, DateOrder};
pub use decoder::{DecodeError, Decoder};
pub use detect::{HEAD_BYTES, Unrecognised, detect};
pub use dialect::{DIALECTS, Dialect};
pub use framing::{Away, Block, Framer, Framing};
pub(crate) use json::is_field;
pub(crate) use judge::REFUSED;
pub use sift::{IdPrint, Sift};
pub use tally::{Rejected, Rejection, Tally};

/// How one input spells its sign-ins.
#[derive(Clone, Copy, Debug)]
pub struct Spelling {
    /// Where a record begins and ends.
    pub framing: Framing,
    /// What the fields of most records are called. A record in another dialect is still read.
    pub dialect: &'static Dialect,
}

impl Spelling {
    /// Both halves in one word, such as `diagnostic_settings.json_lines`. This text stands in
    /// column `spelling`.
    pub fn name(&self) -> String {
        format!("{}.{}", self.dialect.name, self.framing.name())
    }

    /// One JSON value a line, in whatever dialect: each record tells its own.
    pub fn lines() -> Spelling {
        Spelling {
            framing: Framing::JsonLines,
            dialect: dialect::ANY,
        }
    }
}

/// What the dialect of a spelling's name is, for people.
pub fn title(spelling: &str) -> Option<&'static str> {
    let name = spelling.split('.').next()?;
    let dialect = DIALECTS.iter().find(|dialect| dialect.name == name)?;
    Some(dialect.title)
}

/// How much of one record is still believed. The memory that a reader needs follows from
/// `max_record`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Longest record in bytes. A longer one is rejected, and never held in memory whole.
    pub max_record: usize,
    /// Deepest nesting of arrays and objects in one record. Real sign-ins nest 5 deep.
    pub max_depth: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            max_record: 16 * 1024 * 1024,
            max_depth: 128,
        }
    }
}
