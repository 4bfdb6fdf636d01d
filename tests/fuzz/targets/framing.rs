//! Any bytes, cut anywhere: the rows and the tally must be those of the same bytes in one piece.
//!
//! The first byte chooses the framing, the next eight are lengths of pieces, used in turn.
#![no_main]
#![allow(dead_code, unused_imports)]

use decode::{Framing, Limits, Spelling};

mod cuts;
#[path = "../../../src/decode/mod.rs"]
mod decode;
mod record;
#[path = "../../../src/signin.rs"]
mod signin;

const LIMITS: Limits = Limits {
    max_record: 150,
    max_depth: 8,
};

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let Some((head, text)) = data.split_at_checked(9) else {
        return;
    };
    let spelling = Spelling {
        framing: if head[0] & 1 == 0 {
            Framing::JsonLines
        } else {
            Framing::JsonObjects
        },
        dialect: record::dialect(""),
    };
    let columns = signin::Columns::of(["sign_in_id", "time", "spelling"]);
    let read = |pieces| cuts::read(text, pieces, spelling, columns, LIMITS);
    assert_eq!(read(&head[1..]), read(&[]));
});
