//! Generators of references (`gen` of kerchunk's version 1): one template for the points of a grid.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::expression::evaluate;
use super::template::{Templates, expand};
use crate::error::Error;

/// Bytes that one reference counts for at least, as a text and where it is kept.
const LEAST: u64 = 64;

/// A generator.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Generator {
    key: String,
    url: String,
    offset: Option<Number>,
    length: Option<Number>,
    dimensions: BTreeMap<String, Dimension>,
}

/// A number, or the text of one.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Number {
    Integer(u64),
    Text(String),
}

/// The values of one name.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Dimension {
    Values(Vec<i64>),
    Range(Range),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Range {
    #[serde(default)]
    start: i64,
    stop: i64,
    #[serde(default = "one")]
    step: i64,
}

fn one() -> i64 {
    1
}

/// A reference that was generated: key, URL, and range if it is not the whole file.
pub(super) type Generated = (String, String, Option<(u64, u64)>);

/// Gives the references of the generators of a set, one after another.
///
/// # Errors
/// [`Error::Document`] with what is wrong with a generator, `Limits::template_bytes`, and what `takes` answers.
pub(super) fn generate(
    generators: Vec<Value>,
    templates: &mut Templates,
    mut takes: impl FnMut(Generated) -> Result<(), Error>,
) -> Result<(), Error> {
    for document in generators {
        let generator: Generator = serde_json::from_value(document).map_err(wrong)?;
        let counts: Result<Vec<u64>, String> = generator.dimensions.values().map(Dimension::count).collect();
        let count = counts.map_err(wrong)?.into_iter().fold(1_u64, u64::saturating_mul);
        templates.check(count.saturating_mul(LEAST))?;
        for number in 0..count {
            let generated = generator.reference(number, templates).map_err(wrong)?;
            let bytes = generated.0.len().saturating_add(generated.1.len());
            templates.spend(u64::try_from(bytes).unwrap_or(u64::MAX).max(LEAST))?;
            takes(generated)?;
        }
    }
    Ok(())
}

fn wrong(problem: impl std::fmt::Display) -> Error {
    Error::Document(format!("gen: {problem}"))
}

impl Generator {
    /// The reference at a point of the grid, the last name first.
    fn reference(&self, number: u64, templates: &Templates) -> Result<Generated, String> {
        let names = self.names(number)?;
        let fill = |text: &str| expand(text, |inside| evaluate(inside, &names).map(|value| value.to_string()));
        let url = expand(&self.url, |inside| match names.get(inside) {
            Some(value) => Ok(value.to_string()),
            None => {
                templates.replaced(&format!("{{{{{inside}}}}}")).or_else(|_| Ok(evaluate(inside, &names)?.to_string()))
            }
        })?;
        let of = |number: &Number| match number {
            Number::Integer(number) => Ok(*number),
            Number::Text(text) => fill(text)?.parse::<u64>().map_err(|_| format!("{text:?} is no offset or length")),
        };
        let range = self.offset.as_ref().zip(self.length.as_ref());
        let range = range.map(|(offset, length)| Ok::<_, String>((of(offset)?, of(length)?)));
        Ok((fill(&self.key)?, url, range.transpose()?))
    }

    /// What the names stand for at a point of the grid.
    fn names(&self, number: u64) -> Result<BTreeMap<&str, i128>, String> {
        let mut rest = number;
        let mut names = BTreeMap::new();
        for (name, values) in self.dimensions.iter().rev() {
            let count = values.count()?.max(1);
            names.insert(name.as_str(), values.value(rest % count).ok_or("a value past the end of a dimension")?);
            rest /= count;
        }
        Ok(names)
    }
}

impl Dimension {
    /// How many values there are.
    fn count(&self) -> Result<u64, String> {
        match self {
            Self::Values(values) => Ok(u64::try_from(values.len()).unwrap_or(u64::MAX)),
            Self::Range(Range { step, .. }) if *step <= 0 => Err("a generator whose step is not positive".to_owned()),
            Self::Range(Range { start, stop, step }) if start < stop => {
                Ok(start.abs_diff(*stop).div_ceil(step.unsigned_abs()))
            }
            Self::Range(_) => Ok(0),
        }
    }

    fn value(&self, number: u64) -> Option<i128> {
        match self {
            Self::Values(values) => values.get(usize::try_from(number).ok()?).copied().map(i128::from),
            Self::Range(Range { start, step, .. }) => {
                i128::from(*step).checked_mul(i128::from(number))?.checked_add(i128::from(*start))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::limits::Limits;

    fn within(template_bytes: u64, generator: Value) -> Result<Vec<Generated>, Error> {
        let templates = json!({"u": "s3://bucket"});
        let mut templates = Templates::new(templates.as_object().unwrap(), template_bytes);
        let mut made = Vec::new();
        generate(vec![generator], &mut templates, |one| {
            made.push(one);
            Ok(())
        })?;
        Ok(made)
    }

    fn told(generator: Value) -> Result<Vec<Generated>, Error> {
        within(u64::MAX, generator)
    }

    #[test]
    fn a_grid_of_references_is_made_of_one_template() {
        let made = told(json!({
            "key": "g/{{i}}.{{j}}", "url": "{{u}}/{{ 10 + i }}.nc", "offset": "{{(i * 3 + j) * 8}}", "length": 8,
            "dimensions": {"i": {"stop": 2}, "j": [4, 5]}
        }));
        let expected = [("g/0.4", 10, 32), ("g/0.5", 10, 40), ("g/1.4", 11, 56), ("g/1.5", 11, 64)];
        let expected =
            expected.map(|(key, file, offset)| (key.to_owned(), format!("s3://bucket/{file}.nc"), Some((offset, 8))));
        assert_eq!(made.unwrap(), expected);
        let whole = told(json!({"key": "a", "url": "b", "dimensions": {}}));
        assert_eq!(whole.unwrap(), [("a".to_owned(), "b".to_owned(), None)]);
    }

    #[test]
    fn a_grid_without_end_is_refused() {
        let most = Limits::default().template_bytes;
        let of = |dimensions: Value| within(most, json!({"key": "{{i}}", "url": "u", "dimensions": dimensions}));
        let million = json!({"stop": 1000});
        for wrong in [
            json!({"i": {"stop": 1_000_000_000}}),
            json!({"i": {"start": i64::MIN, "stop": i64::MAX}}),
            json!({"i": million, "j": million, "k": million, "l": million}),
            json!({"i": {"stop": 5, "step": 0}}),
            json!({"i": {"start": 0, "stop": 5, "step": -1}}),
            json!({"i": 5}),
        ] {
            assert!(of(wrong.clone()).is_err(), "{wrong}");
        }
        assert!(told(json!({"key": "a", "url": "{{cycler.__init__}}", "dimensions": {}})).is_err());
        assert!(told(json!({"key": "a", "url": "u", "offset": "{{0-1}}", "length": "8", "dimensions": {}})).is_err());
    }

    #[test]
    fn what_generators_make_has_a_limit() {
        let of = |template_bytes, stop: u64| {
            within(template_bytes, json!({"key": "{{i}}", "url": "x".repeat(99), "dimensions": {"i": {"stop": stop}}}))
        };
        assert_eq!(of(200, 2).unwrap().len(), 2);
        assert!(of(199, 2).unwrap_err().to_string().contains("200 exceeds Limits::template_bytes = 199"));
        assert!(of(199, 4).unwrap_err().to_string().contains("256 exceeds"), "before the first is made");
    }
}
