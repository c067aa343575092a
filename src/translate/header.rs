//! Headers of inputs, for those who choose among many.

use crate::error::Error;
use crate::file::{CutOff, Detail, File, Memo};
use crate::limits::Limits;
use crate::netcdf::{Dimensions, Header};
use crate::source::{Input, ReadAt};

/// The dimensions and attributes of a file or, with the feature `dmrpp`, of what a DMR++ sidecar describes. Chunk indexes are not read.
///
/// # Errors
/// As for [`references`](crate::references) and `dmrpp_references`.
pub fn header(input: &Input, limits: Limits) -> Result<Header, Error> {
    #[cfg(feature = "dmrpp")]
    if let Some(bytes) = input.dmrpp(limits)? {
        let sidecar = crate::dmrpp::read(&bytes, crate::dmrpp::Given::default(), &crate::limits::Budget::new(limits))?;
        return Ok(sidecar.header());
    }
    let memo = Memo::of(input);
    let walk = |source: &dyn ReadAt| {
        let tree = File::open(source, limits, CutOff::Refuse, &memo)?.walk(&Detail { chunks: &|_| false })?;
        Ok(Header::of(&tree, &Dimensions::of(&tree), &[]))
    };
    input.replay(limits, walk)
}
