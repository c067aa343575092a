//! kerchunk's references in Parquet: a folder with `.zmetadata`, and for each array record files `refs.<n>.parq` of four columns, a row for
//! each chunk by its number in C order. Written and read without a Parquet library: of the format there is here what such files need.

mod column;
mod compression;
mod error;
mod folder;
mod footer;
mod hybrid;
mod page;
mod read;
mod record;
mod replace;
mod thrift;
mod write;

pub use folder::{ParquetOptions, write_parquet, write_parquet_with};
pub(crate) use read::read_parquet_known;
pub use read::{MissingRecords, read_parquet, read_parquet_with};
pub use replace::Placing;
