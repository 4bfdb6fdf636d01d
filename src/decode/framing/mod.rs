//! Where a record begins and ends, whatever its fields are called.
//!
//! A [`Framer`] takes bytes cut anywhere and gives [`Block`]s of whole records. It must keep up
//! with the disk on one thread, so it looks for line ends where that is enough (`lines`) and
//! follows brackets and quotes where it is not (`structure`). Reading the records is left to the
//! threads that take the blocks.

use std::io::{self, Read};
use std::mem;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use super::{Limits, Rejected};

mod buffer;
pub(super) mod csv;
mod lines;
pub(super) mod structure;

use buffer::Buffer;
use csv::Csv;
use lines::Lines;
use structure::Structure;

/// The mark that Windows tools put in front of UTF-8 text.
pub(super) const BOM: &[u8] = b"\xEF\xBB\xBF";

/// How the records of an input follow one another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Framing {
    /// One object a line, ended by LF or CRLF.
    JsonLines,
    /// One array, or several, of records.
    JsonArray,
    /// `{"value":[…]}`: the pages of Microsoft Graph.
    JsonPages,
    /// `{"records":[…]}`: the messages of an Event Hub, and storage blobs until 2018.
    JsonRecords,
    /// Bare objects one after another that are not one a line.
    JsonObjects,
    /// `{"results":[…]}`: answers of hunting and search services.
    JsonResults,
    /// `{"hits":{"hits":[…]}}`: answers of Elasticsearch.
    JsonHits,
    /// `{"tables":[{"columns":[…],"rows":[[…]]}]}`: answers of the query API of Log Analytics.
    JsonTables,
    /// Rows of cells under a header.
    Csv,
    /// Rows of Parquet that others wrote; here as one JSON object a line.
    Parquet,
}

impl Framing {
    /// Every framing, in the order in which people are shown them.
    pub const ALL: [Framing; 10] = [
        Framing::JsonLines,
        Framing::JsonArray,
        Framing::JsonPages,
        Framing::JsonRecords,
        Framing::JsonObjects,
        Framing::JsonResults,
        Framing::JsonHits,
        Framing::JsonTables,
        Framing::Csv,
        Framing::Parquet,
    ];

    /// The name in `snake_case`, as it stands in column `spelling`.
    pub fn name(self) -> &'static str {
        match self {
            Framing::JsonLines => "json_lines",
            Framing::JsonArray => "json_array",
            Framing::JsonPages => "json_pages",
            Framing::JsonRecords => "json_records",
            Framing::JsonObjects => "json_objects",
            Framing::JsonResults => "json_results",
            Framing::JsonHits => "json_hits",
            Framing::JsonTables => "json_tables",
            Framing::Csv => "csv",
            Framing::Parquet => "parquet",
        }
    }

    /// What it looks like, for people.
    pub fn title(self) -> &'static str {
        match self {
            Framing::JsonLines => "one JSON object a line",
            Framing::JsonArray => "JSON arrays of records",
            Framing::JsonPages => "pages {\"value\":[…]}",
            Framing::JsonRecords => "messages {\"records\":[…]}",
            Framing::JsonObjects => "JSON objects one after another",
            Framing::JsonResults => "answers {\"results\":[…]}",
            Framing::JsonHits => "answers {\"hits\":{\"hits\":[…]}}",
            Framing::JsonTables => "answers {\"tables\":[{\"columns\":[…],\"rows\":[[…]]}]}",
            Framing::Csv => "rows of cells under a header (CSV; also ; tab |)",
            Framing::Parquet => "rows of Parquet, columns of any type",
        }
    }
}

/// Whole records cut out of the input, and what had to be rejected while cutting them.
#[derive(Clone, Debug)]
pub struct Block {
    /// Where its first byte stands in the decompressed input.
    pub offset: u64,
    bytes: Buffer,
    pub(super) records: Records,
    pub(super) rejected: Rejected,
    spare: Spare,
}

impl Drop for Block {
    fn drop(&mut self) {
        self.spare.give(mem::take(&mut self.bytes));
    }
}

/// Buffers of blocks that have been read, to be filled again: fresh memory costs a page fault every
/// 4 KiB, which on one pass over an archive adds up to as much as copying it.
#[derive(Clone, Debug, Default)]
struct Spare(Arc<Mutex<Vec<Buffer>>>);

impl Spare {
    /// So many are kept, and none that one huge record has made larger than this.
    const BUFFERS: usize = 16;
    const BYTES: usize = 4 << 20;

    fn take(&self) -> Buffer {
        let mut buffers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        buffers.pop().unwrap_or_default()
    }

    fn give(&self, mut buffer: Buffer) {
        buffer.keep_first(0);
        let mut buffers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if buffers.len() < Self::BUFFERS && (1..=Self::BYTES).contains(&buffer.capacity()) {
            buffers.push(buffer);
        }
    }
}

impl Block {
    /// The bytes that its records lie in.
    pub(in crate::decode) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// How many bytes it holds.
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Whether it holds no bytes. It may still carry rejections.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Takes it apart into what is large, as bytes, and the little that is left.
    pub fn part(mut self) -> (Vec<u8>, Away) {
        let mut bytes = Vec::from(mem::take(&mut self.bytes));
        let length = bytes.len();
        let headers = match mem::replace(&mut self.records, Records::Lines) {
            Records::Lines => None,
            Records::At(ranges, headers) => {
                for place in ranges.iter().flat_map(|range| [range.start, range.end]) {
                    bytes.extend_from_slice(&(place as u64).to_le_bytes());
                }
                Some(headers)
            }
        };
        let away = Away {
            offset: self.offset,
            length,
            headers,
            rejected: mem::take(&mut self.rejected),
        };
        (bytes, away)
    }
}

/// A [`Block`] whose bytes are elsewhere.
#[derive(Clone, Debug)]
pub struct Away {
    offset: u64,
    /// How many bytes are text; behind them stand the places of the records, unless they are lines.
    length: usize,
    headers: Option<Headers>,
    rejected: Rejected,
}

impl Away {
    /// The block again, from the bytes that [`Block::part`] gave.
    pub fn whole(self, mut bytes: Vec<u8>) -> Block {
        let records = match self.headers {
            None => Records::Lines,
            Some(headers) => {
                let places = bytes.get(self.length..).unwrap_or_default();
                let places: Vec<usize> = places
                    .as_chunks::<8>()
                    .0
                    .iter()
                    .map(|place| u64::from_le_bytes(*place) as usize)
                    .collect();
                let ranges = places.as_chunks::<2>().0.iter();
                Records::At(ranges.map(|[start, end]| *start..*end).collect(), headers)
            }
        };
        bytes.truncate(self.length);
        Block {
            offset: self.offset,
            bytes: bytes.into(),
            records,
            rejected: self.rejected,
            spare: Spare::default(),
        }
    }
}

/// Where the records of a block lie.
#[derive(Clone, Debug)]
pub(super) enum Records {
    /// One a line: finding the lines is left to the reader, who has more threads.
    Lines,
    /// Here, in bytes of the block. Beside them: from which record on which header holds; none means
    /// that they are objects that name their fields themselves.
    At(Vec<Range<usize>>, Headers),
}

/// From which record on which header holds.
type Headers = Vec<(usize, Option<Arc<Header>>)>;

/// What names the cells of the rows that follow it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Header {
    /// The header as it stands in the input.
    pub(super) bytes: Vec<u8>,
    /// What separates cells; `None` if rows are JSON arrays and the header an object that stops where
    /// they begin.
    pub(super) delimiter: Option<u8>,
}

/// Cuts whole records out of bytes that come in pieces cut anywhere.
///
/// It holds what has come since the last [`cut`](Self::cut) and at most [`Limits::max_record`]
/// before that.
#[derive(Debug)]
pub struct Framer {
    kind: Kind,
    buffer: Buffer,
    /// Where the first byte of `buffer` stands in the input.
    offset: u64,
    /// Whether the start of the input, where a byte order mark may stand, is behind us.
    started: bool,
    spare: Spare,
}

#[derive(Debug)]
enum Kind {
    Lines(Lines),
    Structure(Structure),
    Csv(Csv),
}

/// What a kind of framing found in the buffer.
#[derive(Debug)]
pub(in crate::decode) struct Cut {
    /// Where the records lie that are whole.
    pub(super) records: Records,
    /// Where the block begins and ends in the buffer; the same when there is no record.
    pub(super) start: usize,
    pub(super) end: usize,
    /// From here on the buffer is still needed. Never less than `end`.
    pub(super) keep_from: usize,
    /// What can't become a record.
    pub(super) rejected: Rejected,
}

impl Framer {
    /// A framer at the start of an input.
    pub fn new(framing: Framing, limits: Limits) -> Self {
        let kind = match framing {
            Framing::JsonLines | Framing::Parquet => Kind::Lines(Lines::new(limits)),
            Framing::JsonArray
            | Framing::JsonPages
            | Framing::JsonRecords
            | Framing::JsonObjects
            | Framing::JsonResults
            | Framing::JsonHits
            | Framing::JsonTables => Kind::Structure(Structure::new(limits)),
            Framing::Csv => Kind::Csv(Csv::new(limits)),
        };
        Framer {
            kind,
            buffer: Buffer::default(),
            offset: 0,
            started: false,
            spare: Spare::default(),
        }
    }

    /// Reads from `input` until `at_most` bytes have come or it ends. Returns how many came; 0
    /// means the end.
    ///
    /// # Errors
    /// What `input` says, except an interruption, which is tried again. Bytes that came before the
    /// error are kept, so that [`finish`](Self::finish) still gives the records that are whole.
    pub fn fill(&mut self, input: &mut impl Read, at_most: usize) -> io::Result<usize> {
        self.buffer.fill(input, at_most)
    }

    /// Appends bytes that are already in memory. Push less than 1 GiB between two
    /// [`cut`](Self::cut)s.
    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend(bytes);
    }

    /// The records that are whole by now. A record that has only begun stays for the next call.
    pub fn cut(&mut self) -> Option<Block> {
        if !self.start(false) {
            return None;
        }
        let cut = match &mut self.kind {
            Kind::Lines(lines) => lines.cut(&self.buffer, self.offset),
            Kind::Structure(structure) => structure.cut(&self.buffer, self.offset),
            Kind::Csv(csv) => csv.cut(&self.buffer, self.offset),
        };
        self.block(cut)
    }

    /// The end of the input: the last line needs no line end; a record that is only half there is
    /// rejected.
    pub fn finish(&mut self) -> Option<Block> {
        self.start(true);
        let cut = match &mut self.kind {
            Kind::Lines(lines) => lines.finish(&self.buffer, self.offset),
            Kind::Structure(structure) => structure.finish(&self.buffer, self.offset),
            Kind::Csv(csv) => csv.finish(&self.buffer, self.offset),
        };
        self.block(cut)
    }

    /// How many bytes are waiting for the rest of their record.
    pub fn held(&self) -> usize {
        self.buffer.len()
    }

    /// Steps over a byte order mark. False while it is not known yet whether there is one.
    fn start(&mut self, at_end: bool) -> bool {
        if !self.started {
            if self.buffer.starts_with(BOM) {
                self.buffer.drop_first(BOM.len());
                self.offset = BOM.len() as u64;
            } else if BOM.starts_with(&self.buffer) && !at_end {
                return false;
            }
            self.started = true;
        }
        true
    }

    /// Hands the buffer over as far as it was cut, and starts a new one with the rest.
    fn block(&mut self, cut: Cut) -> Option<Block> {
        let Cut {
            records,
            start,
            end,
            keep_from,
            rejected,
        } = cut;
        let offset = self.offset + start as u64;
        self.offset += keep_from as u64;
        if start == end {
            self.buffer.drop_first(keep_from);
            let bytes = Buffer::default();
            return (rejected.count > 0).then_some(Block {
                offset,
                bytes,
                records,
                rejected,
                spare: self.spare.clone(),
            });
        }
        let rest = self.buffer.get(keep_from..).unwrap_or_default();
        let mut next = self.spare.take();
        // Likely as much will come again; asking for it at once saves growing step by step.
        next.reserve(rest.len() + buffer_room(end));
        next.extend(rest);
        let mut bytes = mem::replace(&mut self.buffer, next);
        bytes.keep_first(end);
        bytes.drop_first(start);
        Some(Block {
            offset,
            bytes,
            records,
            rejected,
            spare: self.spare.clone(),
        })
    }
}

/// Room for a block of `bytes` and a little more, so that the rest of a record before it still fits.
fn buffer_room(bytes: usize) -> usize {
    bytes + bytes / 8
}

/// The words for a record longer than the limit. Both kinds of framing and the reader of lines use
/// them.
pub(super) fn too_long(limits: Limits) -> String {
    format!(
        "longer than {} bytes, the limit for one record",
        limits.max_record
    )
}
