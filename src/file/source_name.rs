//! Names of sources that are numbered: `%b` stands for the number of a block, `%%` for a percent sign (`H5Pset_virtual`).

use crate::error::Unsupported;

/// A name, split where numbers go.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct SourceName(Vec<String>);

impl SourceName {
    pub(crate) fn parse(name: &str) -> Result<Self, Unsupported> {
        let (mut segments, mut segment) = (Vec::new(), String::new());
        let mut characters = name.chars();
        while let Some(character) = characters.next() {
            match (character, if character == '%' { characters.next() } else { None }) {
                ('%', Some('b')) => segments.push(std::mem::take(&mut segment)),
                ('%', Some('%')) => segment.push('%'),
                ('%', _) => {
                    return Err(Unsupported::VirtualMapping(
                        "the name of a source has a percent sign before neither b nor %",
                    ));
                }
                (plain, _) => segment.push(plain),
            }
        }
        segments.push(segment);
        Ok(Self(segments))
    }

    /// Whether the name differs from block to block.
    pub(crate) fn is_numbered(&self) -> bool {
        self.0.len() > 1
    }

    /// The name of the source of a block.
    pub(crate) fn of(&self, block: u64) -> String {
        self.0.join(&block.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(name: &str, block: u64) -> String {
        SourceName::parse(name).unwrap().of(block)
    }

    #[test]
    fn numbers_stand_where_the_name_has_them() {
        assert_eq!(named("run%b/f_%b.h5", 12), "run12/f_12.h5");
        assert_eq!(named("%b", 0), "0");
        assert!(SourceName::parse("a%bc").unwrap().is_numbered());
    }

    #[test]
    fn two_percent_signs_are_one_and_make_no_sequence() {
        let name = SourceName::parse("100%%b.h5").unwrap();
        assert!(!name.is_numbered());
        assert_eq!(name.of(7), "100%b.h5");
        assert_eq!(named("plain", 3), "plain");
    }

    #[test]
    fn other_specifiers_are_refused() {
        for name in ["%d", "a%", "%B"] {
            assert_eq!(
                SourceName::parse(name).unwrap_err().to_string(),
                "virtual dataset: the name of a source has a percent sign before neither b nor %"
            );
        }
    }
}
