//! References of a file at a URL, read in a few rounds: `cargo run --example scan_url --features remote -- URL [NAME=VALUE..]`, where
//! `anon=true`, `endpoint=http://..`, `region=..` and others say how its store is asked.

use std::error::Error;
use std::sync::Arc;

use h5refs::{Input, Options, RemoteOptions, RemoteSources};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let url = arguments.next().ok_or("usage: scan_url URL [NAME=VALUE..]")?;
    let mut options = RemoteOptions::default();
    for setting in arguments {
        let (name, value) = setting.split_once('=').ok_or_else(|| format!("{setting}: it is not NAME=VALUE"))?;
        options.storage.insert(name.to_owned(), value.to_owned());
    }
    // One of these serves any number of files and threads.
    let sources = Arc::new(RemoteSources::new(options)?.allow(&url)?);
    let input = Input::through(sources.clone(), &url)?;
    let (references, report) = h5refs::references(&input, &Options::new(&url))?;
    for (path, reason) in report.refused() {
        eprintln!("{path}: {reason}");
    }
    if let Some((statistics, waited)) = input.statistics() {
        let (rounds, requests, bytes) = (statistics.rounds, statistics.requests, statistics.bytes);
        eprintln!("{rounds} rounds, {requests} requests, {bytes} bytes of {}, {waited:?} waited", input.size());
    }
    eprintln!("{:?}", sources.counters());
    h5refs::write_json(&references, std::io::stdout().lock())?;
    Ok(())
}
