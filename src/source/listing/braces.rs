//! Alternatives in braces: `{a,b}`, one in another too.

use super::part::class_length;
use super::wrong;
use crate::error::{Error, LimitError};
use crate::field::convert::wide;

/// The patterns without braces that a pattern stands for, at most so many.
pub(super) fn expand(pattern: &str, most: u64) -> Result<Vec<String>, Error> {
    let (mut work, mut done) = (vec![pattern.to_owned()], Vec::new());
    while let Some(text) = work.pop() {
        let Some(group) = innermost(&text).map_err(|problem| wrong(pattern, problem))? else {
            done.push(text);
            continue;
        };
        let (before, after) = (text.get(..group.open).unwrap_or(""), text.get(group.close + 1..).unwrap_or(""));
        let inside = text.get(group.open + 1..group.close).unwrap_or("");
        if group.commas.is_empty() {
            let problem = format!("{{{inside}}} is neither alternatives, as {{a,b}}, nor a word of a mask");
            return Err(wrong(pattern, problem));
        }
        let starts = std::iter::once(group.open + 1).chain(group.commas.iter().map(|comma| comma + 1));
        let ends = group.commas.iter().copied().chain([group.close]);
        for (start, end) in starts.zip(ends) {
            work.push([before, text.get(start..end).unwrap_or(""), after].concat());
        }
        let value = wide(work.len() + done.len());
        if value > most {
            return Err(LimitError { which: "inputs", limit: most, value }.into());
        }
    }
    done.sort_unstable();
    done.dedup();
    Ok(done)
}

/// Places of a pair of braces and of the commas between them.
struct Group {
    open: usize,
    close: usize,
    commas: Vec<usize>,
}

/// The first pair of braces that holds no other; what stands in brackets is no brace.
fn innermost(text: &str) -> Result<Option<Group>, &'static str> {
    let (mut open, mut commas, mut at) = (None, Vec::new(), 0);
    while let Some(c) = text.get(at..).and_then(|rest| rest.chars().next()) {
        if let Some(length) = text.get(at..).and_then(class_length) {
            at += length;
            continue;
        }
        match (c, open) {
            ('{', _) => {
                open = Some(at);
                commas.clear();
            }
            (',', Some(_)) => commas.push(at),
            ('}', Some(open)) => return Ok(Some(Group { open, close: at, commas })),
            ('}', None) => return Err("a brace closes that was not opened"),
            _ => {}
        }
        at += c.len_utf8();
    }
    if open.is_some() { Err("a brace is not closed") } else { Ok(None) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expanded(pattern: &str) -> Vec<String> {
        expand(pattern, 100).unwrap()
    }

    #[test]
    fn braces_stand_for_each_of_their_alternatives() {
        assert_eq!(expanded("plain"), ["plain"]);
        assert_eq!(expanded("{b,a}.nc"), ["a.nc", "b.nc"]);
        assert_eq!(expanded("{a/b,c}/{x,y}"), ["a/b/x", "a/b/y", "c/x", "c/y"]);
        assert_eq!(expanded("a{,4}"), ["a", "a4"]);
        assert_eq!(expanded("{a,{b,c}d}"), ["a", "bd", "cd"]);
        assert_eq!(expanded("[{]{x,[,}]}"), ["[{][,}]", "[{]x"]);
        assert_eq!(expanded("é{ä,ö}"), ["éä", "éö"]);
    }

    #[test]
    fn braces_that_say_nothing_are_errors() {
        for (pattern, problem) in [
            ("a{b", "a brace is not closed"),
            ("a}b", "a brace closes that was not opened"),
            ("{a,b}}", "a brace closes that was not opened"),
            ("{mon}", "{mon} is neither alternatives, as {a,b}, nor a word of a mask"),
            ("{}", "{} is neither alternatives, as {a,b}, nor a word of a mask"),
        ] {
            let error = expand(pattern, 100).unwrap_err();
            assert_eq!(error.to_string(), format!("{pattern}: {problem}"));
        }
    }

    #[test]
    fn a_product_of_braces_ends_at_the_limit() {
        let error = expand(&"{a,b}".repeat(64), 1000).unwrap_err();
        assert!(matches!(error, Error::Limit(LimitError { which: "inputs", limit: 1000, .. })), "{error}");
    }
}
