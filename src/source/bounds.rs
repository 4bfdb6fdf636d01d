//! Readers that count, and end where they should: packed input is believed only so far.

use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::unpack::UnpackLimits;

/// Below this size the ratio means nothing: a few thousand equal lines pack very well.
pub(super) const RATIO_FROM: u64 = if cfg!(test) { 4 << 20 } else { 64 << 20 };

/// Gives an error once, and then the end.
pub(super) struct Failed(pub(super) Option<io::Error>);

impl Read for Failed {
    fn read(&mut self, _buf: &mut [u8]) -> io::Result<usize> {
        self.0.take().map_or(Ok(0), Err)
    }
}

/// Gives so many bytes, and an error if the input ends before them.
pub(super) struct Exactly<R> {
    inner: R,
    left: u64,
}

impl<R> Exactly<R> {
    pub(super) fn new(inner: R, left: u64) -> Self {
        Exactly { inner, left }
    }
}

impl<R: Read> Read for Exactly<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let most = usize::try_from(self.left).map_or(buf.len(), |left| left.min(buf.len()));
        let Some(buf) = buf.get_mut(..most).filter(|buf| !buf.is_empty()) else {
            return Ok(0);
        };
        let read = self.inner.read(buf)?;
        if read == 0 {
            return Err(io::Error::new(
                io::ErrorKind::UnexpectedEof,
                "the archive ends inside this member (cut off while copying?); get the file again",
            ));
        }
        self.left -= read as u64;
        Ok(read)
    }
}

/// Counts packed bytes, of this input (the count that is given back) and of all (`progress`).
pub(super) fn counted<R: Read>(inner: R, progress: Arc<AtomicU64>) -> (Counted<R>, Arc<AtomicU64>) {
    let packed = Arc::new(AtomicU64::new(0));
    let counted = Counted {
        inner,
        packed: Arc::clone(&packed),
        progress,
    };
    (counted, packed)
}

/// See [`counted`].
pub(super) struct Counted<R> {
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

impl<R> Capped<R> {
    /// What `inner` unpacks; `packed` counts what it reads.
    pub(super) fn new(inner: R, packed: &Arc<AtomicU64>, limits: UnpackLimits) -> Self {
        Capped {
            inner,
            packed: Arc::clone(packed),
            unpacked: 0,
            limits,
        }
    }
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

/// What `inner` makes of `packed` bytes, within the same bounds as everything that is unpacked.
pub fn capped<R: Read>(inner: R, packed: u64, limits: UnpackLimits) -> Capped<R> {
    Capped::new(inner, &Arc::new(AtomicU64::new(packed)), limits)
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
    let ours = [
        "unpacks to more",
        "the compressed data",
        "the archive ends",
        "the bytes are not",
    ];
    ours.iter().any(|words| text.starts_with(words))
}
