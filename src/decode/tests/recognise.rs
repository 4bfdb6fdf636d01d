//! Telling spellings, and bad input.

use super::*;

fn spelling(text: &str) -> String {
    detect(text.as_bytes(), true).unwrap().name()
}

#[test]
fn every_framing_is_told_by_content_and_gives_the_same_rows() {
    let one = diagnostic(r#""id":"1","createdDateTime":"2026-03-02T08:15:00Z""#);
    let two = diagnostic(r#""id":"2","userAgent":"}{][\"value\":[""#);
    let pretty = |record: &str| {
        record
            .replace(",\"", ",\r\n    \"")
            .replace("{\"", "{\r\n  \"")
    };
    let (pretty_one, pretty_two) = (pretty(&one), pretty(&two));
    let forms = [
        ("json_lines", format!("{one}\n{two}\n")),
        ("json_lines", format!("\u{feff}{one}\r\n\r\n  \n{two}")),
        ("json_lines", format!("\n{one}\n\u{feff}{two}\r\n")),
        ("json_lines", format!("{one} \n{{\"records\":[{two}]}}\n")),
        ("json_lines", format!("{one}\n[{two}]\n")),
        ("json_lines", format!("{one}\n{two},\n")),
        ("json_array", format!("[{one},{two}]")),
        (
            "json_array",
            format!("\u{feff}[{one}]\r\n\u{feff}[\r\n{two}]\r\n"),
        ),
        (
            "json_array",
            format!("[{pretty_one}\r\n,\r\n{pretty_two}\r\n]"),
        ),
        ("json_array", format!("[{one}][{two},]")),
        (
            "json_pages",
            format!(
                r#"{{"@odata.context":"x","value":[{one}],"@odata.nextLink":"y"}}{{"value":[{two}]}}"#
            ),
        ),
        (
            "json_pages",
            format!(
                "{{\"value\" :\n[{pretty_one}]}}\n{{\"@odata.nextLink\":{{\"value\":1}},\"value\":[{two}]}}"
            ),
        ),
        (
            "json_pages",
            format!(r#"[{{"value":[{one}]}},{{"value":[{two}]}}]"#),
        ),
        (
            "json_records",
            format!("{{\"records\":[{one}]}}\n{{\"records\":[{two}]}}\n"),
        ),
        (
            "json_records",
            format!("\u{feff}{{\n\"records\": [\n{pretty_one},\n{pretty_two}]}}"),
        ),
        ("json_objects", format!("{pretty_one}\n{pretty_two}")),
        ("json_objects", format!("{one}{two}")),
    ];
    let (expected, _) = decode(&forms[0].1);
    for (framing, text) in forms {
        assert_eq!(
            spelling(&text),
            format!("diagnostic_settings.{framing}"),
            "{text}"
        );
        let (mut rows, tally) = decode(&text);
        assert_eq!((tally.records, tally.sign_ins), (2, 2), "{text}\n{tally:?}");
        for (row, expected) in rows.iter_mut().zip(&expected) {
            row.insert("spelling".to_owned(), expected["spelling"].clone());
        }
        assert_eq!(rows, expected, "{text}");
    }
}

#[test]
fn dialects_are_told_by_content() {
    assert_eq!(spelling(&graph(r#""userId":"u""#)), "graph.json_lines");
    assert_eq!(
        spelling(&format!(r#"{{"value":[{}]}}"#, graph(r#""userId":"u""#))),
        "graph.json_pages"
    );
    assert_eq!(
        spelling(r#"{"Id":"1","CreatedDateTime":"x","Status":{},"AppId":"a","UserId":"u"}"#),
        "graph_powershell.json_lines"
    );
    assert_eq!(
        spelling(r#"{"Id":"1","CreatedDateTime":"x","Status":{},"ResultType":"0","UserId":"u"}"#),
        "log_analytics.json_lines"
    );
}

#[test]
fn a_copy_cut_off_in_its_first_record_is_still_recognised() {
    let whole = diagnostic(r#""id":"1","userAgent":"é""#);
    for end in whole.find("properties").unwrap() + 12..whole.len() {
        let (rows, tally) = decode(&whole.as_bytes()[..end]);
        assert_eq!(
            (rows.len(), tally.records, tally.rejected.count),
            (0, 1, 1),
            "{end}"
        );
        assert!(
            tally.rejected.samples[0].reason.contains("cut off"),
            "{tally:?}"
        );
    }
}

#[test]
fn what_is_not_recognised_is_named() {
    let refused = |bytes: &[u8]| detect(bytes, true).unwrap_err();
    assert_eq!(refused(b""), Unrecognised::Empty);
    assert_eq!(refused(b"\xEF\xBB\xBF \r\n\t"), Unrecognised::Empty);
    assert_eq!(
        refused(b"PK\x03\x04abc"),
        Unrecognised::Binary {
            looks_like: "ZIP or Office document"
        }
    );
    assert_eq!(
        refused(b"PAR1\0\0"),
        Unrecognised::Binary {
            looks_like: "Parquet"
        }
    );
    assert_eq!(
        refused(&[7, 1, 2, 3, 4, 5, 6, 7]),
        Unrecognised::Binary {
            looks_like: "unknown kind"
        }
    );
    assert_eq!(
        refused(b"\xFF\xFE{\0"),
        Unrecognised::Text {
            looks_like: "UTF-16 text"
        }
    );
    assert_eq!(
        refused(b"{\0\"\0"),
        Unrecognised::Text {
            looks_like: "UTF-16 text"
        }
    );
    assert_eq!(
        refused(b"<Event>"),
        Unrecognised::Text { looks_like: "XML" }
    );
    assert_eq!(
        refused(b"\"a\",\"b\",\"c\"\n1,2,3\n"),
        Unrecognised::OtherTable {
            looks_like: "none of its columns say that they are sign-ins".to_owned()
        }
    );
    assert_eq!(
        refused(b"Mar  2 08:15:00 host sshd\n"),
        Unrecognised::Text { looks_like: "text" }
    );
    let other = |text: &str| match refused(text.as_bytes()) {
        Unrecognised::OtherJson { looks_like } => looks_like,
        wrong => format!("{wrong:?}"),
    };
    assert_eq!(other("[]"), "no records at all");
    assert_eq!(other(r#"{"value":[]}"#), "no records at all");
    assert_eq!(other("[1,2]"), "no records at all");
    assert_eq!(other(r#"{"a":1}"#), "JSON that is not sign-ins");
    assert_eq!(other(r#"{"tables":[{"rows":[]}]}"#), "no records at all");
    assert_eq!(
        other(r#"{"CreationTime":"x","Workload":"y"}"#),
        "unified audit log of other things"
    );
    assert_eq!(
        other(&diagnostic("").replace("SignInLogs", "AuditLogs")),
        "Entra diagnostic settings, category AuditLogs"
    );
    assert_eq!(
        other(&diagnostic("").replace("SignInLogs", "<b>")),
        "diagnostic settings of another category"
    );
    let sentence = refused(b"<x").to_string();
    assert!(
        sentence.contains("XML") && sentence.contains("export"),
        "{sentence}"
    );
}

#[test]
fn a_log_that_begins_with_another_category_is_read_when_it_goes_on() {
    let other = diagnostic("").replace("SignInLogs", "AuditLogs") + "\n";
    let head = other.repeat(200);
    assert!(detect(head.as_bytes(), true).is_err());
    assert!(detect(head.as_bytes(), false).is_ok());
}

#[test]
fn a_bad_line_is_rejected_alone_with_its_place() {
    let good = diagnostic(r#""id":"1""#);
    let bad: [(&[u8], &str); 7] = [
        (b"{\"category\":", "cut off"),
        (b"{\"category\":\"SignInLogs\",}", "not valid JSON"),
        (b"{\"category\":\"\xFF\"}", "UTF-8"),
        (b"17", "not a JSON object"),
        (b"hello there", "not valid JSON"),
        (b"null", "not a JSON object"),
        (b"\"text\"", "not a JSON object"),
    ];
    for (line, words) in bad {
        let text = [good.as_bytes(), b"\r\n", line, b"\n", good.as_bytes()].concat();
        let (rows, tally) = decode(&text);
        assert_eq!(
            (rows.len(), tally.records, tally.rejected.count),
            (2, 3, 1),
            "{tally:?}"
        );
        let sample = &tally.rejected.samples[0];
        assert_eq!(sample.offset, good.len() as u64 + 2);
        assert!(sample.reason.contains(words), "{sample:?}");
    }
}

#[test]
fn ten_thousand_levels_are_rejected_in_every_framing() {
    let good = diagnostic(r#""id":"1""#);
    let deep = format!(
        r#"{{"category":"SignInLogs","properties":{{"x":{}{}}}}}"#,
        "[".repeat(10_000),
        "]".repeat(10_000)
    );
    for text in [
        format!("{good}\n{deep}\n{good}\n"),
        format!("[{good},{deep},{good}]"),
    ] {
        let (rows, tally) = decode(&text);
        assert_eq!((rows.len(), tally.rejected.count), (2, 1), "{tally:?}");
        assert_eq!(
            tally.rejected.samples[0].reason,
            "nested deeper than 128 levels, the limit"
        );
    }
    let (rows, tally) = decode(format!("{good}\n{}\n{good}", "[".repeat(10_000)));
    assert_eq!((rows.len(), tally.rejected.count), (2, 1));
}

#[test]
fn brackets_inside_quotes_are_not_nesting() {
    let record = graph(&format!(r#""userAgent":"{}\"[""#, "[{".repeat(500)));
    assert_eq!(row(&record)["user_agent"].len(), 1002);
}

#[test]
fn elements_that_are_no_objects_are_rejected_each() {
    let good = diagnostic(r#""id":"1""#);
    let (rows, tally) = decode(format!(r#"[{good}, 17, "te\"xt", null, [], {good} true]"#));
    assert_eq!(
        (rows.len(), tally.records, tally.rejected.count),
        (2, 6, 4),
        "{tally:?}"
    );
    assert!(
        tally
            .rejected
            .samples
            .iter()
            .all(|sample| sample.reason == "not a JSON object")
    );
}

#[test]
fn a_record_longer_than_the_limit_is_rejected_and_the_next_goes_on() {
    let good = diagnostic(r#""id":"1""#);
    let long = diagnostic(&format!(r#""id":"{}""#, "x".repeat(1000)));
    let limits = Limits {
        max_record: 500,
        ..Limits::default()
    };
    for text in [
        format!("{good}\n{long}\n{good}\n"),
        format!("[{good},{long},{good}]"),
    ] {
        let (rows, tally) = decode_with(text.as_bytes(), Keep::default(), limits);
        assert_eq!(
            (rows.len(), tally.records, tally.rejected.count),
            (2, 3, 1),
            "{tally:?}"
        );
        let sample = &tally.rejected.samples[0];
        assert_eq!(sample.offset, text.find(&long).unwrap() as u64);
        assert_eq!(
            sample.reason,
            "longer than 500 bytes, the limit for one record"
        );
    }
}

#[test]
fn damage_in_a_pretty_printed_array_costs_one_record() {
    let record = |id: &str| {
        format!(
            "  {{\n    \"category\": \"SignInLogs\",\n    \"properties\": {{\n      \"id\": \"{id}\",\n      \"authenticationDetails\": [\n        {{\n          \"succeeded\": true\n        }}\n      ]\n    }}\n  }}"
        )
    };
    let (one, two, three) = (record("1"), record("2"), record("3"));
    let whole = format!("[\n{one},\n{two},\n{three}\n]\n");
    let damages = [
        ("\"id\": \"2\",", "\"id\": \"2,", "quotes"),
        ("\"id\": \"2\",", "\"id\": \"2\" ]", "brackets"),
        ("\"id\": \"2\",", "", ""),
        ("\"id\": \"2\",", "\"id\": 2x,", "not valid JSON"),
    ];
    for (from, to, words) in damages {
        let (rows, tally) = decode(whole.replace(from, to));
        let rejected = u64::from(!words.is_empty());
        assert_eq!(
            (rows.len() as u64, tally.rejected.count),
            (3 - rejected, rejected),
            "{to}: {tally:?}"
        );
        assert!(
            rejected == 0 || tally.rejected.samples[0].reason.contains(words),
            "{tally:?}"
        );
    }
}

#[test]
fn a_document_cut_off_and_followed_by_another_loses_one_record() {
    let good = diagnostic(r#""id":"1""#);
    for cut in [
        "[{\"category\":\"Sign",
        "[{\"category\"",
        "[{\"category\":\"SignInLogs\"",
        "{\"value\":[{\"a\":[1",
    ] {
        let (rows, tally) = decode(format!("{cut}\n\u{feff}[{good},{good}]\n"));
        assert_eq!(
            (rows.len(), tally.rejected.count),
            (2, 1),
            "{cut}: {tally:?}"
        );
    }
}

#[test]
fn an_input_that_ends_too_early_says_so() {
    let good = diagnostic(r#""id":"1""#);
    for end in ["", ",", ",\n", ",{", ",{\"a", ",17"] {
        let (rows, tally) = decode(format!("[{good}{end}"));
        assert_eq!(
            (rows.len(), tally.rejected.count),
            (1, 1),
            "{end}: {tally:?}"
        );
    }
    let (_, tally) = decode(format!("[{good}]"));
    assert_eq!(tally.rejected.count, 0);
}

#[test]
fn a_line_that_holds_a_list_cut_off_gives_what_is_whole() {
    let good = diagnostic(r#""id":"1""#);
    let (rows, tally) = decode(format!("{good}\n{{\"records\":[{good},{{\"cat\n{good}"));
    assert_eq!((rows.len(), tally.rejected.count), (3, 1), "{tally:?}");
}
