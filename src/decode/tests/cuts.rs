//! Where the bytes were cut must not matter: same rows, same tallies.

use arrow::compute::concat_batches;
use proptest::prelude::*;

use super::*;

/// Enough columns to tell rows apart; building all of them thousands of times takes long.
fn columns() -> Columns {
    Columns::of([
        "sign_in_id",
        "time",
        "city",
        "user_agent",
        "error_code",
        "spelling",
    ])
}

/// Everything that one way of cutting gives.
fn decode_in_pieces(
    text: &[u8],
    pieces: &[usize],
    limits: Limits,
    spelling: Spelling,
) -> (Option<RecordBatch>, Tally) {
    let mut framer = Framer::new(spelling.framing, limits);
    let mut decoder = BlockDecoder::new(spelling, "in", columns(), Keep::default(), limits);
    let mut batches = Vec::new();
    let mut tally = Tally::default();
    let mut take = |block: Option<Block>| -> bool {
        let Some(block) = block else { return false };
        let decoded = decoder.decode(&block).unwrap();
        batches.extend(decoded.batch);
        tally += decoded.tally;
        true
    };
    let mut rest = text;
    for &piece in pieces {
        let (now, later) = rest.split_at(piece.min(rest.len()));
        framer.push(now);
        rest = later;
        while take(framer.cut()) {}
    }
    framer.push(rest);
    take(framer.finish());
    let all = batches
        .first()
        .map(|first| concat_batches(&first.schema(), &batches).unwrap());
    assert_adds_up(&tally);
    (all, tally)
}

/// Text with everything in it that framing has to get right.
fn texts() -> Vec<Vec<u8>> {
    let one = diagnostic(r#""id":"1","userAgent":"a\\\"}{][\u00e9é","status":{"errorCode":50053}"#);
    let two = graph(r#""status":{"errorCode":0},"location":{"city":"Malmö"}"#);
    let long = diagnostic(&format!(r#""id":"{}""#, "y".repeat(400)));
    let mut texts: Vec<Vec<u8>> = [
        format!("\u{feff}{one}\r\n\r\n{two}\n{{\"a\n{long}\n17\n{one}"),
        format!("{one}\n{long}\r\n{{\"records\":[{two},3]}}\n"),
        format!("\u{feff}[\n {one},\n {{\"a\": \"\n {{\"b\":1}},\n {two}\n]\n[{long},{one}"),
        format!(r#"{{"@odata.context":"v\"alue","value":[{one},"x",{long}],"next":[1]}} {{"value":[{two}]}}"#),
        format!("{{\"records\":[{one}]}}\r\n{{\"records\":[{{\"x\":[1}}]}},\n{{\"records\":[{two}"),
        format!("{one}{two} 12 \"te\\\"xt\" nul,{long}}}]{one}"),
    ]
    .map(String::into_bytes)
    .into();
    texts.push([one.as_bytes(), b"\n{\"a\":\"\xFF\"}\n", two.as_bytes()].concat());
    texts
}

const LIMITS: Limits = Limits {
    max_record: 330,
    max_depth: 8,
};

#[test]
fn one_cut_anywhere_and_a_cut_everywhere_change_nothing() {
    for text in texts() {
        for framing in [Framing::JsonLines, Framing::JsonObjects] {
            let spelling = Spelling {
                framing,
                dialect: DIALECTS[0],
            };
            let whole = decode_in_pieces(&text, &[], LIMITS, spelling);
            let least = if framing == Framing::JsonObjects {
                (1, 3)
            } else {
                (0, 1)
            };
            assert!(
                (whole.1.sign_ins, whole.1.records) >= least,
                "{:?}",
                whole.1
            );
            for at in 0..text.len() {
                let cut = decode_in_pieces(&text, &[at], LIMITS, spelling);
                assert_eq!(
                    cut,
                    whole,
                    "cut at {at} of {}",
                    String::from_utf8_lossy(&text)
                );
            }
            let single = vec![1; text.len()];
            assert_eq!(decode_in_pieces(&text, &single, LIMITS, spelling), whole);
        }
    }
}

#[test]
fn what_is_too_long_is_given_up_alike_wherever_it_is_cut() {
    let limits = Limits {
        max_record: 60,
        max_depth: 8,
    };
    let csv = |row: &str| format!("Date (UTC),Request ID\r\na,b\r\n{row}\nc,d\r\n");
    let long = "x".repeat(61);
    let fits = "x".repeat(58);
    let header = "{\"name\":\"Id\"},".repeat(6);
    let table = format!("{{\"tables\":[{{\"columns\":[{header}],\"rows\":[[1],[2]]}}]}}");
    let texts = [
        // The end of a cell with lines in it lies behind the limit; so does its first line end.
        csv(&format!("\"one\ntwo,2\n{long}\",3")),
        csv(&format!("\"{long}\ntwo\",3\nfour,4")),
        csv(&format!("{long},\"two\nthree\"")),
        // At the limit, whatever the line ends are; and one byte behind it, at the end of all.
        csv(&format!("{fits},1\r\n{fits},12\r")),
        format!("Date (UTC),Request ID\n\"a\nb,{}\"", "x".repeat(55)),
        table,
    ];
    for text in texts.map(String::into_bytes) {
        let is_csv = !text.starts_with(b"{");
        let spelling = Spelling {
            framing: if is_csv {
                Framing::Csv
            } else {
                Framing::JsonTables
            },
            dialect: DIALECTS[0],
        };
        let whole = decode_in_pieces(&text, &[], limits, spelling);
        assert!(whole.1.rejected.count > 0, "{:?}", whole.1);
        for at in 0..text.len() {
            let cut = decode_in_pieces(&text, &[at], limits, spelling);
            assert_eq!(
                cut,
                whole,
                "cut at {at} of {}",
                String::from_utf8_lossy(&text)
            );
        }
        let single = vec![1; text.len()];
        assert_eq!(decode_in_pieces(&text, &single, limits, spelling), whole);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn many_cuts_anywhere_change_nothing(
        which in 0..7usize,
        pieces in prop::collection::vec(0..200usize, 0..40),
        lines: bool,
    ) {
        let text = &texts()[which];
        let framing = if lines { Framing::JsonLines } else { Framing::JsonObjects };
        let spelling = Spelling { framing, dialect: DIALECTS[0] };
        let whole = decode_in_pieces(text, &[], LIMITS, spelling);
        prop_assert_eq!(decode_in_pieces(text, &pieces, LIMITS, spelling), whole);
    }

    #[test]
    fn text_of_json_pieces_cut_anywhere_changes_nothing(
        parts in prop::collection::vec(
            prop::sample::select(vec![
                "{", "}", "[", "]", "\"", "\\", ",", ":", "\n", "\r\n", " ", "1", "null", "\"value\":[", "{\"records\":[",
                "{\"value\" : [", "{\"category\":\"SignInLogs\",\"properties\":{\"id\":\"q\"}}", "\u{feff}", "é", "\"a\":",
            ]),
            0..60,
        ),
        pieces in prop::collection::vec(0..12usize, 0..60),
        max_record in 20..120usize,
        lines: bool,
    ) {
        let text = parts.concat();
        let framing = if lines { Framing::JsonLines } else { Framing::JsonObjects };
        let spelling = Spelling { framing, dialect: DIALECTS[0] };
        let limits = Limits { max_record, max_depth: 5 };
        let whole = decode_in_pieces(text.as_bytes(), &[], limits, spelling);
        prop_assert_eq!(decode_in_pieces(text.as_bytes(), &pieces, limits, spelling), whole);
    }
}

#[test]
fn filling_from_a_reader_gives_the_same() {
    for text in texts() {
        let spelling = Spelling {
            framing: Framing::JsonObjects,
            dialect: DIALECTS[0],
        };
        let whole = decode_in_pieces(&text, &[], LIMITS, spelling);
        let mut framer = Framer::new(spelling.framing, LIMITS);
        let mut decoder = BlockDecoder::new(spelling, "in", Columns::ALL, Keep::default(), LIMITS);
        let mut tally = Tally::default();
        let mut input = &text[..];
        while framer.fill(&mut input, 64).unwrap() > 0 {
            while let Some(block) = framer.cut() {
                tally += decoder.decode(&block).unwrap().tally;
            }
        }
        if let Some(block) = framer.finish() {
            tally += decoder.decode(&block).unwrap().tally;
        }
        assert_eq!(tally, whole.1);
    }
}

#[test]
fn memory_stays_bounded_by_the_longest_record() {
    let limits = Limits {
        max_record: 10_000,
        max_depth: 8,
    };
    for framing in [Framing::JsonLines, Framing::JsonObjects] {
        let mut framer = Framer::new(framing, limits);
        framer.push(b"{\"a\":\"");
        for _ in 0..1000 {
            framer.push(&[b'x'; 1000]);
            framer.cut();
            assert!(framer.held() <= 12_000, "{}", framer.held());
        }
    }
}

#[test]
fn a_stream_may_settle_before_its_head_is_full() {
    let mut decoder = Decoder::new("in", Columns::ALL, Keep::default(), Limits::default());
    decoder.settle().unwrap();
    decoder.push(format!("{WHOLE}\n").as_bytes()).unwrap();
    assert!(decoder.take().is_none() && decoder.spelling().is_none());
    decoder.settle().unwrap();
    assert_eq!(decoder.take().unwrap().num_rows(), 1);
    decoder.push(WHOLE.as_bytes()).unwrap();
    assert!(decoder.take().is_none());
    let (batches, tally) = decoder.finish().unwrap();
    assert_eq!((batches.len(), tally.sign_ins), (1, 2));
}

#[test]
fn a_head_longer_than_is_looked_at_is_read_whole() {
    let text = format!("{WHOLE}\n").repeat(400);
    assert!(text.len() > 2 * HEAD_BYTES);
    let (rows, tally) = decode(&text);
    assert_eq!((rows.len(), tally.records), (400, 400));
}
