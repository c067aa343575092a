//! Many reference sets become one: planned, checked, and then merged without reading anything.
//!
//! Sets that are combined in batches, and the batches after that, or one after another, end as all at once do, byte for byte, whatever
//! their order (`tests/it/combine.rs`). What a batch cannot know makes these exceptions, none of which changes a value:
//! - Along several dimensions, a batch that is no block (not every combination of its coordinates is there) has gaps: arrays without a fill
//!   value are refused, or, where they are of floats, have NaN. A combination at which a set of several has no chunk at all is taken for
//!   such a gap, which another set may fill.
//! - Along several dimensions the set with the smallest coordinates, whose attributes are taken, may be another in batches that are no blocks.
//! - Where arrays without codecs are cut because their chunks have several lengths, and the last chunk of all is not full, a batch may have
//!   been cut into other tiles than all sets at once are.
//! - An array that has the form of one stored anew (one inline chunk, zlib of level 7, or texts) in some sets and not in others may be laid as
//!   it is all at once and stored anew in a batch, or refused there where it may not be read.
//! - A set with one coordinate has no direction, and a batch of such sets ascends: with sets that descend it is refused.
//! - `INDEX` and lists count the sets that are given.

mod along;
mod attributes;
mod axis;
mod bounds;
mod cells;
pub(crate) mod cf_time;
mod chosen;
mod columns;
mod combined;
mod compare;
mod conflicts;
mod coordinate;
mod coordinate_array;
mod dimensions;
mod evaluate;
mod fills;
mod findings;
mod held;
mod holes;
mod inputs;
mod layout;
mod merge;
mod options;
mod overlap;
mod plan;
mod restore;
mod roles;
mod rule;
mod selector;
mod sets;
mod times;
mod used;

pub use coordinate::Coordinate;
pub use findings::{Finding, Weight};
pub use held::{Need, Supply};
pub use options::{Change, Check, CombineOptions, Names, Policies, Policy};
pub use plan::{Combine, Plan, PlannedArray};
pub use selector::{Chooses, Closure, NamePart, Selector};
