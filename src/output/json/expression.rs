//! Integer arithmetic in generators of references: numbers, names, `+ - * // %` and parentheses; nothing else is evaluated.

use std::collections::BTreeMap;

/// Levels of parentheses and signs.
const DEEPEST: usize = 32;

/// The value of an expression, in which names stand for integers.
///
/// # Errors
/// What is wrong with it, in words.
pub(super) fn evaluate(text: &str, names: &BTreeMap<&str, i128>) -> Result<i128, String> {
    let mut parser = Parser { rest: text, names, depth: 0 };
    let value = parser.sum().ok_or_else(|| format!("{{{{{text}}}}} is no arithmetic of integers that are known"))?;
    if parser.rest.trim_start().is_empty() {
        Ok(value)
    } else {
        Err(format!("{{{{{text}}}}} is no arithmetic of integers"))
    }
}

struct Parser<'a> {
    rest: &'a str,
    names: &'a BTreeMap<&'a str, i128>,
    depth: usize,
}

impl Parser<'_> {
    fn sum(&mut self) -> Option<i128> {
        let mut value = self.product()?;
        loop {
            value = if self.takes("+") {
                value.checked_add(self.product()?)?
            } else if self.takes("-") {
                value.checked_sub(self.product()?)?
            } else {
                return Some(value);
            };
        }
    }

    fn product(&mut self) -> Option<i128> {
        let mut value = self.factor()?;
        loop {
            // As Python divides: towards minus infinity, which for positive divisors is what Euclid does.
            value = if self.takes("//") {
                value.checked_div_euclid(Some(self.factor()?).filter(|by| *by > 0)?)?
            } else if self.takes("*") {
                value.checked_mul(self.factor()?)?
            } else if self.takes("%") {
                value.checked_rem_euclid(Some(self.factor()?).filter(|by| *by > 0)?)?
            } else {
                return Some(value);
            };
        }
    }

    fn factor(&mut self) -> Option<i128> {
        self.depth = self.depth.checked_add(1).filter(|depth| *depth <= DEEPEST)?;
        let value = if self.takes("(") {
            self.sum().filter(|_| self.takes(")"))
        } else if self.takes("-") {
            self.factor().and_then(i128::checked_neg)
        } else {
            self.word()
        };
        self.depth = self.depth.saturating_sub(1);
        value
    }

    /// A number, or a name.
    fn word(&mut self) -> Option<i128> {
        self.rest = self.rest.trim_start();
        let end = self.rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at_checked(end)?;
        self.rest = rest;
        self.names.get(word).copied().or_else(|| word.parse::<u64>().ok().map(i128::from))
    }

    fn takes(&mut self, sign: &str) -> bool {
        self.rest = self.rest.trim_start();
        match self.rest.strip_prefix(sign) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arithmetic_is_that_of_python() {
        let names = [("i", 7), ("n_2", -3)].into();
        let of = |text| evaluate(text, &names).ok();
        assert_eq!(of("i"), Some(7));
        assert_eq!(of(" 2 + i * 10 - 1 "), Some(71));
        assert_eq!((of("(i+1)//4"), of("n_2 // 2"), of("n_2 % 2"), of("-(i)")), (Some(2), Some(-2), Some(1), Some(-7)));
    }

    #[test]
    fn nothing_else_is_evaluated() {
        let names = [("i", 7)].into();
        let deep = format!("{}1{}", "(".repeat(100), ")".repeat(100));
        for wrong in [
            "", "j", "i.real", "i[0]", "f(1)", "i / 2", "i ** 2", "i // 0", "1.5", "i i", "(i", "'x'", "i|upper", &deep,
        ] {
            assert!(evaluate(wrong, &names).is_err(), "{wrong}");
        }
        assert!(evaluate(&["18446744073709551615"; 3].join("*"), &names).is_err());
    }
}
