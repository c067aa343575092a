//! Points of time as RFC 3339 writes them.

use std::time::{Duration, SystemTime};

/// `2026-01-02T03:04:05Z`, with fractions of seconds or an offset; `None` if it is no such text, or before 1970.
pub(super) fn parse(text: &str) -> Option<SystemTime> {
    let (date, time) = text.trim().split_once(['T', 't', ' '])?;
    let [year, month, day] = numbers(date, '-')?;
    let at = time.find(['Z', 'z', '+', '-'])?;
    let (time, zone) = time.split_at(at);
    let [hour, minute, second] = numbers(time.split('.').next()?, ':')?;
    let is_valid = (1..=12).contains(&month) && (1..=31).contains(&day) && hour < 24 && minute < 60 && second < 61;
    if !is_valid || year > 9999 {
        return None;
    }
    let seconds = days(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second - offset(zone)?;
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(u64::try_from(seconds).ok()?))
}

/// Seconds that a zone is ahead.
fn offset(zone: &str) -> Option<i64> {
    if zone.eq_ignore_ascii_case("z") {
        return Some(0);
    }
    let (sign, rest) = zone.split_at_checked(1)?;
    let (hours, minutes) = rest.split_once(':')?;
    let seconds = hours.parse::<u8>().ok().map(i64::from)? * 3600 + minutes.parse::<u8>().ok().map(i64::from)? * 60;
    Some(if sign == "-" { -seconds } else { seconds })
}

fn numbers(text: &str, border: char) -> Option<[i64; 3]> {
    let parts: Option<Vec<i64>> = text.split(border).map(|part| part.parse::<u16>().ok().map(i64::from)).collect();
    parts?.try_into().ok()
}

/// Days from 1970-01-01 to a date of the Gregorian calendar.
fn days(year: i64, month: i64, day: i64) -> i64 {
    // Years that begin in March have their leap day at the end.
    let year = if month < 3 { year - 1 } else { year };
    let month = (month + 9) % 12;
    year * 365 + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400) + (month * 153 + 2) / 5 + day
        - 1
        - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_of_time_is_what_date_says() {
        let seconds =
            |text: &str| parse(text).map(|time| time.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs());
        // `date -u -d TEXT +%s`
        let table = [
            ("1970-01-01T00:00:00Z", 0),
            ("2000-02-29T23:59:59Z", 951_868_799),
            ("2026-11-21T01:10:03.123Z", 1_795_223_403),
            ("2026-11-21T01:10:03+02:30", 1_795_214_403),
            ("2100-03-01 00:00:00-00:01", 4_107_542_460),
        ];
        for (text, expected) in table {
            assert_eq!(seconds(text), Some(expected), "{text}");
        }
        for text in [
            "",
            "2026-11-21",
            "2026-13-01T00:00:00Z",
            "2026-11-21T25:00:00Z",
            "x",
            "1969-12-31T00:00:00Z",
            "2026-11-21T01:10:03",
        ] {
            assert_eq!(seconds(text), None, "{text}");
        }
    }
}
