//! How fast each filter is undone, in decoded bytes: `cargo bench --bench decode --features cli`.
//!
//! Filters whose features are off are left out, and that is said. `plain` has none: finding and placing chunks, which all of them do.
#![expect(clippy::unwrap_used, clippy::panic, reason = "what fails is not measured")]

mod input;

use std::process::ExitCode;

use divan::Bencher;
use divan::counter::BytesCount;
use h5refs::{ReadOptions, Reader};

/// The files, and whether their filters can be undone.
const FILES: [(&str, bool); 26] = [
    ("decode/plain", true),
    ("decode/shuffle", true),
    ("decode/fletcher32", true),
    ("decode/deflate", true),
    ("decode/shuffle_deflate", true),
    ("decode/shuffle_deflate_i2", true),
    ("decode/lzf", true),
    ("decode/szip", true),
    ("decode/nbit", true),
    ("decode/scaleoffset_integers", true),
    ("decode/scaleoffset_floats", true),
    ("decode/bzip2", cfg!(feature = "bzip2")),
    ("decode/bitshuffle", cfg!(feature = "bitshuffle")),
    ("decode/bitshuffle_lz4", cfg!(feature = "bitshuffle")),
    ("decode/bitshuffle_zstd", cfg!(feature = "bitshuffle")),
    ("decode/lz4", cfg!(feature = "lz4")),
    ("decode/zstd", cfg!(feature = "zstd")),
    ("decode/blosc_blosclz", cfg!(feature = "blosc")),
    ("decode/blosc_lz4", cfg!(feature = "blosc")),
    ("decode/blosc_zstd", cfg!(feature = "blosc")),
    ("decode/blosc2_zstd", cfg!(feature = "blosc")),
    ("decode/zfp_rate", cfg!(feature = "zfp")),
    ("decode/zfp_accuracy", cfg!(feature = "zfp")),
    ("decode/sz3", cfg!(feature = "sz3")),
    ("decode/sperr", cfg!(feature = "sperr")),
    ("decode/fcidecomp", cfg!(feature = "fcidecomp")),
];

fn main() -> ExitCode {
    let off: Vec<&str> = FILES.iter().filter(|(_, on)| !on).map(|(case, _)| *case).collect();
    if !off.is_empty() {
        eprintln!("left out, because their features are off (--features cli has them all): {}", off.join(", "));
    }
    input::run(readable())
}

fn readable() -> impl Iterator<Item = &'static str> {
    FILES.iter().filter(|(_, on)| *on).map(|(case, _)| *case)
}

#[divan::bench(args = readable())]
fn read_all(bencher: Bencher, case: &str) {
    let file = input::file(case);
    let reader = Reader::open(&file, ReadOptions::default()).unwrap();
    let dataset = reader.dataset("/d").unwrap();
    let bytes = dataset.read_all().unwrap().bytes.len();
    bencher.counter(BytesCount::new(bytes)).bench_local(|| dataset.read_all().unwrap());
}
