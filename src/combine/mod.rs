//! Many reference sets become one: planned, checked, and then merged without reading anything.

mod along;
mod attributes;
mod axis;
mod cells;
pub(crate) mod cf_time;
mod chosen;
mod columns;
mod coordinate;
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
mod plan;
mod restore;
mod roles;
mod selector;
mod times;
mod used;

pub use coordinate::Coordinate;
pub use findings::{Finding, Weight};
pub use held::{Need, Supply};
pub use options::{Change, Check, CombineOptions, Names, Policies, Policy};
pub use plan::{Combine, Plan, PlannedArray};
pub use selector::{Chooses, Closure, NamePart, Selector};
