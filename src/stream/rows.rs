//! The sign-ins of the history, column by column.

use super::copies::Copy;
use super::group::GROUPS;
use super::history::NEVER;

/// The sign-ins, column by column.
#[derive(Default)]
pub(super) struct Rows {
    pub(super) time: Vec<i64>,
    /// What a row ages by: its time, or when it came in the time of events.
    pub(super) age: Vec<i64>,
    pub(super) ingested: Vec<i64>,
    pub(super) richness: Vec<u16>,
    pub(super) id: Vec<u128>,
    pub(super) refused: Vec<bool>,
    pub(super) groups: [Vec<u32>; GROUPS],
}

impl Rows {
    pub(super) fn push(&mut self, copy: &Copy, id: u128, refused: bool, now: i64) {
        self.time.push(copy.time);
        self.age
            .push(if copy.time == NEVER { now } else { copy.time });
        self.ingested.push(copy.ingested);
        self.richness.push(copy.richness);
        self.id.push(id);
        self.refused.push(refused);
        for (numbers, number) in self.groups.iter_mut().zip(copy.groups) {
            numbers.push(number);
        }
    }

    pub(super) fn replace(&mut self, at: usize, copy: &Copy, refused: bool) {
        self.time[at] = copy.time;
        if copy.time != NEVER {
            self.age[at] = copy.time;
        }
        self.refused[at] = refused;
        for (numbers, number) in self.groups.iter_mut().zip(copy.groups) {
            numbers[at] = number;
        }
    }

    /// Whether a copy says the same.
    pub(super) fn same(&self, at: usize, copy: &Copy) -> bool {
        copy.richness > 0
            && self.time[at] == copy.time
            && self
                .groups
                .iter()
                .zip(copy.groups)
                .all(|(numbers, number)| numbers[at] == number)
    }

    /// Keeps the better rank of two copies that say the same.
    pub(super) fn better(&mut self, at: usize, copy: &Copy) {
        let first = self.copy(at);
        if copy.rank() < first.rank() {
            self.richness[at] = copy.richness;
            self.ingested[at] = copy.ingested;
        }
    }

    pub(super) fn copy(&self, at: usize) -> Copy {
        Copy {
            time: self.time[at],
            ingested: self.ingested[at],
            richness: self.richness[at],
            groups: std::array::from_fn(|group| self.groups[group][at]),
        }
    }

    pub(super) fn retain(&mut self, keep: &[bool]) {
        fn only<T>(of: &mut Vec<T>, keep: &[bool]) {
            let mut keep = keep.iter();
            of.retain(|_| keep.next().is_some_and(|keep| *keep));
            of.shrink_to_fit();
        }
        only(&mut self.time, keep);
        only(&mut self.age, keep);
        only(&mut self.ingested, keep);
        only(&mut self.richness, keep);
        only(&mut self.id, keep);
        only(&mut self.refused, keep);
        self.groups
            .iter_mut()
            .for_each(|numbers| only(numbers, keep));
    }
}
