//! The order of day and month: decided by the whole input, wherever in it the date stands that
//! decides.

use super::*;
use std::collections::BTreeMap;

use arrow::array::AsArray;
use arrow::datatypes::TimestampMicrosecondType;

/// A CSV of Graph sign-ins with these dates, padded so that a few thousand rows are several MiB.
fn table(dates: &[String]) -> String {
    let padding = "x".repeat(1000);
    let mut text = "Id,CreatedDateTime,UserId,ClientAppUsed,UserAgent\r\n".to_owned();
    for (number, date) in dates.iter().enumerate() {
        text += &format!("id{number},\"{date}\",u,Browser,{padding}\r\n");
    }
    text
}

/// What a form makes of day, month and the number of a row.
type Write = fn(u32, u32, usize) -> String;

const ISO: Write =
    |day, month, n| format!("2026-{month:02}-{day:02}T{:02}:00:{:02}Z", n % 24, n % 60);
const DAY_FIRST: Write =
    |day, month, n| format!("{day:02}/{month:02}/2026 {:02}:00:{:02}", n % 24, n % 60);
const MONTH_FIRST: Write =
    |day, month, n| format!("{month}/{day}/2026 {}:00:{:02}", n % 24, n % 60);
const DOTTED: Write = |day, month, n| format!("{day}.{month}.2026 {}:00:{:02}", n % 24, n % 60);
const HALF_DAYS: Write = |day, month, n| {
    let half = if n % 24 < 12 { "AM" } else { "PM" };
    let hour = (n + 11) % 12 + 1;
    format!("{month}/{day}/2026, {hour}:00:{:02} {half}", n % 60)
};

/// `rows` dates, none of which shows its order, and one at `decides` that does.
fn dates(write: Write, rows: usize, decides: Option<usize>) -> Vec<String> {
    let date = |n: usize| match decides {
        Some(at) if at == n => write(14, 3, n),
        _ => write(n as u32 % 12 + 1, (n / 12) as u32 % 12 + 1, n),
    };
    (0..rows).map(date).collect()
}

/// Everything that was read of `text`: the time of each sign-in by id, and the line of coverage.
fn times(text: &str, piped: bool) -> (BTreeMap<String, i64>, Input) {
    let mut case = Case::new(&[("in.csv", text.as_bytes())]);
    case.options.columns = Store::columns_for(Columns::of(["sign_in_id", "time"]));
    let sink = Times::default();
    let (mut sources, _) = source::find(&[case.path("in.csv").display().to_string()]).unwrap();
    if piped {
        // Like a pipe: it can be read once, and nobody knows how long it is.
        let pipe = case.path("pipe");
        let made = std::process::Command::new("mkfifo").arg(&pipe).status();
        assert!(made.unwrap().success());
        sources[0].path = Some(pipe.clone());
        sources[0].bytes = None;
        let text = text.to_owned();
        std::thread::spawn(move || fs::write(pipe, text).unwrap());
    }
    let progress = Progress::default();
    let mut inputs = read(&sources, &[], &case.options, &sink, &progress).unwrap();
    let input = inputs.remove(0);
    assert_eq!(progress.records.load(Ordering::Relaxed), input.records);
    (sink.0.into_inner().unwrap(), input)
}

#[derive(Default)]
struct Times(Mutex<BTreeMap<String, i64>>);

impl Sink for Times {
    fn take(&self, batch: &RecordBatch, _input: u32, _places: Places<'_>) -> Result<()> {
        let ids = batch
            .column_by_name("sign_in_id")
            .unwrap()
            .as_string::<i32>();
        let times = batch.column_by_name("time").unwrap();
        let times = times.as_primitive::<TimestampMicrosecondType>();
        for (id, time) in ids.iter().zip(times) {
            let twice = self
                .0
                .lock()
                .unwrap()
                .insert(id.unwrap().to_owned(), time.unwrap());
            assert_eq!(twice, None, "{id:?} is there twice");
        }
        Ok(())
    }

    fn forget(&self, _input: u32) {
        self.0.lock().unwrap().clear();
    }
}

const LONG: usize = 6000;

/// `write` says the same as ISO, from a file and from a pipe, and coverage says `order`.
#[track_caller]
fn same_as_iso(write: Write, decides: Option<usize>, order: Option<&str>) {
    let (expected, iso) = times(&table(&dates(ISO, LONG, decides)), false);
    assert_eq!((expected.len(), iso.date_order), (LONG, None));
    let text = table(&dates(write, LONG, decides));
    assert!(text.len() > 5 << 20, "beyond the first blocks");
    for piped in [false, true] {
        let (times, input) = times(&text, piped);
        assert!(times == expected, "piped {piped}");
        assert_eq!(input.date_order, order);
        assert_eq!((input.records, input.rejected.count), (LONG as u64, 0));
        assert_eq!(input.first_time, iso.first_time);
        assert_eq!(input.last_time, iso.last_time);
    }
}

#[test]
fn the_last_date_of_all_decides() {
    same_as_iso(DAY_FIRST, Some(LONG - 1), Some("day_first"));
    same_as_iso(MONTH_FIRST, Some(LONG - 1), Some("month_first"));
}

#[test]
fn the_first_date_of_all_decides() {
    same_as_iso(DAY_FIRST, Some(0), Some("day_first"));
}

#[test]
fn a_date_in_the_middle_decides_for_those_before_it() {
    same_as_iso(DAY_FIRST, Some(LONG / 2), Some("day_first"));
}

#[test]
fn without_a_date_that_decides_the_form_does() {
    same_as_iso(HALF_DAYS, None, Some("month_first"));
    same_as_iso(DOTTED, None, Some("day_first"));
}

#[test]
fn without_anything_that_decides_the_guess_is_said() {
    same_as_iso(MONTH_FIRST, None, Some("month_first_assumed"));
    let (_, input) = times(&table(&dates(MONTH_FIRST, 5, None)), false);
    let coverage = crate::coverage::Coverage::of("analyze", vec![input]);
    assert_eq!(coverage.not_judged.len(), 1);
    assert!(coverage.not_judged[0].what.contains("in.csv"));
}

#[test]
fn the_first_of_two_that_contradict_counts_and_the_other_is_rejected() {
    let mut dates = dates(DAY_FIRST, LONG, Some(LONG / 2));
    dates[LONG - 1] = "3/15/2026 10:00:00".to_owned();
    let text = table(&dates);
    let (expected, _) = times(&table(&self::dates(ISO, LONG - 1, Some(LONG / 2))), false);
    for piped in [false, true] {
        let (times, input) = times(&text, piped);
        assert!(times == expected);
        assert_eq!(input.date_order, Some("day_first"));
        assert_eq!((input.records, input.rejected.count), (LONG as u64, 1));
        let rejected = &input.rejected.first[0];
        assert!(
            rejected.reason.contains("the other way round"),
            "{}",
            rejected.reason
        );
        assert_eq!(rejected.offset, text.find("id5999").unwrap() as u64);
    }
}

#[test]
fn slashed_dates_after_many_in_iso_wait_too() {
    let mut expected = dates(ISO, LONG, None);
    let mut mixed = expected.clone();
    for (n, day) in [(LONG - 2, 4), (LONG - 1, 14)] {
        mixed[n] = DAY_FIRST(day, 3, n);
        expected[n] = ISO(day, 3, n);
    }
    let (expected, _) = times(&table(&expected), false);
    let (times, input) = times(&table(&mixed), false);
    assert!(times == expected);
    assert_eq!(input.date_order, Some("day_first"));
}

#[test]
fn time_limits_see_the_right_day() {
    let text = table(&[DAY_FIRST(3, 4, 0), DAY_FIRST(14, 4, 0)]);
    let mut case = Case::new(&[("in.csv", text.as_bytes())]);
    let april: jiff::Timestamp = "2026-04-01T00:00:00Z".parse().unwrap();
    case.options.keep.since = Some(april.as_microsecond());
    let inputs = case.read(&["in.csv"]).unwrap();
    assert_eq!((inputs[0].sign_ins, inputs[0].outside), (2, 0));
}

#[test]
fn the_clock_of_ingestion_makes_nobody_wait() {
    let record = record("a", 0).replace("2026-03-02T08:05:00Z", "3/2/2026 8:05:00 AM");
    let case = Case::new(&[("in.json", record.as_bytes())]);
    let inputs = case.read(&["in.json"]).unwrap();
    assert_eq!((inputs[0].sign_ins, inputs[0].date_order), (1, None));
}
