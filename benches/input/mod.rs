//! The files that `benches/generate.py` writes, and how benches are run.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use divan::Divan;
use h5refs::{Bytes, Input};

fn path(case: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("target/bench-data").join(format!("{case}.h5"))
}

/// A file in memory.
pub(crate) fn file(case: &str) -> Input {
    let path = path(case);
    Input::from(Bytes::from(std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))))
}

/// Runs the benches, if the files that they read are all there.
pub(crate) fn run(cases: impl IntoIterator<Item = &'static str>) -> ExitCode {
    let missing: Vec<&str> = cases.into_iter().filter(|case| !path(case).is_file()).collect();
    if !missing.is_empty() {
        eprintln!("nothing was measured: target/bench-data has no {}", missing.join(", "));
        eprintln!("write them first: pip install -r testdata/requirements.txt && python benches/generate.py");
        return ExitCode::FAILURE;
    }
    // An iteration is long enough to be a sample; what is asked for on the command line overrides this.
    let benches = Divan::default().sample_count(20).sample_size(1).max_time(Duration::from_secs(5));
    benches.config_with_args().main();
    ExitCode::SUCCESS
}
