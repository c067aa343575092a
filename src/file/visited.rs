//! Trees and chains are walked once: a second arrival is a loop.

use std::collections::BTreeSet;

use crate::error::Problem;
use crate::field::Address;

/// The addresses reached in one tree or chain.
#[derive(Debug, Default)]
pub(crate) struct Visited(BTreeSet<Address>);

impl Visited {
    /// Notes an arrival at `what`.
    pub(crate) fn arrive(&mut self, what: &'static str, address: Address) -> Result<(), Problem> {
        if self.0.insert(address) { Ok(()) } else { Err(Problem::Revisited(what)) }
    }
}
