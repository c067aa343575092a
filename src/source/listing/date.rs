//! Days of the Gregorian calendar, as files are sorted by.

use std::fmt;
use std::str::FromStr;

use super::wrong;
use crate::error::{Error, LimitError};
use crate::field::convert::wide;
use crate::limits::Limits;

/// A day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Date {
    year: u16,
    month: u8,
    day: u8,
}

/// Days of the months of a year that is no leap year.
const MONTHS: [u8; 12] = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

impl Date {
    /// A day of the years 1 to 9999, if there is one.
    pub fn new(year: u16, month: u8, day: u8) -> Option<Self> {
        let is_there = (1..=9999).contains(&year) && (1..=days_of(year, month)?).contains(&day);
        is_there.then_some(Self { year, month, day })
    }

    /// The year.
    pub fn year(self) -> u16 {
        self.year
    }

    /// The month, from 1.
    pub fn month(self) -> u8 {
        self.month
    }

    /// The day of the month, from 1.
    pub fn day(self) -> u8 {
        self.day
    }

    /// The day of the year, from 1.
    pub fn of_year(self) -> u16 {
        let months = (1..self.month).filter_map(|month| days_of(self.year, month));
        months.map(u16::from).sum::<u16>() + u16::from(self.day)
    }

    fn next(self) -> Option<Self> {
        let Self { year, month, day } = self;
        Self::new(year, month, day + 1).or_else(|| Self::new(year, month + 1, 1)).or_else(|| Self::new(year + 1, 1, 1))
    }
}

fn days_of(year: u16, month: u8) -> Option<u8> {
    let is_leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let days = *MONTHS.get(usize::from(month).checked_sub(1)?)?;
    Some(if month == 2 && is_leap { days + 1 } else { days })
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

impl FromStr for Date {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let parts: Vec<&str> = text.split('-').collect();
        let is_plain = |part: &str, digits| part.len() == digits && part.bytes().all(|byte| byte.is_ascii_digit());
        let parsed = match parts.as_slice() {
            [year, month, day] if is_plain(year, 4) && is_plain(month, 2) && is_plain(day, 2) => {
                year.parse().ok().zip(month.parse().ok()).zip(day.parse().ok())
            }
            _ => return Err(wrong(text, "not a date as 2020-01-31")),
        };
        let day = parsed.and_then(|((year, month), day)| Self::new(year, month, day));
        day.ok_or_else(|| wrong(text, "there is no such day"))
    }
}

/// Days and ranges of days, `2020-01-01..2020-01-31`, the last one included, between commas: each day once, in their order.
///
/// # Errors
/// [`Error::Pattern`] when a text is no day or no range of days, and [`Error::Limit`].
pub fn dates(text: &str, limits: &Limits) -> Result<Vec<Date>, Error> {
    let mut days = Vec::new();
    for range in text.split(',').map(str::trim) {
        let (first, last) = range.split_once("..").unwrap_or((range, range));
        let (first, last): (Date, Date) = (first.parse()?, last.parse()?);
        if last < first {
            return Err(wrong(range, "the range ends before it begins"));
        }
        days.extend(std::iter::successors(Some(first), |day| day.next()).take_while(|day| *day <= last));
        let value = wide(days.len());
        if value > limits.inputs {
            return Err(LimitError { which: "inputs", limit: limits.inputs, value }.into());
        }
    }
    days.sort_unstable();
    days.dedup();
    Ok(days)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> Vec<String> {
        dates(text, &Limits::default()).unwrap().iter().map(Date::to_string).collect()
    }

    #[test]
    fn ranges_and_lists_are_the_days_in_them() {
        assert_eq!(told("2020-02-28..2020-03-01"), ["2020-02-28", "2020-02-29", "2020-03-01"]);
        assert_eq!(told("2021-02-28..2021-03-01"), ["2021-02-28", "2021-03-01"]);
        assert_eq!(told("1900-02-28..1900-03-01"), ["1900-02-28", "1900-03-01"]);
        assert_eq!(told("2000-02-29, 1999-12-31..2000-01-01,2000-01-01"), ["1999-12-31", "2000-01-01", "2000-02-29"]);
        assert_eq!(told("9999-12-31"), ["9999-12-31"]);
        assert_eq!(dates("2020-01-01..2020-12-31", &Limits::default()).unwrap().len(), 366);
    }

    #[test]
    fn a_day_of_the_year_counts_leap_days() {
        let of_year = |text: &str| text.parse::<Date>().unwrap().of_year();
        assert_eq!(["2020-01-01", "2020-07-28", "2020-12-31", "2021-12-31"].map(of_year), [1, 210, 366, 365]);
    }

    #[test]
    fn what_is_no_day_is_said() {
        for (text, told) in [
            ("2021-02-29", "2021-02-29: there is no such day"),
            ("1900-02-29", "1900-02-29: there is no such day"),
            ("2020-13-01", "2020-13-01: there is no such day"),
            ("2020-00-01", "2020-00-01: there is no such day"),
            ("0000-01-01", "0000-01-01: there is no such day"),
            ("2020-1-1", "2020-1-1: not a date as 2020-01-31"),
            ("+020-01-01", "+020-01-01: not a date as 2020-01-31"),
            ("", ": not a date as 2020-01-31"),
            ("2020-01-02..2020-01-01", "2020-01-02..2020-01-01: the range ends before it begins"),
        ] {
            assert_eq!(dates(text, &Limits::default()).unwrap_err().to_string(), told);
        }
        let error = dates("0001-01-01..9999-12-31", &Limits::default()).unwrap_err();
        assert!(matches!(error, Error::Limit(LimitError { which: "inputs", .. })), "{error}");
    }
}
