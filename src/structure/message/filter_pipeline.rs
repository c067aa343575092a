//! Data Storage - Filter Pipeline message ([IV.A.2.l]).

use nom::Parser;
use nom::multi::count;
use nom::number::complete::{le_u8, le_u16, le_u32};

use crate::field::sizes::{length_of, version};
use crate::field::{Parsed, Span, bytes, skip};

/// Most filters of a pipeline (`H5Z_MAX_NFILTERS`).
const MOST_FILTERS: u8 = 32;

/// Most client values of a filter; real filters have at most a few dozen.
const MOST_VALUES: u16 = 1_024;

/// The filters of a dataset's chunks, in the order in which they are applied on writing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FilterPipeline {
    /// The filters.
    pub filters: Vec<Filter>,
}

/// One filter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filter {
    /// Registered number: 1 deflate, 2 shuffle, 3 Fletcher-32, and so on.
    pub id: u16,
    /// Name, where the file stores one.
    pub name: Option<String>,
    /// Whether a chunk that the filter cannot handle is stored without it.
    pub optional: bool,
    /// The filter's parameters.
    pub client_data: Vec<u32>,
}

impl FilterPipeline {
    pub(crate) fn parse(i: Span<'_>) -> Parsed<'_, Self> {
        let (at_count, version) = version(1..=2, i)?;
        let (i, filters) = le_u8(at_count)?;
        if filters > MOST_FILTERS {
            return at_count.value("number of filters", filters);
        }
        let (i, ()) = skip(if version == 1 { 6 } else { 0 }, i)?;
        let (i, filters) = count(|i| Filter::parse(version, i), filters.into()).parse(i)?;
        Ok((i, Self { filters }))
    }
}

impl Filter {
    fn parse(version: u8, i: Span<'_>) -> Parsed<'_, Self> {
        let (i, id) = le_u16(i)?;
        let (i, name_length) = if version == 1 || id >= 256 { le_u16(i)? } else { (i, 0) };
        let (at_values, flags) = le_u16(i)?;
        let (i, values) = le_u16(at_values)?;
        if values > MOST_VALUES {
            return at_values.value("number of client data values", values);
        }
        // Version 1 names are padded to 8 bytes, whatever the length field says (`H5O__pline_decode`).
        let name_length = if version == 1 { u64::from(name_length).next_multiple_of(8) } else { name_length.into() };
        let (i, name) = bytes(name_length, i)?;
        let (i, client_data) = count(le_u32, values.into()).parse(i)?;
        // An odd number of values is padded; the last filter's padding may be missing.
        let padding = if version == 1 && values % 2 == 1 { length_of(&i).min(4) } else { 0 };
        let (i, ()) = skip(padding, i)?;
        let name = name.bytes().split(|byte| *byte == 0).next().filter(|name| !name.is_empty());
        let name = name.map(|name| String::from_utf8_lossy(name).into_owned());
        Ok((i, Self { id, name, optional: flags & 1 != 0, client_data }))
    }
}
