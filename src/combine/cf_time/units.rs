//! Units of times: an attribute `units`, in the calendar of an attribute `calendar`.

use super::calendar::Date;
use super::date_text::DateText;
use super::unit::Unit;
use super::{Calendar, Problem, number};

pub(super) const NANOSECONDS_OF_DAY: i128 = 86_400_000_000_000;

/// Units of times, as CF section 4.4 has them: "UNIT since DATE" in a calendar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TimeUnits {
    /// The attribute's text.
    text: String,
    /// The text of the reference date.
    date: String,
    calendar: Calendar,
    unit: Unit,
    /// The reference date as an instant.
    reference: i128,
}

impl TimeUnits {
    /// The units that attributes tell; `None` where they are not of the form "UNIT since DATE".
    ///
    /// # Errors
    ///
    /// The [`Problem`] of a calendar, unit or date that is not understood, or that readers take differently.
    pub(crate) fn parse(units: &str, calendar: Option<&str>) -> Result<Option<Self>, Problem> {
        let Some((unit, date)) = split(units) else { return Ok(None) };
        let calendar = Calendar::parse(calendar)?;
        let unit = Unit::parse(unit, calendar)?;
        let reference = reference(date, calendar)?;
        Ok(Some(Self { text: units.to_owned(), date: date.to_owned(), calendar, unit, reference }))
    }

    /// The attribute's text.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// The text of the reference date.
    pub(super) fn date(&self) -> &str {
        &self.date
    }

    pub(crate) fn calendar(&self) -> Calendar {
        self.calendar
    }

    /// Which of several units is taken where nothing else decides: the coarsest since the first date.
    pub(crate) fn preference(&self) -> impl Ord {
        (self.reference, self.date.clone(), std::cmp::Reverse(self.unit.nanoseconds()), self.text.clone())
    }

    /// Whether numbers mean the same times in both.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        (self.calendar, self.unit, self.reference) == (other.calendar, other.unit, other.reference)
    }

    /// The instant of a number: nanoseconds since 1970-01-01T00:00 of the calendar.
    pub(crate) fn decode_integer(&self, value: i128) -> Option<i128> {
        value.checked_mul(self.unit.nanoseconds())?.checked_add(self.reference)
    }

    /// The instant of a float, whose exact distance from the reference date is rounded once, half to even: to nanoseconds in the standard
    /// and the proleptic Gregorian calendar, and in the others, of which no reader has nanoseconds, to microseconds.
    pub(crate) fn decode_float(&self, value: f64) -> Option<i128> {
        let resolution = self.unit.resolution(self.calendar);
        let distance = number::product(value, self.unit.nanoseconds() / resolution)?;
        distance.checked_mul(resolution)?.checked_add(self.reference)
    }

    /// The whole number of an instant, if it has one of 64 bits.
    pub(crate) fn encode_integer(&self, instant: i128) -> Option<i64> {
        let distance = instant.checked_sub(self.reference)?;
        let unit = self.unit.nanoseconds();
        if distance % unit != 0 {
            return None;
        }
        i64::try_from(distance / unit).ok()
    }

    /// The float nearest to an instant, if that instant is what it decodes to.
    pub(crate) fn encode_float(&self, instant: i128) -> Option<f64> {
        let distance = instant.checked_sub(self.reference)?;
        let value = number::quotient(distance, self.unit.nanoseconds());
        (self.decode_float(value) == Some(instant)).then_some(value)
    }

    /// The same reference date, in its own words, with this unit and then each finer one.
    pub(super) fn and_finer(&self) -> impl Iterator<Item = Self> {
        self.unit.and_finer(self.calendar).map(|unit| {
            if unit == self.unit {
                return self.clone();
            }
            Self { text: format!("{} since {}", unit.name(), self.date), unit, ..self.clone() }
        })
    }
}

/// Unit and date on either side of `since`.
fn split(units: &str) -> Option<(&str, &str)> {
    let (unit, rest) = units.trim().split_once(char::is_whitespace)?;
    let rest = rest.trim_start();
    let (since, date) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
    since.eq_ignore_ascii_case("since").then(|| (unit, date.trim_start()))
}

/// The instant of a reference date.
fn reference(text: &str, calendar: Calendar) -> Result<i128, Problem> {
    let DateText { year, month, day, time } = DateText::parse(text)?;
    let date = Date { year, month, day };
    let day = calendar.day_of(date).ok_or_else(|| Problem::NoSuchDate { date: text.to_owned(), calendar })?;
    Ok(day * NANOSECONDS_OF_DAY + time)
}
