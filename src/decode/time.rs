//! Points in time: every way in which Microsoft's tools write them, to microseconds UTC.

use std::str::FromStr;

/// Text that is no point in time: another form, or a date that does not exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NotATime;

/// What a text says, in microseconds since 1970 UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Time {
    /// This point in time.
    At(i64),
    /// One or another, and the text alone does not say which.
    Either(Either),
}

/// The two readings of a date such as `3/4/2026`. One of them may be no date that exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Either {
    pub(crate) day_first: Option<i64>,
    pub(crate) month_first: Option<i64>,
    pub(crate) form: Form,
}

/// How a date in numbers is written, which says what is usual.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// `3/4/2026 9:10:02 PM`: with AM or PM, as Microsoft writes it in English.
    HalfDay,
    /// `3.4.2026 21:10:02`: no language puts the month first here.
    Dotted,
    /// `3/4/2026 21:10:02` or `3-4-2026 21:10:02`: half of the world writes this, half the other.
    Plain,
}

const MICROS_PER_SECOND: i64 = 1_000_000;
const MICROS_PER_DAY: i64 = 86_400 * MICROS_PER_SECOND;

/// Known forms, all cut (not rounded) to microseconds:
///
/// - `2026-03-02T08:15:30.1234567Z`: any number of fraction digits or none, blank or `T`, `Z`,
///   `+00:00`, `-0500` or
///   no zone at all, which means UTC
/// - `11/14/2025 1:48:53 AM`, `4/28/2021, 2:08:45.221 PM`, `14/11/2025 13:48`, `14.11.2025 13.48.53`,
///   `14-11-2025 13:48:53 +01:00`: day and month in any order; without a zone UTC
/// - `2025/11/14 13:48:53`: the year first, so then the month
/// - `/Date(1598901896013)/` and `/Date(1598901896013+0200)/`: milliseconds UTC, whatever the zone
///   says
/// - `1598901896`, `1598901896013` and `1598901896013000`: since 1970
pub(crate) fn read(text: &str) -> Result<Time, NotATime> {
    let text = text.trim();
    let mut rest = Rest(text.as_bytes());
    // Nearly all are of this form.
    if let [b'0'..=b'9', b'0'..=b'9', b'0'..=b'9', b'0'..=b'9', b'-', ..] = rest.0 {
        return rest.iso().map(Time::At);
    }
    if let Some(inside) = text.strip_prefix("/Date(") {
        return date_of_net(inside).map(Time::At);
    }
    if text.len() >= 10 && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return since_1970(text).map(Time::At);
    }
    // Four digits before the first separator are a year.
    let year_first = text.bytes().take(4).all(|byte| byte.is_ascii_digit());
    match rest.0.get(4) {
        Some(b'/') if year_first => rest.year_first().map(Time::At),
        _ => rest.numbers(),
    }
}

/// A count since 1970: of seconds, milliseconds or microseconds, whichever gives a date of our time.
fn since_1970(text: &str) -> Result<i64, NotATime> {
    let number = i64::from_str(text).map_err(|_| NotATime)?;
    match text.len() {
        10 => Ok(number * MICROS_PER_SECOND),
        13 => Ok(number * 1000),
        16 => Ok(number),
        _ => Err(NotATime),
    }
}

fn date_of_net(inside: &str) -> Result<i64, NotATime> {
    let inside = inside.strip_suffix(")/").ok_or(NotATime)?;
    // The sign of the number itself may be a minus; a later sign begins the zone.
    let end = inside
        .get(1..)
        .and_then(|rest| rest.find(['+', '-']))
        .map_or(inside.len(), |at| at + 1);
    let (millis, zone) = inside.split_at_checked(end).ok_or(NotATime)?;
    let zone_is_known =
        zone.is_empty() || zone.len() == 5 && zone.bytes().skip(1).all(|b| b.is_ascii_digit());
    let millis = i64::from_str(millis).map_err(|_| NotATime)?;
    let micros = millis.checked_mul(1000).ok_or(NotATime)?;
    // The same years as in the other forms: 1 to 9999.
    let possible = -62_135_596_800 * MICROS_PER_SECOND..253_402_300_800 * MICROS_PER_SECOND;
    if zone_is_known && possible.contains(&micros) {
        Ok(micros)
    } else {
        Err(NotATime)
    }
}

/// What has not been read yet.
struct Rest<'a>(&'a [u8]);

impl Rest<'_> {
    fn iso(&mut self) -> Result<i64, NotATime> {
        let year = self.two_digits()? * 100 + self.two_digits()?;
        self.expect(b'-')?;
        let month = self.two_digits()?;
        self.expect(b'-')?;
        let day = self.two_digits()?;
        let days = days(year, month, day)?;
        if self.0.is_empty() {
            return Err(NotATime);
        }
        if !self.take(b'T') && !self.take(b't') {
            self.expect(b' ')?;
        }
        let hour = self.two_digits()?;
        self.expect(b':')?;
        let minute = self.two_digits()?;
        let second = if self.take(b':') {
            self.two_digits()?
        } else {
            0
        };
        let micros = self.fraction(b".");
        let offset = self.zone()?;
        if !self.0.is_empty() {
            return Err(NotATime);
        }
        let seconds = days * 86_400 + clock(hour, minute, second)? - offset;
        Ok(seconds * MICROS_PER_SECOND + micros)
    }

    /// `2026/3/14 21:10:02`.
    fn year_first(&mut self) -> Result<i64, NotATime> {
        let year = self.digits(4, 4)?;
        self.expect(b'/')?;
        let month = self.digits(1, 2)?;
        self.expect(b'/')?;
        let day = self.digits(1, 2)?;
        let days = days(year, month, day)?;
        let (_, micros) = self.time_of_day()?;
        Ok(days * MICROS_PER_DAY + micros)
    }

    /// A date whose year stands last: which of the first two numbers is the day is open, unless
    /// they are the same.
    fn numbers(&mut self) -> Result<Time, NotATime> {
        let first = self.digits(1, 2)?;
        let separator = match self.0 {
            [separator @ (b'/' | b'.' | b'-'), ..] => *separator,
            _ => return Err(NotATime),
        };
        self.expect(separator)?;
        let second = self.digits(1, 2)?;
        self.expect(separator)?;
        let year = self.digits(4, 4)?;
        let (half_day, micros) = self.time_of_day()?;
        let at = |month, day| {
            let days = days(year, month, day).ok()?;
            Some(days * MICROS_PER_DAY + micros)
        };
        let form = match separator {
            _ if half_day => Form::HalfDay,
            b'.' => Form::Dotted,
            _ => Form::Plain,
        };
        match (at(second, first), at(first, second)) {
            (None, None) => Err(NotATime),
            (Some(time), Some(same)) if time == same => Ok(Time::At(time)),
            (day_first, month_first) => Ok(Time::Either(Either {
                day_first,
                month_first,
                form,
            })),
        }
    }

    /// What follows a date in numbers, up to the end: whether with AM or PM, and microseconds since
    /// midnight UTC.
    fn time_of_day(&mut self) -> Result<(bool, i64), NotATime> {
        self.take(b',');
        self.expect(b' ')?;
        let hour = self.digits(1, 2)?;
        // Finland and Denmark write 21.10.02.
        let separator = match self.0 {
            [b'.', ..] => b'.',
            _ => b':',
        };
        self.expect(separator)?;
        let minute = self.digits(2, 2)?;
        let (second, micros) = if self.take(separator) {
            (self.digits(2, 2)?, self.fraction(b".,"))
        } else {
            (0, 0)
        };
        let half = self.half_of_day();
        let hour = match half {
            Some(_) if !(1..=12).contains(&hour) => return Err(NotATime),
            Some(half) => hour % 12 + half,
            None => hour,
        };
        self.take(b' ');
        let offset = self.zone()?;
        if !self.0.is_empty() {
            return Err(NotATime);
        }
        let seconds = clock(hour, minute, second)? - offset;
        Ok((half.is_some(), seconds * MICROS_PER_SECOND + micros))
    }

    /// AM or PM, if it follows, as the hour at which its half of the day begins.
    fn half_of_day(&mut self) -> Option<i64> {
        // Newer libraries put a narrow no-break space before it.
        let narrow = self.0.strip_prefix("\u{202f}".as_bytes());
        let rest = narrow.or_else(|| self.0.strip_prefix(b" "))?;
        for (name, half) in [("am", 0), ("pm", 12), ("a.m.", 0), ("p.m.", 12)] {
            if let Some((word, after)) = rest.split_at_checked(name.len())
                && word.eq_ignore_ascii_case(name.as_bytes())
            {
                self.0 = after;
                return Some(half);
            }
        }
        None
    }

    /// A number of just two digits.
    #[inline(always)]
    fn two_digits(&mut self) -> Result<i64, NotATime> {
        match self.0 {
            [tens @ b'0'..=b'9', ones @ b'0'..=b'9', rest @ ..] => {
                self.0 = rest;
                Ok(i64::from(tens - b'0') * 10 + i64::from(ones - b'0'))
            }
            _ => Err(NotATime),
        }
    }

    /// A number of at least `least` and at most `most` digits.
    fn digits(&mut self, least: usize, most: usize) -> Result<i64, NotATime> {
        let mut value = 0;
        let mut count = 0;
        while let [digit @ b'0'..=b'9', rest @ ..] = self.0
            && count < most
        {
            value = value * 10 + i64::from(digit - b'0');
            count += 1;
            self.0 = rest;
        }
        if count < least {
            Err(NotATime)
        } else {
            Ok(value)
        }
    }

    /// A fraction of a second, if one follows, in microseconds. Further digits are cut off.
    fn fraction(&mut self, points: &[u8]) -> i64 {
        match self.0 {
            [point, rest @ ..] if points.contains(point) && starts_with_digit(rest) => {
                self.0 = rest;
            }
            _ => return 0,
        }
        let mut micros = 0;
        let mut unit = MICROS_PER_SECOND / 10;
        while let [digit @ b'0'..=b'9', rest @ ..] = self.0 {
            micros += i64::from(digit - b'0') * unit;
            unit /= 10;
            self.0 = rest;
        }
        micros
    }

    /// The offset of a zone from UTC in seconds.
    fn zone(&mut self) -> Result<i64, NotATime> {
        let sign = match self.0 {
            [] => return Ok(0),
            [b'Z' | b'z', rest @ ..] => {
                self.0 = rest;
                return Ok(0);
            }
            [b'+', ..] => 1,
            [b'-', ..] => -1,
            _ => return Err(NotATime),
        };
        self.0 = self.0.get(1..).unwrap_or_default();
        let hours = self.digits(2, 2)?;
        self.take(b':');
        let minutes = if self.0.is_empty() {
            0
        } else {
            self.digits(2, 2)?
        };
        // No zone has ever been further from UTC than this.
        if hours > 15 || minutes > 59 {
            Err(NotATime)
        } else {
            Ok(sign * (hours * 60 + minutes) * 60)
        }
    }

    fn take(&mut self, byte: u8) -> bool {
        match self.0 {
            [first, rest @ ..] if *first == byte => {
                self.0 = rest;
                true
            }
            _ => false,
        }
    }

    fn expect(&mut self, byte: u8) -> Result<(), NotATime> {
        if self.take(byte) {
            Ok(())
        } else {
            Err(NotATime)
        }
    }
}

fn starts_with_digit(text: &[u8]) -> bool {
    text.first().is_some_and(u8::is_ascii_digit)
}

/// Days since 1970 of a date that exists.
fn days(year: i64, month: i64, day: i64) -> Result<i64, NotATime> {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let length = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        _ => return Err(NotATime),
    };
    if year < 1 || !(1..=length).contains(&day) {
        return Err(NotATime);
    }
    // Years that begin in March have their leap day at the end, so the months before it never
    // shift.
    let shifted = if month <= 2 { year - 1 } else { year };
    let month_of_year = (month + 9) % 12;
    let day_of_year = (153 * month_of_year + 2) / 5 + day - 1;
    let leap_days = shifted / 4 - shifted / 100 + shifted / 400;
    // 719,468 days lie between 1 March of year 0 and 1970.
    Ok(shifted * 365 + leap_days + day_of_year - 719_468)
}

/// Seconds since midnight. A leap second counts as the second before it.
fn clock(hour: i64, minute: i64, second: i64) -> Result<i64, NotATime> {
    if hour > 23 || minute > 59 || second > 60 {
        return Err(NotATime);
    }
    Ok(hour * 3600 + minute * 60 + second.min(59))
}

#[cfg(test)]
mod tests;
