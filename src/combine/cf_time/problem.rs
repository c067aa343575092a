//! Why units or a calendar of times are not understood.

use super::Calendar;

/// Why units or a calendar of times are not understood, or have no common form.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Problem {
    /// A calendar that CF does not define, or `none`.
    #[error("calendar \"{0}\" is not known")]
    Calendar(String),
    /// A calendar of CF 1.12 whose minutes may have 61 seconds, or whose time is not UTC.
    #[error("calendar \"{0}\" counts leap seconds, for which no table is kept")]
    LeapSeconds(String),
    /// A unit that is none of time, or of which nobody reads times.
    #[error("unit of time \"{0}\" is not known")]
    Unit(String),
    /// Months and years, where they are not all of one length.
    #[error("\"{unit}\" have no fixed length in calendar {calendar}")]
    UnequalUnit {
        /// The unit as the units have it.
        unit: String,
        /// The calendar.
        calendar: Calendar,
    },
    /// A text after `since` that is no date of the form that readers share.
    #[error("reference date \"{0}\" is not understood")]
    Date(String),
    /// A reference date that cftime reads one way, and udunits another.
    #[error("reference date \"{0}\" has a time of day or an offset from UTC that cftime passes over")]
    PassedOver(String),
    /// A date that the calendar has not.
    #[error("reference date \"{date}\" does not exist in calendar {calendar}")]
    NoSuchDate {
        /// The date as the units have it.
        date: String,
        /// The calendar.
        calendar: Calendar,
    },
    /// Times that no unit expresses exactly.
    #[error("no unit expresses all times exactly in 64 bits since \"{0}\"")]
    NoUnit(String),
}
