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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{Error, Structure};
    use crate::structure::proofs::{AT, every_prefix_fails, message_of, never_panics, with};

    /// Written by libhdf5 2.0, libver earliest.
    const ONE: [u8; 80] = [
        1, // version
        3, // number of filters
        0, 0, 0, 0, 0, 0, // reserved
        2, 0, // filter identification value: shuffle
        8, 0, // name length
        1, 0, // flags: optional
        1, 0, // number client data values
        b's', b'h', b'u', b'f', b'f', b'l', b'e', 0, // name
        2, 0, 0, 0, // client data
        0, 0, 0, 0, // padding
        1, 0, // filter identification value: deflate
        8, 0, // name length
        1, 0, // flags: optional
        1, 0, // number client data values
        b'd', b'e', b'f', b'l', b'a', b't', b'e', 0, // name
        4, 0, 0, 0, // client data
        0, 0, 0, 0, // padding
        3, 0, // filter identification value: Fletcher-32
        16, 0, // name length
        0, 0, // flags
        0, 0, // number client data values
        b'f', b'l', b'e', b't', b'c', b'h', b'e', b'r', b'3', b'2', 0, 0, 0, 0, 0, 0, // name
    ];

    /// Its filters are as libhdf5 2.0 writes them, libver latest.
    const TWO: [u8; 36] = [
        2, // version
        2, // number of filters
        1, 0, // filter identification value: deflate, without a name
        1, 0, // flags: optional
        1, 0, // number client data values
        4, 0, 0, 0, // client data
        0x00, 0x7d, // filter identification value: LZF
        4, 0, // name length
        0, 0, // flags
        3, 0, // number client data values
        b'l', b'z', b'f', 0, // name
        4, 0, 0, 0, 5, 1, 0, 0, 4, 0, 0, 0, // client data
    ];

    fn parse(bytes: &[u8]) -> Result<FilterPipeline, Error> {
        crate::structure::parse(Structure::FilterPipeline, Span::new(bytes, AT), FilterPipeline::parse)
    }

    fn filter(id: u16, name: Option<&str>, optional: bool, client_data: &[u32]) -> Filter {
        Filter { id, name: name.map(str::to_owned), optional, client_data: client_data.to_vec() }
    }

    #[test]
    fn version_1_names_every_filter_and_pads_an_odd_number_of_values() {
        let filters = vec![
            filter(2, Some("shuffle"), true, &[2]),
            filter(1, Some("deflate"), true, &[4]),
            filter(3, Some("fletcher32"), false, &[]),
        ];
        assert_eq!(parse(&ONE).unwrap(), FilterPipeline { filters });
    }

    #[test]
    fn version_2_names_filters_from_256_on_and_pads_nothing() {
        let filters = vec![filter(1, None, true, &[4]), filter(32_000, Some("lzf"), false, &[4, 261, 4])];
        assert_eq!(parse(&TWO).unwrap(), FilterPipeline { filters });
    }

    #[test]
    fn version_1_pads_a_name_whatever_its_length_says() {
        let shuffle = [&[1, 1], &ONE[2..10], &[5], &ONE[11..32]].concat();
        assert_eq!(parse(&shuffle).unwrap().filters, [filter(2, Some("shuffle"), true, &[2])]);
    }

    #[test]
    fn a_pipeline_may_be_empty() {
        assert_eq!(parse(&[2, 0]).unwrap(), FilterPipeline::default());
    }

    #[test]
    fn problems_are_told_at_their_fields() {
        let told = |at, others: &[u8]| message_of(parse(&with(&TWO, at, others)));
        assert_eq!(told(0, &[3]), "filter pipeline message at 0x60: version is 3 (at 0x60)");
        assert_eq!(told(1, &[33]), "filter pipeline message at 0x60: number of filters is 33 (at 0x61)");
        assert_eq!(told(6, &[1, 4]), "filter pipeline message at 0x60: number of client data values is 1025 (at 0x66)");
        assert_eq!(told(14, &[17]), "filter pipeline message at 0x60: the bytes end inside the structure (at 0x74)");
    }

    #[test]
    fn every_proper_prefix_is_refused() {
        every_prefix_fails(&ONE, parse);
        every_prefix_fails(&TWO, parse);
        // The padding of the last filter's values may be missing, whole or in part.
        every_prefix_fails(&with(&ONE, 1, &[1])[..28], parse);
    }

    #[test]
    fn arbitrary_bytes_do_not_panic() {
        never_panics(&ONE, |bytes| drop(parse(bytes)));
        never_panics(&TWO, |bytes| drop(parse(bytes)));
    }
}
