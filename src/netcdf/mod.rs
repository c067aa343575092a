//! netCDF conventions on top of HDF5: dimensions, coordinates, and the attributes that carry them.

mod cdl;
mod dimensions;
mod fill;
mod header;

pub use cdl::write_cdl;
#[cfg(feature = "dmrpp")]
pub(crate) use dimensions::ToldDimensions;
pub(crate) use dimensions::{Dimensions, is_dimension_only, is_scale};
pub(crate) use fill::default_fill;
pub use header::Header;

/// Attributes that carry the netCDF-4 model and HDF5 dimension scales, and mean nothing to a reader of Zarr.
const HIDDEN: [&str; 9] = [
    "CLASS",
    "DIMENSION_LABELS",
    "DIMENSION_LIST",
    "NAME",
    "REFERENCE_LIST",
    "_NCProperties",
    "_Netcdf4Coordinates",
    "_Netcdf4Dimid",
    "_nc3_strict",
];

/// What netCDF-C puts before the name of a variable that has a dimension's name and is not its coordinate (`NON_COORD_PREPEND`).
const NON_COORDINATE: &str = "_nc4_non_coord_";

/// Whether an attribute is left out of what users see.
pub(crate) fn is_hidden(attribute: &str) -> bool {
    HIDDEN.contains(&attribute)
}

/// A variable's name, without what netCDF-C puts before it.
pub(crate) fn variable_name(name: &str) -> &str {
    name.strip_prefix(NON_COORDINATE).unwrap_or(name)
}
