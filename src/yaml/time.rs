//! Points in time as YAML 1.1 and RFC 3339 spell them, read and printed as Go's time package does.
//!
//! It knows no clock: the present moment is handed in as seconds since 1970.

use std::fmt;

/// A date, a time of day and an offset from UTC.
///
/// Displayed as Go's RFC 3339 with nanoseconds: up to nine digits of the fraction without trailing zeros, `Z`
/// where the offset is zero. The order of two of them is that of their fields, not of the moments they mean;
/// compare [`Timestamp::unix`] for those.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Timestamp {
    /// 0 to 9999.
    pub year: u16,
    /// 1 to 12.
    pub month: u8,
    /// 1 to 31, and no more than the month has.
    pub day: u8,
    /// 0 to 23.
    pub hour: u8,
    /// 0 to 59.
    pub minute: u8,
    /// 0 to 59.
    pub second: u8,
    /// 0 to 999,999,999.
    pub nanosecond: u32,
    /// Minutes east of UTC; up to 25 hours either way, as Go allows.
    pub offset: i16,
}

impl Timestamp {
    /// What a plain YAML scalar may mean: `2001-1-2`, `2001-1-2T3:4:5.6+07:00`, `2001-1-2 3:4:5`.
    ///
    /// Without a zone it is UTC. A form with a blank has no zone; one with `T` must have one. The fraction
    /// may follow a comma, and what is behind its ninth digit is dropped.
    pub fn parse_yaml(text: &str) -> Option<Self> {
        let mut rest = Cursor(text.as_bytes());
        let mut time = rest.date(Digits::OneOrTwo)?;
        match rest.0.first() {
            None => return Some(time),
            Some(b'T' | b't') => {
                rest.skip(1);
                rest.clock(&mut time, Digits::OneOrTwo)?;
                time.offset = rest.zone()?;
            }
            Some(b' ') => {
                while rest.0.first() == Some(&b' ') {
                    rest.skip(1);
                }
                rest.clock(&mut time, Digits::OneOrTwo)?;
            }
            Some(_) => return None,
        }
        rest.0.is_empty().then_some(time)
    }

    /// RFC 3339, with or without a fraction, as Go's `time.Parse(time.RFC3339, …)` takes it (that is, an hour
    /// of one digit too).
    pub fn parse(text: &str) -> Option<Self> {
        let mut rest = Cursor(text.as_bytes());
        let mut time = rest.date(Digits::Two)?;
        rest.literal(b'T')?;
        rest.clock(&mut time, Digits::Two)?;
        time.offset = rest.zone()?;
        rest.0.is_empty().then_some(time)
    }

    /// The moment that is this many seconds after 1970-01-01T00:00:00Z, in UTC. Years outside 0 to 9999 are
    /// cut to the nearest one inside.
    pub fn from_unix(seconds: i64) -> Self {
        let seconds = seconds.clamp(FIRST, LAST);
        let (days, of_day) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
        let (year, month, day) = civil(days);
        Self {
            year,
            month,
            day,
            hour: small(of_day / 3600),
            minute: small(of_day / 60 % 60),
            second: small(of_day % 60),
            nanosecond: 0,
            offset: 0,
        }
    }

    /// Seconds since 1970-01-01T00:00:00Z, the fraction dropped.
    pub fn unix(&self) -> i64 {
        let of_day = i64::from(self.hour) * 3600 + i64::from(self.minute) * 60 + i64::from(self.second);
        days(self.year, self.month, self.day) * 86_400 + of_day - i64::from(self.offset) * 60
    }

    /// RFC 3339 without a fraction, as sops writes `lastmodified`.
    pub fn seconds(&self) -> String {
        Self { nanosecond: 0, ..*self }.to_string()
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { year, month, day, hour, minute, second, nanosecond, offset } = self;
        write!(out, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}")?;
        if *nanosecond != 0 {
            write!(out, ".{}", format!("{nanosecond:09}").trim_end_matches('0'))?;
        }
        if *offset == 0 {
            return out.write_str("Z");
        }
        let (sign, minutes) = (if *offset < 0 { '-' } else { '+' }, offset.unsigned_abs());
        write!(out, "{sign}{:02}:{:02}", minutes / 60, minutes % 60)
    }
}

/// How many digits a number may have.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Digits {
    Two,
    OneOrTwo,
}

/// What is still to be read.
struct Cursor<'t>(&'t [u8]);

impl Cursor<'_> {
    fn skip(&mut self, count: usize) {
        self.0 = self.0.get(count..).unwrap_or_default();
    }

    fn literal(&mut self, byte: u8) -> Option<()> {
        (self.0.first() == Some(&byte)).then(|| self.skip(1))
    }

    fn digit(&self, at: usize) -> Option<u8> {
        self.0.get(at).filter(|byte| byte.is_ascii_digit()).map(|byte| byte - b'0')
    }

    fn number(&mut self, digits: Digits) -> Option<u8> {
        let high = self.digit(0)?;
        let Some(low) = self.digit(1) else {
            self.skip(1);
            return (digits == Digits::OneOrTwo).then_some(high);
        };
        self.skip(2);
        Some(high * 10 + low)
    }

    fn date(&mut self, digits: Digits) -> Option<Timestamp> {
        let mut year = 0;
        for at in 0..4 {
            year = year * 10 + u16::from(self.digit(at)?);
        }
        self.skip(4);
        self.literal(b'-')?;
        let month = self.number(digits)?;
        self.literal(b'-')?;
        let day = self.number(digits)?;
        let known = (1..=12).contains(&month) && (1..=days_in(year, month)).contains(&day);
        known.then_some(Timestamp {
            year,
            month,
            day,
            hour: 0,
            minute: 0,
            second: 0,
            nanosecond: 0,
            offset: 0,
        })
    }

    /// The hour may always have one digit: Go has no other form for 24 hours.
    fn clock(&mut self, time: &mut Timestamp, digits: Digits) -> Option<()> {
        time.hour = self.number(Digits::OneOrTwo).filter(|hour| *hour < 24)?;
        self.literal(b':')?;
        time.minute = self.number(digits).filter(|minute| *minute < 60)?;
        self.literal(b':')?;
        time.second = self.number(digits).filter(|second| *second < 60)?;
        if matches!(self.0.first(), Some(b'.' | b',')) && self.digit(1).is_some() {
            self.skip(1);
            time.nanosecond = self.fraction();
        }
        Some(())
    }

    fn fraction(&mut self) -> u32 {
        let (mut value, mut unit) = (0, 100_000_000);
        while let Some(digit) = self.digit(0) {
            value += u32::from(digit) * unit;
            unit /= 10;
            self.skip(1);
        }
        value
    }

    /// Go takes offsets of 24 hours and 60 minutes, "as some people do write" them.
    fn zone(&mut self) -> Option<i16> {
        let sign = match self.0.first()? {
            b'Z' => {
                self.skip(1);
                return Some(0);
            }
            b'+' => 1,
            b'-' => -1,
            _ => return None,
        };
        self.skip(1);
        let hours = self.number(Digits::Two).filter(|hours| *hours <= 24)?;
        self.literal(b':')?;
        let minutes = self.number(Digits::Two).filter(|minutes| *minutes <= 60)?;
        Some(sign * (i16::from(hours) * 60 + i16::from(minutes)))
    }
}

/// 0000-01-01T00:00:00Z and 9999-12-31T23:59:59Z.
const FIRST: i64 = -62_167_219_200;
const LAST: i64 = 253_402_300_799;

fn days_in(year: u16, month: u8) -> u8 {
    match month {
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days from 1970-01-01 to a date: years start in March, so that the leap day is the last of its year.
fn days(year: u16, month: u8, day: u8) -> i64 {
    let (month, day) = (i64::from(month), i64::from(day));
    let year = i64::from(year) - i64::from(month <= 2);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    365 * year + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400) + of_year - 719_468
}

/// The date that is so many days after 1970-01-01.
fn civil(days: i64) -> (u16, u8, u8) {
    let days = days + 719_468;
    let (era, of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let from_march = (5 * of_year + 2) / 153;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    let year = era * 400 + year + i64::from(month <= 2);
    let day = of_year - (153 * from_march + 2) / 5 + 1;
    (u16::try_from(year).unwrap_or(0), small(month), small(day))
}

/// A number that is known to be below 256.
fn small(number: i64) -> u8 {
    u8::try_from(number).unwrap_or(u8::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn yaml(text: &str) -> Option<String> {
        Timestamp::parse_yaml(text).map(|time| time.to_string())
    }

    #[test]
    fn reads_the_forms_of_yaml() {
        let cases = [
            ("2024-01-01", "2024-01-01T00:00:00Z"),
            ("2024-1-2", "2024-01-02T00:00:00Z"),
            ("2024-01-01T1:2:3Z", "2024-01-01T01:02:03Z"),
            ("2024-01-01t10:20:30.5+05:30", "2024-01-01T10:20:30.5+05:30"),
            ("2024-01-01 10:20:30,123456789123", "2024-01-01T10:20:30.123456789Z"),
            ("2024-01-01   10:20:30.100", "2024-01-01T10:20:30.1Z"),
            ("2024-02-29", "2024-02-29T00:00:00Z"),
            ("0000-01-01", "0000-01-01T00:00:00Z"),
            ("2024-01-01T10:20:30-24:00", "2024-01-01T10:20:30-24:00"),
            ("2024-01-01T10:20:30+24:60", "2024-01-01T10:20:30+25:00"),
            ("2024-01-01T10:20:30+00:00", "2024-01-01T10:20:30Z"),
            ("2024-01-01T10:20:30-00:00", "2024-01-01T10:20:30Z"),
        ];
        for (text, shown) in cases {
            assert_eq!(yaml(text).as_deref(), Some(shown), "{text}");
        }
    }

    #[test]
    fn leaves_other_texts_alone() {
        let cases = [
            "",
            "2024",
            "2024-",
            "2024-01",
            "2024-13-01",
            "2024-00-01",
            "2024-02-30",
            "2023-02-29",
            "1900-02-29",
            "2024-01-01T10:20:30",
            "2024-01-01 10:20:30 +02:00",
            "2024-01-01 10:20:30Z",
            "2024-01-01T24:00:00Z",
            "2024-01-01T10:60:00Z",
            "2024-01-01T10:20:60Z",
            "2024-01-01T10:20:30+25:00",
            "2024-01-01T10:20:30+1:00",
            "2024-01-01T10:20:30z",
            "2024-01-01 ",
            "2024-01-01x",
            "02024-01-01",
            "2024-001-01",
            "2024-01-01T10:20Z",
            "2024-01-01T10:20:30.Z",
            "2024-1-1T",
            "2024_1-1",
        ];
        for text in cases {
            assert_eq!(yaml(text), None, "{text}");
        }
    }

    #[test]
    fn rfc_3339_wants_two_digits_but_for_the_hour() {
        let shown = |text| Timestamp::parse(text).map(|time| time.seconds());
        assert_eq!(shown("2026-11-21T06:36:55Z").as_deref(), Some("2026-11-21T06:36:55Z"));
        assert_eq!(shown("2026-11-21T06:36:55.9+00:00").as_deref(), Some("2026-11-21T06:36:55Z"));
        assert_eq!(shown("2026-11-21T6:36:55Z").as_deref(), Some("2026-11-21T06:36:55Z"));
        for text in ["2026-11-21", "2026-1-21T06:36:55Z", "2026-11-21t06:36:55Z", "2026-11-21T06:36:5Z", ""] {
            assert_eq!(shown(text), None, "{text}");
        }
    }

    #[test]
    fn unix_seconds_go_both_ways() {
        for (seconds, shown) in [
            (0, "1970-01-01T00:00:00Z"),
            (1_000_000_000, "2001-09-09T01:46:40Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (-1, "1969-12-31T23:59:59Z"),
            (FIRST, "0000-01-01T00:00:00Z"),
            (LAST, "9999-12-31T23:59:59Z"),
        ] {
            assert_eq!(Timestamp::from_unix(seconds).to_string(), shown);
            assert_eq!(Timestamp::parse(shown).map(|time| time.unix()), Some(seconds));
        }
        assert_eq!(Timestamp::from_unix(i64::MAX), Timestamp::from_unix(LAST));
        let east = Timestamp::parse("1970-01-01T02:00:00+02:00").unwrap();
        assert_eq!(east.unix(), 0);
    }

    proptest::proptest! {
        #[test]
        fn every_second_comes_back(seconds in FIRST..=LAST) {
            let time = Timestamp::from_unix(seconds);
            assert_eq!(time.unix(), seconds);
            assert_eq!(Timestamp::parse(&time.to_string()), Some(time));
            assert_eq!(Timestamp::parse_yaml(&time.to_string()), Some(time));
        }
    }
}
