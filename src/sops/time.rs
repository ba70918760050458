//! Points in time as sops files hold them: RFC 3339 with an offset that is kept.

use std::fmt;
use std::time::{SystemTime, UNIX_EPOCH};

/// A point in time with its offset, up to nanoseconds; the fields are as written, in local time.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Time {
    /// 0 to 9999.
    pub year: u16,
    /// 1 to 12.
    pub month: u8,
    /// 1 to 31.
    pub day: u8,
    /// 0 to 23.
    pub hour: u8,
    /// 0 to 59.
    pub minute: u8,
    /// 0 to 59.
    pub second: u8,
    /// 0 to 999 999 999.
    pub nanosecond: u32,
    /// Minutes east of UTC; 0 is written `Z`.
    pub offset: i16,
}

impl Time {
    /// What a clock says, in UTC and whole seconds; a clock before 1970 says 1970.
    pub fn of(now: SystemTime) -> Self {
        let seconds = now.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        let (days, rest) = (seconds / 86_400, seconds % 86_400);
        let (year, month, day) = civil(days);
        let part = |value: u64| u8::try_from(value).unwrap_or_default();
        Self {
            year,
            month,
            day,
            hour: part(rest / 3600),
            minute: part(rest / 60 % 60),
            second: part(rest % 60),
            nanosecond: 0,
            offset: 0,
        }
    }

    /// Reads RFC 3339: `2006-01-02T15:04:05[.fraction](Z|±hh:mm)`; a fraction behind nine digits is cut off.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = text.as_bytes();
        let mark = |at: usize, wanted: u8| (*bytes.get(at)? == wanted).then_some(());
        mark(4, b'-')?;
        mark(7, b'-')?;
        mark(10, b'T')?;
        mark(13, b':')?;
        mark(16, b':')?;
        let two = |at: usize| u8::try_from(number(bytes.get(at..at + 2)?)?).ok();
        let (nanosecond, zone) = fraction(bytes.get(19..)?)?;
        let time = Self {
            year: u16::try_from(number(bytes.get(..4)?)?).ok()?,
            month: two(5)?,
            day: two(8)?,
            hour: two(11)?,
            minute: two(14)?,
            second: two(17)?,
            nanosecond,
            offset: offset(zone)?,
        };
        time.valid().then_some(time)
    }

    /// The same moment in the form of a key's `created_at` and of `lastmodified`: whole seconds.
    #[must_use]
    pub fn whole(mut self) -> Self {
        self.nanosecond = 0;
        self
    }

    fn valid(&self) -> bool {
        let leap =
            self.year.is_multiple_of(4) && !self.year.is_multiple_of(100) || self.year.is_multiple_of(400);
        let days = match self.month {
            1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
            4 | 6 | 9 | 11 => 30,
            2 if leap => 29,
            2 => 28,
            _ => 0,
        };
        (1..=days).contains(&self.day) && self.hour < 24 && self.minute < 60 && self.second < 60
    }
}

/// Year, month and day of a day counted from 1970-01-01 (Howard Hinnant's `civil_from_days`, years to 9999).
fn civil(days: u64) -> (u16, u8, u8) {
    let days = days + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    let small = |value: u64| u8::try_from(value).unwrap_or(1);
    (u16::try_from(year).map_or(9999, |year| year.min(9999)), small(month), small(day))
}

fn number(digits: &[u8]) -> Option<u32> {
    digits
        .iter()
        .try_fold(0_u32, |sum, digit| digit.is_ascii_digit().then(|| sum * 10 + u32::from(digit - b'0')))
}

fn fraction(bytes: &[u8]) -> Option<(u32, &[u8])> {
    // Go reads a comma as well
    let Some(rest) = bytes.strip_prefix(b".").or_else(|| bytes.strip_prefix(b",")) else {
        return Some((0, bytes));
    };
    let count = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let digits = rest.get(..count.min(9)).filter(|digits| !digits.is_empty())?;
    let scale = 10_u32.pow(u32::try_from(9 - digits.len()).ok()?);
    Some((number(digits)? * scale, rest.get(count..)?))
}

fn offset(zone: &[u8]) -> Option<i16> {
    let (sign, rest) = match zone {
        b"Z" => return Some(0),
        [b'+', rest @ ..] => (1, rest),
        [b'-', rest @ ..] => (-1, rest),
        _ => return None,
    };
    let (hours, minutes) = (number(rest.get(..2)?)?, number(rest.get(3..)?)?);
    let whole = rest.len() == 5 && rest.get(2) == Some(&b':') && hours < 24 && minutes < 60;
    whole.then(|| i16::try_from(hours * 60 + minutes).ok().map(|value| value * sign))?
}

impl fmt::Display for Time {
    /// As Go's `RFC3339Nano`: the fraction without trailing zeros, `Z` for UTC.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { year, month, day, hour, minute, second, nanosecond, offset } = *self;
        write!(out, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}")?;
        if nanosecond != 0 {
            let digits = format!("{nanosecond:09}");
            write!(out, ".{}", digits.trim_end_matches('0'))?;
        }
        if offset == 0 {
            return out.write_str("Z");
        }
        let (sign, minutes) = (if offset < 0 { '-' } else { '+' }, offset.unsigned_abs());
        write!(out, "{sign}{:02}:{:02}", minutes / 60, minutes % 60)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn reads_and_writes_the_same() {
        for text in [
            "2024-01-01T00:00:00Z",
            "2024-02-29T10:20:30.5Z",
            "2024-01-01T10:20:30+02:00",
            "1999-12-31T23:59:59.123456789-05:30",
        ] {
            assert_eq!(Time::parse(text).unwrap().to_string(), text);
        }
        assert_eq!(Time::parse("2024-01-01T00:00:00+00:00").unwrap().to_string(), "2024-01-01T00:00:00Z");
        assert_eq!(Time::parse("2024-01-01T00:00:00.10Z").unwrap().to_string(), "2024-01-01T00:00:00.1Z");
    }

    #[test]
    fn refuses_what_is_no_time() {
        for text in [
            "",
            "2024-01-01",
            "2024-01-01 00:00:00Z",
            "2023-02-29T00:00:00Z",
            "2024-13-01T00:00:00Z",
            "2024-01-01T24:00:00Z",
            "2024-01-01T00:00:00",
            "2024-01-01T00:00:00.Z",
            "2024-01-01T00:00:00+0200",
            "2024-01-01T00:00:00+24:00",
        ] {
            assert_eq!(Time::parse(text), None, "{text}");
        }
    }

    #[test]
    fn knows_the_calendar() {
        let at = |seconds| Time::of(UNIX_EPOCH + Duration::from_secs(seconds)).to_string();
        assert_eq!(at(0), "1970-01-01T00:00:00Z");
        assert_eq!(at(951_827_696), "2000-02-29T12:34:56Z");
        assert_eq!(at(1_795_253_679), "2026-11-21T09:34:39Z");
    }
}
