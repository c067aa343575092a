//! Translates a file into references without doing any I/O itself: `cargo run --example reference -- FILE`.
//!
//! The scan says which ranges it needs; here they come from a local file, elsewhere from an object store, a browser or a cache.

use std::error::Error;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::ops::Range;

use h5refs::{Options, Scan, Step};

fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args().nth(1).ok_or("usage: reference FILE")?;
    let mut file = File::open(&path)?;
    let mut scan = Scan::references(file.metadata()?.len(), Options::new(path));
    let (references, report) = loop {
        match scan.step()? {
            Step::Done(done) => break done,
            Step::Need(ranges) => {
                // All of these could be fetched at the same time.
                for range in ranges {
                    scan.supply(range.start, &fetch(&mut file, &range)?.into())?;
                }
            }
        }
    };
    for (path, reason) in report.refused() {
        eprintln!("{path}: {reason}");
    }
    let read = scan.statistics();
    eprintln!("{} bytes in {} requests and {} rounds", read.bytes, read.requests, read.rounds);
    h5refs::write_json(&references, std::io::stdout().lock())?;
    Ok(())
}

fn fetch(file: &mut File, range: &Range<u64>) -> Result<Vec<u8>, Box<dyn Error>> {
    let mut bytes = vec![0; usize::try_from(range.end - range.start)?];
    file.seek(SeekFrom::Start(range.start))?;
    file.read_exact(&mut bytes)?;
    Ok(bytes)
}
