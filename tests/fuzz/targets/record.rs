//! What the targets that read records have in common.

use arrow::array::{Array, AsArray};
use arrow::compute::concat_batches;
use arrow::datatypes::Int32Type;
use arrow::record_batch::RecordBatch;

use crate::decode::{
    BlockDecoder, Decoded, Decoder, Dialect, Framer, Framing, Keep, Limits, Sift, Spelling, Tally,
};
use crate::signin::Columns;

/// Small limits, so that the fuzzer reaches them.
pub const LIMITS: Limits = Limits {
    max_record: 2048,
    max_depth: 16,
};

/// The dialect of this name, or the first one.
pub fn dialect(name: &str) -> &'static Dialect {
    let dialects = crate::decode::DIALECTS;
    dialects
        .iter()
        .find(|dialect| dialect.name == name)
        .copied()
        .unwrap_or(dialects[0])
}

/// Reads `data` as one line in `dialect` and checks what must hold for every input.
pub fn read_line(data: &[u8], dialect: &'static Dialect) {
    let spelling = Spelling {
        framing: Framing::JsonLines,
        dialect,
    };
    let mut framer = Framer::new(spelling.framing, LIMITS);
    let mut decoder = BlockDecoder::new(spelling, "f", Columns::ALL, Keep::default(), LIMITS);
    framer.push(data);
    if let Some(block) = framer.finish() {
        let decoded = decoder.decode(&block).expect("a batch");
        check(&decoded);
        let sift = Sift::of_code(50053, 1 << 20).expect("it has digits");
        let (some, places) = decoder.decode_some(&block, &sift).expect("a batch");
        let rows = |of: &Decoded| of.batch.as_ref().map_or(0, RecordBatch::num_rows);
        assert_eq!(places.len(), rows(&some), "a place for each row");
        if !decoded.tally.dates.depend_on_others() {
            assert_eq!(refusals(&some), refusals(&decoded), "passed over");
        }
    }
    // Telling the spelling must survive the same bytes.
    let _ = crate::decode::detect(data, true);
    let _ = crate::decode::detect(data, false);
}

fn refusals(decoded: &Decoded) -> usize {
    let codes = decoded
        .batch
        .as_ref()
        .and_then(|rows| rows.column_by_name("error_code"));
    let codes = codes.and_then(|codes| codes.as_primitive_opt::<Int32Type>());
    codes.map_or(0, |codes| {
        codes.iter().filter(|code| *code == Some(50053)).count()
    })
}

/// All rows and the tally of `text`, which is of a known spelling, as a stream.
pub fn stream(text: &[u8]) -> (Option<RecordBatch>, Tally) {
    let mut decoder = Decoder::new("f", Columns::ALL, Keep::default(), LIMITS);
    decoder.push(text).expect("its spelling is known");
    let (batches, tally) = decoder.finish().expect("its spelling is known");
    let all = batches
        .first()
        .map(|first| concat_batches(&first.schema(), &batches).expect("one"));
    (all, tally)
}

/// Every record is counted once, and every row is in the batch.
pub fn check(decoded: &Decoded) {
    let tally = &decoded.tally;
    let others: u64 = tally.others.values().sum::<u64>() + tally.steps;
    assert_eq!(
        tally.sign_ins + tally.outside + tally.rejected.count + others,
        tally.records
    );
    let rows = decoded.batch.as_ref().map_or(0, |batch| batch.num_rows());
    assert_eq!(rows as u64, tally.sign_ins + tally.steps);
    for sample in &tally.rejected.samples {
        assert!(sample.reason.len() < 200, "{}", sample.reason);
        assert!(sample.reason.is_ascii(), "{}", sample.reason);
    }
}
