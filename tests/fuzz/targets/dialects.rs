//! Any bytes as JSON in whichever spelling they are taken for, or in one that they are not: the rows
//! do not depend on where the bytes are cut, and a stream gives the same ones.
//!
//! The first byte chooses the spelling of what is not recognised, the next four are lengths of
//! pieces, used in turn.
#![no_main]
#![allow(dead_code, unused_imports)]

use decode::{DIALECTS, Framing, Spelling, detect};
use signin::Columns;

mod cuts;
#[path = "../../../src/decode/mod.rs"]
mod decode;
mod record;
#[path = "../../../src/signin.rs"]
mod signin;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let Some((head, text)) = data.split_at_checked(5) else {
        return;
    };
    let chosen = usize::from(head[0]);
    let told = detect(text, true).ok();
    let spelling = told.unwrap_or(Spelling {
        framing: Framing::ALL[chosen % Framing::ALL.len()],
        dialect: DIALECTS[chosen % DIALECTS.len()],
    });
    if spelling.framing == Framing::Csv {
        return;
    }
    let whole = cuts::read(text, &[], spelling, Columns::ALL, record::LIMITS);
    let cut = cuts::read(text, &head[1..], spelling, Columns::ALL, record::LIMITS);
    assert_eq!(whole, cut);
    if told.is_some() {
        assert_eq!(whole, record::stream(text));
    }
});
