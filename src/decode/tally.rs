//! What became of every record that was met: nothing is lost without being counted here.

use std::collections::BTreeMap;
use std::ops::AddAssign;

use super::DateForms;

/// How many rejected records are kept as evidence. The count itself has no limit.
const SAMPLES: usize = 5;

/// What became of the records of one stretch of input. Tallies of several stretches add up, in any
/// order, to the same.
///
/// `sign_ins + outside + rejected.count + others + steps + passed` is always `records`.
#[derive(Default, Clone, Debug, PartialEq)]
pub struct Tally {
    /// Every record met.
    pub records: u64,
    /// Sign-ins that became rows.
    pub sign_ins: u64,
    /// Sign-ins that [`Keep`](super::Keep) refused.
    pub outside: u64,
    /// Records that could not be read.
    pub rejected: Rejected,
    /// Records that are something else, by what they are: the name of a known log category, or
    /// `other`.
    pub others: BTreeMap<String, u64>,
    /// Steps of sign-ins that are told elsewhere (the AuthDetails file of a portal download).
    pub steps: u64,
    /// Records that were not read, since they cannot have the code that is asked for.
    pub passed: u64,
    /// Rows without a sign-in id: they cannot be told from their own duplicates.
    pub without_id: u64,
    /// Rows without an event time.
    pub without_time: u64,
    /// The earliest event time of a row, microseconds UTC.
    pub first_time: Option<i64>,
    /// The latest event time of a row, microseconds UTC.
    pub last_time: Option<i64>,
    /// Rows by the dialect of their record.
    pub dialects: BTreeMap<&'static str, u64>,
    /// What dates such as `3/4/2026` show of their order.
    pub dates: DateForms,
}

/// Records that could not be read: counted always, the first few kept as evidence.
#[derive(Default, Clone, Debug, PartialEq, Eq)]
pub struct Rejected {
    /// How many there were.
    pub count: u64,
    /// The first of them by offset.
    pub samples: Vec<Rejection>,
}

/// Why one record was rejected.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rejection {
    /// Where the record begins, in bytes of the decompressed input.
    pub offset: u64,
    /// What is wrong with it, in our own words. It holds no bytes of the log, so it can be shown
    /// anywhere.
    pub reason: String,
}

impl Rejected {
    /// Counts one more. The reason is only put into words if it will be kept.
    pub(crate) fn add(&mut self, offset: u64, reason: impl FnOnce() -> String) {
        self.count += 1;
        let full = self.samples.len() >= SAMPLES;
        if !full
            || self
                .samples
                .last()
                .is_some_and(|last| offset <= last.offset)
        {
            let sample = Rejection {
                offset,
                reason: reason(),
            };
            // Two rejections may share an offset: ordered whole, they fall as they do in a merge.
            let at = self.samples.partition_point(|earlier| *earlier <= sample);
            self.samples.insert(at, sample);
            self.samples.truncate(SAMPLES);
        }
    }
}

impl Rejected {
    /// The same rejections, all at `offset`: they were found inside a record that begins there.
    pub(crate) fn move_to(&mut self, offset: u64) {
        for sample in &mut self.samples {
            sample.offset = offset;
        }
        self.samples.sort();
    }
}

impl AddAssign for Rejected {
    fn add_assign(&mut self, other: Rejected) {
        self.count += other.count;
        self.samples.extend(other.samples);
        self.samples.sort();
        self.samples.truncate(SAMPLES);
    }
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Tally) {
        self.records += other.records;
        self.sign_ins += other.sign_ins;
        self.outside += other.outside;
        self.rejected += other.rejected;
        for (what, count) in other.others {
            *self.others.entry(what).or_default() += count;
        }
        self.steps += other.steps;
        self.passed += other.passed;
        self.without_id += other.without_id;
        self.without_time += other.without_time;
        // `None` is less than any time, so it must not take part in the search for the least.
        self.first_time = [self.first_time, other.first_time]
            .into_iter()
            .flatten()
            .min();
        self.last_time = self.last_time.max(other.last_time);
        for (dialect, count) in other.dialects {
            *self.dialects.entry(dialect).or_default() += count;
        }
        self.dates += other.dates;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rejected(offsets: &[u64]) -> Rejected {
        let mut all = Rejected::default();
        for &offset in offsets {
            all.add(offset, || offset.to_string());
        }
        all
    }

    #[test]
    fn the_first_five_by_offset_are_kept_in_whatever_order_they_come() {
        let offsets = |rejected: &Rejected| -> Vec<u64> {
            rejected
                .samples
                .iter()
                .map(|sample| sample.offset)
                .collect()
        };
        let at_once = rejected(&[70, 10, 60, 20, 50, 30, 40]);
        assert_eq!(
            (at_once.count, offsets(&at_once)),
            (7, vec![10, 20, 30, 40, 50])
        );
        let mut merged = rejected(&[70, 50, 30]);
        merged += rejected(&[10, 60, 20, 40]);
        assert_eq!(merged, at_once);
    }

    #[test]
    fn rejections_at_one_place_are_kept_alike_by_adding_and_by_merging() {
        let mut added = rejected(&[1, 2, 3, 4]);
        let mut merged = added.clone();
        for reason in ["b", "a"] {
            added.add(9, || reason.to_owned());
            let mut one = Rejected::default();
            one.add(9, || reason.to_owned());
            merged += one;
        }
        assert_eq!(added, merged);
        assert_eq!(added.samples[4].reason, "a");
    }

    #[test]
    fn times_span_both_tallies() {
        let mut one = Tally::default();
        one += Tally {
            first_time: Some(5),
            last_time: Some(9),
            ..Tally::default()
        };
        one += Tally::default();
        one += Tally {
            first_time: Some(2),
            last_time: Some(4),
            ..Tally::default()
        };
        assert_eq!((one.first_time, one.last_time), (Some(2), Some(9)));
    }
}
