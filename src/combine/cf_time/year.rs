//! Years and months of one length rule, years counted as astronomers do: 0 is the year before 1.

/// Days of the months of a common year.
const COMMON: [u8; 12] = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/// Which years are leap years, and how long months are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum YearRule {
    Gregorian,
    Julian,
    NoLeap,
    AllLeap,
    Day360,
}

impl YearRule {
    fn is_leap(self, year: i128) -> bool {
        let divisible = |by: i128| year.rem_euclid(by) == 0;
        match self {
            Self::Gregorian => divisible(4) && (!divisible(100) || divisible(400)),
            Self::Julian => divisible(4),
            Self::NoLeap | Self::Day360 => false,
            Self::AllLeap => true,
        }
    }

    /// Days of each month of a year.
    pub(super) fn months(self, year: i128) -> [u8; 12] {
        let mut months = if self == Self::Day360 { [30; 12] } else { COMMON };
        if let (true, [_, february, ..]) = (self.is_leap(year), &mut months) {
            *february = 29;
        }
        months
    }

    /// Days from the first of the year 0 to the first of a year.
    pub(super) fn days_before(self, year: i128) -> i128 {
        // Leap years from 0 on: those up to the year before, and 0 itself.
        let multiples = |of: i128| (year - 1).div_euclid(of) + 1;
        match self {
            Self::Gregorian => 365 * year + multiples(4) - multiples(100) + multiples(400),
            Self::Julian => 365 * year + multiples(4),
            Self::NoLeap => 365 * year,
            Self::AllLeap => 366 * year,
            Self::Day360 => 360 * year,
        }
    }

    /// The year that a day since the first of the year 0 lies in.
    pub(super) fn year_of(self, day: i128) -> i128 {
        let (years, days) = match self {
            Self::Gregorian => (400, 146_097),
            Self::Julian => (4, 1461),
            Self::NoLeap => (1, 365),
            Self::AllLeap => (1, 366),
            Self::Day360 => (1, 360),
        };
        // The mean length of a year finds the year but for the last or first days of one.
        let near = (day * years).div_euclid(days);
        [near + 1, near].into_iter().find(|year| self.days_before(*year) <= day).unwrap_or(near - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: [YearRule; 5] =
        [YearRule::Gregorian, YearRule::Julian, YearRule::NoLeap, YearRule::AllLeap, YearRule::Day360];

    #[test]
    fn a_year_is_as_long_as_its_months() {
        for rule in RULES {
            for year in -805..805 {
                let months: i128 = rule.months(year).into_iter().map(i128::from).sum();
                assert_eq!(rule.days_before(year + 1) - rule.days_before(year), months, "{rule:?} {year}");
            }
        }
    }

    #[test]
    fn the_first_and_last_day_of_a_year_lie_in_it() {
        for rule in RULES {
            for year in (-805..805).chain([-5_000_000, 5_000_000, 10_i128.pow(20)]) {
                assert_eq!(rule.year_of(rule.days_before(year)), year, "{rule:?}");
                assert_eq!(rule.year_of(rule.days_before(year + 1) - 1), year, "{rule:?}");
            }
        }
    }
}
