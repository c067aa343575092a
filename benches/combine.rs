//! How fast sets become one along a dimension, and with how many allocations: `cargo bench --bench combine`.
//!
//! An item is a chunk of the combination. Coordinates are inline, so nothing is read. `whole` is all of it; `plan` and `merge` are its two
//! halves.
#![expect(clippy::unwrap_used, reason = "what fails is not measured")]

use std::fmt;

use divan::counter::ItemsCount;
use divan::{AllocProfiler, Bencher, Divan};
use h5refs::combine::{Combine, CombineOptions, Plan};
use h5refs::reference::{Array, Manifest, Node, UrlId, Urls};
use h5refs::zarr::{ArrayMetadata, Attributes, Dtype};
use h5refs::{Bytes, ReferenceSet};

#[global_allocator]
static ALLOCATOR: AllocProfiler = AllocProfiler::system();

const JOBS: [Job; 4] = [
    // Months of a model: few files, each of many chunks.
    Job { sets: 10, arrays: 1, chunks: 10_000 },
    Job { sets: 100, arrays: 1, chunks: 10_000 },
    // Granules: many files, each of one chunk for each of its variables.
    Job { sets: 100, arrays: 91, chunks: 1 },
    Job { sets: 1_000, arrays: 91, chunks: 1 },
];

fn main() {
    Divan::default().sample_count(10).sample_size(1).config_with_args().main();
}

#[divan::bench(args = JOBS)]
fn whole(bencher: Bencher, job: Job) {
    let inputs = || job.inputs();
    bencher.counter(job.items()).with_inputs(inputs).bench_values(|sets| planned(sets).merge().unwrap());
}

#[divan::bench(args = JOBS)]
fn plan(bencher: Bencher, job: Job) {
    let inputs = || job.inputs();
    bencher.counter(job.items()).with_inputs(inputs).bench_values(planned);
}

#[divan::bench(args = JOBS)]
fn merge(bencher: Bencher, job: Job) {
    let inputs = || planned(job.inputs());
    bencher.counter(job.items()).with_inputs(inputs).bench_values(|plan| plan.merge().unwrap());
}

fn planned(sets: Vec<(String, ReferenceSet)>) -> Plan {
    let mut combine = Combine::new(CombineOptions::new(["time"]));
    for (name, set) in sets {
        combine.add(name, set).unwrap();
    }
    combine.plan(None).unwrap()
}

/// Sets of so many arrays of so many chunks, all at one time.
#[derive(Clone, Copy)]
struct Job {
    sets: u32,
    arrays: u32,
    chunks: u64,
}

impl fmt::Display for Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} sets of {} x {}", self.sets, self.arrays, self.chunks)
    }
}

impl Job {
    fn items(self) -> ItemsCount {
        ItemsCount::new(u64::from(self.sets) * u64::from(self.arrays) * self.chunks)
    }

    fn inputs(self) -> Vec<(String, ReferenceSet)> {
        (0..self.sets).map(|n| (format!("set {n}"), self.set(n))).collect()
    }

    /// The `n`th set, of a file of its own.
    fn set(self, n: u32) -> ReferenceSet {
        let arrays = (0..self.arrays).map(|k| (format!("variable_{k:02}"), self.array(k)));
        let nodes = std::iter::once(("time".to_owned(), time(n))).chain(arrays);
        let nodes = nodes.map(|(path, array)| (path, Node::Array(Box::new(array))));
        let root = (String::new(), Node::Group(Attributes::default()));
        ReferenceSet {
            urls: vec![format!("s3://bucket/granule_{n:04}.nc")],
            nodes: std::iter::once(root).chain(nodes).collect(),
            ..ReferenceSet::default()
        }
    }

    fn array(self, k: u32) -> Array {
        let columns = self.chunks.min(100);
        let grid = vec![1, self.chunks / columns, columns];
        let (shape, chunk) = (vec![1, 10 * grid[1], 10 * grid[2]], vec![1, 10, 10]);
        let start = u64::from(k) * self.chunks;
        let mut attributes = Attributes::with_dimensions(&["time", "lat", "lon"].map(str::to_owned));
        for name in ["units", "long_name", "standard_name", "cell_methods"] {
            attributes.insert(name, format!("{name} of variable {k}"));
        }
        let chunks = Manifest {
            grid,
            number: (0..self.chunks).collect(),
            urls: Urls::One(UrlId(0)),
            offset: (start..start + self.chunks).map(|at| 8_192 + at * 400).collect(),
            length: vec![400; usize::try_from(self.chunks).unwrap()],
            ..Manifest::default()
        };
        let metadata = ArrayMetadata::new(shape, chunk, Dtype::Simple("<f4".to_owned()), None, Vec::new());
        Array { metadata, attributes, chunks }
    }
}

/// The coordinate of the `n`th set.
fn time(n: u32) -> Array {
    let value = Bytes::copy_from_slice(&f64::from(n).to_le_bytes());
    let mut attributes = Attributes::with_dimensions(&["time".to_owned()]);
    attributes.insert("units", "hours since 2000-01-01");
    let metadata = ArrayMetadata::new(vec![1], vec![1], Dtype::Simple("<f8".to_owned()), None, Vec::new());
    let chunks = Manifest { grid: vec![1], inline: [(0, value)].into(), ..Manifest::default() };
    Array { metadata, attributes, chunks }
}
