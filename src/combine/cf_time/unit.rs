//! Units of time that have one length.

use super::{Calendar, Problem};

/// A unit of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    Nanosecond,
    Microsecond,
    Millisecond,
    Second,
    Minute,
    Hour,
    Day,
    /// 30 days, in the calendar whose months all have as many.
    Month,
    /// 365 days, in the calendar whose years all have as many.
    CommonYear,
}

/// The units that times are re-encoded in, from the coarsest; each is a multiple of the next.
const FINER: [Unit; 7] =
    [Unit::Day, Unit::Hour, Unit::Minute, Unit::Second, Unit::Millisecond, Unit::Microsecond, Unit::Nanosecond];

impl Unit {
    /// The unit of a name, as cftime and udunits spell it; weeks, which cftime and xarray do not read, are none.
    pub(super) fn parse(name: &str, calendar: Calendar) -> Result<Self, Problem> {
        // udunits takes these for megaseconds and megasiemens, cftime for milliseconds.
        if name.starts_with('M') && name.eq_ignore_ascii_case("ms") {
            return Err(Problem::Unit(name.to_owned()));
        }
        match name.to_lowercase().as_str() {
            "nanosecond" | "nanoseconds" | "nanosec" | "nanosecs" | "nsec" | "nsecs" | "ns" => Ok(Self::Nanosecond),
            "microsecond" | "microseconds" | "microsec" | "microsecs" | "usec" | "usecs" | "us" | "\u{b5}s" => {
                Ok(Self::Microsecond)
            }
            "millisecond" | "milliseconds" | "millisec" | "millisecs" | "msec" | "msecs" | "ms" => {
                Ok(Self::Millisecond)
            }
            "second" | "seconds" | "sec" | "secs" | "s" => Ok(Self::Second),
            "minute" | "minutes" | "min" | "mins" => Ok(Self::Minute),
            "hour" | "hours" | "hr" | "hrs" | "h" => Ok(Self::Hour),
            "day" | "days" | "d" => Ok(Self::Day),
            "month" | "months" if calendar == Calendar::Day360 => Ok(Self::Month),
            "common_year" | "common_years" if calendar == Calendar::NoLeap => Ok(Self::CommonYear),
            // A year of udunits has 365.2425 days whatever the calendar, and its month is the twelfth part.
            "month" | "months" | "common_year" | "common_years" | "year" | "years" | "yr" | "yrs" => {
                Err(Problem::UnequalUnit { unit: name.to_owned(), calendar })
            }
            _ => Err(Problem::Unit(name.to_owned())),
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Nanosecond => "nanoseconds",
            Self::Microsecond => "microseconds",
            Self::Millisecond => "milliseconds",
            Self::Second => "seconds",
            Self::Minute => "minutes",
            Self::Hour => "hours",
            Self::Day => "days",
            Self::Month => "months",
            Self::CommonYear => "common_years",
        }
    }

    /// Its length.
    pub(super) fn nanoseconds(self) -> i128 {
        const SECOND: i128 = 1_000_000_000;
        match self {
            Self::Nanosecond => 1,
            Self::Microsecond => 1000,
            Self::Millisecond => 1_000_000,
            Self::Second => SECOND,
            Self::Minute => 60 * SECOND,
            Self::Hour => 3600 * SECOND,
            Self::Day => 86_400 * SECOND,
            Self::Month => 30 * 86_400 * SECOND,
            Self::CommonYear => 365 * 86_400 * SECOND,
        }
    }

    /// The unit and all finer ones, from the coarsest.
    pub(super) fn and_finer(self, calendar: Calendar) -> impl Iterator<Item = Self> {
        let finest = Self::finest(calendar).nanoseconds();
        let finer = FINER.into_iter().map(|unit| (unit, unit.nanoseconds()));
        let finer = finer.filter(move |(_, length)| (finest..self.nanoseconds()).contains(length));
        std::iter::once(self).chain(finer.map(|(unit, _)| unit))
    }

    /// The nanoseconds that fractions of the unit are told by. A float of a longer unit is never the exact time: 02:24 as a fraction of a day
    /// lies tens of nanoseconds off, in each unit and since each date elsewhere.
    pub(super) fn resolution(self, calendar: Calendar) -> i128 {
        let least = if self.nanoseconds() < Self::Second.nanoseconds() { 1 } else { Self::Microsecond.nanoseconds() };
        Self::finest(calendar).nanoseconds().max(least).min(self.nanoseconds())
    }

    /// The finest unit that readers have; cftime, which alone reads times of the other calendars, counts microseconds.
    fn finest(calendar: Calendar) -> Self {
        match calendar {
            Calendar::Standard | Calendar::ProlepticGregorian => Self::Nanosecond,
            _ => Self::Microsecond,
        }
    }
}
