//! What a server says in place of an answer: `Error { code = 404; message = "no such file"; };`.

use super::text::{is_next, keyword, quoted, run, sign, unescaped, word};
use crate::field::{Parsed, Span};

/// Characters of a message that are told: pydap tells where in its code it failed.
const MOST: usize = 1000;

/// The message of an error; `None` for what is none.
pub(crate) fn message(body: &[u8]) -> Option<String> {
    let start = body.get(..body.len().min(16 << 10))?;
    let (_, message) = failure(Span::new(start, 0)).ok()?;
    let message: String = String::from_utf8_lossy(&message).trim().chars().take(MOST).collect();
    Some(format!("the server says: {}", if message.is_empty() { "an error without a message" } else { &message }))
}

fn failure(i: Span<'_>) -> Parsed<'_, Vec<u8>> {
    let (i, ()) = keyword("Error", b"{", i)?;
    let (i, ()) = sign(b'{', "{", i)?;
    let mut i = i;
    loop {
        let Ok((rest, field)) = word("message", b"={};", i) else { return Ok((i, Vec::new())) };
        let Ok((rest, ())) = sign(b'=', "=", rest) else { return Ok((i, Vec::new())) };
        if is_next(b'"', rest) && field.eq_ignore_ascii_case("message") {
            // One that is cut off is told as far as it goes.
            let open = super::text::blank(rest);
            let cut = open.bytes().get(1..).unwrap_or_default();
            let text = quoted(rest).map_or(cut, |(_, text)| text);
            return Ok((open, unescaped(text)));
        }
        let (rest, value) = run(rest, |byte| byte != b';');
        if field.eq_ignore_ascii_case("message") {
            return Ok((rest, value.bytes().to_vec()));
        }
        i = match sign(b';', ";", rest) {
            Ok((rest, ())) => rest,
            Err(_) => return Ok((rest, Vec::new())),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_told_with_its_message() {
        let told = |body: &str| message(body.as_bytes());
        let says = |text: &str| Some(format!("the server says: {text}"));
        // As Hyrax, THREDDS and pydap write them.
        assert_eq!(
            told("Error {\n    code = 404;\n    message = \"no \\\"such\\\" file\";\n}\n"),
            says("no \"such\" file")
        );
        assert_eq!(
            told("Error {\n    code = 403;\n    message = \"Request too big=600 Mbytes, max=500\";\n};\n"),
            says("Request too big=600 Mbytes, max=500")
        );
        assert_eq!(
            told("Error {\n    code = -1;\n    message = \"Traceback\nKeyError: 'a'\n\";\n}"),
            says("Traceback\nKeyError: 'a'")
        );
        assert_eq!(told("error{message=gone;}"), says("gone"));
        assert_eq!(told("Error { code = 5; message = \"cut o"), says("cut o"));
        assert_eq!(told("Error { code = 5; };"), says("an error without a message"));
        for other in ["Dataset {\n} a;\n", "<html>", "", "Error 404", "Errors {}"] {
            assert_eq!(told(other), None, "{other}");
        }
    }

    #[test]
    fn a_long_message_is_cut_off() {
        let long = format!("Error {{ message = \"{}\"; }}", "x".repeat(100_000));
        assert_eq!(message(long.as_bytes()).unwrap().len(), "the server says: ".len() + MOST);
    }
}
