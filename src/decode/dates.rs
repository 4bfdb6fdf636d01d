//! Which of day and month stands first: `3/4/2026` does not say, so the whole input does.
//!
//! One date that can be read in one order only, such as `14/3/2026`, decides for its input; of two
//! that contradict each other the first counts, and the records of the other kind are rejected.
//! Where none decides, the usual order of the form is taken, and it is said if that is a guess.

use std::ops::AddAssign;

use super::time::{self, Either, Form, NotATime, Time};

/// Which number stands first in dates such as `3/4/2026`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DateOrder {
    /// As in most of the world.
    DayFirst,
    /// As in the United States.
    MonthFirst,
}

/// What the dates of a stretch of input show of their order. Those of several stretches add up, in
/// any order, to the same.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DateForms {
    /// The first date that has one reading only: where its record begins, and which reading.
    decided: Option<(u64, DateOrder)>,
    /// Whether the order must be known to read the records.
    needed: bool,
    /// Whether dates with two readings were met that look like this.
    plain: bool,
    dotted: bool,
    /// Whether any date was met whose reading depends on the order.
    met: bool,
    /// Which orders were taken for dates that need it.
    day_first: bool,
    month_first: bool,
}

impl DateForms {
    /// Whether the records have dates that say nothing without the order.
    pub fn need_order(&self) -> bool {
        self.needed
    }

    /// Whether any date may be read in another way once others have been seen, though it need not wait for them.
    pub fn depend_on_others(&self) -> bool {
        self.met
    }

    /// Whether a date that needs the order was read in another than that which holds if nothing more will come.
    pub fn are_misread(&self) -> bool {
        match self.order() {
            DateOrder::DayFirst => self.month_first,
            DateOrder::MonthFirst => self.day_first,
        }
    }

    /// The order that a date shows, if one does.
    pub fn shown(&self) -> Option<DateOrder> {
        self.decided.map(|(_, order)| order)
    }

    /// The order that holds if nothing more will come.
    pub fn order(&self) -> DateOrder {
        match self.shown() {
            Some(order) => order,
            None if self.dotted && !self.plain => DateOrder::DayFirst,
            None => DateOrder::MonthFirst,
        }
    }

    /// Whether that order is a guess: no date shows it, and its form is written in both orders.
    pub fn is_guess(&self) -> bool {
        self.decided.is_none() && self.plain
    }
}

impl DateForms {
    /// Notes which order was taken.
    fn take(&mut self, order: DateOrder) {
        match order {
            DateOrder::DayFirst => self.day_first = true,
            DateOrder::MonthFirst => self.month_first = true,
        }
    }
}

impl AddAssign for DateForms {
    fn add_assign(&mut self, other: DateForms) {
        let decided = [self.decided, other.decided];
        self.decided = decided.into_iter().flatten().min_by_key(|(at, _)| *at);
        self.needed |= other.needed;
        self.plain |= other.plain;
        self.dotted |= other.dotted;
        self.met |= other.met;
        self.day_first |= other.day_first;
        self.month_first |= other.month_first;
    }
}

/// Reads the dates of records, and notes what they show.
#[derive(Debug, Default)]
pub(crate) struct Dates {
    /// The order of the input, once it is known.
    pub(crate) order: Option<DateOrder>,
    /// Where the record begins that is being read.
    pub(crate) place: u64,
    /// What the dates since it was last taken have shown.
    pub(crate) forms: DateForms,
}

/// Why a date of an event is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unbelieved {
    /// No date that exists.
    NotATime,
    /// It exists only if day and month are the other way round than in the rest of the input.
    Contradicts,
}

impl Dates {
    /// The time of an event. Without a known order, a date with two readings is read as usual, and
    /// whoever can wait for the order should read it again.
    pub(crate) fn event(&mut self, text: &str) -> Result<i64, Unbelieved> {
        match time::read(text) {
            Ok(Time::At(time)) => Ok(time),
            Ok(Time::Either(either)) => {
                self.note(either);
                self.forms.needed = true;
                let order = self.order.or(self.forms.shown());
                let order = order.unwrap_or(usual(either.form));
                self.forms.take(order);
                chosen(either, order).ok_or(Unbelieved::Contradicts)
            }
            Err(NotATime) => Err(Unbelieved::NotATime),
        }
    }

    /// The time of ingestion, which decides nothing: a strange one costs only itself. Storage blobs
    /// have it in American English beside events in ISO, and nothing waits for those.
    pub(crate) fn ingestion(&mut self, text: &str) -> Option<i64> {
        match time::read(text).ok()? {
            Time::At(time) => Some(time),
            Time::Either(either) => {
                self.note(either);
                let american = either.form == Form::HalfDay && either.month_first.is_some();
                let order = self.order.unwrap_or(usual(either.form));
                if !american {
                    self.forms.needed = true;
                    self.forms.take(order);
                }
                chosen(either, order)
            }
        }
    }

    fn note(&mut self, either: Either) {
        self.forms.met = true;
        let shown = match (either.day_first, either.month_first) {
            (Some(_), Some(_)) => {
                self.forms.plain |= either.form == Form::Plain;
                self.forms.dotted |= either.form == Form::Dotted;
                return;
            }
            (Some(_), None) => DateOrder::DayFirst,
            (None, _) => DateOrder::MonthFirst,
        };
        self.forms.decided.get_or_insert((self.place, shown));
    }
}

fn chosen(either: Either, order: DateOrder) -> Option<i64> {
    match order {
        DateOrder::DayFirst => either.day_first,
        DateOrder::MonthFirst => either.month_first,
    }
}

/// The order in which a form is mostly written.
fn usual(form: Form) -> DateOrder {
    match form {
        Form::Dotted => DateOrder::DayFirst,
        Form::HalfDay | Form::Plain => DateOrder::MonthFirst,
    }
}
