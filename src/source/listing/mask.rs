//! Masks: patterns with the words `{year}`, `{month}`, `{day}`, `{doy}` and `{hour}` for the files of a day.

use super::{Date, wrong};
use crate::error::Error;

/// A text with words that a day fills: `{year}` with four digits, `{month}` and `{day}` with two, `{doy}`, the day of the year, with three.
/// `{hour}` stands for every hour, with two digits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mask(String);

const WORDS: [&str; 5] = ["{year}", "{month}", "{day}", "{doy}", HOUR];
const HOUR: &str = "{hour}";

impl Mask {
    /// The mask that a text is, if it has one of the words.
    pub fn new(text: &str) -> Option<Self> {
        WORDS.iter().any(|word| text.contains(word)).then(|| Self(text.to_owned()))
    }

    /// The patterns of a day: one, or one for each hour.
    pub fn patterns(&self, day: Date) -> Vec<String> {
        let text = self.filled(day);
        if text.contains(HOUR) {
            return (0..24).map(|hour| text.replace(HOUR, &format!("{hour:02}"))).collect();
        }
        vec![text]
    }

    /// The one name of a day.
    ///
    /// # Errors
    /// [`Error::Pattern`] where other braces are left: a name has no hours and no alternatives.
    pub fn name(&self, day: Date) -> Result<String, Error> {
        let text = self.filled(day);
        match text.find(['{', '}']) {
            None => Ok(text),
            Some(_) => Err(wrong(&self.0, "of a day only {year}, {month}, {day} and {doy} make a name")),
        }
    }

    /// Whether every day has a name of its own.
    pub fn tells_days_apart(&self) -> bool {
        let has = |word| self.0.contains(word);
        has("{year}") && (has("{doy}") || (has("{month}") && has("{day}")))
    }

    fn filled(&self, day: Date) -> String {
        let year = self.0.replace("{year}", &format!("{:04}", day.year()));
        let month = year.replace("{month}", &format!("{:02}", day.month()));
        month.replace("{day}", &format!("{:02}", day.day())).replace("{doy}", &format!("{:03}", day.of_year()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_fills_every_word() {
        let day = "2020-07-08".parse().unwrap();
        let patterns = |mask: &str| Mask::new(mask).unwrap().patterns(day);
        assert_eq!(patterns("r/{year}/{month}/{day}/*/{year}{month}{day}*"), ["r/2020/07/08/*/20200708*"]);
        assert_eq!(patterns("{year}/{doy}/{{a,b},{day}}"), ["2020/190/{{a,b},08}"]);
        let hours = patterns("{hour}/{day}_{hour}.nc");
        assert_eq!((hours.len(), hours[0].as_str(), hours[23].as_str()), (24, "00/08_00.nc", "23/08_23.nc"));
        assert_eq!(Mask::new("{yr}/{a,b}/*"), None);
    }

    #[test]
    fn a_name_is_one() {
        let day = "2020-07-08".parse().unwrap();
        let name = |mask: &str| Mask::new(mask).unwrap().name(day).map_err(|error| error.to_string());
        assert_eq!(name("out/{year}{month}{day}-SST.json"), Ok("out/20200708-SST.json".to_owned()));
        for wrong in ["{year}{hour}", "{year}{mon}", "{year}{a,b}"] {
            let told = format!("{wrong}: of a day only {{year}}, {{month}}, {{day}} and {{doy}} make a name");
            assert_eq!(name(wrong), Err(told));
        }
        let apart = |mask: &str| Mask::new(mask).unwrap().tells_days_apart();
        assert!(apart("{year}{doy}") && apart("{day}.{month}.{year}"));
        assert!(!apart("{month}{day}") && !apart("{year}{day}") && !apart("{doy}"));
    }
}
