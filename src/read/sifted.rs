//! Reading only the lines that matter to a question about one error code; and, if lines that were passed over may be copies
//! of what was found, a second pass for those.

use rayon::iter::{ParallelBridge, ParallelIterator};

use super::{Blocks, ReadOptions, Reading, Sink, read};
use crate::coverage::{Input, Status};
use crate::decode::{Block, BlockDecoder, Framing, Sift, Spelling, Tally};
use crate::error::Result;
use crate::progress::Progress;
use crate::signin::Places;
use crate::source::Source;

impl Reading<'_> {
    /// How the lines of this input are sorted, if they are.
    pub(super) fn sift(&self, spelling: Spelling) -> Option<&Sift> {
        let sift = self.options.sift.as_deref();
        sift.filter(|_| spelling.framing == Framing::JsonLines)
    }

    /// Whether only what was passed over is looked for: whatever was read whole has nothing more to say.
    pub(super) fn is_second_pass(&self) -> bool {
        self.options
            .sift
            .as_ref()
            .is_some_and(|sift| sift.is_second())
    }

    /// Reads those lines that `sift` wants, on all cores.
    pub(super) fn some(
        &self,
        spelling: Spelling,
        blocks: Blocks<'_>,
        sift: &Sift,
    ) -> Result<Tally> {
        let tally = blocks
            .par_bridge()
            .map_init(
                || self.decoder(spelling, None),
                |decoder, block| self.some_of(decoder, &block, sift),
            )
            .try_reduce(Tally::default, |mut sum, tally| {
                sum += tally;
                Ok(sum)
            })?;
        // Lines that were passed over may show which of day and month stands first.
        if tally.dates.depend_on_others() {
            sift.give_up();
        }
        Ok(tally)
    }

    fn some_of(&self, decoder: &mut BlockDecoder, block: &Block, sift: &Sift) -> Result<Tally> {
        self.progress.check()?;
        let decoded = decoder.decode_some(block, sift);
        let (decoded, places) = decoded.map_err(|source| self.failed(source))?;
        if let Some(batch) = &decoded.batch {
            self.sink.take(batch, self.number, Places::Each(&places))?;
        }
        let records = decoded.tally.records;
        self.progress.count(records);
        Ok(decoded.tally)
    }
}

/// The second pass over the inputs that were sifted: adds what is found to `inputs`, which the first pass gave.
///
/// # Errors
/// As [`read`].
pub fn read_again(
    sources: &[Source],
    options: &ReadOptions,
    sink: &dyn Sink,
    progress: &Progress,
    inputs: &mut [Input],
) -> Result<()> {
    let found = read(sources, &[], options, sink, progress)?;
    for (input, mut found) in inputs.iter_mut().zip(found) {
        if found.status == Status::Unreadable {
            (input.status, input.reason) = (Status::PartlyRead, found.reason.take());
        }
        input.count_passed(found);
    }
    Ok(())
}
