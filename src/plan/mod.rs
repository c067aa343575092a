//! How arrays are best cut into chunks: candidate shapes of a size, and what reads of them cost.

mod access;
mod candidates;
mod chosen;

use serde::Serialize;
use serde_json::Value;

pub use access::{Extent, Pattern};
pub use candidates::{Candidate, Reads};
pub use chosen::{ChunkPlan, Wanted};

use crate::error::Error;
use crate::reference::{Array, ReferenceSet};
use access::Access;

/// What chunks are wanted.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct PlanOptions {
    /// Bytes of a chunk, at least (default 10 MB).
    pub least: u64,
    /// Bytes of a chunk, at most (default 200 MB).
    pub most: u64,
    /// Bytes that no chunk may exceed, as servers have it; where nothing fits below `most`, chunks of up to so many are candidates
    /// (default 500 MB).
    pub limit: u64,
    /// How full the last chunk of each dimension is, at least (default 0.5).
    pub filled: f64,
    /// Seconds from a request to its answer; reads follow one another (default 0.2).
    pub latency: f64,
    /// Bytes that come in a second (default 100 MB).
    pub throughput: f64,
    /// The dimension of the series (default: the first of each array).
    pub along: Option<String>,
    /// How the arrays will be read (default: a series at one point along that dimension, and a map at one place along it).
    pub patterns: Vec<Pattern>,
}

impl Default for PlanOptions {
    fn default() -> Self {
        Self {
            least: 10_000_000,
            most: 200_000_000,
            limit: 500_000_000,
            filled: 0.5,
            latency: 0.2,
            throughput: 100e6,
            along: None,
            patterns: Vec::new(),
        }
    }
}

impl PlanOptions {
    fn check(&self) -> Result<(), Error> {
        let wrong = |problem: &str| Err(Error::Plan(problem.to_owned()));
        match self {
            _ if self.least > self.most => wrong("the least bytes of a chunk are more than the most"),
            _ if self.most > self.limit => wrong("the most bytes of a chunk are more than the limit"),
            _ if !(0.0..=1.0).contains(&self.filled) => wrong("how full a chunk is is a number from 0 to 1"),
            _ if !(self.latency >= 0.0 && self.latency.is_finite()) => wrong("the latency is no time"),
            _ if !(self.throughput > 0.0 && self.throughput.is_finite()) => {
                wrong("the throughput is no number above 0")
            }
            _ => Ok(()),
        }
    }
}

/// An array, and how it could be cut.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ArrayPlan {
    /// Its path, without leading slash.
    pub path: String,
    /// Names of its dimensions; `dim_0` and so on where they are not told.
    pub dimensions: Vec<String>,
    /// Its size in each dimension.
    pub shape: Vec<u64>,
    /// Type of its elements.
    pub dtype: crate::zarr::Dtype,
    /// Bytes of its elements, before any codec; none where elements have no size of their own.
    pub bytes: Option<u64>,
    /// Its chunks as they are.
    pub today: Candidate,
    /// Chunk shapes that are not worse than another in every respect, the best first; none where its elements have no size, or too large
    /// a one.
    pub candidates: Vec<Candidate>,
}

/// Plans each array of a set.
///
/// An array of fewer bytes than a chunk has at least is one chunk. Of others, shapes are tried that cut the series' dimension into equal
/// parts (`ceil(n / k)` for each number of parts `k`), together with shapes of the other dimensions: cubes (squares of a map) that hold the
/// `m`th part of it for each `m`, shapes with the same number of equal parts in each dimension, and multiples of today's chunks. Of
/// those that cut the array into the same grid the smallest is kept; and then those of which no other has as small chunks and as few
/// reads of every pattern. The best has the shortest time of its slowest pattern.
///
/// # Errors
/// [`Error::Plan`] for options that contradict each other.
pub fn plan(set: &ReferenceSet, options: &PlanOptions) -> Result<Vec<ArrayPlan>, Error> {
    options.check()?;
    Ok(set.arrays().map(|(path, array)| plan_array(path, array, options)).collect())
}

fn plan_array(path: &str, array: &Array, options: &PlanOptions) -> ArrayPlan {
    let (metadata, dimensions, chunks) = (&array.metadata, dimensions(array), chunks_today(array));
    let size = metadata.dtype.size().filter(|size| *size > 0);
    let bytes = size.and_then(|size| metadata.shape.iter().try_fold(size, |bytes, n| bytes.checked_mul(*n)));
    let along = options.along.as_ref().and_then(|name| dimensions.iter().position(|known| known == name)).unwrap_or(0);
    let access = Access { dimensions: &dimensions, shape: &metadata.shape, along, options };
    let candidates = match (size, bytes) {
        (Some(size), Some(bytes)) => candidates::of(&access, size, bytes, &chunks),
        _ => Vec::new(),
    };
    let today = Candidate::new(&access, size.unwrap_or(0), &chunks);
    let (shape, dtype) = (metadata.shape.clone(), metadata.dtype.clone());
    ArrayPlan { path: path.to_owned(), today, shape, dtype, bytes, candidates, dimensions }
}

/// The chunks of an array as they are. Servers serve no chunks; some tell by an attribute what lies behind (`_ChunkSizes`, by THREDDS).
fn chunks_today(array: &Array) -> Vec<u64> {
    let told = array.attributes.get("_ChunkSizes").filter(|_| array.chunks.present() == 0);
    let told = told.and_then(|told| match told {
        Value::Array(sizes) => sizes.iter().map(Value::as_u64).collect::<Option<Vec<u64>>>(),
        size => Some(vec![size.as_u64()?]),
    });
    let told = told.filter(|sizes| sizes.len() == array.metadata.shape.len() && !sizes.contains(&0));
    told.unwrap_or_else(|| array.metadata.chunks.clone())
}

/// The names of an array's dimensions.
pub(crate) fn dimensions(array: &Array) -> Vec<String> {
    let names: Vec<String> = array.attributes.dimensions().map(str::to_owned).collect();
    if names.len() == array.metadata.shape.len() {
        return names;
    }
    (0..array.metadata.shape.len()).map(|n| format!("dim_{n}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reference::Builder;
    use crate::zarr::{ArrayMetadata, Attributes, Dtype};

    fn set(shape: &[u64], chunks: &[u64], dtype: &str, names: &[&str]) -> ReferenceSet {
        let mut builder = Builder::default();
        builder.group("", Attributes::default());
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let metadata =
            ArrayMetadata::new(shape.to_vec(), chunks.to_vec(), Dtype::Simple(dtype.to_owned()), None, Vec::new());
        builder.array("tmn", metadata, Attributes::with_dimensions(&names));
        builder.finish().unwrap()
    }

    fn planned(set: &ReferenceSet, options: &PlanOptions) -> ArrayPlan {
        plan(set, options).unwrap().pop().unwrap()
    }

    /// The dataset and the answer of the notebook that rewrites PRISM.
    #[test]
    fn the_chunks_that_prism_was_given_are_among_the_candidates() {
        let prism = set(&[1512, 621, 1405], &[1, 23, 44], "<f4", &["time", "lat", "lon"]);
        let plan = planned(&prism, &PlanOptions::default());
        assert_eq!(
            (plan.today.bytes, plan.today.grid.as_slice(), plan.bytes),
            (4_048, &[1512, 27, 32][..], Some(5_276_910_240))
        );
        let answer = plan.candidates.iter().find(|candidate| candidate.chunks == [72, 354, 354]).unwrap();
        assert_eq!((answer.bytes, answer.grid.as_slice(), answer.count), (36_091_008, &[21, 2, 4][..], 168));
        assert_eq!((answer.reads["series"].reads, answer.reads["map"].reads), (21, 8));
        assert!((answer.reads["series"].latency - 4.2).abs() < 1e-9, "{answer:?}");
        assert!((answer.filled - 267.0 / 354.0).abs() < 1e-9, "{answer:?}");
    }

    #[test]
    fn candidates_have_the_size_and_the_filling_that_are_wanted_and_none_is_worse_in_every_respect() {
        let set = set(&[8760, 721, 1440], &[24, 100, 100], "<i2", &["time", "lat", "lon"]);
        let options = PlanOptions { filled: 0.9, ..PlanOptions::default() };
        let ArrayPlan { candidates, .. } = planned(&set, &options);
        assert!(candidates.len() > 10);
        let cost = |candidate: &Candidate| {
            let reads = ["series", "map"].map(|pattern| candidate.reads[pattern].reads);
            [candidate.bytes, reads[0], reads[1]]
        };
        for (n, one) in candidates.iter().enumerate() {
            assert!((10_000_000..=200_000_000).contains(&one.bytes) && one.filled >= 0.9, "{one:?}");
            let beaten = |other: &Candidate| cost(other).iter().zip(cost(one)).all(|(other, own)| *other <= own);
            assert!(!candidates.iter().enumerate().any(|(m, other)| m != n && beaten(other)), "{one:?}");
        }
        let slowest = |one: &Candidate| one.reads.values().map(|reads| reads.seconds).fold(0.0, f64::max);
        assert!(candidates.is_sorted_by(|a, b| slowest(a) <= slowest(b)));
    }

    #[test]
    fn chunks_that_a_server_tells_of_are_those_of_today() {
        let today = |told: serde_json::Value| {
            let mut set = set(&[1512, 621, 1405], &[2, 621, 1405], "<f4", &["time", "lat", "lon"]);
            let Some((_, crate::reference::Node::Array(array))) = set.nodes.last_mut() else { panic!() };
            array.attributes.insert("_ChunkSizes", told);
            planned(&set, &PlanOptions::default()).today.chunks
        };
        assert_eq!(today(serde_json::json!([1, 23, 44])), [1, 23, 44]);
        for other in [serde_json::json!([1, 23]), serde_json::json!([0, 23, 44]), serde_json::json!("1 23 44")] {
            assert_eq!(today(other), [2, 621, 1405]);
        }
    }

    #[test]
    fn a_small_array_is_one_chunk_and_one_of_objects_has_none() {
        let small = planned(&set(&[1512], &[1], "<f8", &["time"]), &PlanOptions::default());
        assert_eq!(small.candidates.iter().map(|one| one.chunks.as_slice()).collect::<Vec<_>>(), [[1512]]);
        let metadata = ArrayMetadata {
            filters: vec![crate::zarr::Codec::VlenUtf8],
            ..ArrayMetadata::new(vec![5], vec![5], Dtype::Simple("|O".to_owned()), None, Vec::new())
        };
        let mut builder = Builder::default();
        builder.array("names", metadata, Attributes::default());
        let plan = planned(&builder.finish().unwrap(), &PlanOptions::default());
        assert_eq!((plan.bytes, plan.candidates.len(), plan.dimensions), (None, 0, vec!["dim_0".to_owned()]));
        let empty = planned(&set(&[0, 5], &[1, 5], "<f8", &["t", "x"]), &PlanOptions::default());
        assert_eq!(empty.candidates.iter().map(|one| one.chunks.as_slice()).collect::<Vec<_>>(), [[1, 5]]);
    }

    #[test]
    fn huge_shapes_are_planned_at_once() {
        let huge = set(&[u64::MAX >> 3, 7], &[1, 1], "|u1", &["t", "x"]);
        assert!(!planned(&huge, &PlanOptions::default()).candidates.is_empty());
        let beyond = set(&[u64::MAX, u64::MAX], &[1, 1], "<f8", &["t", "x"]);
        assert_eq!(planned(&beyond, &PlanOptions::default()).bytes, None);
        let wide = set(&[9; 19], &[1; 19], "|u1", &[]);
        assert!(planned(&wide, &PlanOptions::default()).bytes.is_some());
    }

    #[test]
    fn patterns_may_be_named_and_the_series_may_lie_along_any_dimension() {
        let set = set(&[1512, 621, 1405], &[1, 23, 44], "<f4", &["time", "lat", "lon"]);
        let options = PlanOptions { along: Some("lat".to_owned()), ..PlanOptions::default() };
        let today = planned(&set, &options).today;
        assert_eq!((today.reads["series"].reads, today.reads["map"].reads), (27, 1512 * 32));
        let patterns = ["years=time:12,*:all", "point=time:all,*:1"].map(|text| text.parse().unwrap());
        let today = planned(&set, &PlanOptions { patterns: patterns.into(), ..PlanOptions::default() }).today;
        assert_eq!((today.reads["years"].reads, today.reads["point"].reads), (12 * 27 * 32, 1512));
    }

    #[test]
    fn options_that_contradict_each_other_are_refused() {
        let set = ReferenceSet::default();
        let defaults = PlanOptions::default;
        for wrong in [
            PlanOptions { least: 300_000_000, ..defaults() },
            PlanOptions { limit: 100, ..defaults() },
            PlanOptions { filled: 1.5, ..defaults() },
            PlanOptions { latency: f64::NAN, ..defaults() },
            PlanOptions { throughput: 0.0, ..defaults() },
        ] {
            assert!(matches!(plan(&set, &wrong), Err(Error::Plan(_))), "{wrong:?}");
        }
    }
}
