//! Reference dates in the form that cftime and udunits share: `1990-1-1`, `1990-01-01T06:30:00.5Z`, `1990-01-01 00:00 -0300`.

use super::Problem;

const NANOSECONDS_OF_SECOND: i128 = 1_000_000_000;

/// The fields of a reference date, of which a calendar must still say whether the date exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct DateText {
    pub(super) year: i128,
    pub(super) month: u8,
    pub(super) day: u8,
    /// Nanoseconds since midnight UTC; less than 0 or more than a day with some offsets.
    pub(super) time: i128,
}

impl DateText {
    /// # Errors
    ///
    /// [`Problem::Date`], and [`Problem::PassedOver`] for what cftime takes for midnight UTC and udunits does not.
    pub(super) fn parse(text: &str) -> Result<Self, Problem> {
        let refuse = || Problem::Date(text.to_owned());
        let (year, month, day, rest) = date(text).ok_or_else(refuse)?;
        let (time, offset) = time_and_offset(rest).ok_or_else(refuse)?;
        let passed_over = |part: Part| !part.shared && part.nanoseconds != 0;
        if passed_over(time) || passed_over(offset) || !time.shared && offset.nanoseconds != 0 {
            return Err(Problem::PassedOver(text.to_owned()));
        }
        Ok(Self { year, month, day, time: time.nanoseconds - offset.nanoseconds })
    }
}

/// A time of day or an offset, and whether cftime reads it as well.
#[derive(Debug, Clone, Copy)]
struct Part {
    nanoseconds: i128,
    shared: bool,
}

const NOTHING: Part = Part { nanoseconds: 0, shared: true };

fn date(text: &str) -> Option<(i128, u8, u8, &str)> {
    let negative = text.starts_with('-');
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (year, rest) = number(unsigned, usize::MAX)?;
    let (month, rest) = number(rest.strip_prefix('-')?, 2)?;
    let (day, rest) = number(rest.strip_prefix('-')?, 2)?;
    let year = if negative { year.checked_neg()? } else { year };
    Some((year, u8::try_from(month).ok()?, u8::try_from(day).ok()?, rest))
}

fn time_and_offset(rest: &str) -> Option<(Part, Part)> {
    let after_spaces = rest.trim_start();
    let time = rest.strip_prefix(['T', 't']).unwrap_or(after_spaces);
    if !time.starts_with(|c: char| c.is_ascii_digit()) {
        let apart = after_spaces.len() < rest.len() || !rest.starts_with(['+', '-']);
        return Some((NOTHING, offset(rest)?)).filter(|_| apart);
    }
    if time.len() == rest.len() {
        return None;
    }
    // cftime takes exactly one character between date and time.
    let one_between = rest.chars().count() == time.chars().count() + 1;
    let (time, rest) = time_of_day(time)?;
    Some((Part { shared: time.shared && one_between, ..time }, offset(rest)?))
}

fn time_of_day(text: &str) -> Option<(Part, &str)> {
    let (hours, rest) = number(text, 2).filter(|(hours, _)| *hours < 24)?;
    // cftime passes over an hour without minutes.
    let Some(minutes) = rest.strip_prefix(':') else {
        return Some((Part { nanoseconds: hours * 3600 * NANOSECONDS_OF_SECOND, shared: false }, rest));
    };
    let (minutes, rest) = number(minutes, 2).filter(|(minutes, _)| *minutes < 60)?;
    let (seconds, fraction, rest) = match rest.strip_prefix(':') {
        Some(seconds) => {
            let (seconds, rest) = number(seconds, 2).filter(|(seconds, _)| *seconds < 60)?;
            let (fraction, rest) = rest.strip_prefix('.').map_or(Some((0, rest)), fraction)?;
            (seconds, fraction, rest)
        }
        None => (0, 0, rest),
    };
    let seconds = hours * 3600 + minutes * 60 + seconds;
    Some((Part { nanoseconds: seconds * NANOSECONDS_OF_SECOND + fraction, shared: true }, rest))
}

/// Nanoseconds of the digits after a point, if they are whole.
fn fraction(text: &str) -> Option<(i128, &str)> {
    let (digits, rest) = digits(text);
    let significant = digits.trim_end_matches('0');
    if digits.is_empty() || significant.len() > 9 {
        return None;
    }
    Some((format!("{significant:0<9}").parse().ok()?, rest))
}

/// Minutes east of UTC: nothing, a name of UTC, `+01:00`, `+0100`, `+01`; and `+1:00`, which cftime passes over.
fn offset(text: &str) -> Option<Part> {
    let trimmed = text.trim();
    if ["", "z", "utc", "gmt"].iter().any(|utc| trimmed.eq_ignore_ascii_case(utc)) {
        return Some(NOTHING);
    }
    let sign = if trimmed.starts_with('-') { -1 } else { 1 };
    let (digits, rest) = digits(trimmed.strip_prefix(['+', '-'])?);
    let (hours, minutes) = match (digits.len(), rest.strip_prefix(':')) {
        (1 | 2, Some(minutes)) if minutes.len() == 2 => (digits, minutes),
        (1 | 2, None) if rest.is_empty() => (digits, "0"),
        (3 | 4, None) if rest.is_empty() => digits.split_at_checked(digits.len() - 2)?,
        _ => return None,
    };
    let (hours, _) = number(hours, 2).filter(|(hours, rest)| *hours < 24 && rest.is_empty())?;
    let (minutes, _) = number(minutes, 2).filter(|(minutes, rest)| *minutes < 60 && rest.is_empty())?;
    let one_before = text.trim_end().chars().count() <= trimmed.chars().count() + 1;
    let shared = one_before && matches!(digits.len(), 2 | 4);
    Some(Part { nanoseconds: sign * (hours * 60 + minutes) * 60 * NANOSECONDS_OF_SECOND, shared })
}

/// The number of so many digits at most that a text begins with, and what follows.
fn number(text: &str, most: usize) -> Option<(i128, &str)> {
    let (digits, rest) = digits(text);
    if digits.len() > most {
        return None;
    }
    Some((digits.parse().ok()?, rest))
}

/// The digits that a text begins with, and what follows.
fn digits(text: &str) -> (&str, &str) {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    text.split_at_checked(end).unwrap_or((text, ""))
}
