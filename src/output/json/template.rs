//! Templates of URLs: `{{name}}` is replaced by a text, once; nothing is evaluated, and what was put in is not looked at again.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::error::LimitError;
use crate::limits::check;

/// Most bytes of a text after replacement.
const LONGEST: usize = 64 << 10;

/// The texts that names stand for; one that is no text is an error where it is used.
#[derive(Debug, Default)]
pub(super) struct Templates {
    texts: BTreeMap<String, Option<String>>,
    /// Bytes of what was made, and how many that may be: `Limits::template_bytes`.
    made: u64,
    most: u64,
}

impl Templates {
    pub(super) fn new(document: &Map<String, Value>, most: u64) -> Self {
        let texts = document.iter().map(|(name, value)| (name.clone(), value.as_str().map(str::to_owned)));
        Self { texts: texts.collect(), made: 0, most }
    }

    /// Whether there is none: then no URL is a template, whatever is in it.
    pub(super) fn is_empty(&self) -> bool {
        self.texts.is_empty()
    }

    /// The text of a URL.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub(super) fn replaced(&self, text: &str) -> Result<String, String> {
        expand(text, |name| match self.texts.get(name) {
            Some(Some(value)) if !is_template(value) => Ok(value.clone()),
            Some(Some(_)) => Err(format!("the template {name} has a template in it, which is not supported")),
            Some(None) => Err(format!("the template {name} is no text")),
            None => Err(format!("there is no template {name:?}")),
        })
    }

    /// Whether `more` bytes may be made.
    pub(super) fn check(&self, more: u64) -> Result<(), LimitError> {
        check("template_bytes", self.made.saturating_add(more), self.most)
    }

    /// `more` bytes were made.
    pub(super) fn spend(&mut self, more: u64) -> Result<(), LimitError> {
        self.check(more)?;
        self.made = self.made.saturating_add(more);
        Ok(())
    }
}

/// Whether a text of a set that has templates has one in it: where fsspec looks for `{{` (`_process_references1`).
pub(super) fn is_template(text: &str) -> bool {
    text.contains("{{")
}

/// Replaces what stands in double braces.
pub(super) fn expand(text: &str, mut value: impl FnMut(&str) -> Result<String, String>) -> Result<String, String> {
    let (mut done, mut rest) = (String::new(), text);
    while let Some((before, after)) = rest.split_once("{{") {
        let (inside, after) = after.split_once("}}").ok_or("a template without its end")?;
        done.push_str(before);
        done.push_str(&value(inside.trim())?);
        if done.len() > LONGEST {
            return Err(format!("a template makes more than {LONGEST} bytes"));
        }
        rest = after;
    }
    if ["{%", "{#"].iter().any(|sign| text.contains(sign)) {
        return Err("only {{name}} is replaced".to_owned());
    }
    done.push_str(rest);
    Ok(done)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn told(text: &str) -> Result<String, String> {
        let document = json!({"u": "s3://bucket/{x}", "f": "{{c}}", "n": 5, "a_1": ""});
        Templates::new(document.as_object().unwrap(), u64::MAX).replaced(text)
    }

    #[test]
    fn a_name_is_replaced_by_its_text() {
        assert_eq!(told("{{u}}/a.nc").unwrap(), "s3://bucket/{x}/a.nc");
        assert_eq!(told("{{ u }}{{a_1}}?{b}").unwrap(), "s3://bucket/{x}?{b}");
        assert_eq!(told("plain").unwrap(), "plain");
    }

    #[test]
    fn nothing_is_evaluated() {
        for wrong in [
            "{{v}}",
            "{{n}}",
            "{{f}}",
            "{{7*7}}",
            "{{u.x}}",
            "{{u[0]}}",
            "{{f(c='t')}}",
            "{{u|upper}}",
            "{{u:>9}}",
            "{{u!r}}",
            "{{u",
            "{{u}}{% for i in range(9) %}x{% endfor %}",
            "{{u}}{# x #}",
            "{{{u}}}",
            "{{}}",
        ] {
            assert!(told(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_text_does_not_grow_without_end() {
        let document = json!({"u": "x".repeat(60_000)});
        let templates = Templates::new(document.as_object().unwrap(), u64::MAX);
        assert!(templates.replaced("{{u}}").is_ok());
        assert!(templates.replaced("{{u}}{{u}}").is_err());
    }
}
