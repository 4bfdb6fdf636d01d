//! Any bytes, cut anywhere: the rows and the tally must be those of the same bytes in one piece.
//!
//! The first byte chooses the framing, the next eight are lengths of pieces, used in turn.
#![no_main]
#![allow(dead_code, unused_imports)]

use arrow::compute::concat_batches;
use arrow::record_batch::RecordBatch;

use decode::{Block, BlockDecoder, Framer, Framing, Keep, Limits, Spelling, Tally};

#[path = "../../../src/decode/mod.rs"]
mod decode;
mod record;
#[path = "../../../src/signin.rs"]
mod signin;

const LIMITS: Limits = Limits {
    max_record: 150,
    max_depth: 8,
};

fn run(text: &[u8], pieces: &[u8], framing: Framing) -> (Option<RecordBatch>, Tally) {
    let spelling = Spelling {
        framing,
        dialect: record::dialect(""),
    };
    let columns = signin::Columns::of(["sign_in_id", "time", "spelling"]);
    let mut framer = Framer::new(framing, LIMITS);
    let mut decoder = BlockDecoder::new(spelling, "f", columns, Keep::default(), LIMITS);
    let mut batches = Vec::new();
    let mut tally = Tally::default();
    let mut take = |block: Option<Block>| {
        let Some(block) = block else { return false };
        let decoded = decoder.decode(&block).expect("a batch");
        record::check(&decoded);
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
    }
    framer.push(rest);
    take(framer.finish());
    let all = batches
        .first()
        .map(|first| concat_batches(&first.schema(), &batches).expect("one"));
    (all, tally)
}

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let Some((head, text)) = data.split_at_checked(9) else {
        return;
    };
    let framing = if head[0] & 1 == 0 {
        Framing::JsonLines
    } else {
        Framing::JsonObjects
    };
    assert_eq!(run(text, &head[1..], framing), run(text, &[], framing));
});
