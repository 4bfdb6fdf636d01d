//! Points in time: every way in which Microsoft's tools write them, to microseconds UTC.

use std::str::FromStr;

/// Text that is no point in time: another form, or a date that does not exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NotATime;

const MICROS_PER_SECOND: i64 = 1_000_000;

/// Microseconds since 1970 UTC. Known forms, all cut (not rounded) to microseconds:
///
/// - `2026-03-02T08:15:30.1234567Z`: any number of fraction digits or none, blank or `T`, `Z`,
///   `+00:00`, `-0500` or
///   no zone at all, which means UTC
/// - `11/14/2025 1:48:53 AM` and `4/28/2021, 2:08:45.221 PM`: month first, UTC
/// - `/Date(1598901896013)/` and `/Date(1598901896013+0200)/`: milliseconds UTC, whatever the zone
///   says
/// - `1598901896`, `1598901896013` and `1598901896013000`: since 1970
pub(crate) fn parse(text: &str) -> Result<i64, NotATime> {
    let text = text.trim();
    let mut rest = Rest(text.as_bytes());
    if let Some(inside) = text.strip_prefix("/Date(") {
        return date_of_net(inside);
    }
    if text.len() >= 10 && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return since_1970(text);
    }
    // ISO text has its dash where American text has a digit or a slash.
    if rest.0.get(4) == Some(&b'-') {
        rest.iso()
    } else {
        rest.american()
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
        let year = self.digits(4, 4)?;
        self.expect(b'-')?;
        let month = self.digits(2, 2)?;
        self.expect(b'-')?;
        let day = self.digits(2, 2)?;
        let days = days(year, month, day)?;
        if self.0.is_empty() {
            return Err(NotATime);
        }
        if !self.take(b'T') && !self.take(b't') {
            self.expect(b' ')?;
        }
        let hour = self.digits(2, 2)?;
        self.expect(b':')?;
        let minute = self.digits(2, 2)?;
        let second = if self.take(b':') {
            self.digits(2, 2)?
        } else {
            0
        };
        let micros = self.fraction();
        let offset = self.zone()?;
        if !self.0.is_empty() {
            return Err(NotATime);
        }
        let seconds = days * 86_400 + clock(hour, minute, second)? - offset;
        Ok(seconds * MICROS_PER_SECOND + micros)
    }

    fn american(&mut self) -> Result<i64, NotATime> {
        let month = self.digits(1, 2)?;
        self.expect(b'/')?;
        let day = self.digits(1, 2)?;
        self.expect(b'/')?;
        let year = self.digits(4, 4)?;
        let days = days(year, month, day)?;
        self.take(b',');
        self.expect(b' ')?;
        let hour = self.digits(1, 2)?;
        self.expect(b':')?;
        let minute = self.digits(2, 2)?;
        self.expect(b':')?;
        let second = self.digits(2, 2)?;
        let micros = self.fraction();
        // Newer libraries put a narrow no-break space before AM and PM.
        if !self.take(b' ') {
            self.0 = self.0.strip_prefix("\u{202f}".as_bytes()).ok_or(NotATime)?;
        }
        let half = match self.0 {
            b"AM" | b"am" => 0,
            b"PM" | b"pm" => 12,
            // Without it nobody can say that the month stands first.
            _ => return Err(NotATime),
        };
        if !(1..=12).contains(&hour) {
            return Err(NotATime);
        }
        let seconds = days * 86_400 + clock(hour % 12 + half, minute, second)?;
        Ok(seconds * MICROS_PER_SECOND + micros)
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
    fn fraction(&mut self) -> i64 {
        let [b'.', b'0'..=b'9', ..] = self.0 else {
            return 0;
        };
        self.take(b'.');
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
mod tests {
    use super::*;
    use proptest::prelude::*;

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

    #[test]
    fn american() {
        check("11/14/2025 1:48:53 AM", "2025-11-14T01:48:53Z");
        check("11/14/2025 12:00:00 AM", "2025-11-14T00:00:00Z");
        check("11/14/2025 12:00:01 PM", "2025-11-14T12:00:01Z");
        check("4/28/2021, 2:08:45.221 PM", "2021-04-28T14:08:45.221Z");
        check("7/9/2021 1:32:53\u{202f}PM", "2021-07-09T13:32:53Z");
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
            "13/01/2025 1:00:00 AM",
            "1/13/2025 0:00:00 AM",
            "1/13/2025 13:00:00 PM",
            "3/12/2025 7:22:01",
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
        fn any_text_is_survived(text in "[0-9:/\\-TZ .+AMP()Date]{0,40}") {
            let _ = parse(&text);
        }
    }
}
