//! Datasets whose elements no reference leads to as they lie, and which are read box by box.

use super::options::Options;
use super::subject::Subject;
use crate::error::{Error, Unsupported};
use crate::file::{File, MissingSources, OpenDataset, ReadOptions};
use crate::limits::Limits;
use crate::source::Halt;

/// How such datasets are read: nothing is made up for what is not there.
pub(crate) fn read_options(options: &Options, limits: Limits) -> ReadOptions {
    ReadOptions {
        cut_off: options.cut_off,
        own_name: options.own_name.clone(),
        external: options.external.clone(),
        missing: MissingSources::Refuse,
        limits,
    }
}

/// A dataset, opened with its sources.
pub(crate) fn opened<'r>(
    file: &'r File<'r>,
    subject: Subject<'_>,
    options: &'r ReadOptions,
) -> Result<OpenDataset<'r>, Halt> {
    let Subject { object, dataset, .. } = subject;
    let found = OpenDataset::at(file, object.address, options)?;
    let found = found.ok_or_else(|| Error::NotFound { path: object.path.clone() })?;
    // Its dimensions were told before sources of its sources were looked at, which may be longer by now.
    if found.shape() != dataset.dataspace.dimensions {
        return Err(Unsupported::VirtualMapping("its sources give it another extent than the file says").into());
    }
    Ok(found)
}
