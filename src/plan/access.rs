//! Ways in which an array is read: how much of each dimension.

use std::collections::BTreeMap;
use std::str::FromStr;

use super::PlanOptions;
use crate::error::Error;

/// How much of a dimension is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// All of it.
    All,
    /// So many indices, wherever they are.
    Count(u64),
}

/// A way in which arrays are read, by a name: `series=time:all,*:1`. `*` are the dimensions that are not named; without it they are read
/// whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    /// Its name.
    pub name: String,
    /// How much of dimensions, by their names.
    pub extents: BTreeMap<String, Extent>,
    /// How much of the others.
    pub others: Extent,
}

impl FromStr for Pattern {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let wrong = || Error::Plan(format!("{text}: not a pattern as series=time:all,*:1"));
        let (name, extents) = text.split_once('=').filter(|(name, _)| !name.is_empty()).ok_or_else(wrong)?;
        let mut pattern = Self { name: name.to_owned(), extents: BTreeMap::new(), others: Extent::All };
        for part in extents.split(',') {
            let (dimension, extent) = part.rsplit_once(':').ok_or_else(wrong)?;
            let extent = match (extent, extent.parse()) {
                ("all", _) => Extent::All,
                (_, Ok(count)) if count > 0 => Extent::Count(count),
                _ => return Err(wrong()),
            };
            if dimension == "*" {
                pattern.others = extent;
            } else {
                pattern.extents.insert(dimension.to_owned(), extent);
            }
        }
        Ok(pattern)
    }
}

/// An array as it is planned.
#[derive(Debug, Clone, Copy)]
pub(super) struct Access<'a> {
    pub(super) dimensions: &'a [String],
    pub(super) shape: &'a [u64],
    /// The dimension of the series.
    pub(super) along: usize,
    pub(super) options: &'a PlanOptions,
}

impl Access<'_> {
    /// The patterns, each with how much of each dimension it reads.
    pub(super) fn patterns(&self) -> Vec<(String, Vec<Extent>)> {
        if self.options.patterns.is_empty() {
            let one = |on: Extent, off: Extent| {
                (0..self.shape.len()).map(|n| if n == self.along { on } else { off }).collect()
            };
            let (all, index) = (Extent::All, Extent::Count(1));
            return vec![("series".to_owned(), one(all, index)), ("map".to_owned(), one(index, all))];
        }
        let extents = |pattern: &Pattern| {
            let of = |name: &String| *pattern.extents.get(name).unwrap_or(&pattern.others);
            (pattern.name.clone(), self.dimensions.iter().map(of).collect())
        };
        self.options.patterns.iter().map(extents).collect()
    }
}

impl Extent {
    /// The chunks of a dimension that a read meets, at most.
    pub(super) fn chunks(self, size: u64, chunk: u64) -> u64 {
        let all = size.div_ceil(chunk.max(1));
        match self {
            Self::All => all,
            Self::Count(count) => {
                (count.saturating_sub(1)).div_ceil(chunk.max(1)).saturating_add(1).min(all).min(count)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_is_a_name_and_extents() {
        let pattern: Pattern = "a=x:all,g:y:3,*:1".parse().unwrap();
        let extents = BTreeMap::from([("x".to_owned(), Extent::All), ("g:y".to_owned(), Extent::Count(3))]);
        assert_eq!(pattern, Pattern { name: "a".to_owned(), extents, others: Extent::Count(1) });
        for wrong in ["", "a", "a=", "=x:1", "a=x", "a=x:", "a=x:0", "a=x:-1", "a=x:1,"] {
            assert!(wrong.parse::<Pattern>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_read_that_begins_inside_a_chunk_meets_one_more() {
        assert_eq!(Extent::All.chunks(10, 3), 4);
        for (count, chunks) in [(1, 1), (2, 2), (3, 2), (4, 2), (5, 3), (9, 4), (10, 4)] {
            assert_eq!(Extent::Count(count).chunks(10, 3), chunks, "{count}");
        }
        assert_eq!(Extent::Count(5).chunks(10, 1), 5);
    }
}
