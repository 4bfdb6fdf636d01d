//! What the targets that read records have in common.

use crate::decode::{BlockDecoder, Decoded, Dialect, Framer, Framing, Keep, Limits, Spelling};
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
        check(&decoder.decode(&block).expect("a batch"));
    }
    // Telling the spelling must survive the same bytes.
    let _ = crate::decode::detect(data, true);
    let _ = crate::decode::detect(data, false);
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
    assert_eq!(rows as u64, tally.sign_ins);
    for sample in &tally.rejected.samples {
        assert!(sample.reason.len() < 200, "{}", sample.reason);
        assert!(sample.reason.is_ascii(), "{}", sample.reason);
    }
}
