//! How fast references are written and read, and with how many allocations: `cargo bench --bench write`.
//!
//! An item is a chunk; they are all of one array. `1 file` is what a scan makes, `many files` what a combination makes: another for
//! every hundred chunks. JSON is written to nowhere, Parquet to a folder for temporary files, with all that makes it last.
#![expect(clippy::unwrap_used, reason = "what fails is not measured")]

use std::fmt;

use divan::counter::{BytesCount, ItemsCount};
use divan::{AllocProfiler, Bencher, Divan};
use h5refs::reference::{Array, Manifest, Node, UrlId, Urls};
use h5refs::zarr::{ArrayMetadata, Attributes, Codec, Dtype};
use h5refs::{Limits, MissingRecords, ParquetOptions, ReferenceSet};

#[global_allocator]
static ALLOCATOR: AllocProfiler = AllocProfiler::system();

const SETS: [References; 4] = [
    References { chunks: 100_000, in_many_files: false },
    References { chunks: 1_000_000, in_many_files: false },
    References { chunks: 100_000, in_many_files: true },
    References { chunks: 1_000_000, in_many_files: true },
];

fn main() {
    Divan::default().sample_count(10).sample_size(1).config_with_args().main();
}

#[divan::bench(args = SETS)]
fn write_json(bencher: Bencher, references: References) {
    let (set, text) = (references.set(), references.json());
    let counted = bencher.counter(references.items()).counter(BytesCount::of_slice(&text));
    counted.bench(|| h5refs::write_json(&set, std::io::sink()).unwrap());
}

#[divan::bench(args = SETS)]
fn read_json(bencher: Bencher, references: References) {
    let text = references.json();
    let counted = bencher.counter(references.items()).counter(BytesCount::of_slice(&text));
    counted.bench(|| h5refs::read_json(&text, &Limits::default()).unwrap());
}

#[divan::bench(args = SETS)]
fn write_parquet(bencher: Bencher, references: References) {
    let (set, folder) = (references.set(), tempfile::tempdir().unwrap());
    let path = folder.path().join("set.parq");
    bencher
        .counter(references.items())
        .bench(|| h5refs::write_parquet(&set, &path, &ParquetOptions::default()).unwrap());
}

#[divan::bench(args = SETS)]
fn read_parquet(bencher: Bencher, references: References) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("set.parq");
    h5refs::write_parquet(&references.set(), &path, &ParquetOptions::default()).unwrap();
    let read = || h5refs::read_parquet(&path, &Limits::default(), MissingRecords::Refused).unwrap();
    bencher.counter(references.items()).bench(read);
}

/// A set of so many chunks.
#[derive(Clone, Copy)]
struct References {
    chunks: u64,
    in_many_files: bool,
}

impl fmt::Display for References {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} in {}", self.chunks, if self.in_many_files { "many files" } else { "1 file" })
    }
}

impl References {
    fn items(self) -> ItemsCount {
        ItemsCount::new(self.chunks)
    }

    fn json(self) -> Vec<u8> {
        let mut text = Vec::new();
        h5refs::write_json(&self.set(), &mut text).unwrap();
        text
    }

    /// Chunks of odd lengths, one behind another in their files, in a grid of ten by a hundred in each step of time.
    fn set(self) -> ReferenceSet {
        let grid = vec![self.chunks / 1000, 10, 100];
        let shape = vec![grid[0], 180 * grid[1], 36 * grid[2]];
        let codecs = vec![Codec::Shuffle { elementsize: 4 }, Codec::Zlib { level: 4 }];
        let metadata = ArrayMetadata::new(shape, vec![1, 180, 36], Dtype::Simple("<f4".to_owned()), None, codecs);
        let place = |n: u64| if self.in_many_files { n % 100 } else { n };
        let files = self.chunks.div_ceil(100);
        let url = |n: u64| UrlId(u32::try_from(n / 100).unwrap());
        let chunks = Manifest {
            grid,
            number: (0..self.chunks).collect(),
            urls: if self.in_many_files {
                Urls::Each((0..self.chunks).map(url).collect())
            } else {
                Urls::One(UrlId(0))
            },
            offset: (0..self.chunks).map(|n| 8_192 + place(n) * 14_000).collect(),
            length: (0..self.chunks).map(|n| 10_000 + n * 7_919 % 4_000).collect(),
            ..Manifest::default()
        };
        let attributes = Attributes::with_dimensions(&["time", "lat", "lon"].map(str::to_owned));
        let array = Array { metadata, attributes, chunks };
        let names = 0..if self.in_many_files { files } else { 1 };
        ReferenceSet {
            urls: names.map(|n| format!("s3://bucket/2020/model_output_{n:06}.nc")).collect(),
            nodes: vec![
                (String::new(), Node::Group(Attributes::default())),
                ("temperature".to_owned(), Node::Array(Box::new(array))),
            ],
            ..ReferenceSet::default()
        }
    }
}
