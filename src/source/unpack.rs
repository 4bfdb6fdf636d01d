//! Opens an input: undoes compression, even several times over, and UTF-16, all found by content and
//! all within bounds.

use std::io::{self, BufRead, BufReader, Read};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use liblzma::stream::{CONCATENATED, Stream};

use super::Source;
use super::bounds::{Capped, Exactly, Failed, counted};
use super::gzip::Gunzip;
use super::members::{Checked, Kind, Method, Zipped};
use super::utf16::{Encoding, Utf8Reader};

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

    pub(super) fn of(head: &[u8]) -> Compression {
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
    /// Members that one input may have, with those of the archives within it.
    pub members: usize,
    /// Archives that may lie within one another.
    pub archives: usize,
}

impl Default for UnpackLimits {
    /// 256 GiB and 500 times. Sign-in logs pack 10 to 40 times; gzip can pack zeros 1,032 times. An
    /// archive of a large tenant's hours of one year has 43,800 members.
    fn default() -> Self {
        UnpackLimits {
            bytes: 256 << 30,
            ratio: 500,
            members: 100_000,
            archives: 4,
        }
    }
}

/// Bytes read at a time.
const BUFFER: usize = 1 << 18;

/// Memory that unpacking xz may take. `xz -9` asks for 65 MiB; zstd has a limit of its own of 128 MiB.
const XZ_MEMORY: u64 = 128 << 20;

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

/// Opens `source`, if it is no member of a packed tar file. Packed bytes are added to `progress` as
/// they are read.
///
/// # Errors
/// What the system says when the file cannot be opened or its first bytes cannot be read.
pub fn open(
    source: &Source,
    limits: UnpackLimits,
    progress: &Arc<AtomicU64>,
) -> io::Result<Opened<'static>> {
    let progress = Arc::clone(progress);
    let Some(member) = &source.member else {
        let (raw, packed) = counted(source.bytes()?, progress);
        return opened(Box::new(raw), packed, None, limits);
    };
    let window = member.window(source.path.as_deref())?.reader();
    match member.kind {
        Kind::Zipped(zipped) => {
            let raw = Exactly::new(window, zipped.packed);
            let (raw, packed) = counted(raw, progress);
            let deflated = zipped.method == Method::Deflate;
            let outer = deflated.then_some(Compression::Deflate);
            let raw: Box<dyn Read + Send> = match zipped.method {
                Method::Known => Box::new(raw),
                Method::Stored => Box::new(Checked::new(raw, zipped)),
                Method::Deflate => Box::new(inflated(Box::new(raw), &packed, zipped, limits)),
            };
            opened(raw, packed, outer, limits)
        }
        Kind::Stored(size) | Kind::Unpacked { size, .. } => {
            let (raw, packed) = counted(Exactly::new(window, size), progress);
            opened(Box::new(raw), packed, None, limits)
        }
    }
}

/// A member of a ZIP archive that is packed with deflate.
#[allow(
    clippy::disallowed_types,
    reason = "one of the few places that unpack, and only within `Capped`"
)]
pub(super) fn inflated<'a>(
    raw: Box<dyn Read + Send + 'a>,
    packed: &Arc<AtomicU64>,
    zipped: Zipped,
    limits: UnpackLimits,
) -> impl Read + Send + use<'a> {
    let buffered = BufReader::with_capacity(BUFFER, raw);
    let inner = flate2::bufread::DeflateDecoder::new(buffered);
    Checked::new(Capped::new(inner, packed, limits), zipped)
}

/// Opens what `raw` gives and `packed` counts, from inside the compression `outer`.
pub(super) fn opened<'a>(
    raw: Box<dyn Read + Send + 'a>,
    packed: Arc<AtomicU64>,
    outer: Option<Compression>,
    limits: UnpackLimits,
) -> io::Result<Opened<'a>> {
    let (buffered, compression) = unpacked(raw, Arc::clone(&packed), outer, limits)?;
    let head = buffered.buffer();
    let encoding = Encoding::of(head);
    let reader: Box<dyn Read + Send + 'a> = match encoding {
        Encoding::Utf8 => Box::new(buffered),
        wide => Box::new(Utf8Reader::new(buffered, wide)),
    };
    Ok(Opened {
        reader,
        compression,
        encoding,
        packed,
    })
}

/// What `raw` gives once every compression is undone, and which one was outermost: `outer`, if it is
/// undone already.
#[allow(
    clippy::disallowed_types,
    reason = "one of the few places that unpack, and only within `Capped`"
)]
pub(super) fn unpacked<'a>(
    raw: Box<dyn Read + Send + 'a>,
    packed: Arc<AtomicU64>,
    outer: Option<Compression>,
    limits: UnpackLimits,
) -> io::Result<(Buffered<'a>, Compression)> {
    let mut buffered = BufReader::with_capacity(BUFFER, raw);
    let mut outermost = outer.unwrap_or(Compression::None);
    for layer in usize::from(outer.is_some())..=LAYERS {
        let compression = match full(&mut buffered, 6) {
            Ok(head) => Compression::of(head),
            Err(error) if layer == 0 => return Err(error),
            // What was packed can't be read: that is said where it is read.
            Err(error) => {
                buffered = BufReader::new(Box::new(Failed(Some(error))));
                break;
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
            Compression::Zstd => Box::new(zstd::stream::read::Decoder::with_buffer(buffered)?),
            Compression::Bzip2 => Box::new(bzip2::bufread::MultiBzDecoder::new(buffered)),
            Compression::Xz => {
                let stream = Stream::new_stream_decoder(XZ_MEMORY, CONCATENATED)?;
                let inner = liblzma::bufread::XzDecoder::new_stream(buffered, stream);
                Box::new(Xz { inner, fault: None })
            }
            // Deflate has no first bytes of its own.
            Compression::Gzip | Compression::Deflate | Compression::None => {
                Box::new(Gunzip::new(buffered))
            }
        };
        let capped = Capped::new(inner, &packed, limits);
        buffered = BufReader::with_capacity(BUFFER, Box::new(capped));
    }
    Ok((buffered, outermost))
}

/// Gives what was unpacked before a fault, and then the fault: the library would give only that.
#[allow(
    clippy::disallowed_types,
    reason = "one of the few places that unpack, and only within `Capped`"
)]
struct Xz<R> {
    inner: liblzma::bufread::XzDecoder<R>,
    fault: Option<io::Error>,
}

impl<R: BufRead> Read for Xz<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if let Some(fault) = self.fault.take() {
            return Err(fault);
        }
        let before = self.inner.total_out();
        match self.inner.read(buf) {
            Err(error) if self.inner.total_out() > before => {
                self.fault = Some(error);
                Ok((self.inner.total_out() - before) as usize)
            }
            other => other,
        }
    }
}

/// A buffered reader of any kind of bytes.
pub(super) type Buffered<'a> = BufReader<Box<dyn Read + Send + 'a>>;

/// The first bytes, at least `least` of them unless the input is shorter: a pipe may give them one by
/// one.
pub(super) fn full<'b, 'a>(reader: &'b mut Buffered<'a>, least: usize) -> io::Result<&'b [u8]> {
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
