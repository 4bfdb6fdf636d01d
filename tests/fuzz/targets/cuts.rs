//! Records read from pieces cut anywhere: what comes out must not depend on where the cuts are.

use arrow::compute::concat_batches;
use arrow::record_batch::RecordBatch;

use crate::decode::{Block, BlockDecoder, Framer, Keep, Limits, Spelling, Tally};
use crate::record::check;
use crate::signin::Columns;

/// All rows and the tally of `text` in `spelling`, given in pieces of these lengths, used in turn.
/// What the framer holds back must stay within the limit for one record.
pub fn read(
    text: &[u8],
    pieces: &[u8],
    spelling: Spelling,
    columns: Columns,
    limits: Limits,
) -> (Option<RecordBatch>, Tally) {
    let mut framer = Framer::new(spelling.framing, limits);
    let mut decoder = BlockDecoder::new(spelling, "f", columns, Keep::default(), limits);
    let mut batches = Vec::new();
    let mut tally = Tally::default();
    let mut take = |block: Option<Block>| {
        let Some(block) = block else { return false };
        let decoded = decoder.decode(&block).expect("a batch");
        check(&decoded);
        batches.extend(decoded.batch);
        tally += decoded.tally;
        true
    };
    let mut rest = text;
    for piece in pieces.iter().cycle() {
        if rest.is_empty() {
            break;
        }
        let (now, later) = rest.split_at(rest.len().min(1 + usize::from(*piece)));
        framer.push(now);
        rest = later;
        while take(framer.cut()) {}
        let most = limits.max_record + now.len() + 4;
        assert!(framer.held() <= most, "{} bytes are held", framer.held());
    }
    framer.push(rest);
    take(framer.finish());
    let all = batches
        .first()
        .map(|first| concat_batches(&first.schema(), &batches).expect("one"));
    (all, tally)
}
