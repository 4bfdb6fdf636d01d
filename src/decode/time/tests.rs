//! Every form of a date, by name, and the calendar against jiff's.

use super::*;
use proptest::prelude::*;

/// What a text says that has one meaning only.
fn parse(text: &str) -> Result<i64, NotATime> {
    match read(text)? {
        Time::At(time) => Ok(time),
        Time::Either(either) => panic!("{text}: {either:?}"),
    }
}

#[track_caller]
fn check(text: &str, expected: &str) {
    let expected: jiff::Timestamp = expected.parse().unwrap();
    assert_eq!(parse(text), Ok(expected.as_microsecond()), "{text}");
}

#[test]
fn iso_in_all_its_dresses() {
    check("2026-07-17T14:10:02Z", "2026-07-17T14:10:02Z");
    check(
        "2025-04-11T16:15:30.5431359+00:00",
        "2025-04-11T16:15:30.543135Z",
    );
    check(
        "2026-02-18T07:32:50.552947800Z",
        "2026-02-18T07:32:50.552947Z",
    );
    check("2020-05-20T18:19:04.423", "2020-05-20T18:19:04.423Z");
    check("2025-01-15 09:30:45.123", "2025-01-15T09:30:45.123Z");
    check("2025-01-15 09:30", "2025-01-15T09:30:00Z");
    check("2025-01-15T09:30:45.12-05:00", "2025-01-15T14:30:45.12Z");
    check("2025-01-15T00:30:45+0200", "2025-01-14T22:30:45Z");
    check("2025-01-15T00:30:45+02", "2025-01-14T22:30:45Z");
    check(
        "2024-02-29T23:59:59.9999999Z",
        "2024-02-29T23:59:59.999999Z",
    );
    check("1969-12-31T23:59:59.5Z", "1969-12-31T23:59:59.5Z");
    check(" 2016-12-31T23:59:60Z ", "2016-12-31T23:59:59Z");
}

/// A date whose order is open: what it is with the day first, and with the month first.
#[track_caller]
fn either(text: &str, form: Form, day_first: Option<&str>, month_first: Option<&str>) {
    let micros = |text: &str| text.parse::<jiff::Timestamp>().unwrap().as_microsecond();
    let expected = Either {
        day_first: day_first.map(micros),
        month_first: month_first.map(micros),
        form,
    };
    assert_eq!(read(text), Ok(Time::Either(expected)), "{text}");
}

/// In all of these the day is 14 and the month 3.
#[test]
fn numbers_that_only_one_order_fits() {
    for (text, form) in [
        ("14/03/2026 21:10:02", Form::Plain),
        ("14/03/2026, 21:10:02", Form::Plain),
        ("14/3/2026 21:10:02 +00:00", Form::Plain),
        ("14/3/2026 23:10:02+02:00", Form::Plain),
        ("14-03-2026 21:10:02", Form::Plain),
        ("14-3-2026 21:10:02Z", Form::Plain),
        ("14-03-2026 21.10.02", Form::Plain),
        ("14.03.2026 21:10:02", Form::Dotted),
        ("14.3.2026, 21:10:02", Form::Dotted),
        ("14.3.2026 21.10.02", Form::Dotted),
        ("14/03/2026 9:10:02 PM", Form::HalfDay),
        ("14/03/2026, 9:10:02 pm", Form::HalfDay),
        ("14/3/2026 9:10:02 p.m.", Form::HalfDay),
    ] {
        either(text, form, Some("2026-03-14T21:10:02Z"), None);
    }
    for (text, form) in [
        ("3/14/2026 21:10:02", Form::Plain),
        ("03-14-2026 21:10:02", Form::Plain),
        ("3/14/2026 9:10:02 PM", Form::HalfDay),
        ("3/14/2026, 9:10:02\u{202f}PM", Form::HalfDay),
        ("3/14/2026 9:10:02 PM +00:00", Form::HalfDay),
    ] {
        either(text, form, None, Some("2026-03-14T21:10:02Z"));
    }
}

#[test]
fn numbers_without_seconds_or_with_a_fraction() {
    let minute = Some("2026-03-14T21:10:00Z");
    either("14/03/2026 21:10", Form::Plain, minute, None);
    either("14.3.2026 21.10", Form::Dotted, minute, None);
    either("3/14/2026 9:10 PM", Form::HalfDay, None, minute);
    let fraction = Some("2026-03-14T21:10:02.221Z");
    either("14/03/2026 21:10:02.221", Form::Plain, fraction, None);
    either("14.03.2026, 21:10:02,221", Form::Dotted, fraction, None);
    either("14.3.2026 21.10.02.221", Form::Dotted, fraction, None);
    either("3/14/2026, 9:10:02.221 PM", Form::HalfDay, None, fraction);
    let cut = Some("2026-03-14T21:10:02.123456Z");
    either("14/03/2026 21:10:02.1234567", Form::Plain, cut, None);
}

#[test]
fn numbers_that_both_orders_fit() {
    let (april, march) = ("2026-04-03T09:10:02Z", "2026-03-04T09:10:02Z");
    let (april, march) = (Some(april), Some(march));
    either("3/4/2026 9:10:02", Form::Plain, april, march);
    either("03-04-2026 09:10:02", Form::Plain, april, march);
    either("03.04.2026 09:10:02", Form::Dotted, april, march);
    either("3/4/2026 9:10:02 AM", Form::HalfDay, april, march);
    // The same in both.
    check("4/4/2026 9:10:02", "2026-04-04T09:10:02Z");
    check("4.4.2026 9:10:02", "2026-04-04T09:10:02Z");
    check("12/12/2026 12:00:00 AM", "2026-12-12T00:00:00Z");
}

#[test]
fn the_year_first_says_the_rest() {
    check("2026/3/4 9:10:02", "2026-03-04T09:10:02Z");
    check("2026/03/14 21:10:02.5", "2026-03-14T21:10:02.5Z");
}

/// The dates that the exports of Microsoft and of tools were seen with, each in its own words.
#[test]
fn every_date_of_the_facts() {
    // Fraction digits: 7, 6, 3, 2, 0, 9.
    check(
        "2025-04-11T16:15:30.5431359Z",
        "2025-04-11T16:15:30.543135Z",
    );
    check("2025-04-11T16:15:30.543135Z", "2025-04-11T16:15:30.543135Z");
    check("2025-04-11T16:15:30.543Z", "2025-04-11T16:15:30.543Z");
    check("2025-04-11T16:15:30.54Z", "2025-04-11T16:15:30.54Z");
    check("2026-07-17T14:10:02Z", "2026-07-17T14:10:02Z");
    check(
        "2025-04-11T16:15:30.543135900Z",
        "2025-04-11T16:15:30.543135Z",
    );
    // Zones, and none.
    check("2025-04-11T16:15:30+00:00", "2025-04-11T16:15:30Z");
    check("2025-04-11T16:15:30-05:00", "2025-04-11T21:15:30Z");
    check("2025-04-11T16:15:30+02:00", "2025-04-11T14:15:30Z");
    check("2021-07-09T13:32:53", "2021-07-09T13:32:53Z");
    // Diagnostic `time` since November 2025; CSV of Log Analytics; CSV of the audit log.
    let november = Some("2025-11-14T01:48:53Z");
    either("11/14/2025 1:48:53 AM", Form::HalfDay, None, november);
    let april = Some("2021-04-28T14:08:45.221Z");
    either("4/28/2021, 2:08:45.221 PM", Form::HalfDay, None, april);
    let (september, july) = (Some("2021-09-07T13:32:53Z"), Some("2021-07-09T13:32:53Z"));
    either("7/9/2021 1:32:53 PM", Form::HalfDay, september, july);
    // PowerShell 5.1.
    check("/Date(1598901896013)/", "2020-08-31T19:24:56.013Z");
    // The analyst's own CSV, and that of an analyzer.
    let (december, march) = (Some("2025-12-03T07:22:01Z"), Some("2025-03-12T07:22:01Z"));
    either("3/12/2025 7:22:01 AM", Form::HalfDay, december, march);
    check("2025-03-12 07:22:01", "2025-03-12T07:22:01Z");
    // The portal's CSV, and the query API of Log Analytics.
    check("2025-12-04T08:19:41Z", "2025-12-04T08:19:41Z");
    check("2020-05-20T18:19:04.423Z", "2020-05-20T18:19:04.423Z");
}

#[test]
fn midnight_and_noon() {
    let at = Some("2025-11-14T00:00:00Z");
    either("11/14/2025 12:00:00 AM", Form::HalfDay, None, at);
    let at = Some("2025-11-14T12:00:01Z");
    either("11/14/2025 12:00:01 PM", Form::HalfDay, None, at);
    let at = Some("2025-11-14T00:00:00Z");
    either("11/14/2025 0:00:00", Form::Plain, None, at);
}

#[test]
fn date_of_net() {
    check("/Date(1598901896013)/", "2020-08-31T19:24:56.013Z");
    check("/Date(1598901896013+0000)/", "2020-08-31T19:24:56.013Z");
    check("/Date(1598901896013-0700)/", "2020-08-31T19:24:56.013Z");
    check("/Date(-1)/", "1969-12-31T23:59:59.999Z");
}

#[test]
fn what_does_not_exist_is_no_time() {
    for text in [
        "",
        "yesterday",
        "2021-02-30T00:00:00Z",
        "2023-02-29T00:00:00Z",
        "2021-13-01T00:00:00Z",
        "2021-00-01T00:00:00Z",
        "2021-01-00T00:00:00Z",
        "2021-01-01T24:00:00Z",
        "2021-01-01T17:08:65Z",
        "2021-01-01T17:60:00Z",
        "2021-01-01",
        "2021-01-01T",
        "2021-01-01T10:00:00X",
        "2021-01-01T10:00:00Z!",
        "2021-01-01T10:00:00+99:00",
        "0000-01-01T00:00:00Z",
        "2021-01-01T10:00:00.Z",
        "1/13/2025 0:00:00 AM",
        "1/13/2025 13:00:00 PM",
        "13/13/2025 1:00:00 AM",
        "32/1/2025 1:00:00",
        "30/2/2025 1:00:00",
        "29/2/2025 1:00:00",
        "0/1/2025 1:00:00",
        "3/12/2025",
        "3/12/25 7:22:01",
        "3/12.2025 7:22:01",
        "3/12/2025 24:00:00",
        "3/12/2025 7:22.01",
        "3/12/2025 7",
        "3/12/2025 7:22:01 XM",
        "2025/13/01 7:22:01",
        "2025/1/32 7:22:01",
        "/Date()/",
        "/Date(1)",
        "/Date(99999999999999999999)/",
        "/Date(9999999999999999)/",
        "/Date(1+1)/",
        "/Date(-)/",
        "/Date(é)/",
        "15989018960130",
        "２０２１-01-01T00:00:00Z",
    ] {
        assert_eq!(parse(text), Err(NotATime), "{text}");
    }
}

proptest! {
    #[test]
    fn every_second_agrees_with_jiff(second in -62_135_596_800i64..253_402_207_200, fraction in 0i64..1_000_000) {
        let micros = second * 1_000_000 + fraction;
        let text = jiff::Timestamp::from_microsecond(micros).unwrap().to_string();
        prop_assert_eq!(parse(&text), Ok(micros), "{}", text);
    }

    #[test]
    fn numbers_agree_with_jiff_in_both_orders(second in -62_135_596_800i64..253_402_207_200, form in 0usize..8) {
        let time = jiff::Timestamp::from_second(second).unwrap();
        let zoned = time.to_zoned(jiff::tz::TimeZone::UTC);
        let (day_first, month_first) = [
            ("%d/%m/%Y %H:%M:%S", "%m/%d/%Y %H:%M:%S"),
            ("%-d/%-m/%Y %-I:%M:%S %p", "%-m/%-d/%Y %-I:%M:%S %p"),
            ("%d.%m.%Y %H:%M:%S", "%m.%d.%Y %H:%M:%S"),
            ("%-d.%-m.%Y %-H.%M.%S", "%-m.%-d.%Y %-H.%M.%S"),
            ("%d-%m-%Y %H:%M:%S", "%m-%d-%Y %H:%M:%S"),
            ("%-d/%-m/%Y, %-H:%M:%S.000", "%-m/%-d/%Y, %-H:%M:%S.000"),
            ("%-d/%-m/%Y %-I:%M:%S %p +00:00", "%-m/%-d/%Y %-I:%M:%S %p +00:00"),
            ("%Y/%-m/%-d %H:%M:%S", "%Y/%m/%d %H:%M:%S"),
        ][form];
        for (form, of) in [
            (day_first, (|either| either.day_first) as fn(Either) -> Option<i64>),
            (month_first, |either| either.month_first),
        ] {
            let text = zoned.strftime(form).to_string();
            let read = match read(&text) {
                Ok(Time::At(time)) => Some(time),
                Ok(Time::Either(either)) => of(either),
                Err(NotATime) => None,
            };
            prop_assert_eq!(read, Some(time.as_microsecond()), "{}", text);
        }
    }

    #[test]
    fn any_text_is_survived(text in "[0-9:/\\-TZ .,+AMP()Date]{0,40}") {
        let _ = read(&text);
    }
}
