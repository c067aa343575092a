//! B-tree 'K' Values message ([IV.A.2.t]).

use nom::number::complete::le_u16;

use crate::field::sizes::version;
use crate::field::{Parsed, Span};
use crate::structure::superblock::KValues;

/// The 'K' values of a file whose superblock does not hold them.
pub(crate) fn parse(i: Span<'_>) -> Parsed<'_, KValues> {
    let (i, _version) = version(0..=0, i)?;
    let (i, chunk) = le_u16(i)?;
    let (i, group_internal) = le_u16(i)?;
    let (i, group_leaf) = le_u16(i)?;
    Ok((i, KValues { group_leaf, group_internal, chunk }))
}
