//! Reference sets, changed and counted. Only [`inline`] and [`merge`] read the files that they refer to, through [`Sources`](crate::Sources).

mod error;
mod inline;
mod outline;
mod rename;
mod stats;
mod subchunk;

pub use crate::reference::{Split, SplitError};
pub use error::EditError;
pub use inline::{Inlined, inline, merge};
pub use outline::outline;
pub use rename::{Renamed, longest_prefix, rename};
pub use stats::{ArrayStatistics, Cost, SetStatistics, Totals, statistics};
pub use subchunk::{Subchunked, subchunk};
