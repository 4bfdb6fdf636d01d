//! How an input spells its sign-ins, told from its first bytes alone: names of files lie.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use super::block::{Table, WRAPPED_DEPTH};
use super::framing::csv::{self, Csv};
use super::framing::structure::Structure;
use super::framing::{BOM, Header, Records};
use super::json::{Key, Memory, Seen};
use super::judge::{Judge, Judged, Raw};
use super::{DIALECTS, Dialect, Framing, Limits, Spelling};

/// How many bytes from the start of an input are enough to tell. Give all of it if it is shorter.
pub const HEAD_BYTES: usize = 256 * 1024;

/// How many records are looked at.
const LOOKED_AT: usize = 64;

/// Why an input is not read.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unrecognised {
    /// There is nothing in it.
    Empty,
    /// It is not text.
    Binary {
        /// What kind of file begins like that.
        looks_like: &'static str,
    },
    /// It is text, but not JSON.
    Text {
        /// `CSV`, `XML`, `UTF-16 text` or `text`.
        looks_like: &'static str,
    },
    /// It is a table, but not one of sign-ins.
    OtherTable {
        /// What it seems to hold.
        looks_like: String,
    },
    /// It is JSON, but nothing in it is a sign-in.
    OtherJson {
        /// What it seems to hold.
        looks_like: String,
    },
}

impl fmt::Display for Unrecognised {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Unrecognised::Empty => f.write_str("it is empty; export it again if it should not be"),
            Unrecognised::Binary { looks_like } => write!(
                f,
                "it is binary ({looks_like}), not a sign-in log; give the JSON text that was exported"
            ),
            Unrecognised::Text {
                looks_like: "UTF-16 text",
            } => f.write_str("it is UTF-16 text; save it as UTF-8 and try again"),
            Unrecognised::Text { looks_like } => {
                write!(
                    f,
                    "it is {looks_like} without sign-ins that can be read; export the sign-ins as JSON"
                )
            }
            Unrecognised::OtherTable { looks_like } => {
                write!(
                    f,
                    "it is a table (CSV) without sign-ins ({looks_like}); see the spellings that are read"
                )
            }
            Unrecognised::OtherJson { looks_like } => {
                write!(
                    f,
                    "it is JSON without sign-ins ({looks_like}); see the spellings that are read"
                )
            }
        }
    }
}

impl std::error::Error for Unrecognised {}

/// Tells the spelling of an input from its first bytes (up to [`HEAD_BYTES`]). `complete` says that
/// `head` is all of it.
///
/// # Errors
/// What the input is instead. A log that mixes categories may begin with many records that are no
/// sign-ins, so an input that goes on beyond `head` is taken if its records are those of a known
/// dialect.
pub fn detect(head: &[u8], complete: bool) -> Result<Spelling, Unrecognised> {
    let text = head.strip_prefix(BOM).unwrap_or(head);
    let is_blank = |byte: &u8| byte.is_ascii_whitespace();
    let Some(begin) = text.iter().position(|byte| !is_blank(byte)) else {
        return Err(Unrecognised::Empty);
    };
    let text = text.get(begin..).unwrap_or_default();
    not_binary(text)?;
    if !text.starts_with(b"{") && !text.starts_with(b"[") {
        return table(text, complete);
    }
    let limits = Limits {
        max_record: usize::MAX,
        ..Limits::default()
    };
    let look = Structure::look(text, 0, limits, false);
    let mut whole = look.records.clone();
    whole.extend(look.unfinished.map(|begin| begin..text.len()));
    let sketches = sketches(text, &whole, &look.headers);
    let sign_in = sketches.iter().find(|sketch| sketch.is_sign_in);
    let sign_in = sign_in.and_then(|sketch| sketch.dialect);
    let known = sketches.iter().find_map(|sketch| sketch.dialect);
    let first = sketches.first();
    let dialect = sign_in
        .or_else(|| known.filter(|_| !complete))
        .ok_or_else(|| {
            let looks_like =
                first.map_or("no records at all".to_owned(), |sketch| sketch.looks_like());
            Unrecognised::OtherJson { looks_like }
        })?;
    let first_end = look.records.first().map(|range| range.end);
    let framing = match look.framing {
        Framing::JsonObjects if first_end.is_some_and(|end| is_line(text, end, complete)) => {
            Framing::JsonLines
        }
        framing => framing,
    };
    Ok(Spelling { framing, dialect })
}

/// Whether the first record, which ends at `end`, is a line of its own.
fn is_line(text: &[u8], end: usize, complete: bool) -> bool {
    let (record, rest) = text.split_at_checked(end).unwrap_or((text, &[]));
    let mut after = rest
        .iter()
        .skip_while(|byte| matches!(byte, b' ' | b'\t' | b'\r'));
    let ends_line = match after.next() {
        Some(byte) => *byte == b'\n',
        None => complete,
    };
    ends_line && !record.contains(&b'\n')
}

/// A first look at the first records.
fn sketches(
    text: &[u8],
    records: &[Range<usize>],
    headers: &[(usize, Option<Arc<Header>>)],
) -> Vec<Sketch> {
    let mut headers = headers.iter().peekable();
    let mut table = None;
    let mut sketches = Vec::new();
    let mut memory = Memory::default();
    for (number, range) in records.iter().take(LOOKED_AT).enumerate() {
        while let Some((_, next)) = headers.next_if(|(from, _)| *from <= number) {
            table = next.as_ref().map(|header| (header, Table::of(header)));
        }
        let record = valid(text.get(range.clone()).unwrap_or_default());
        sketches.push(match &table {
            Some((header, table)) => Sketch::row(record, header, table, &mut memory),
            None => Sketch::of(record, 0, &mut memory),
        });
    }
    sketches
}

/// Tells a table by the names of its columns.
fn table(text: &[u8], complete: bool) -> Result<Spelling, Unrecognised> {
    let mut framer = Csv::new(Limits::default());
    let cut = framer.look(text, complete);
    let not_csv = || Unrecognised::Text {
        looks_like: kind_of_text(text),
    };
    let header = framer.header().ok_or_else(not_csv)?;
    let Records::At(rows, headers) = cut.records else {
        return Err(not_csv());
    };
    let table = Table::of(header);
    let Some(dialect) = table.dialect else {
        // One column is what every text has.
        return Err(if table.columns.len() < 2 {
            not_csv()
        } else {
            Unrecognised::OtherTable {
                looks_like: "none of its columns say that they are sign-ins".to_owned(),
            }
        });
    };
    let sketches = sketches(text, &rows, &headers);
    let found = sketches.iter().find(|sketch| sketch.is_sign_in);
    let dialect = match found {
        Some(sketch) => sketch.dialect.unwrap_or(dialect),
        // An export of nothing is still one of sign-ins, and of a long one the rest may be.
        None if sketches.is_empty() || !complete => dialect,
        None => {
            let what = sketches.first().map_or("other", |sketch| sketch.what);
            return Err(Unrecognised::OtherTable {
                looks_like: format!("{}, {what}", dialect.name),
            });
        }
    };
    Ok(Spelling {
        framing: Framing::Csv,
        dialect,
    })
}

/// As much of the bytes as is text: the last record may be cut inside a letter.
fn valid(record: &[u8]) -> &str {
    match std::str::from_utf8(record) {
        Ok(text) => text,
        Err(error) => record
            .get(..error.valid_up_to())
            .and_then(|valid| std::str::from_utf8(valid).ok())
            .unwrap_or_default(),
    }
}

/// What a first look at one record shows.
struct Sketch {
    seen: Seen,
    dialect: Option<&'static Dialect>,
    is_sign_in: bool,
    what: &'static str,
}

impl Sketch {
    fn of(text: &str, depth: usize, memory: &mut Memory) -> Sketch {
        let levels = Limits::default().max_depth;
        let mut raw = Raw::default();
        // Whether the record is valid is not asked here: one that is cut off still has its first
        // fields.
        if let Some(any) = DIALECTS.first() {
            let _ = (any.read)(text, levels, memory, &mut raw);
        }
        let seen = raw.seen;
        let Some(dialect) = Dialect::of(seen) else {
            return Sketch {
                seen,
                dialect: None,
                is_sign_in: false,
                what: "other",
            };
        };
        let mut raw = Raw::default();
        let _ = (dialect.read)(text, levels, memory, &mut raw);
        Sketch::judged(dialect, raw, depth, memory)
    }

    /// One row under a header.
    fn row(text: &str, header: &Header, table: &Table, memory: &mut Memory) -> Sketch {
        let cells;
        let mut raw = Raw {
            seen: table.seen,
            ..Raw::default()
        };
        let Some(dialect) = table.dialect else {
            return Sketch {
                seen: table.seen,
                dialect: None,
                is_sign_in: false,
                what: "other",
            };
        };
        match header.delimiter {
            Some(delimiter) => {
                cells = csv::cells(text, delimiter, |_| true);
                (dialect.read_cells)(&table.columns, &cells, memory, &mut raw);
            }
            None => {
                let levels = Limits::default().max_depth;
                let _ = (dialect.read_list)(&table.columns, text, levels, memory, &mut raw);
            }
        }
        Sketch::judged(dialect, raw, 0, memory)
    }

    fn judged(
        dialect: &'static Dialect,
        mut raw: Raw<'_>,
        depth: usize,
        memory: &mut Memory,
    ) -> Sketch {
        if let Some(inner) = raw.inner.take().filter(|_| depth < WRAPPED_DEPTH) {
            let look = Structure::look(inner.as_bytes(), 0, Limits::default(), true);
            let first = look
                .records
                .first()
                .and_then(|range| inner.get(range.clone()));
            return Sketch::of(first.unwrap_or(&inner), depth + 1, memory);
        }
        let mut sketch = Sketch {
            seen: raw.seen,
            dialect: Some(dialect),
            is_sign_in: false,
            what: "other",
        };
        match raw.judge(&mut Judge::default()) {
            Judged::Other(what) => sketch.what = what,
            Judged::SignIn | Judged::Step | Judged::Rejected(_) => sketch.is_sign_in = true,
        }
        sketch
    }

    /// What the record seems to be, in our own words.
    fn looks_like(&self) -> String {
        let has = |key| self.seen.has(key);
        let known = match () {
            () if has(Key::OwnResult) => "results of signsift",
            () if has(Key::AuditData) || has(Key::CreationTime) => {
                "unified audit log of other things"
            }
            () if has(Key::Properties) && self.what != "other" => {
                return format!("Entra diagnostic settings, category {}", self.what);
            }
            () if has(Key::Properties) => "diagnostic settings of another category",
            () if has(Key::ClassUid) => "OCSF events of another class",
            () if has(Key::ActivityDateTime) => "Entra audit logs",
            () if has(Key::DetectedDateTime) => "Identity Protection risk detections",
            () if has(Key::AuditLogRecordType) => "unified audit log",
            () if has(Key::Elastic) => "Elastic documents",
            () => "JSON that is not sign-ins",
        };
        known.to_owned()
    }
}

/// First bytes of files that people give by mistake.
const MAGIC: &[(&[u8], &str)] = &[
    (b"\x1F\x8B", "gzip"),
    (b"\x28\xB5\x2F\xFD", "zstd"),
    (b"PK\x03\x04", "ZIP or Office document"),
    (b"PAR1", "Parquet"),
    (b"%PDF", "PDF"),
    (b"7z\xBC\xAF\x27\x1C", "7-Zip"),
    (b"\xD0\xCF\x11\xE0", "old Office document"),
    (b"SQLite format 3", "SQLite"),
    (b"\x7FELF", "program"),
    (b"MZ", "program"),
    (b"BZh", "bzip2"),
    (b"\xFD7zXZ", "xz"),
    (b"\x89PNG", "picture"),
    (b"\xFF\xD8\xFF", "picture"),
    (b"ElfFile", "Windows event log"),
    (b"Obj\x01", "Avro"),
];

fn not_binary(text: &[u8]) -> Result<(), Unrecognised> {
    if text.starts_with(b"\xFF\xFE") || text.starts_with(b"\xFE\xFF") {
        return Err(Unrecognised::Text {
            looks_like: "UTF-16 text",
        });
    }
    let known = MAGIC.iter().find(|(magic, _)| text.starts_with(magic));
    // A first letter with a zero beside it is UTF-16 without its mark.
    let wide = matches!(text, [0, b'{' | b'[', ..] | [b'{' | b'[', 0, ..]);
    let start = text.get(..4096).unwrap_or(text);
    let controls = start
        .iter()
        .filter(|byte| byte.is_ascii_control() && !b"\t\n\r\x1B\x1E".contains(byte));
    match known {
        Some((_, looks_like)) => Err(Unrecognised::Binary { looks_like }),
        None if wide => Err(Unrecognised::Text {
            looks_like: "UTF-16 text",
        }),
        // One stray control byte is damage; many are another kind of file.
        None if controls.count() * 64 > start.len() => Err(Unrecognised::Binary {
            looks_like: "unknown kind",
        }),
        None => Ok(()),
    }
}

fn kind_of_text(text: &[u8]) -> &'static str {
    let line = text.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let count = |wanted: u8| line.iter().filter(|byte| **byte == wanted).count();
    match text.first() {
        Some(b'<') => "XML",
        _ if count(b',') >= 2 || count(b';') >= 2 || count(b'\t') >= 2 => "CSV",
        _ => "text",
    }
}
