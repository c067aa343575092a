//! The library and the command line from outside, against what libhdf5 says of the files in `testdata/`.

mod bad_input;
mod element;
mod files;
mod golden;
mod layers;
mod reader;
mod refused;
mod rounds;
mod values;
