//! Blocks of an input that cannot be read twice, waiting for the order of day and month: `3/4/2026` in the first of them may be
//! decided by a date in the last. They wait packed, in little memory or on disk, so it does not matter how many they are.

use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use tempfile::SpooledTempFile;

use crate::decode::{Away, Block};
use crate::error::{Error, Result};

/// Packed bytes of one input that stay in memory.
const IN_MEMORY: usize = 4 << 20;

/// Speed counts here: the file is read once, and soon.
const LEVEL: i32 = 1;

pub(super) struct Postponed {
    folder: PathBuf,
    waiting: Mutex<Waiting>,
}

struct Waiting {
    file: SpooledTempFile,
    blocks: Vec<Packed>,
}

/// One block in the file; they follow one another.
struct Packed {
    away: Away,
    packed: usize,
    bytes: usize,
}

impl Postponed {
    pub(super) fn new(folder: &Path) -> Postponed {
        Postponed {
            folder: folder.to_owned(),
            waiting: Mutex::new(Waiting {
                file: SpooledTempFile::new_in(IN_MEMORY, folder),
                blocks: Vec::new(),
            }),
        }
    }

    pub(super) fn put(&self, block: Block) -> Result<()> {
        let (bytes, away) = block.part();
        let failed = Error::write(&self.folder);
        let packed = match zstd::bulk::compress(&bytes, LEVEL) {
            Ok(packed) => packed,
            Err(error) => return Err(failed(error)),
        };
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.file.write_all(&packed).map_err(failed)?;
        waiting.blocks.push(Packed {
            away,
            packed: packed.len(),
            bytes: bytes.len(),
        });
        Ok(())
    }

    /// All of them, in the order in which they came.
    pub(super) fn blocks(self) -> impl Iterator<Item = Result<Block>> + Send {
        let Waiting { mut file, blocks } = self
            .waiting
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        let rewound = file.rewind();
        let mut fault = rewound.err();
        blocks.into_iter().map(move |block| {
            let next = match fault.take() {
                Some(error) => Err(error),
                None => next(&mut file, block),
            };
            next.map_err(Error::read(&self.folder))
        })
    }
}

fn next(file: &mut SpooledTempFile, block: Packed) -> io::Result<Block> {
    let mut packed = vec![0; block.packed];
    file.read_exact(&mut packed)?;
    let bytes = zstd::bulk::decompress(&packed, block.bytes)?;
    Ok(block.away.whole(bytes))
}
