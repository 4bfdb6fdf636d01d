//! Records that are one line each: the quickest framing, since a line end can't stand inside JSON
//! text.

use memchr::{memchr, memrchr};

use super::{Cut, Records, too_long};
use crate::decode::{Limits, Rejected};

/// Cuts after the last line end. The lines themselves are split by whoever reads the block.
#[derive(Debug)]
pub(super) struct Lines {
    limits: Limits,
    /// So many bytes at the start of the buffer are known to hold no line end.
    searched: usize,
    /// Inside a line that is too long and has been rejected already.
    skipping: bool,
}

impl Lines {
    pub(super) fn new(limits: Limits) -> Self {
        Lines {
            limits,
            searched: 0,
            skipping: false,
        }
    }

    pub(super) fn cut(&mut self, buffer: &[u8], offset: u64) -> Cut {
        let mut rejected = Rejected::default();
        let mut start = 0;
        if self.skipping {
            match memchr(b'\n', buffer) {
                Some(at) => start = at + 1,
                None => start = buffer.len(),
            }
            self.skipping = start == buffer.len() && buffer.last() != Some(&b'\n');
        }
        let from = self.searched.max(start);
        let newline = memrchr(b'\n', buffer.get(from..).unwrap_or_default());
        let end = newline.map_or(start, |at| from + at + 1);
        let mut keep_from = end;
        // One byte more than the limit may be the CR of a line whose LF has not come yet.
        if buffer.len() - end > self.limits.max_record.saturating_add(1) {
            rejected.add(offset + end as u64, || too_long(self.limits));
            self.skipping = true;
            keep_from = buffer.len();
        }
        self.searched = buffer.len() - keep_from;
        Cut {
            records: Records::Lines,
            start,
            end,
            keep_from,
            rejected,
        }
    }

    pub(super) fn finish(&mut self, buffer: &[u8], offset: u64) -> Cut {
        let cut = self.cut(buffer, offset);
        // What follows the last line end is a record too, unless it has been rejected.
        let end = if self.skipping { cut.end } else { buffer.len() };
        Cut {
            end,
            keep_from: buffer.len(),
            ..cut
        }
    }
}
