//! Attribute Info message ([IV.A.2.v]).

use nom::number::complete::{le_u8, le_u16};

use crate::field::sizes::version;
use crate::field::{Address, Parsed, Sizes, Span};

/// Where an object's dense attributes lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct AttributeInfo {
    /// The heap of attribute messages; `None` while the attributes are in the object header.
    pub(crate) fractal_heap: Option<Address>,
    pub(crate) name_index: Option<Address>,
    /// Present where creation order is indexed.
    pub(crate) creation_order_index: Option<Address>,
    /// Whether creation order is tracked.
    pub(crate) creation_order_tracked: bool,
}

impl AttributeInfo {
    pub(crate) fn parse(sizes: Sizes, i: Span<'_>) -> Parsed<'_, Self> {
        let (i, _version) = version(0..=0, i)?;
        let (i, flags) = le_u8(i)?;
        let creation_order_tracked = flags & 1 != 0;
        let (i, _maximum_creation_index) = if creation_order_tracked { le_u16(i)? } else { (i, 0) };
        let (i, fractal_heap) = sizes.address(i)?;
        let (i, name_index) = sizes.address(i)?;
        let (i, creation_order_index) = if flags & 2 == 0 { (i, None) } else { sizes.address(i)? };
        Ok((i, Self { fractal_heap, name_index, creation_order_index, creation_order_tracked }))
    }
}
