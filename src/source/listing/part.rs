//! One part of a pattern, between slashes: `*`, `?`, `[a-z]`, `[!a-z]`.

/// What a name is compared with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Part(Vec<Token>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    Char(char),
    /// `?`
    One,
    /// `*`
    Many,
    /// `[..]`
    Class {
        negated: bool,
        ranges: Vec<(char, char)>,
    },
}

/// Whether a text has what a part would take for more than characters.
pub(super) fn has_wildcard(text: &str) -> bool {
    text.contains(['*', '?', '['])
}

impl Part {
    pub(super) fn parse(text: &str) -> Result<Self, &'static str> {
        let (mut tokens, mut rest) = (Vec::new(), text.chars());
        while let Some(c) = rest.next() {
            tokens.push(match c {
                // Two stars are one: `**` for folders is a part of its own.
                '*' if tokens.last() == Some(&Token::Many) => continue,
                '*' => Token::Many,
                '?' => Token::One,
                '[' => {
                    let (class, after) = class(rest.as_str())?;
                    rest = after.chars();
                    class
                }
                c => Token::Char(c),
            });
        }
        Ok(Self(tokens))
    }

    /// Whether a name fits. A name that begins with a dot does only where the part does too, as in a shell.
    pub(super) fn fits(&self, name: &str) -> bool {
        if name.starts_with('.') && self.0.first() != Some(&Token::Char('.')) {
            return false;
        }
        let name: Vec<char> = name.chars().collect();
        let (mut at, mut token) = (0, 0);
        // Where the last star is, and the first character that it has not taken: it takes one more where the rest does not fit.
        let mut star = None;
        while let Some(c) = name.get(at) {
            match self.0.get(token) {
                Some(Token::Many) => {
                    star = Some((token, at));
                    token += 1;
                }
                Some(one) if one.fits(*c) => (at, token) = (at + 1, token + 1),
                _ => {
                    let Some((many, taken)) = star else { return false };
                    star = Some((many, taken + 1));
                    (at, token) = (taken + 1, many + 1);
                }
            }
        }
        self.0.iter().skip(token).all(|token| *token == Token::Many)
    }
}

impl Token {
    fn fits(&self, c: char) -> bool {
        match self {
            Self::Char(own) => *own == c,
            Self::One => true,
            Self::Many => false,
            Self::Class { negated, ranges } => {
                ranges.iter().any(|(first, last)| (*first..=*last).contains(&c)) != *negated
            }
        }
    }
}

/// The class that a text begins with, behind its bracket, and what follows it.
fn class(text: &str) -> Result<(Token, &str), &'static str> {
    let inside = text.strip_prefix(['!', '^']);
    let (negated, inside) = (inside.is_some(), inside.unwrap_or(text));
    let Some((members, after)) = split_class(inside) else { return Err("a bracket is not closed") };
    let (mut ranges, mut rest) = (Vec::new(), members.chars());
    while let Some(first) = rest.next() {
        let last = match rest.as_str().strip_prefix('-').and_then(|after| after.chars().next()) {
            Some(last) => {
                rest.next();
                rest.next();
                last
            }
            None => first,
        };
        if last < first {
            return Err("a range in brackets ends before it begins");
        }
        ranges.push((first, last));
    }
    Ok((Token::Class { negated, ranges }, after))
}

/// The members of a class and what follows it; a bracket that comes first is a member.
fn split_class(text: &str) -> Option<(&str, &str)> {
    let first = text.chars().next()?.len_utf8();
    let end = first + text.get(first..)?.find(']')?;
    Some((text.get(..end)?, text.get(end + 1..)?))
}

/// Bytes of the class that a text begins with, with its brackets; none if it begins with none.
pub(super) fn class_length(text: &str) -> Option<usize> {
    let inside = text.strip_prefix('[')?;
    let inside = inside.strip_prefix(['!', '^']).unwrap_or(inside);
    split_class(inside).map(|(_, after)| text.len() - after.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fits(part: &str, name: &str) -> bool {
        Part::parse(part).unwrap().fits(name)
    }

    #[test]
    fn names_fit_as_in_a_shell() {
        for (part, name) in [
            ("*", "a"),
            ("*.nc", "a.nc"),
            ("*.nc", "a.nc.nc"),
            ("a*b*c", "aXbYbZc"),
            ("?", "é"),
            ("[ab]?", "b1"),
            ("[a-c]x", "bx"),
            ("[!a-c]x", "dx"),
            ("[^a]", "b"),
            ("[]]", "]"),
            ("[!]]", "a"),
            ("[a-]", "-"),
            ("[[]1]", "[1]"),
            ("[*]", "*"),
            (".*", ".hidden"),
            ("***", "a"),
            ("plain", "plain"),
        ] {
            assert!(fits(part, name), "{part} {name}");
        }
        for (part, name) in [
            ("*.nc", "a.nc4"),
            ("*.nc", ".nc"),
            ("*", ".hidden"),
            ("[.]h", ".h"),
            ("?", ""),
            ("?", "ab"),
            ("a*b", "acbd"),
            ("[ab]", "c"),
            ("[!ab]", "a"),
            ("A*", "a"),
            ("", "a"),
        ] {
            assert!(!fits(part, name), "{part} {name}");
        }
    }

    #[test]
    fn stars_cost_no_more_than_their_product_with_the_name() {
        let (part, name) = ("a*".repeat(200) + "b", "a".repeat(20_000));
        assert!(!fits(&part, &name));
        assert!(fits(&part, &(name + "b")));
    }

    #[test]
    fn what_is_not_closed_is_said() {
        for part in ["[", "a[b", "[!", "[]", "[^]"] {
            assert_eq!(Part::parse(part), Err("a bracket is not closed"), "{part}");
        }
        assert_eq!(Part::parse("[z-a]"), Err("a range in brackets ends before it begins"));
    }
}
