//! Instants as text.

use super::Calendar;
use super::calendar::Date;
use super::units::NANOSECONDS_OF_DAY;

impl Calendar {
    /// An instant in the form of ISO 8601, with as many digits of seconds as it needs: `1990-01-01T06:00:00.5`.
    pub(crate) fn show(self, instant: i128) -> String {
        let Date { year, month, day } = self.date_of(instant.div_euclid(NANOSECONDS_OF_DAY));
        let sign = if year < 0 { "-" } else { "" };
        let year = year.unsigned_abs();
        let nanoseconds = instant.rem_euclid(NANOSECONDS_OF_DAY);
        let seconds = nanoseconds / 1_000_000_000;
        let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
        let whole = format!("{sign}{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}");
        match nanoseconds % 1_000_000_000 {
            0 => whole,
            fraction => format!("{whole}.{}", format!("{fraction:09}").trim_end_matches('0')),
        }
    }
}
