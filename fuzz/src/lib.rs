//! What the fuzz targets have in common.

mod limits;
mod pieces;
mod references;
mod world;

pub use limits::{limits, options};
pub use pieces::{Memory, Pieces};
pub use references::{assert_inside, assert_read_back, assert_within, told};
pub use world::World;
