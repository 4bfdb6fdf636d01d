//! Any text as a point in time: no panic, and what is read lies in the years 1 to 9999.
#![no_main]
#![allow(dead_code, unused_imports)]

#[path = "../../../src/decode/time.rs"]
mod time;

libfuzzer_sys::fuzz_target!(|text: &str| {
    let readings = match time::read(text) {
        Ok(time::Time::At(micros)) => [Some(micros), None],
        Ok(time::Time::Either(either)) => [either.day_first, either.month_first],
        Err(time::NotATime) => return,
    };
    assert!(readings.iter().any(Option::is_some), "{text:?}");
    for micros in readings.into_iter().flatten() {
        // A zone may shift the first and the last hours of those years over their edge.
        let day = 86_400_000_000;
        let years = -62_135_596_800_000_000 - day..253_402_300_800_000_000 + day;
        assert!(years.contains(&micros), "{text:?} is {micros}");
    }
});
