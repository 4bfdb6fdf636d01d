//! Any bytes as a record of dialect `diagnostic_settings`: no panic, and nothing goes uncounted.
#![no_main]
#![allow(dead_code, unused_imports)]

#[path = "../../../src/decode/mod.rs"]
mod decode;
mod record;
#[path = "../../../src/signin.rs"]
mod signin;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    record::read_line(data, record::dialect("diagnostic_settings"));
});
