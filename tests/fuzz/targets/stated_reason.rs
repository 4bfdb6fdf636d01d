//! Any text as the words of a refusal: one of the five words, whatever the letter case and the
//! blanks.
#![no_main]
#![allow(dead_code, unused_imports)]

#[path = "../../../src/decode/ip.rs"]
mod ip;
#[path = "../../../src/decode/password.rs"]
mod password;
#[path = "../../../src/decode/stated_reason.rs"]
mod stated_reason;

libfuzzer_sys::fuzz_target!(|text: &str| {
    let mut known = stated_reason::Stated::default();
    let stated = known.by(Some(text));
    let words = [
        "lockout",
        "malicious_ip",
        "high_confidence_risk",
        "generic",
        "absent",
    ];
    assert!(words.contains(&stated));
    assert_eq!(
        known.by(Some(&text.to_ascii_uppercase().replace(' ', "\u{a0} "))),
        stated
    );
    let _ = password::shown_by(None, Some(text), None);
    // A canonical address is its own canonical form, in the same network; and the second time nothing else.
    let mut addresses = ip::Addresses::default();
    let first = addresses.canonical(text.into());
    assert_eq!(addresses.canonical(text.into()), first);
    if let Some((address, network)) = first {
        let again = addresses.canonical(address.clone());
        assert_eq!(again, Some((address, network)));
    }
});
