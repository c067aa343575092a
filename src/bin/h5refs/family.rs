//! Files that the family driver of libhdf5 spread over several: named by a pattern, as `fam_%05d.h5`.

use std::path::{Path, PathBuf};

/// Widest number that a pattern may ask for.
const WIDEST: usize = 20;

/// A name with one conversion of an integer, as `printf` has them.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Pattern {
    before: String,
    /// Filled with zeros, not with spaces.
    zeros: bool,
    width: usize,
    after: String,
}

impl Pattern {
    /// `%d` or `%i`, with or without `0` and a width; `%%` is a percent sign. Anything else, or two of them, is no pattern.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (mut pattern, mut rest) = (None, text);
        let mut literal = String::new();
        while let Some((before, conversion)) = rest.split_once('%') {
            literal.push_str(before);
            if let Some(after) = conversion.strip_prefix('%') {
                literal.push('%');
                rest = after;
                continue;
            }
            let digits = conversion.find(|c: char| !c.is_ascii_digit())?;
            let (flags, after) = conversion.split_at_checked(digits)?;
            rest = after.strip_prefix(['d', 'i'])?;
            let width = if flags.is_empty() { 0 } else { flags.parse().ok().filter(|width| *width <= WIDEST)? };
            let before = std::mem::take(&mut literal);
            let found = Self { before, zeros: flags.starts_with('0'), width, after: String::new() };
            if pattern.replace(found).is_some() {
                return None;
            }
        }
        literal.push_str(rest);
        let mut pattern = pattern?;
        pattern.after = literal;
        Some(pattern)
    }

    /// The name of a member.
    pub(crate) fn member(&self, number: usize) -> String {
        let Self { before, zeros, width, after } = self;
        if *zeros { format!("{before}{number:0width$}{after}") } else { format!("{before}{number:width$}{after}") }
    }
}

/// The members of the family that `path` is a pattern of. A file whose name happens to look like a pattern is that file.
pub(crate) fn members(path: &Path) -> Vec<PathBuf> {
    let pattern = if path.exists() { None } else { path.to_str().and_then(Pattern::parse) };
    let paths = pattern.iter().flat_map(|pattern| (0..).map(|n| PathBuf::from(pattern.member(n))));
    paths.take_while(|path| path.exists()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn members(pattern: &str) -> Option<[String; 2]> {
        Pattern::parse(pattern).map(|pattern| [pattern.member(0), pattern.member(123)])
    }

    #[test]
    fn a_pattern_has_one_conversion_of_an_integer() {
        assert_eq!(members("fam_%05d.h5"), Some(["fam_00000.h5".to_owned(), "fam_00123.h5".to_owned()]));
        assert_eq!(members("%d"), Some(["0".to_owned(), "123".to_owned()]));
        assert_eq!(members("a%2ib"), Some(["a 0b".to_owned(), "a123b".to_owned()]));
        assert_eq!(members("50%%/%d.h5"), Some(["50%/0.h5".to_owned(), "50%/123.h5".to_owned()]));
        for other in ["plain.h5", "50%.h5", "%s", "%d_%d", "%", "%%d", "%5", "%-5d", "%99d", "%5%"] {
            assert_eq!(members(other), None, "{other}");
        }
    }
}
