//! Local heaps, the names of old-style groups ([III.D]).

use crate::error::Problem;
use crate::field::convert::narrow;
use crate::field::sizes::version;
use crate::field::{Address, Parsed, Sizes, Span, signature, skip};

/// Enough bytes for a local heap's header, whatever the widths.
pub(crate) const LONGEST_HEADER: u64 = 104;

/// The header of a local heap ([III.D]). Its free list is never read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LocalHeap {
    /// Bytes of the data segment.
    pub(crate) segment_size: u64,
    pub(crate) segment: Address,
}

impl LocalHeap {
    pub(crate) fn parse(sizes: Sizes, i: Span<'_>) -> Parsed<'_, Self> {
        let (i, ()) = signature("HEAP", i)?;
        let (i, _version) = version(0..=0, i)?;
        let (i, ()) = skip(3, i)?;
        let (i, segment_size) = sizes.length(i)?;
        let (i, _free_list) = sizes.length(i)?;
        let (i, segment) = sizes.defined("data segment address", i)?;
        Ok((i, Self { segment_size, segment }))
    }
}

/// The NUL-terminated text at `offset` of a data segment.
pub(crate) fn text(offset: u64, segment: Span<'_>) -> Parsed<'_, &[u8]> {
    let (i, ()) = skip(offset, segment)?;
    let Some(length) = nom::Input::position(&i, |byte| byte == 0) else {
        return i.fail(Problem::Text("name without terminating NUL"));
    };
    let (rest, name) = nom::Input::take_split(&i, narrow(crate::field::convert::wide(length)));
    Ok((rest, name.bytes()))
}
