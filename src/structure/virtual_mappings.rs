//! Virtual dataset global heap blocks ([III.F]).

use std::sync::Arc;

use nom::number::complete::le_u8;

use crate::error::Problem;
use crate::field::checksum::checksum;
use crate::field::convert::{narrow, wide};
use crate::field::sizes::{length_of, version};
use crate::field::{Parsed, Sizes, Span, bytes, skip};
use crate::structure::selection::Selection;

/// Fewest bytes of a mapping: two names of none, or flags and one of them, and two selections that say no more.
const SHORTEST: u64 = 34;

/// A part of a virtual dataset, and where its elements come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mapping {
    /// The file that the source lies in, as it is stored: `.` is the virtual dataset's own.
    pub source_file: Arc<str>,
    /// The path of the source dataset, as it is stored.
    pub source_dataset: Arc<str>,
    /// The elements of the source.
    pub source_selection: Selection,
    /// Their places in the virtual dataset.
    pub virtual_selection: Selection,
}

/// Flags of a mapping in version 1.
const FILE_SHARED: u8 = 1;
const DATASET_SHARED: u8 = 2;
const SAME_FILE: u8 = 4;

/// The mappings of a virtual dataset.
pub(crate) fn mappings(sizes: Sizes, start: Span<'_>) -> Parsed<'_, Vec<Mapping>> {
    let (at_entries, version) = version(0..=1, start)?;
    let (mut i, entries) = sizes.length(at_entries)?;
    if entries.checked_mul(SHORTEST).is_none_or(|least| least > length_of(&i)) {
        return at_entries.value("num entries", entries);
    }
    let mut mappings = Vec::new();
    for _ in 0..entries {
        let (rest, mapping) = mapping(sizes, version, &mappings, i)?;
        mappings.push(mapping);
        i = rest;
    }
    let (i, ()) = checksum(start.until(&i), i)?;
    Ok((i, mappings))
}

/// A mapping; `earlier` are those whose names it may share.
fn mapping<'a>(sizes: Sizes, version: u8, earlier: &[Mapping], i: Span<'a>) -> Parsed<'a, Mapping> {
    let (at_file, flags) = if version == 0 { (i, 0) } else { le_u8(i)? };
    if flags > 7 {
        return i.value("flags", flags);
    }
    let (i, source_file) = match flags {
        _ if flags & SAME_FILE != 0 => (at_file, Arc::from(".")),
        _ if flags & FILE_SHARED != 0 => shared(sizes, earlier, |mapping| &mapping.source_file, at_file)?,
        _ => name("source filename", at_file)?,
    };
    let (i, source_dataset) = if flags & DATASET_SHARED != 0 {
        shared(sizes, earlier, |mapping| &mapping.source_dataset, i)?
    } else {
        name("source dataset", i)?
    };
    let (i, source_selection) = Selection::parse(i)?;
    let (i, virtual_selection) = Selection::parse(i)?;
    Ok((i, Mapping { source_file, source_dataset, source_selection, virtual_selection }))
}

/// The name of an earlier mapping, by its number.
fn shared<'a>(
    sizes: Sizes,
    earlier: &[Mapping],
    name: impl Fn(&Mapping) -> &Arc<str>,
    i: Span<'a>,
) -> Parsed<'a, Arc<str>> {
    let (rest, number) = sizes.length(i)?;
    match earlier.get(narrow(number)) {
        Some(mapping) => Ok((rest, Arc::clone(name(mapping)))),
        None => i.value("entry whose name is shared", number),
    }
}

/// A NUL-terminated name.
fn name<'a>(field: &'static str, i: Span<'a>) -> Parsed<'a, Arc<str>> {
    let Some(length) = i.bytes().iter().position(|byte| *byte == 0) else { return i.fail(Problem::Truncated) };
    let (rest, name) = bytes(wide(length), i)?;
    let (rest, ()) = skip(1, rest)?;
    match std::str::from_utf8(name.bytes()) {
        Ok(name) => Ok((rest, Arc::from(name))),
        Err(_) => i.fail(Problem::Text(field)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{Error, Structure};
    use crate::field::Width;
    use crate::structure::proofs::{AT, every_prefix_fails, message_of, never_panics, sealed, with};

    const ALL: [u8; 16] = [
        3, 0, 0, 0, // selection type: all
        1, 0, 0, 0, // version
        0, 0, 0, 0, // reserved
        0, 0, 0, 0, // length
    ];

    /// Version 0, as libhdf5 2.0 writes it.
    fn zero() -> Vec<u8> {
        let block = [
            &[0][..],                  // version
            &[2, 0, 0, 0, 0, 0, 0, 0], // num entries
            b"a.h5\0",                 // source filename
            b"d\0",                    // source dataset
            &ALL,                      // source selection
            &ALL,                      // virtual selection
            b".\0",                    // source filename
            b"/e\0",                   // source dataset
            &ALL,                      // source selection
            &ALL,                      // virtual selection
        ];
        sealed(&block.concat())
    }

    /// Version 1, as libhdf5 2.0 reads it.
    fn one() -> Vec<u8> {
        let block = [
            &[1][..],                  // version
            &[3, 0, 0, 0, 0, 0, 0, 0], // num entries
            &[0],                      // flags
            b"a.h5\0",                 // source filename
            b"d\0",                    // source dataset
            &ALL,                      // source selection
            &ALL,                      // virtual selection
            &[1],                      // flags: file name shared
            &[0, 0, 0, 0, 0, 0, 0, 0], // entry with the source filename
            b"/e\0",                   // source dataset
            &ALL,                      // source selection
            &ALL,                      // virtual selection
            &[6],                      // flags: dataset name shared, same file
            &[1, 0, 0, 0, 0, 0, 0, 0], // entry with the source dataset
            &ALL,                      // source selection
            &ALL,                      // virtual selection
        ];
        sealed(&block.concat())
    }

    fn parse(bytes: &[u8]) -> Result<Vec<Mapping>, Error> {
        let i = Span::new(bytes, AT);
        crate::structure::parse(Structure::VirtualMappings, i, |i| mappings(Sizes::EIGHT, i))
    }

    fn all(file: &str, dataset: &str) -> Mapping {
        Mapping {
            source_file: file.into(),
            source_dataset: dataset.into(),
            source_selection: Selection::All,
            virtual_selection: Selection::All,
        }
    }

    #[test]
    fn a_mapping_names_its_source_and_selects_on_both_sides() {
        assert_eq!(parse(&zero()).unwrap(), [all("a.h5", "d"), all(".", "/e")]);
    }

    #[test]
    fn version_1_shares_names_with_earlier_mappings() {
        let mappings = parse(&one()).unwrap();
        assert_eq!(mappings, [all("a.h5", "d"), all("a.h5", "/e"), all(".", "/e")]);
        assert!(Arc::ptr_eq(&mappings[0].source_file, &mappings[1].source_file));
    }

    #[test]
    fn numbers_are_as_wide_as_lengths() {
        let sizes = Sizes { offsets: Width::Eight, lengths: Width::Four };
        let block = sealed(&[&[0, 1, 0, 0, 0][..], b"a\0b\0", &ALL, &ALL].concat());
        let i = Span::new(&block, AT);
        let parsed = crate::structure::parse(Structure::VirtualMappings, i, |i| mappings(sizes, i));
        assert_eq!(parsed.unwrap(), [all("a", "b")]);
    }

    #[test]
    fn problems_are_told_at_their_fields() {
        let told = |valid: &[u8], at, others: &[u8]| message_of(parse(&with(valid, at, others)));
        let (zero, one) = (zero(), one());
        let prefix = "virtual dataset mappings at 0x60: ";
        assert_eq!(told(&zero, 0, &[2]), format!("{prefix}version is 2 (at 0x60)"));
        assert_eq!(told(&zero, 1, &[3]), format!("{prefix}num entries is 3 (at 0x61)"));
        assert_eq!(told(&zero, 1, &[0xff; 8]), format!("{prefix}num entries is {} (at 0x61)", u64::MAX));
        assert_eq!(told(&zero, 9, &[0xff]), format!("{prefix}source filename is not valid text (at 0x69)"));
        assert_eq!(told(&zero, 14, &[0xff]), format!("{prefix}source dataset is not valid text (at 0x6e)"));
        assert_eq!(told(&zero, 16, &[9]), format!("{prefix}selection type is 9 (at 0x70)"));
        assert_eq!(told(&one, 9, &[8]), format!("{prefix}flags is 8 (at 0x69)"));
        assert_eq!(told(&one, 50, &[1]), format!("{prefix}entry whose name is shared is 1 (at 0x92)"));
        let stored = u32::from_le_bytes(zero[zero.len() - 4..].try_into().unwrap());
        let computed = crate::field::checksum::lookup3(&with(&zero, 9, b"b")[..zero.len() - 4]);
        assert_eq!(
            told(&zero, 9, b"b"),
            format!("{prefix}checksum is {stored:#010x}, computed {computed:#010x} (at 0xb5)")
        );
    }

    #[test]
    fn every_proper_prefix_is_refused() {
        every_prefix_fails(&zero(), parse);
        every_prefix_fails(&one(), parse);
    }

    #[test]
    fn arbitrary_bytes_do_not_panic() {
        never_panics(&zero(), |bytes| drop(parse(bytes)));
        never_panics(&one(), |bytes| drop(parse(bytes)));
    }
}
