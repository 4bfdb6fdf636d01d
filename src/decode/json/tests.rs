//! The reader against `serde_json`: the same texts are accepted, the same values come out.

use proptest::prelude::*;
use serde_json::de::from_str;

use super::*;

/// Takes four fields, each in its own way, and skips the rest.
struct Sample;

impl Part for Sample {
    fn read<'de>(raw: &mut Raw<'de>, key: Key, from: &mut Reader<'de, '_>) -> Result<(), Stop> {
        match key {
            Key::Id => text(&mut raw.row.sign_in_id, from),
            Key::UserAgent => text(&mut raw.row.user_agent, from),
            Key::RiskEventTypes => list(&mut raw.risk_types, from),
            Key::Status => nested::<Sample>(raw, from),
            _ => from.skip(),
        }
    }
}

fn is_json(text: &str) -> bool {
    from_str::<serde::de::IgnoredAny>(text).is_ok()
}

/// Reads `text` twice with one memory, so that the second time everything is foreseen.
#[track_caller]
fn accepts(text: &str, memory: &mut Memory) -> bool {
    let mut first = Raw::default();
    let once = read::<Sample>(text, 128, memory, &mut first);
    let mut second = Raw::default();
    let twice = read::<Sample>(text, 128, memory, &mut second);
    assert_eq!(once.is_ok(), twice.is_ok(), "{text}");
    assert_eq!(first.row, second.row, "{text}");
    assert_eq!(first.seen, second.seen, "{text}");
    once.is_ok()
}

/// Pieces of which records, whole and broken, are made.
const PIECES: &[&str] = &[
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "\"",
    "\\",
    " ",
    "\n",
    "\t",
    "\r",
    "\u{1}",
    "\u{c}",
    "null",
    "nul",
    "true",
    "false",
    "0",
    "-",
    "1",
    "23",
    ".",
    "e",
    "E",
    "+",
    "1.5",
    "-0",
    "1e400",
    "\"id\"",
    "\"id\":",
    "\"x\"",
    "\"x\":",
    "\"userAgent\":",
    "\"status\":",
    "\"riskEventTypes\":",
    "\"a\\nb\"",
    "\"\\ud83d\\ude00\"",
    "\"\\ud83d\"",
    "\"\\u00e9\"",
    "\"\\u12\"",
    "\\u12g4",
    "\"{\\\"id\\\":1}\"",
    "é",
    "\u{202f}",
    "{\"id\":\"1\"}",
    "[1,2]",
    "\"0123456789abcdef0123456789\"",
    "{}",
    "[]",
    "\"\"",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn pieces_in_any_order_are_accepted_as_serde_json_accepts_them(
        pieces in proptest::collection::vec(proptest::sample::select(PIECES), 0..24)
    ) {
        let text = format!("{{{}", pieces.concat());
        prop_assert_eq!(accepts(&text, &mut Memory::default()), is_json(&text), "{}", text);
    }

    #[test]
    fn a_record_damaged_anywhere_is_accepted_as_serde_json_accepts_it(
        edits in proptest::collection::vec((any::<prop::sample::Index>(), proptest::sample::select(PIECES), any::<bool>()), 0..4)
    ) {
        let whole = "{\"id\":\"7\",\"x\":{\"a\":[1,-2.5e3,{\"b\":null}],\"c\":\"d\\\\\\\"e\"}, \"n\": 12,\"w\":null, \"userAgent\" : \"U \\u00e9 long enough for a block\",\
            \"status\":{\"id\":\"9\",\"z\":[[],{}],\"t\":true},\"riskEventTypes\":[\"p\",\"q\",3,null],\"y\":false}";
        let mut memory = Memory::default();
        // So often that what nobody asks for is steady, and is leapt over.
        for _ in 0..10 {
            prop_assert!(accepts(whole, &mut memory));
        }
        let mut text = whole.to_owned();
        for (at, piece, replace) in edits {
            let at = text.floor_char_boundary(at.index(text.len()));
            let end = if replace { text.ceil_char_boundary((at + piece.len()).min(text.len())) } else { at };
            text.replace_range(at..end, piece);
        }
        // With and without memory of the undamaged record.
        prop_assert_eq!(accepts(&text, &mut memory), is_json(&text) && text.trim_start().starts_with('{'), "{}", text);
        prop_assert_eq!(accepts(&text, &mut Memory::default()), accepts(&text, &mut memory), "{}", text);
    }

    #[test]
    fn any_text_comes_out_as_serde_json_reads_it(value in any::<String>(), other in any::<String>()) {
        let record = serde_json::json!({"x": other, "userAgent": value, "y": [other, {"id": other}]}).to_string();
        let mut raw = Raw::default();
        read::<Sample>(&record, 128, &mut Memory::default(), &mut raw).unwrap();
        prop_assert_eq!(raw.row.user_agent.as_deref().unwrap_or_default(), &value);
        // The same with every letter escaped.
        let escaped: String = value.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect();
        let record = format!("{{\"userAgent\":\"{escaped}\"}}");
        let mut raw = Raw::default();
        read::<Sample>(&record, 128, &mut Memory::default(), &mut raw).unwrap();
        prop_assert_eq!(raw.row.user_agent.as_deref().unwrap_or_default(), &value);
    }

    #[test]
    fn any_number_comes_out_as_it_is_written(number in any::<f64>(), whole in any::<i64>()) {
        for text in [format!("{number}"), format!("{number:e}"), whole.to_string()] {
            let record = format!("{{\"id\":{text}}}");
            prop_assume!(is_json(&record));
            let mut raw = Raw::default();
            read::<Sample>(&record, 128, &mut Memory::default(), &mut raw).unwrap();
            let ours: f64 = raw.row.sign_in_id.unwrap().parse().unwrap();
            prop_assert_eq!(ours, text.parse::<f64>().unwrap());
        }
    }
}

#[track_caller]
fn user_agent(record: &str) -> Option<String> {
    let mut raw = Raw::default();
    read::<Sample>(record, 128, &mut Memory::default(), &mut raw).unwrap();
    raw.row.user_agent.map(Cow::into_owned)
}

#[test]
fn half_a_surrogate_pair_costs_one_letter_and_no_record() {
    let replaced = |record| user_agent(record).unwrap();
    assert_eq!(replaced(r#"{"userAgent":"a\ud83db"}"#), "a\u{fffd}b");
    assert_eq!(
        replaced(r#"{"userAgent":"a\ude00\ud83d"}"#),
        "a\u{fffd}\u{fffd}"
    );
    assert_eq!(replaced(r#"{"userAgent":"\ud83dA"}"#), "\u{fffd}A");
    assert_eq!(replaced(r#"{"userAgent":"\ud83d\ude00"}"#), "😀");
}

#[test]
fn numbers_are_text_as_they_are_meant() {
    assert_eq!(
        user_agent(r#"{"userAgent":50053.0}"#).as_deref(),
        Some("50053")
    );
    assert_eq!(
        user_agent(r#"{"userAgent":1e400}"#).as_deref(),
        Some("1e400")
    );
    assert_eq!(
        user_agent(r#"{"userAgent":123456789012345678901234567890}"#).as_deref(),
        Some("123456789012345678901234567890")
    );
    // Nothing is rounded or worked out.
    for (number, text) in [
        ("50053.000", "50053"),
        ("-7.0", "-7"),
        ("1.50", "1.50"),
        ("5.0053e4", "5.0053e4"),
        ("50053e0", "50053e0"),
        ("50052.99999999999999999", "50052.99999999999999999"),
    ] {
        let record = format!("{{\"userAgent\":{number}}}");
        assert_eq!(user_agent(&record).as_deref(), Some(text));
    }
}

#[test]
fn nesting_is_allowed_up_to_the_limit_in_fields_that_nobody_wants() {
    let nest = |deep: usize| format!("{{\"x\":{}{}}}", "[".repeat(deep), "]".repeat(deep));
    let mut memory = Memory::default();
    let mut depth = |deep, levels| {
        let mut raw = Raw::default();
        read::<Sample>(&nest(deep), levels, &mut memory, &mut raw)
    };
    assert!(depth(9, 10).is_ok());
    assert!(matches!(depth(10, 10), Err(Unreadable::Depth)));
    // Remembered from a time when more was allowed.
    assert!(depth(10, 11).is_ok());
    assert!(depth(10, 11).is_ok());
    assert!(matches!(depth(10, 10), Err(Unreadable::Depth)));
}

#[test]
fn what_is_remembered_never_shows_in_what_is_read() {
    let records = [
        r#"{"x":"same","id":"1","y":{"z":1}}"#,
        r#"{"x":"same","id":"2","y":{"z":1}}"#,
        r#"{"x":"other","userAgent":"u","y":{"z":2},"id":"3"}"#,
        r#"{"id":"4","x":"same"}"#,
        r#"{"x":"same"}"#,
    ];
    let mut memory = Memory::default();
    for _ in 0..3 {
        for record in records {
            let mut fresh = Raw::default();
            read::<Sample>(record, 128, &mut Memory::default(), &mut fresh).unwrap();
            let mut used = Raw::default();
            read::<Sample>(record, 128, &mut memory, &mut used).unwrap();
            assert_eq!((used.row, used.seen), (fresh.row, fresh.seen), "{record}");
        }
    }
    // A name that is more than was foreseen, and values that begin like the last one.
    assert!(accepts(r#"{"xx":"same"}"#, &mut memory));
    assert!(accepts(r#"{"x":"same and more"}"#, &mut memory));
    assert!(!accepts(r#"{"x":"same"1}"#, &mut memory));
    assert!(!accepts(r#"{"x":"same" "id":"1"}"#, &mut memory));
}

#[test]
fn a_leap_over_what_is_steady_ends_where_something_else_begins() {
    let steady = r#"{"id":"1","n":12,"o":{"p":[]},"q":"r","userAgent":"u","s":true,"t":0}"#;
    let mut memory = Memory::default();
    for _ in 0..20 {
        assert!(accepts(steady, &mut memory));
    }
    let mut raw = Raw::default();
    read::<Sample>(steady, 128, &mut memory, &mut raw).unwrap();
    assert_eq!(raw.row.user_agent.as_deref(), Some("u"));
    for (text, user_agent) in [
        (
            r#"{"id":"1","n":123,"o":{"p":[]},"q":"r","userAgent":"v","s":true,"t":0}"#,
            Some("v"),
        ),
        (
            r#"{"id":"1","n":12 ,"o":{"p":[]},"q":"r","userAgent":"w","s":true,"t":05}"#,
            None,
        ),
        (
            r#"{"id":"1","n":12,"o":{"p":[]},"q":"r","userAgent":"x","s":true,"t":0.5}"#,
            Some("x"),
        ),
        (
            r#"{"id":"1","n":12,"o":{"p":[]},"q":"r","userAgent":"y","s":true,"t":0}}"#,
            None,
        ),
        (
            r#"{"id":"1","n":12,"o":{"p":[]},"q":"r","userAgent":"z","s":truey,"t":0}"#,
            None,
        ),
        (
            r#"{"id":"1","n":12,"o":{"p":[]},"q":"r","id":"2","userAgent":"a"}"#,
            Some("a"),
        ),
        (
            r#"{"userAgent":"b","n":12,"o":{"p":[]},"q":"r","userAgent":""}"#,
            Some("b"),
        ),
    ] {
        assert_eq!(accepts(text, &mut memory), user_agent.is_some(), "{text}");
        let mut raw = Raw::default();
        let result = read::<Sample>(text, 128, &mut memory, &mut raw);
        if result.is_ok() {
            assert_eq!(raw.row.user_agent.as_deref(), user_agent, "{text}");
        }
    }
    // Fewer levels are allowed than when it was remembered.
    let mut nested = |levels| read::<Sample>(steady, levels, &mut memory, &mut Raw::default());
    assert!(nested(3).is_ok());
    assert!(matches!(nested(2), Err(Unreadable::Depth)));
}

#[test]
fn many_names_are_not_all_remembered() {
    let mut memory = Memory::default();
    for at in 0..5000 {
        let record = format!("{{\"name{at}\":\"{at}\",\"id\":\"{at}\"}}");
        let mut raw = Raw::default();
        read::<Sample>(&record, 128, &mut memory, &mut raw).unwrap();
        assert_eq!(raw.row.sign_in_id.as_deref(), Some(&*at.to_string()));
    }
    assert!(memory.names() <= 1024);
}
