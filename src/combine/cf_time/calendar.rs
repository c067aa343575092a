//! Calendars of CF, section 4.4.1, with cftime's years: no year 0 in the Julian and the mixed calendar, and one in all others.

use std::fmt;

use super::Problem;
use super::year::YearRule;

/// The first day of the mixed calendar that is Gregorian. The day before is 1582-10-04.
const REFORM: Date = Date { year: 1582, month: 10, day: 15 };

/// The same day, counted from the first of the Gregorian year 0.
const REFORM_DAY: i128 = 578_101;

/// What days of the Julian calendar, counted from the first of its year 0, are less than those of the Gregorian.
const JULIAN_TO_GREGORIAN: i128 = -2;

/// Years that cftime can count the days of in 32 bits.
const YEARS: std::ops::RangeInclusive<i128> = -5_000_000..=5_000_000;

/// A calendar of CF.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Calendar {
    /// Julian until 1582-10-04, Gregorian from 1582-10-15: also called `gregorian`.
    Standard,
    ProlepticGregorian,
    Julian,
    /// Also called `365_day`.
    NoLeap,
    /// Also called `366_day`.
    AllLeap,
    Day360,
}

/// A day, as its calendar names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Date {
    pub(super) year: i128,
    /// From 1.
    pub(super) month: u8,
    /// From 1.
    pub(super) day: u8,
}

impl Calendar {
    /// The calendar that an attribute `calendar` names; without one it is the standard one.
    pub(crate) fn parse(name: Option<&str>) -> Result<Self, Problem> {
        let Some(name) = name else { return Ok(Self::Standard) };
        match name.to_ascii_lowercase().as_str() {
            "standard" | "gregorian" => Ok(Self::Standard),
            "proleptic_gregorian" => Ok(Self::ProlepticGregorian),
            "julian" => Ok(Self::Julian),
            "noleap" | "365_day" => Ok(Self::NoLeap),
            "all_leap" | "366_day" => Ok(Self::AllLeap),
            "360_day" => Ok(Self::Day360),
            "utc" | "tai" => Err(Problem::LeapSeconds(name.to_owned())),
            _ => Err(Problem::Calendar(name.to_owned())),
        }
    }

    /// The name that CF prefers.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Standard => "standard",
            Self::ProlepticGregorian => "proleptic_gregorian",
            Self::Julian => "julian",
            Self::NoLeap => "noleap",
            Self::AllLeap => "all_leap",
            Self::Day360 => "360_day",
        }
    }

    /// Days from 1970-01-01 of the calendar to a date, if the calendar has it.
    pub(super) fn day_of(self, date: Date) -> Option<i128> {
        let year = self.astronomical(date.year).filter(|year| YEARS.contains(year))?;
        let rule = self.rule(date >= REFORM);
        let months = rule.months(year);
        let month = usize::from(date.month.checked_sub(1)?);
        let length = *months.get(month)?;
        let in_gap = self == Self::Standard && date < REFORM && date > Date { day: 4, ..REFORM };
        if !(1..=length).contains(&date.day) || in_gap {
            return None;
        }
        let before: i128 = months.into_iter().take(month).map(i128::from).sum();
        Some(self.since_1970(rule, rule.days_before(year) + before + i128::from(date.day) - 1))
    }

    /// The date of a day since 1970-01-01 of the calendar. Days are those of 128 bits of nanoseconds, fewer than 2^82, so that nothing overflows.
    pub(super) fn date_of(self, day: i128) -> Date {
        let first_gregorian = self.since_1970(YearRule::Gregorian, REFORM_DAY);
        let rule = self.rule(day >= first_gregorian);
        let day = day - self.since_1970(rule, 0);
        let year = rule.year_of(day);
        let mut left = day - rule.days_before(year);
        let mut month = 1;
        for length in rule.months(year).map(i128::from) {
            if left < length {
                break;
            }
            left -= length;
            month += 1;
        }
        Date { year: self.civil(year), month, day: u8::try_from(left).map_or(u8::MAX, |left| left + 1) }
    }

    fn rule(self, after_reform: bool) -> YearRule {
        match self {
            Self::Standard if after_reform => YearRule::Gregorian,
            Self::Standard | Self::Julian => YearRule::Julian,
            Self::ProlepticGregorian => YearRule::Gregorian,
            Self::NoLeap => YearRule::NoLeap,
            Self::AllLeap => YearRule::AllLeap,
            Self::Day360 => YearRule::Day360,
        }
    }

    /// Days since 1970-01-01 of the calendar, of days since the first of the year 0 of a rule.
    fn since_1970(self, rule: YearRule, day: i128) -> i128 {
        match (self, rule) {
            (Self::Standard, YearRule::Julian) => day + JULIAN_TO_GREGORIAN - YearRule::Gregorian.days_before(1970),
            _ => day - rule.days_before(1970),
        }
    }

    fn has_year_zero(self) -> bool {
        !matches!(self, Self::Standard | Self::Julian)
    }

    /// The year as astronomers count it, if there is one of the name.
    fn astronomical(self, year: i128) -> Option<i128> {
        match year {
            0 if !self.has_year_zero() => None,
            ..0 if !self.has_year_zero() => year.checked_add(1),
            _ => Some(year),
        }
    }

    /// The name of a year that astronomers count so.
    fn civil(self, year: i128) -> i128 {
        if year <= 0 && !self.has_year_zero() { year - 1 } else { year }
    }
}

impl fmt::Display for Calendar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
