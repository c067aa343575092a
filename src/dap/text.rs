//! Words and signs of the texts of DAP2.

use nom::Err;
use nom::bytes::complete::take_while;

use crate::error::{Error, FormatError, Problem, Structure};
use crate::field::span::Blame;
use crate::field::{Fault, Parsed, Span};

/// Runs `parser` on an answer, so that its errors carry what it is and the place in it.
pub(super) fn parse<'a, T>(
    structure: Structure,
    bytes: &'a [u8],
    parser: impl FnOnce(Span<'a>) -> Parsed<'a, T>,
) -> Result<T, Error> {
    let fault = match parser(Span::new(bytes, 0)) {
        Ok((_, value)) => return Ok(value),
        Err(Err::Error(fault) | Err::Failure(fault)) => fault,
        Err(Err::Incomplete(_)) => Fault { at: 0, blame: Blame::Problem(Problem::Truncated) },
    };
    Err(match fault.blame {
        Blame::Problem(problem) => FormatError { structure, start: 0, at: fault.at, problem }.into(),
        Blame::Limit(error) => error.into(),
        Blame::Unsupported(what) => what.into(),
    })
}

/// Passes over white space and comments, which go from `#` to the end of the line.
pub(super) fn blank(i: Span<'_>) -> Span<'_> {
    let mut i = i;
    loop {
        i = run(i, |byte| byte.is_ascii_whitespace()).0;
        if i.bytes().first() != Some(&b'#') {
            return i;
        }
        i = run(i, |byte| byte != b'\n').0;
    }
}

/// Bytes for which `is` says yes, perhaps none.
pub(super) fn run(i: Span<'_>, is: impl Fn(u8) -> bool) -> (Span<'_>, Span<'_>) {
    take_while::<_, Span<'_>, Fault>(is)(i).unwrap_or((i, Span::new(&[], i.at())))
}

/// Whether a sign comes next.
pub(super) fn is_next(sign: u8, i: Span<'_>) -> bool {
    blank(i).bytes().first() == Some(&sign)
}

/// A sign.
pub(super) fn sign<'a>(sign: u8, told: &'static str, i: Span<'a>) -> Parsed<'a, ()> {
    let i = blank(i);
    match i.bytes().split_first() {
        Some((first, rest)) if *first == sign => Ok((Span::new(rest, i.at().saturating_add(1)), ())),
        Some(_) => i.fail(Problem::Missing(told)),
        None => i.fail(Problem::Truncated),
    }
}

/// A word: what stands before white space, or before a sign of `ends`.
pub(super) fn word<'a>(told: &'static str, ends: &[u8], i: Span<'a>) -> Parsed<'a, &'a str> {
    let i = blank(i);
    let (rest, word) = run(i, |byte| !byte.is_ascii_whitespace() && !byte.is_ascii_control() && !ends.contains(&byte));
    match std::str::from_utf8(word.bytes()) {
        Err(_) => i.fail(Problem::Text(told)),
        Ok("") if i.is_empty() => i.fail(Problem::Truncated),
        Ok("") => i.fail(Problem::Missing(told)),
        Ok(word) => Ok((rest, word)),
    }
}

/// A word that must be this one, in capitals or not.
pub(super) fn keyword<'a>(keyword: &'static str, ends: &[u8], i: Span<'a>) -> Parsed<'a, ()> {
    let (rest, found) = word(keyword, ends, i)?;
    if !found.eq_ignore_ascii_case(keyword) {
        return blank(i).fail(Problem::Missing(keyword));
    }
    Ok((rest, ()))
}

/// A text in quotation marks, as it stands there: a backslash takes the meaning from the character behind it.
pub(super) fn quoted(i: Span<'_>) -> Parsed<'_, &[u8]> {
    let (start, ()) = sign(b'"', "\"", i)?;
    let mut is_escaped = false;
    let end = start.bytes().iter().position(|byte| {
        let ends = *byte == b'"' && !is_escaped;
        is_escaped = *byte == b'\\' && !is_escaped;
        ends
    });
    let Some((text, rest)) = end.and_then(|end| start.bytes().split_at_checked(end)) else {
        return i.fail(Problem::Truncated);
    };
    let at = start.at().saturating_add(crate::convert::wide(text.len())).saturating_add(1);
    Ok((Span::new(rest.get(1..).unwrap_or_default(), at), text))
}

/// The text that stands there with escapes: those of C, and bytes as three octal digits (libdap writes all that is not ASCII so). A
/// backslash before anything else is itself: pydap escapes nothing.
pub(super) fn unescaped(text: &[u8]) -> Vec<u8> {
    let (mut bytes, mut rest) = (Vec::with_capacity(text.len()), text);
    while let Some((first, after)) = rest.split_first() {
        let (byte, length) = escape(after).filter(|_| *first == b'\\').unwrap_or((*first, 0));
        bytes.push(byte);
        rest = after.get(length..).unwrap_or_default();
    }
    bytes
}

/// What stands behind a backslash: the byte that is meant, and of how many characters.
fn escape(after: &[u8]) -> Option<(u8, usize)> {
    let octal = |digits: &[u8]| {
        let digits =
            std::str::from_utf8(digits).ok().filter(|digits| digits.bytes().all(|b| (b'0'..b'8').contains(&b)))?;
        u8::from_str_radix(digits, 8).ok()
    };
    match after.first()? {
        b'"' => Some((b'"', 1)),
        b'\\' => Some((b'\\', 1)),
        b'n' => Some((b'\n', 1)),
        b't' => Some((b'\t', 1)),
        b'r' => Some((b'\r', 1)),
        _ => Some((octal(after.get(..3)?)?, 3)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_white_space_are_passed_over() {
        let i = blank(Span::new(b" \t\r\n# one\n  # two\n word;", 0));
        assert_eq!(word("w", b";", i).unwrap().1, "word");
        assert!(blank(Span::new(b"# without an end", 0)).is_empty());
    }

    #[test]
    fn a_text_ends_at_a_quotation_mark_that_is_not_escaped() {
        let (rest, text) = quoted(Span::new(br#" "a \"b\" \\" , "#, 0)).unwrap();
        assert_eq!((text, rest.bytes(), rest.at()), (&br#"a \"b\" \\"#[..], &b" , "[..], 13));
        assert!(quoted(Span::new(br#""a\""#, 0)).is_err());
    }

    #[test]
    fn escapes_are_those_of_c_and_octal_ones() {
        assert_eq!(unescaped(br#"a\"b\\c\nd\303\251"#), "a\"b\\c\ndé".as_bytes());
        assert_eq!(unescaped(br"C:\data\9\81"), br"C:\data\9\81");
        assert_eq!(unescaped(b"\\"), b"\\");
    }
}
