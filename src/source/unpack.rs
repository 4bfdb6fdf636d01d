//! Opens an input: undoes compression, even several times over, and UTF-16, all found by content and
//! all within bounds.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::members::Exactly;
use super::utf16::{Encoding, Utf8Reader};
use super::{Member, Source};

/// How an input was packed, found by its first bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compression {
    /// As it is.
    None,
    /// gzip (RFC 1952), with any number of members.
    Gzip,
    /// Zstandard (RFC 8878), with any number of frames.
    Zstd,
    /// bzip2, with any number of streams.
    Bzip2,
    /// xz, with any number of streams.
    Xz,
    /// Deflate (RFC 1951), which only ZIP archives have bare.
    Deflate,
}

impl Compression {
    /// The name in coverage.
    pub fn name(self) -> &'static str {
        match self {
            Compression::None => "none",
            Compression::Gzip => "gzip",
            Compression::Zstd => "zstd",
            Compression::Bzip2 => "bzip2",
            Compression::Xz => "xz",
            Compression::Deflate => "deflate",
        }
    }

    fn of(head: &[u8]) -> Compression {
        match head {
            [0x1f, 0x8b, ..] => Compression::Gzip,
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Compression::Zstd,
            [b'B', b'Z', b'h', b'1'..=b'9', ..] => Compression::Bzip2,
            [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Compression::Xz,
            _ => Compression::None,
        }
    }
}

/// What an unpacked input may grow to before it is taken for a decompression bomb.
#[derive(Clone, Copy, Debug)]
pub struct UnpackLimits {
    /// Bytes that one input may unpack to.
    pub bytes: u64,
    /// Times its packed size that one input may unpack to (looked at after the first 64 MiB).
    pub ratio: u64,
}

impl Default for UnpackLimits {
    /// 256 GiB and 500 times. Sign-in logs pack 10 to 40 times; gzip can pack zeros 1,032 times.
    fn default() -> Self {
        UnpackLimits {
            bytes: 256 << 30,
            ratio: 500,
        }
    }
}

/// Below this size the ratio means nothing: a few thousand equal lines pack very well.
pub(super) const RATIO_FROM: u64 = 64 << 20;

/// Bytes read at a time.
const BUFFER: usize = 1 << 18;

/// So often may an input be packed in itself.
const LAYERS: usize = 4;

/// An opened input: `Read` gives the unpacked bytes, as UTF-8 where they were UTF-16.
pub struct Opened<'a> {
    reader: Box<dyn Read + Send + 'a>,
    /// How it was packed, outermost.
    pub compression: Compression,
    /// How its text was encoded.
    pub encoding: Encoding,
    /// Packed bytes read so far.
    pub packed: Arc<AtomicU64>,
}

impl Read for Opened<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.reader.read(buf)
    }
}

/// Opens `source`. Packed bytes are added to `progress` as they are read.
///
/// # Errors
/// What the system says when the file cannot be opened or its first bytes cannot be read.
pub fn open(
    source: &Source,
    limits: UnpackLimits,
    progress: &Arc<AtomicU64>,
) -> io::Result<Opened<'static>> {
    let raw: Box<dyn Read + Send> = match (&source.path, source.member) {
        (None, _) => Box::new(io::stdin()),
        (Some(path), Some(Member::Stored { start, packed, .. })) => {
            let mut file = File::open(path)?;
            file.seek(SeekFrom::Start(start))?;
            Box::new(Exactly::new(file, packed))
        }
        (Some(path), _) => Box::new(File::open(path)?),
    };
    let packed = Arc::new(AtomicU64::new(0));
    let counted = Counted {
        inner: raw,
        packed: Arc::clone(&packed),
        progress: Arc::clone(progress),
    };
    let deflated = matches!(source.member, Some(Member::Stored { deflated: true, .. }));
    layers(Box::new(counted), packed, deflated, limits)
}

/// Opens what `raw` gives: bytes of a file, or of a member of an archive that is being unpacked, in
/// which case `packed` counts nothing.
pub(super) fn opened<'a>(
    raw: Box<dyn Read + Send + 'a>,
    limits: UnpackLimits,
) -> io::Result<Opened<'a>> {
    layers(raw, Arc::default(), false, limits)
}

#[allow(
    clippy::disallowed_types,
    reason = "the one place that unpacks, and only within `Capped`"
)]
fn layers<'a>(
    raw: Box<dyn Read + Send + 'a>,
    packed: Arc<AtomicU64>,
    deflated: bool,
    limits: UnpackLimits,
) -> io::Result<Opened<'a>> {
    let mut buffered = BufReader::with_capacity(BUFFER, raw);
    let mut outermost = Compression::None;
    for layer in 0..=LAYERS {
        let compression = if deflated && layer == 0 {
            Compression::Deflate
        } else {
            match full(&mut buffered, 6) {
                Ok(head) => Compression::of(head),
                Err(error) if layer == 0 => return Err(error),
                // What was packed can't be read: that is said where it is read.
                Err(error) => {
                    buffered = BufReader::new(Box::new(Failed(Some(error))));
                    break;
                }
            }
        };
        if compression == Compression::None {
            break;
        }
        if layer == LAYERS {
            return Err(io::Error::other(format!(
                "packed more than {LAYERS} times; unpack it first"
            )));
        }
        if layer == 0 {
            outermost = compression;
        }
        let inner: Box<dyn Read + Send + 'a> = match compression {
            Compression::Gzip => Box::new(flate2::bufread::MultiGzDecoder::new(buffered)),
            Compression::Zstd => Box::new(zstd::stream::read::Decoder::with_buffer(buffered)?),
            Compression::Bzip2 => Box::new(bzip2::bufread::MultiBzDecoder::new(buffered)),
            Compression::Xz => Box::new(lzma_rust2::XzReader::new(buffered, true)),
            Compression::Deflate | Compression::None => {
                Box::new(flate2::bufread::DeflateDecoder::new(buffered))
            }
        };
        let capped = Capped {
            inner,
            packed: Arc::clone(&packed),
            unpacked: 0,
            limits,
        };
        buffered = BufReader::with_capacity(BUFFER, Box::new(capped));
    }
    let head = if outermost == Compression::None {
        full(&mut buffered, 4)?
    } else {
        buffered.buffer()
    };
    let encoding = Encoding::of(head);
    let reader: Box<dyn Read + Send + 'a> = match encoding {
        Encoding::Utf8 => Box::new(buffered),
        wide => Box::new(Utf8Reader::new(buffered, wide)),
    };
    Ok(Opened {
        reader,
        compression: outermost,
        encoding,
        packed,
    })
}

/// A buffered reader of any kind of bytes.
type Buffered<'a> = BufReader<Box<dyn Read + Send + 'a>>;

/// The first bytes, at least `least` of them unless the input is shorter: a pipe may give them one by
/// one.
fn full<'b, 'a>(reader: &'b mut Buffered<'a>, least: usize) -> io::Result<&'b [u8]> {
    if reader.fill_buf()?.len() < least {
        let mut first = Vec::new();
        reader.by_ref().take(least as u64).read_to_end(&mut first)?;
        let buffered = reader.buffer().to_vec();
        let rest = std::mem::replace(reader.get_mut(), Box::new(io::empty()));
        let again = io::Cursor::new(first).chain(io::Cursor::new(buffered));
        *reader = BufReader::with_capacity(BUFFER, Box::new(again.chain(rest)));
    }
    // The chain gives its first part alone.
    reader.fill_buf()
}

/// What `inner` makes of `packed` bytes, within the same bounds as everything that is unpacked.
pub fn capped<R: Read>(inner: R, packed: u64, limits: UnpackLimits) -> Capped<R> {
    Capped {
        inner,
        packed: Arc::new(AtomicU64::new(packed)),
        unpacked: 0,
        limits,
    }
}

/// Gives an error once, and then the end.
struct Failed(Option<io::Error>);

impl Read for Failed {
    fn read(&mut self, _buf: &mut [u8]) -> io::Result<usize> {
        self.0.take().map_or(Ok(0), Err)
    }
}

struct Counted<R> {
    inner: R,
    packed: Arc<AtomicU64>,
    progress: Arc<AtomicU64>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buf)?;
        self.packed.fetch_add(read as u64, Ordering::Relaxed);
        self.progress.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}

/// The only way to unpack: it stops at the limits (see `.clippy.toml`).
pub struct Capped<R> {
    inner: R,
    packed: Arc<AtomicU64>,
    unpacked: u64,
    limits: UnpackLimits,
}

impl<R: Read> Read for Capped<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buf).map_err(cut_off)?;
        self.unpacked += read as u64;
        let packed = self.packed.load(Ordering::Relaxed).max(1);
        if self.unpacked > self.limits.bytes {
            return Err(io::Error::other(format!(
                "unpacks to more than {} bytes; if that is right, raise --max-unpacked",
                self.limits.bytes
            )));
        }
        if self.unpacked > RATIO_FROM && self.unpacked / packed > self.limits.ratio {
            return Err(io::Error::other(format!(
                "unpacks to more than {} times its size (a decompression bomb?); if that is right, raise --max-ratio",
                self.limits.ratio
            )));
        }
        Ok(read)
    }
}

fn cut_off(error: io::Error) -> io::Error {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => io::Error::new(
            error.kind(),
            "the compressed data ends too early (cut off while copying?); get the file again",
        ),
        // What zstd says has no kind of its own; what the system says has a number. What an inner
        // layer has said already is said once.
        io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData | io::ErrorKind::Other
            if error.raw_os_error().is_none() && !is_ours(&error) =>
        {
            io::Error::new(
                error.kind(),
                format!("the compressed data is damaged ({error}); get the file again"),
            )
        }
        _ => error,
    }
}

fn is_ours(error: &io::Error) -> bool {
    let text = error.to_string();
    text.starts_with("unpacks to more") || text.starts_with("the compressed data")
}
