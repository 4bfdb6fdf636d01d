//! How an input spells its sign-ins, told from its first bytes alone: names of files lie.

use std::fmt;

use super::framing::BOM;
use super::framing::structure::Structure;
use super::json::{Key, Memory, Seen};
use super::judge::{Judged, Raw};
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
                    "it is {looks_like}, not JSON; export the sign-ins as JSON instead"
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
        return Err(Unrecognised::Text {
            looks_like: kind_of_text(text),
        });
    }
    let limits = Limits {
        max_record: usize::MAX,
        ..Limits::default()
    };
    let look = Structure::look(text, 0, limits, false);
    let whole = look.records.iter().cloned();
    let partial = look.unfinished.map(|begin| begin..text.len());
    let mut first = None;
    let mut known = None;
    let mut sign_in = None;
    for range in whole.chain(partial).take(LOOKED_AT) {
        let sketch = Sketch::of(text.get(range).unwrap_or_default());
        sign_in = sign_in.or(sketch.dialect.filter(|_| sketch.is_sign_in));
        known = known.or(sketch.dialect);
        first.get_or_insert(sketch);
    }
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

/// What a first look at one record shows.
struct Sketch {
    seen: Seen,
    dialect: Option<&'static Dialect>,
    is_sign_in: bool,
    what: &'static str,
}

impl Sketch {
    fn of(record: &[u8]) -> Sketch {
        let text = match std::str::from_utf8(record) {
            Ok(text) => text,
            // The last record may be cut inside a letter.
            Err(error) => record
                .get(..error.valid_up_to())
                .and_then(|valid| std::str::from_utf8(valid).ok())
                .unwrap_or_default(),
        };
        let mut sketch = Sketch {
            seen: Seen::default(),
            dialect: None,
            is_sign_in: false,
            what: "other",
        };
        for reader in DIALECTS {
            let mut raw = Raw::default();
            // Whether the record is valid is not asked here: one that is cut off still has its
            // first fields.
            let _ = (reader.read)(
                text,
                Limits::default().max_depth,
                &mut Memory::default(),
                &mut raw,
            );
            sketch.seen = raw.seen;
            sketch.dialect = Dialect::of(raw.seen);
            if sketch.dialect.is_none() {
                break;
            }
            if sketch
                .dialect
                .is_some_and(|dialect| std::ptr::eq(dialect, *reader))
            {
                match raw.judge() {
                    Judged::Other(what) => sketch.what = what,
                    Judged::SignIn | Judged::Rejected(_) => sketch.is_sign_in = true,
                }
                break;
            }
        }
        sketch
    }

    /// What the record seems to be, in our own words.
    fn looks_like(&self) -> String {
        let has = |key| self.seen.has(key);
        let known = match () {
            () if self.dialect.is_some() && self.what != "other" => {
                return format!("Entra diagnostic settings, category {}", self.what);
            }
            () if self.dialect.is_some() => "diagnostic settings of another category",
            () if has(Key::ActivityDateTime) => "Entra audit logs",
            () if has(Key::DetectedDateTime) => "Identity Protection risk detections",
            () if has(Key::AuditLogRecordType) || has(Key::AuditData) => "unified audit log",
            () if has(Key::CreationTime) && has(Key::Workload) => "unified audit log",
            () if has(Key::Tables) => "Log Analytics query result",
            () if has(Key::Results) => "Defender hunting result",
            () if has(Key::ClassUid) => "OCSF events",
            () if has(Key::Timestamp) => "Elastic documents",
            () if has(Key::Raw) => "Splunk export",
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
