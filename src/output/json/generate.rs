//! Generators of references (`gen` of kerchunk's version 1): one template for the points of a grid.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::expression::evaluate;
use super::template::{Templates, expand};

/// Most references that the generators of one set make.
const MOST: usize = 10_000_000;

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

/// The references of the generators of a set.
///
/// # Errors
/// What is wrong with one, in words.
pub(super) fn generate(generators: Vec<Value>, templates: &Templates) -> Result<Vec<Generated>, String> {
    let mut all = Vec::new();
    for document in generators {
        let generator: Generator = serde_json::from_value(document).map_err(|error| error.to_string())?;
        generator.run(templates, &mut all)?;
    }
    Ok(all)
}

impl Generator {
    fn run(&self, templates: &Templates, all: &mut Vec<Generated>) -> Result<(), String> {
        let dimensions: Result<Vec<(&str, Vec<i64>)>, String> =
            self.dimensions.iter().map(|(name, dimension)| Ok((name.as_str(), dimension.values()?))).collect();
        let dimensions = dimensions?;
        let count = dimensions.iter().try_fold(1_usize, |count, (_, values)| count.checked_mul(values.len()));
        let count = count.filter(|count| all.len().saturating_add(*count) <= MOST);
        let count = count.ok_or_else(|| format!("generators of more than {MOST} references"))?;
        for number in 0..count {
            let names = names(&dimensions, number);
            let fill = |text: &str| expand(text, |inside| evaluate(inside, &names).map(|value| value.to_string()));
            let url = expand(&self.url, |inside| match names.get(inside) {
                Some(value) => Ok(value.to_string()),
                None => templates
                    .expand(&format!("{{{{{inside}}}}}"))
                    .or_else(|_| Ok(evaluate(inside, &names)?.to_string())),
            })?;
            let of = |number: &Number| match number {
                Number::Integer(number) => Ok(*number),
                Number::Text(text) => {
                    fill(text)?.parse::<u64>().map_err(|_| format!("{text:?} is no offset or length"))
                }
            };
            let range = self
                .offset
                .as_ref()
                .zip(self.length.as_ref())
                .map(|(offset, length)| Ok::<_, String>((of(offset)?, of(length)?)));
            all.push((fill(&self.key)?, url, range.transpose()?));
        }
        Ok(())
    }
}

/// What the names stand for at a point of the grid.
fn names<'a>(dimensions: &[(&'a str, Vec<i64>)], number: usize) -> BTreeMap<&'a str, i128> {
    let mut rest = number;
    let mut names = BTreeMap::new();
    for (name, values) in dimensions.iter().rev() {
        let size = values.len().max(1);
        names.extend(values.get(rest % size).map(|value| (*name, i128::from(*value))));
        rest /= size;
    }
    names
}

impl Dimension {
    fn values(&self) -> Result<Vec<i64>, String> {
        match self {
            Self::Values(values) => Ok(values.clone()),
            Self::Range(Range { start, stop, step }) => {
                let step = usize::try_from(*step)
                    .ok()
                    .filter(|step| *step > 0)
                    .ok_or("a generator whose step is not positive")?;
                let values: Vec<i64> = (*start..*stop).step_by(step).take(MOST.saturating_add(1)).collect();
                Ok(values)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn told(generator: Value) -> Result<Vec<Generated>, String> {
        let templates = json!({"u": "s3://bucket"});
        generate(vec![generator], &Templates::new(templates.as_object().unwrap()))
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
        let of = |dimensions: Value| told(json!({"key": "{{i}}", "url": "u", "dimensions": dimensions}));
        let million = json!({"stop": 1000});
        for wrong in [
            json!({"i": {"stop": 1_000_000_000}}),
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
}
