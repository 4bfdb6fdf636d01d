//! Any text as one line: what is JSON and what is not is decided as `serde_json` decides it.
#![no_main]
#![allow(dead_code, unused_imports)]

#[path = "../../../src/decode/mod.rs"]
mod decode;
mod record;
#[path = "../../../src/signin.rs"]
mod signin;

use decode::{BlockDecoder, Framer, Framing, Keep, Spelling};

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let Ok(line) = std::str::from_utf8(data) else {
        return;
    };
    let long = line.len() > record::LIMITS.max_record;
    if !line.starts_with('{') || line.contains('\n') || long {
        return;
    }
    let valid = serde_json::from_str::<serde::de::IgnoredAny>(line).is_ok();
    // Brackets that were left over behind a record are put up with, as in a file that was cut.
    let mut values = serde_json::Deserializer::from_str(line).into_iter::<serde::de::IgnoredAny>();
    let begins_valid = values.next().is_some_and(|value| value.is_ok());
    // So is the end of a page or message, whose records were whole.
    let is_list = ["\"value\"", "\"records\"", "\\u"]
        .iter()
        .any(|name| line.contains(name));
    let tolerated = begins_valid || is_list;
    let spelling = Spelling {
        framing: Framing::JsonLines,
        dialect: record::dialect("graph"),
    };
    let columns = signin::Columns::ALL;
    let mut decoder = BlockDecoder::new(spelling, "f", columns, Keep::default(), record::LIMITS);
    // The second time, the line is what the decoder remembers, and the last time what it leaps over.
    let mut before = None;
    for _ in 0..12 {
        let mut framer = Framer::new(spelling.framing, record::LIMITS);
        framer.push(line.as_bytes());
        let Some(block) = framer.finish() else {
            return;
        };
        let decoded = decoder.decode(&block).expect("a batch");
        record::check(&decoded);
        let tally = decoded.tally;
        let complains = |words: &str| {
            let mut reasons = tally.rejected.samples.iter().map(|sample| &sample.reason);
            reasons.any(|reason| reason.starts_with(words))
        };
        let broken = complains("not valid JSON") || complains("the line ends inside");
        assert!(!(valid && broken), "rejected, but it is JSON");
        // Several records on one line, or a list of them, are read one by one.
        let single = tally.records == 1;
        let taken = tally.sign_ins + tally.steps > 0 || !tally.others.is_empty();
        assert!(tolerated || !(single && taken), "taken, but it is not JSON");
        let same = before.get_or_insert_with(|| (tally.clone(), decoded.batch.clone()));
        assert_eq!(*same, (tally, decoded.batch));
    }
});
