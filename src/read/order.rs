//! Which of day and month stands first is known when all of an input has been read. Until then it is guessed, as nearly always
//! right, and the input is read again if it was not; or, where it can be read only once, what needs the order waits.

use std::io;
use std::sync::Mutex;
use std::sync::atomic::Ordering;

use rayon::iter::{ParallelBridge, ParallelIterator};

use super::postponed::Postponed;
use super::{Blocks, Reading, head_of};
use crate::decode::{Block, BlockDecoder, DateOrder, Decoded, Framer, Spelling, Tally};
use crate::error::{Error, Result};
use crate::source;

impl Reading<'_> {
    /// Reads all blocks.
    pub(super) fn all(&self, spelling: Spelling, mut blocks: Blocks<'_>) -> Result<Tally> {
        let is_lasting = self.source.is_lasting();
        let postponed = (!is_lasting).then(|| Postponed::new(&self.options.temp));
        // The first block shows the order if it can.
        let mut tally = match blocks.next() {
            Some(first) => self.first(spelling, first, postponed.as_ref())?,
            None => Tally::default(),
        };
        let order = tally.dates.shown();
        tally += self.blocks(spelling, order, blocks.map(Ok), postponed.as_ref())?;
        match postponed {
            Some(postponed) => {
                let order = Some(tally.dates.order());
                tally += self.blocks(spelling, order, postponed.blocks(), None)?;
            }
            None if tally.dates.are_misread() => {
                self.sink.forget(self.number);
                let records = &self.progress.records;
                records.fetch_sub(tally.records, Ordering::Relaxed);
                tally = self.again(spelling, tally.dates.order())?;
            }
            None => {}
        }
        Ok(tally)
    }

    /// Reads the first block. It may show the order only behind what needs it: then it is read once more.
    fn first(
        &self,
        spelling: Spelling,
        block: Block,
        postponed: Option<&Postponed>,
    ) -> Result<Tally> {
        let decoded = self.decoded(&mut self.decoder(spelling, None), &block)?;
        match decoded.tally.dates.shown() {
            Some(order) if decoded.tally.dates.need_order() => {
                let mut decoder = self.decoder(spelling, Some(order));
                let decoded = self.decoded(&mut decoder, &block)?;
                self.take(decoded, block, None)
            }
            _ => self.take(decoded, block, postponed),
        }
    }

    /// Reads blocks on all cores.
    fn blocks(
        &self,
        spelling: Spelling,
        order: Option<DateOrder>,
        blocks: impl Iterator<Item = Result<Block>> + Send,
        postponed: Option<&Postponed>,
    ) -> Result<Tally> {
        let postponed = postponed.filter(|_| order.is_none());
        blocks
            .par_bridge()
            .map_init(
                || self.decoder(spelling, order),
                |decoder, block| {
                    let block = block?;
                    let decoded = self.decoded(decoder, &block)?;
                    self.take(decoded, block, postponed)
                },
            )
            .try_reduce(Tally::default, |mut sum, tally| {
                sum += tally;
                Ok(sum)
            })
    }

    fn decoded(&self, decoder: &mut BlockDecoder, block: &Block) -> Result<Decoded> {
        self.progress.check()?;
        decoder.decode(block).map_err(|source| self.failed(source))
    }

    /// Takes what was decoded of a block, or lets the block wait in `postponed` if it needs the order of day and month.
    fn take(&self, decoded: Decoded, block: Block, postponed: Option<&Postponed>) -> Result<Tally> {
        if let Some(postponed) = postponed
            && decoded.tally.dates.need_order()
        {
            postponed.put(block)?;
            return Ok(Tally {
                dates: decoded.tally.dates,
                ..Tally::default()
            });
        }
        if let Some(batch) = &decoded.batch {
            self.sink.take(batch, self.number, block.offset.into())?;
        }
        self.progress.count(decoded.tally.records);
        match decoded.tally.rejected.samples.first() {
            Some(rejection) if self.options.strict => Err(Error::Strict {
                input: self.source.name.clone(),
                offset: rejection.offset,
                reason: rejection.reason.clone(),
            }),
            _ => Ok(decoded.tally),
        }
    }

    /// Reads the input from its start, now that its order is known.
    fn again(&self, spelling: Spelling, order: DateOrder) -> Result<Tally> {
        let opened = source::open(self.source, self.options.unpack, &self.progress.bytes);
        let mut opened = opened.map_err(|source| self.lost(source))?;
        let (head, _, fault) = head_of(&mut opened);
        let mut framer = Framer::new(spelling.framing, self.options.limits);
        framer.push(&head);
        let fault = Mutex::new(fault);
        // What goes wrong went wrong the first time, and was told then.
        let blocks = Blocks::new(framer, &mut opened, &fault);
        self.blocks(spelling, Some(order), blocks.map(Ok), None)
    }

    fn lost(&self, source: io::Error) -> Error {
        Error::Read {
            path: self.source.name.clone().into(),
            source,
        }
    }
}
