//! Names, in which servers escape what is no letter, digit or one of a few signs: `White%20space`.

use std::sync::Arc;

/// The name of a variable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Name {
    /// As the server has it, and is asked for it.
    pub(crate) sent: Arc<str>,
    /// What is meant.
    pub(crate) meant: Arc<str>,
}

impl Name {
    /// `None` where what is escaped is no UTF-8.
    pub(crate) fn new(sent: &str) -> Option<Self> {
        let meant = unescaped(sent)?;
        let sent: Arc<str> = sent.into();
        Some(Self { meant: if *meant == *sent { Arc::clone(&sent) } else { meant.into() }, sent })
    }
}

/// A name without escapes; `None` where they are no UTF-8. A percent sign before anything but two hexadecimal digits is itself.
pub(crate) fn unescaped(name: &str) -> Option<String> {
    let (mut bytes, mut rest) = (Vec::with_capacity(name.len()), name.as_bytes());
    while let Some((first, after)) = rest.split_first() {
        let escaped = after.get(..2).filter(|_| *first == b'%').and_then(hexadecimal);
        bytes.push(escaped.unwrap_or(*first));
        rest = if escaped.is_some() { after.get(2..).unwrap_or_default() } else { after };
    }
    String::from_utf8(bytes).ok()
}

fn hexadecimal(digits: &[u8]) -> Option<u8> {
    let digits = std::str::from_utf8(digits).ok().filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()))?;
    u8::from_str_radix(digits, 16).ok()
}

/// A name for a URL: escapes that it has stay as they are, so that a server that undoes them once has the name that is meant.
pub(crate) fn for_url(sent: &str) -> String {
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"%_-~*!'/".contains(byte);
    sent.bytes().map(|b| if is_plain(&b) { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_undone_once() {
        let meant = |sent: &str| Name::new(sent).map(|name| name.meant.to_string());
        assert_eq!(meant("White%20space").as_deref(), Some("White space"));
        assert_eq!(meant("a%2520").as_deref(), Some("a%20"));
        assert_eq!(meant("caf%C3%A9").as_deref(), Some("café"));
        assert_eq!(meant("100%").as_deref(), Some("100%"));
        assert_eq!(meant("%+1%g0%é").as_deref(), Some("%+1%g0%é"));
        assert_eq!(meant("caf%E9"), None);
    }

    #[test]
    fn a_url_has_a_name_as_the_server_has_it() {
        assert_eq!(for_url("White%20space"), "White%20space");
        assert_eq!(for_url("/g/a.b[é]"), "/g/a%2Eb%5B%C3%A9%5D");
    }
}
