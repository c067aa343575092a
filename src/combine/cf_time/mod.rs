//! Times of the CF conventions, section 4.4: numbers "UNIT since DATE" in a calendar, decoded and encoded in exact integer arithmetic.
//!
//! An instant is a number of nanoseconds since 1970-01-01T00:00 of its calendar. Instants of the standard and the proleptic Gregorian
//! calendar are the same from 1582-10-15 on. What cftime and udunits read differently is refused, not guessed.

mod calendar;
mod date_text;
mod instant;
mod number;
mod problem;
mod re_encode;
#[cfg(test)]
mod tests;
mod unit;
mod units;
mod year;

pub(crate) use calendar::Calendar;
pub(crate) use problem::Problem;
pub(crate) use re_encode::{ReEncoded, Values, re_encode};
pub(crate) use units::TimeUnits;
