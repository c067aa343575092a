//! A plan: the chunks that arrays shall have.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{ArrayPlan, dimensions};
use crate::error::Error;
use crate::reference::{Array, ReferenceSet};

/// The chunks that arrays shall have, by their paths: `{variable: {dimension: size}}` or `{variable: [size, ..]}`. A size of -1 is the
/// whole dimension; a dimension that is not named keeps its chunks.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ChunkPlan {
    /// The arrays.
    pub arrays: BTreeMap<String, Wanted>,
}

/// The chunks that an array shall have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Wanted {
    /// Sizes by the names of dimensions.
    Named(BTreeMap<String, i64>),
    /// A size for each dimension.
    Sizes(Vec<i64>),
}

impl ChunkPlan {
    /// The plan of a text of JSON.
    ///
    /// # Errors
    /// [`Error::Plan`] where it is none.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let form = "a plan is {variable: {dimension: size}} or {variable: [size, ..]}";
        serde_json::from_str(text).map_err(|error| Error::Plan(format!("{form}: {error}")))
    }

    /// The best candidates of arrays that are cut at all.
    pub fn best(plans: &[ArrayPlan]) -> Self {
        let chosen = plans.iter().filter_map(|plan| Some((plan, plan.candidates.first()?)));
        chosen.filter(|(_, best)| best.count > 1).map(|(plan, best)| (plan, best.chunks.as_slice())).collect()
    }

    /// The chunks of each array that is named, in elements.
    ///
    /// # Errors
    /// [`Error::Plan`] that tells all that is wrong: names of no array or dimension, sizes of too few or too many dimensions, and sizes
    /// that are none.
    pub fn resolve(&self, set: &ReferenceSet) -> Result<BTreeMap<String, Vec<u64>>, Error> {
        let arrays: BTreeMap<&str, &Array> = set.arrays().collect();
        let (mut resolved, mut problems) = (BTreeMap::new(), Vec::new());
        for (name, wanted) in &self.arrays {
            let path = name.trim_matches('/');
            match arrays.get(path).map(|array| wanted.resolve(array)) {
                Some(Ok(chunks)) if resolved.contains_key(path) => {
                    problems.push(format!("{name} is there twice, the other time with other slashes ({chunks:?})"));
                }
                Some(Ok(chunks)) => _ = resolved.insert(path.to_owned(), chunks),
                Some(Err(wrong)) => problems.extend(wrong.into_iter().map(|what| format!("{name}: {what}"))),
                None => problems.push(format!("no variable is called {name}: there are {}", listed(arrays.keys()))),
            }
        }
        if problems.is_empty() { Ok(resolved) } else { Err(Error::Plan(problems.join("; "))) }
    }
}

impl<'a> FromIterator<(&'a ArrayPlan, &'a [u64])> for ChunkPlan {
    fn from_iter<I: IntoIterator<Item = (&'a ArrayPlan, &'a [u64])>>(chosen: I) -> Self {
        let size = |chunk: &u64| i64::try_from(*chunk).unwrap_or(-1);
        let arrays = chosen.into_iter().map(|(ArrayPlan { path, dimensions, .. }, chunks)| {
            let named: BTreeMap<String, i64> = dimensions.iter().cloned().zip(chunks.iter().map(size)).collect();
            // Two dimensions of one name are told by their places.
            let is_named = named.len() == chunks.len();
            let wanted = if is_named { Wanted::Named(named) } else { Wanted::Sizes(chunks.iter().map(size).collect()) };
            (path.clone(), wanted)
        });
        Self { arrays: arrays.collect() }
    }
}

impl Wanted {
    fn resolve(&self, array: &Array) -> Result<Vec<u64>, Vec<String>> {
        let (shape, names) = (&array.metadata.shape, dimensions(array));
        let mut problems = Vec::new();
        let mut size = |of: String, wanted: i64, n: u64| match u64::try_from(wanted) {
            Ok(wanted) if wanted > 0 => wanted.min(n).max(1),
            Err(_) if wanted == -1 => n.max(1),
            _ => {
                problems.push(format!("{wanted} is no size of chunks{of}"));
                1
            }
        };
        let chunks: Vec<u64> = match self {
            Self::Sizes(sizes) if sizes.len() == shape.len() => {
                sizes.iter().zip(shape).map(|(wanted, n)| size(String::new(), *wanted, *n)).collect()
            }
            Self::Sizes(sizes) => {
                return Err(vec![format!("{} sizes, and it has {} dimensions", sizes.len(), shape.len())]);
            }
            Self::Named(sizes) => {
                let today = array.metadata.chunks.iter().zip(shape).map(|(chunk, n)| (*chunk).min(*n).max(1));
                let own = names.iter().zip(today.zip(shape)).map(|(name, (today, n))| match sizes.get(name) {
                    Some(wanted) => size(format!(" along {name}"), *wanted, *n),
                    None => today,
                });
                let own = own.collect();
                let unknown = sizes.keys().filter(|name| !names.contains(name));
                let unknown =
                    unknown.map(|name| format!("no dimension is called {name}: there are {}", listed(&names)));
                problems.extend(unknown);
                own
            }
        };
        if problems.is_empty() { Ok(chunks) } else { Err(problems) }
    }
}

/// Names, at most 20 of them.
fn listed<T: AsRef<str>>(names: impl IntoIterator<Item = T>) -> String {
    let names: Vec<T> = names.into_iter().collect();
    if names.is_empty() {
        return "none".to_owned();
    }
    let (told, more) = names.split_at(names.len().min(20));
    let told = told.iter().map(AsRef::as_ref).collect::<Vec<&str>>().join(", ");
    if more.is_empty() { told } else { format!("{told} and {} more", more.len()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reference::Builder;
    use crate::zarr::{ArrayMetadata, Attributes, Dtype};

    fn set() -> ReferenceSet {
        let mut builder = Builder::default();
        builder.group("", Attributes::default());
        for path in ["ppt", "tmn"] {
            let names = ["time", "lat"].map(str::to_owned);
            let dtype = Dtype::Simple("<f4".to_owned());
            let metadata = ArrayMetadata::new(vec![10, 6], vec![1, 2], dtype, None, Vec::new());
            builder.array(path, metadata, Attributes::with_dimensions(&names));
        }
        builder.finish().unwrap()
    }

    fn resolved(plan: &str) -> Result<BTreeMap<String, Vec<u64>>, String> {
        ChunkPlan::parse(plan).and_then(|plan| plan.resolve(&set())).map_err(|error| error.to_string())
    }

    #[test]
    fn sizes_are_given_by_dimension_or_in_order() {
        let plan = r#"{"ppt": {"time": 4}, "/tmn": [-1, 99]}"#;
        let expected = [("ppt", vec![4, 2]), ("tmn", vec![10, 6])].map(|(path, chunks)| (path.to_owned(), chunks));
        assert_eq!(resolved(plan), Ok(expected.into()));
        assert_eq!(resolved("{}"), Ok(BTreeMap::new()));
    }

    /// The notebook's own plan calls `tmn` `tnm`.
    #[test]
    fn all_that_is_wrong_is_told_by_name() {
        let error = resolved(r#"{"tnm": {"time": 4}, "ppt": {"tim": 1, "lat": 0}, "tmn": [1]}"#).unwrap_err();
        assert_eq!(
            error,
            "plan: ppt: 0 is no size of chunks along lat; ppt: no dimension is called tim: there are time, lat; \
             tmn: 1 sizes, and it has 2 dimensions; no variable is called tnm: there are ppt, tmn"
        );
        for wrong in ["", "[]", r#"{"ppt": 5}"#, r#"{"ppt": {"time": "a"}}"#, r#"{"ppt": [1.5, 1]}"#] {
            assert!(resolved(wrong).unwrap_err().starts_with("plan: a plan is {variable: "), "{wrong}");
        }
        assert!(resolved(r#"{"ppt": [1, 1], "/ppt": [2, 2]}"#).is_err());
        assert!(resolved(r#"{"ppt": [-2, 1]}"#).is_err());
    }

    #[test]
    fn a_plan_is_read_as_it_was_written() {
        let plans =
            super::super::plan(&set(), &super::super::PlanOptions { least: 8, most: 100, ..Default::default() });
        let plan = ChunkPlan::best(&plans.unwrap());
        assert_eq!(plan.arrays.len(), 2);
        let text = serde_json::to_string(&plan).unwrap();
        assert_eq!(ChunkPlan::parse(&text).unwrap(), plan);
        assert_eq!(plan.resolve(&set()).unwrap().len(), 2);
    }
}
