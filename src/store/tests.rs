//! Rows in, each sign-in once out: by day, in memory or not, whatever the order of arrival.

use std::collections::BTreeMap;
use std::slice::from_ref;

use proptest::prelude::*;

use super::*;
use crate::signin::{Signin, SigninBatch};

const WANTED: [&str; 2] = ["city", "source_file"];
const BIG: usize = 1 << 30;
/// 2026-03-02T00:00:00Z
const MARCH: i64 = 1_772_409_600_000_000;

fn columns() -> Columns {
    Columns::of(WANTED)
}

fn sign_in(id: &str, time: i64) -> Signin<'_> {
    Signin {
        sign_in_id: Some(id.into()),
        time: Some(time),
        ..Signin::default()
    }
}

fn from(city: &str, signin: Signin<'static>) -> Signin<'static> {
    Signin {
        city: Some(city.to_owned().into()),
        ..signin
    }
}

fn batch(rows: &[Signin<'_>]) -> RecordBatch {
    let mut batch = SigninBatch::new(Store::columns_for(columns()));
    rows.iter().for_each(|row| batch.push(row));
    batch.take().unwrap().unwrap()
}

/// What came out of a store.
#[derive(Debug, Default, PartialEq)]
struct Kept {
    /// (time, id, city), in the order in which they came.
    rows: Vec<(Option<i64>, Option<String>, Option<String>)>,
    /// Rows dropped, by input.
    dropped: BTreeMap<u32, u64>,
    /// Pieces in which each day came.
    pieces: Vec<(Day, usize)>,
}

impl Kept {
    fn cities(&self) -> Vec<&str> {
        self.rows
            .iter()
            .filter_map(|(_, _, city)| city.as_deref())
            .collect()
    }

    fn in_order(mut self) -> Kept {
        self.rows.sort();
        self
    }
}

fn kept(store: Store, share: usize, sorted: bool) -> Kept {
    let mut kept = Kept::default();
    for day in store.into_days(share).unwrap() {
        let name = day.day;
        let mut pieces = 0;
        day.distinct(sorted, |distinct| {
            pieces += 1;
            for (input, rows) in distinct.dropped {
                *kept.dropped.entry(input).or_default() += rows;
            }
            for batch in distinct.batches {
                let wanted = Store::columns_for(columns()).schema();
                assert_eq!(
                    batch.num_columns(),
                    wanted.fields().len(),
                    "only what was asked for"
                );
                let times = times(&batch).unwrap();
                let ids = batch
                    .column_by_name("sign_in_id")
                    .unwrap()
                    .as_string::<i32>();
                let cities = packed::plain(batch.column_by_name("city").unwrap()).unwrap();
                let cities = cities.as_string::<i32>();
                for row in 0..batch.num_rows() {
                    let text = |column: &arrow::array::StringArray| {
                        column.is_valid(row).then(|| column.value(row).to_owned())
                    };
                    let time = times.is_valid(row).then(|| times.value(row));
                    kept.rows.push((time, text(ids), text(cities)));
                }
            }
            Ok(())
        })
        .unwrap();
        kept.pieces.push((name, pieces));
    }
    kept
}

fn store(budget: usize, temp: &Path) -> Store {
    Store::new(columns(), budget, temp)
}

/// Pushes (input, rows) in this order, and takes out what stays, which is the same however text is kept.
fn once(pushes: &[(u32, &[Signin<'_>])]) -> Kept {
    let temp = tempfile::tempdir().unwrap();
    let kept_in = |store: Store| {
        let mut place = 0;
        for (input, rows) in pushes {
            store.push(&batch(rows), *input, place).unwrap();
            place += 1000;
        }
        assert!(store.is_resident());
        kept(store, BIG, false)
    };
    let kept = kept_in(store(BIG, temp.path()));
    assert_eq!(kept, kept_in(store(BIG, temp.path()).packed()));
    kept
}

#[test]
fn rows_are_parted_at_midnight_utc_and_rows_without_a_time_are_a_day_of_their_own() {
    let day = DAY_MICROS;
    let kept = once(&[(
        0,
        &[
            sign_in("before 1970", -1),
            sign_in("epoch", 0),
            sign_in("last of the day", day - 1),
            sign_in("first of the next", day),
            Signin {
                time: None,
                ..sign_in("no time", 0)
            },
        ],
    )]);
    let days: Vec<Day> = kept.pieces.iter().map(|(day, _)| *day).collect();
    assert_eq!(days, [None, Some(-1), Some(0), Some(1)]);
    assert_eq!(kept.rows.len(), 5);
    assert!(kept.dropped.is_empty());
}

#[test]
fn the_richer_copy_wins_even_if_what_it_knows_more_of_is_not_asked_for() {
    let poor = Signin {
        ingested_at: Some(1),
        ..from("poor", sign_in("a", MARCH))
    };
    let rich = Signin {
        ingested_at: Some(2),
        user_agent: Some("not a column of this store".into()),
        ..from("rich", sign_in("a", MARCH))
    };
    for pushes in [
        [(0, from_ref(&poor)), (1, from_ref(&rich))],
        [(0, from_ref(&rich)), (1, from_ref(&poor))],
    ] {
        assert_eq!(once(&pushes).cities(), ["rich"]);
    }
    let kept = once(&[(3, &[poor.clone(), rich.clone(), poor.clone()])]);
    assert_eq!(kept.cities(), ["rich"]);
    assert_eq!(kept.dropped, BTreeMap::from([(3, 2)]));
}

#[test]
fn of_equally_rich_copies_the_one_ingested_first_wins_and_one_without_that_time_loses() {
    let early = Signin {
        ingested_at: Some(5),
        ..from("early", sign_in("a", MARCH))
    };
    let late = Signin {
        ingested_at: Some(9),
        ..from("late", sign_in("a", MARCH))
    };
    assert_eq!(
        once(&[(0, from_ref(&late)), (1, from_ref(&early))]).cities(),
        ["early"]
    );
    assert_eq!(once(&[(0, &[early.clone(), late])]).cities(), ["early"]);
    // As many fields, but another one in place of `ingested_at`.
    let never = Signin {
        asn: Some(64496),
        ..from("never", sign_in("a", MARCH))
    };
    assert_eq!(once(&[(0, &[never]), (1, &[early])]).cities(), ["early"]);
}

#[test]
fn of_equal_copies_that_of_the_first_input_wins_then_the_first_within_it() {
    let first = [from("first", sign_in("a", MARCH))];
    let second = [from("second", sign_in("a", MARCH))];
    assert_eq!(once(&[(0, &first), (1, &second)]).cities(), ["first"]);
    let kept = once(&[(1, &second), (0, &first)]);
    assert_eq!(kept.cities(), ["first"], "arrival does not count");
    assert_eq!(kept.dropped, BTreeMap::from([(1, 1)]));

    let temp = tempfile::tempdir().unwrap();
    let store = store(BIG, temp.path());
    // The second block of one input is decoded before its first.
    store.push(&batch(&second), 0, 900).unwrap();
    store.push(&batch(&first), 0, 100).unwrap();
    assert_eq!(kept_of(store).cities(), ["first"]);
}

fn kept_of(store: Store) -> Kept {
    kept(store, BIG, false)
}

#[test]
fn rows_without_an_id_are_all_kept_and_ids_are_compared_exactly() {
    let nameless = Signin {
        sign_in_id: None,
        ..sign_in("", MARCH)
    };
    let kept = once(&[
        (
            0,
            &[
                nameless.clone(),
                nameless.clone(),
                sign_in("a", MARCH),
                sign_in("A", MARCH),
            ],
        ),
        (1, &[nameless]),
    ]);
    assert_eq!(kept.rows.len(), 5);
    assert!(kept.dropped.is_empty());
}

#[test]
fn copies_without_an_event_time_are_removed_too() {
    let timeless = Signin {
        time: None,
        ..sign_in("a", 0)
    };
    let kept = once(&[(0, from_ref(&timeless)), (1, from_ref(&timeless))]);
    assert_eq!(kept.rows, [(None, Some("a".to_owned()), None)]);
    assert_eq!(kept.dropped, BTreeMap::from([(1, 1)]));
}

#[test]
fn the_copy_that_stays_takes_what_only_another_says_whichever_came_first() {
    let rich = Signin {
        state: Some("Skåne".into()),
        country: Some("SE".into()),
        ..sign_in("a", MARCH)
    };
    let poor = from("Lund", sign_in("a", MARCH));
    for pushes in [[(0, &rich), (1, &poor)], [(1, &poor), (0, &rich)]] {
        let kept = once(&pushes.map(|(input, row)| (input, from_ref(row))));
        assert_eq!(kept.cities(), ["Lund"]);
        assert_eq!(kept.dropped, BTreeMap::from([(1, 1)]));
    }
}

#[test]
fn of_times_the_most_exact_one_is_taken() {
    let exact = MARCH + 7_654_321;
    let copies = [
        from("whole", sign_in("a", MARCH + 7_000_000)),
        sign_in("a", exact),
        sign_in("a", MARCH + 7_654_000),
    ];
    let kept = once(&[(0, &copies)]);
    let expected = (Some(exact), Some("a".to_owned()), Some("whole".to_owned()));
    assert_eq!(kept.rows, [expected]);
}

#[test]
fn of_reasons_and_results_the_one_that_says_more_is_taken() {
    let columns = Columns::of([
        "stated_reason",
        "password_result",
        "category",
        "source_file",
    ]);
    let temp = tempfile::tempdir().unwrap();
    let row = |reason: &'static str, password: &'static str, category: &'static str, asn| Signin {
        stated_reason: Some(reason.into()),
        password_result: Some(password.into()),
        category: Some(category.into()),
        source_file: Some(reason.into()),
        asn,
        ..sign_in("a", MARCH)
    };
    let copies = [
        row("absent", "unknown", "unknown", Some(64500)),
        row("generic", "incorrect", "interactive", None),
        row("lockout", "correct", "adfs", None),
    ];
    let store = || Store::new(columns, BIG, temp.path());
    for store in [store(), store().packed()] {
        for (input, copy) in (0..).zip(&copies) {
            let mut batch = SigninBatch::new(Store::columns_for(columns));
            batch.push(copy);
            let batch = batch.take().unwrap().unwrap();
            store.push(&batch, input, 0).unwrap();
        }
        assert_eq!(
            said_by(store),
            ["lockout", "correct", "interactive", "absent"]
        );
    }
}

/// What the rows of a store say of reasons and results, and where they were read.
fn said_by(store: Store) -> Vec<String> {
    let mut said = Vec::new();
    for day in store.into_days(BIG).unwrap() {
        day.distinct(false, |distinct| {
            for batch in distinct.batches {
                // Where a row was read belongs to the copy that stays.
                for name in [
                    "stated_reason",
                    "password_result",
                    "category",
                    "source_file",
                ] {
                    let column = packed::plain(batch.column_by_name(name).unwrap()).unwrap();
                    let column = column.as_string::<i32>().iter();
                    said.extend(column.flatten().map(str::to_owned));
                }
            }
            Ok(())
        })
        .unwrap();
    }
    said
}

#[test]
fn a_row_without_a_time_joins_its_copy_on_whatever_day_even_on_disk() {
    let timeless = |id: &'static str| {
        from(
            "Lund",
            Signin {
                time: None,
                ..sign_in(id, 0)
            },
        )
    };
    for budget in [BIG, 1] {
        let temp = tempfile::tempdir().unwrap();
        let store = store(budget, temp.path());
        let timed = [sign_in("a", MARCH), sign_in("b", MARCH + DAY_MICROS)];
        store
            .push(&batch(&[timeless("b"), timeless("c")]), 0, 0)
            .unwrap();
        store.push(&batch(&timed), 1, 0).unwrap();
        let row = |time, id: &str, city: Option<&str>| {
            (time, Some(id.to_owned()), city.map(str::to_owned))
        };
        let kept = kept(store, 1, true).in_order();
        let expected = [
            row(None, "c", Some("Lund")),
            row(Some(MARCH), "a", None),
            row(Some(MARCH + DAY_MICROS), "b", Some("Lund")),
        ];
        assert_eq!(kept.rows, expected, "budget {budget}");
        assert_eq!(kept.dropped.values().sum::<u64>(), 1);
    }
}

#[test]
fn a_step_adds_to_its_sign_in_and_is_nothing_by_itself() {
    let temp = tempfile::tempdir().unwrap();
    let store = store(BIG, temp.path());
    let mut steps = SigninBatch::new(Store::columns_for(columns()));
    for id in ["a", "b"] {
        let step = Signin {
            time: None,
            ..sign_in(id, 0)
        };
        steps.push_step(&from("Lund", step));
    }
    store.push(&steps.take().unwrap().unwrap(), 0, 0).unwrap();
    store.push(&batch(&[sign_in("a", MARCH)]), 1, 0).unwrap();
    let kept = kept(store, BIG, false);
    let expected = (Some(MARCH), Some("a".to_owned()), Some("Lund".to_owned()));
    assert_eq!(kept.rows, [expected]);
    assert!(kept.dropped.is_empty());
}

#[test]
fn what_was_dropped_is_counted_for_the_input_that_held_it() {
    let all: Vec<String> = (0..10).map(|id| id.to_string()).collect();
    let rows: Vec<_> = all.iter().map(|id| sign_in(id, MARCH)).collect();
    let kept = once(&[(0, &rows[..6]), (1, &rows[3..]), (2, &rows)]);
    assert_eq!(kept.rows.len(), 10);
    assert_eq!(kept.dropped, BTreeMap::from([(1, 3), (2, 10)]));
}

/// Three days of sign-ins, a fifth of them delivered twice, some without an id or a time.
fn archive() -> Vec<(u32, Vec<Signin<'static>>)> {
    let mut pushes = Vec::new();
    for input in 0..4_u32 {
        for part in 0..6_i64 {
            let rows = (0..100_i64)
                .map(|n| {
                    let number = (i64::from(input) * 600 + part * 100 + n) * 4 / 5;
                    let time = MARCH + number * 37 % 72 * 60 * MINUTE_MICROS + number;
                    let signin = Signin {
                        sign_in_id: (number % 97 != 0).then(|| format!("id {number}").into()),
                        time: (number % 89 != 0).then_some(time),
                        ingested_at: Some(time + n),
                        ..Signin::default()
                    };
                    from(&format!("city {}", number % 7), signin)
                })
                .collect();
            pushes.push((input, rows));
        }
    }
    pushes
}

fn stored(pushes: &[(u32, Vec<Signin<'_>>)], budget: usize, temp: &Path) -> Store {
    filled(store(budget, temp), pushes)
}

fn filled(store: Store, pushes: &[(u32, Vec<Signin<'_>>)]) -> Store {
    for (place, (input, rows)) in pushes.iter().enumerate() {
        store
            .push(&batch(rows), *input, place as u64 * 1000)
            .unwrap();
    }
    store
}

#[test]
fn a_tiny_budget_gives_the_same_rows_as_a_big_one_and_leaves_no_file() {
    let temp = tempfile::tempdir().unwrap();
    let pushes = archive();
    let expected = kept(stored(&pushes, BIG, temp.path()), BIG, true);
    assert_eq!(
        expected.pieces.len(),
        4,
        "three days, and rows without a time"
    );
    assert!(expected.dropped.values().sum::<u64>() > 300);

    for budget in [0, 10_000, 60_000] {
        for is_packed in [false, true] {
            let store = store(budget, temp.path());
            let store = match is_packed {
                true => store.packed(),
                false => store,
            };
            let store = filled(store, &pushes);
            assert!(!store.is_resident(), "{budget} {is_packed}");
            let got = kept(store, BIG, true);
            assert_eq!(got.rows, expected.rows, "{budget} {is_packed}");
            assert_eq!(got.dropped, expected.dropped, "{budget} {is_packed}");
        }
    }
    assert_eq!(
        temp.path().read_dir().unwrap().count(),
        0,
        "the temporary file is gone"
    );
}

#[test]
fn sorted_rows_are_in_order_of_time_and_then_id() {
    let temp = tempfile::tempdir().unwrap();
    let got = kept(stored(&archive(), BIG, temp.path()), BIG, true);
    assert!(
        got.rows
            .is_sorted_by_key(|(time, id, _)| (*time, id.clone()))
    );
}

#[test]
fn a_day_bigger_than_its_share_comes_in_ranges_of_whole_minutes() {
    let temp = tempfile::tempdir().unwrap();
    let pushes = archive();
    let expected = kept(stored(&pushes, BIG, temp.path()), BIG, true);
    for (budget, share) in [(BIG, 30_000), (0, 30_000), (0, 1), (60_000, 10_000)] {
        let got = kept(stored(&pushes, budget, temp.path()), share, true);
        assert_eq!(got.rows, expected.rows, "budget {budget}, share {share}");
        assert_eq!(
            got.dropped, expected.dropped,
            "budget {budget}, share {share}"
        );
        let days = got.pieces.iter().filter(|(day, _)| day.is_some());
        assert!(
            days.clone().all(|(_, pieces)| *pieces > 1),
            "{:?}",
            got.pieces
        );
        assert!(
            days.clone().all(|(_, pieces)| *pieces <= 24),
            "{:?}",
            got.pieces
        );
        // Without a time there is nothing to cut by.
        assert_eq!(got.pieces[0], (None, 1));
    }
}

#[test]
fn a_full_minute_is_never_cut() {
    let ids: Vec<String> = (0..3000).map(|id| format!("{id}")).collect();
    let rows: Vec<_> = ids
        .iter()
        .map(|id| sign_in(id, MARCH + 59_999_999))
        .collect();
    let temp = tempfile::tempdir().unwrap();
    let store = store(0, temp.path());
    store.push(&batch(&rows), 0, 0).unwrap();
    store.push(&batch(&rows), 1, 0).unwrap();
    let got = kept(store, 1, true);
    assert_eq!(got.pieces, [(Some(20514), 1)]);
    assert_eq!(got.rows.len(), 3000);
    assert_eq!(got.dropped, BTreeMap::from([(1, 3000)]));
}

#[test]
fn what_was_misread_is_forgotten_and_its_input_stays_the_same() {
    let temp = tempfile::tempdir().unwrap();
    for store in [
        store(BIG, temp.path()),
        store(BIG, temp.path()).packed(),
        store(0, temp.path()),
    ] {
        let other = from("other", sign_in("b", MARCH));
        store.push(&batch(from_ref(&other)), 0, 0).unwrap();
        let wrong = [sign_in("a", MARCH), sign_in("b", MARCH + 9 * DAY_MICROS)];
        store.push(&batch(&wrong), 1, 0).unwrap();
        store.forget_source(1);
        let right = [from("a", sign_in("a", MARCH + 2)), sign_in("b", MARCH)];
        store.push(&batch(&right), 1, 0).unwrap();
        let got = kept(store, BIG, true);
        let of =
            |id: &str, time, city: &str| (Some(time), Some(id.to_owned()), Some(city.to_owned()));
        assert_eq!(got.rows, [of("b", MARCH, "other"), of("a", MARCH + 2, "a")]);
        assert_eq!(got.dropped, BTreeMap::from([(1, 1)]));
        assert_eq!(got.pieces.len(), 1, "no day of what was misread");
    }
}

#[test]
fn an_empty_store_has_no_days() {
    let temp = tempfile::tempdir().unwrap();
    assert_eq!(kept(store(0, temp.path()), 1, true), Kept::default());
}

#[test]
fn a_folder_that_takes_no_file_is_named() {
    let temp = tempfile::tempdir().unwrap();
    let gone = temp.path().join("gone");
    let error = store(0, &gone)
        .push(&batch(&[sign_in("a", 0)]), 0, 0)
        .unwrap_err();
    assert!(error.to_string().contains("gone"), "{error}");
}

/// A few ids, times and fields, so that copies and ties are frequent.
fn any_sign_in() -> impl Strategy<Value = Signin<'static>> {
    let id = proptest::option::weighted(0.9, 0..12_u8);
    (
        id,
        0..3_u8,
        proptest::option::of(0..3_i64),
        any::<bool>(),
        0..4_u8,
    )
        .prop_map(|(id, day, ingested_at, rich, city)| {
            // A repeated id has the same event time: that is what the log promises.
            let day = id.unwrap_or(day) % 3;
            let time = (day > 0).then(|| MARCH + i64::from(day) * DAY_MICROS + i64::from(day));
            Signin {
                sign_in_id: id.map(|id| format!("id {id}").into()),
                time,
                ingested_at,
                country: rich.then(|| "SE".into()),
                city: Some(format!("city {city}").into()),
                ..Signin::default()
            }
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Inputs are decoded block by block on many threads: neither where the blocks end nor which
    /// comes first may change what stays.
    #[test]
    fn the_same_inputs_give_the_same_rows_in_whatever_pieces_they_arrive(
        inputs in proptest::collection::vec(proptest::collection::vec(any_sign_in(), 1..20), 1..4),
        cut in 1..9_usize,
        seed in any::<u64>(),
        spilled in any::<bool>(),
    ) {
        let temp = tempfile::tempdir().unwrap();
        let whole = store(BIG, temp.path()).packed();
        let mut pieces = Vec::new();
        for (input, rows) in inputs.iter().enumerate() {
            whole.push(&batch(rows), input as u32, 0).unwrap();
            for (at, piece) in rows.chunks(cut).enumerate() {
                pieces.push((input as u32, (at * cut) as u64, piece));
            }
        }
        // Any order will do, as long as it is another one.
        pieces.sort_by_key(|(input, place, _)| {
            (u64::from(*input) * 31 + place + 1).wrapping_mul(seed | 1).rotate_left(17)
        });
        let parts = store(if spilled { 0 } else { BIG }, temp.path());
        for (input, place, rows) in pieces {
            parts.push(&batch(rows), input, place).unwrap();
        }
        let expected = kept(whole, BIG, false).in_order();
        let got = kept(parts, if spilled { 1 } else { BIG }, true).in_order();
        prop_assert_eq!(&got.rows, &expected.rows);
        prop_assert_eq!(&got.dropped, &expected.dropped);
        let rows: usize = inputs.iter().map(Vec::len).sum();
        let dropped: u64 = got.dropped.values().sum();
        prop_assert_eq!(got.rows.len() as u64 + dropped, rows as u64);
    }
}
