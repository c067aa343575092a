//! The library and the command line from outside, against what libhdf5 says of the files in `testdata/`.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod bad_input;
#[cfg(all(feature = "cli", unix))]
mod batch;
#[cfg(feature = "cli")]
mod choice;
#[cfg(feature = "cli")]
mod cli;
mod combine;
mod combine_checks;
#[cfg(feature = "cli")]
mod copy;
mod crafted;
mod crafted_references;
#[cfg(feature = "dap")]
mod dap;
mod direct;
#[cfg(feature = "dmrpp")]
mod dmrpp;
#[cfg(feature = "cli")]
mod edit;
mod element;
mod family;
mod files;
mod format;
mod golden;
mod hostile;
#[cfg(all(feature = "cli", feature = "remote"))]
mod http_server;
mod kerchunk_bugs;
mod layers;
mod limits;
#[cfg(feature = "cli")]
mod listing;
mod names;
mod netcdf;
mod netcdf3;
#[cfg(feature = "object_store")]
mod object_store;
mod parquet;
mod printed;
mod read_back;
mod reader;
mod refused;
#[cfg(all(feature = "cli", feature = "remote"))]
mod remote;
mod rounds;
#[cfg(feature = "cli")]
mod side_by_side;
mod sidecar;
mod values;
mod verify;
mod writer;
mod written;
