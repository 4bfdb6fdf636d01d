//! Any bytes as a table, under any header: the rows do not depend on where the bytes are cut, a stream
//! gives the same ones, and a quote that nothing closes holds no more than one record.
//!
//! The first four bytes are lengths of pieces, used in turn.
#![no_main]
#![allow(dead_code, unused_imports)]

use decode::{Framing, Spelling, detect};
use signin::Columns;

mod cuts;
#[path = "../../../src/decode/mod.rs"]
mod decode;
mod record;
#[path = "../../../src/signin.rs"]
mod signin;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let Some((pieces, text)) = data.split_at_checked(4) else {
        return;
    };
    let told = detect(text, true).ok();
    let told = told.filter(|spelling| spelling.framing == Framing::Csv);
    let spelling = told.unwrap_or(Spelling {
        framing: Framing::Csv,
        dialect: record::dialect("portal"),
    });
    let whole = cuts::read(text, &[], spelling, Columns::ALL, record::LIMITS);
    let cut = cuts::read(text, pieces, spelling, Columns::ALL, record::LIMITS);
    assert_eq!(whole, cut);
    if told.is_some() {
        assert_eq!(whole, record::stream(text));
    }
});
