//! File Space Info message ([IV.A.2.x]; `H5O__fsinfo_decode`).

use nom::number::complete::le_u8;

use crate::field::sizes::version;
use crate::field::{Parsed, Sizes, Span};

/// `H5F_FSPACE_STRATEGY_PAGE`.
const PAGE: u8 = 1;

/// How a file gives space to structures and elements.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FileSpaceInfo {
    /// Bytes of the pages in which structures and elements are kept apart, if they are.
    pub(crate) page: Option<u64>,
}

impl FileSpaceInfo {
    /// Version 1. Version 0, of libhdf5 1.10.0 only, has no pages.
    pub(crate) fn parse(sizes: Sizes, i: Span<'_>) -> Parsed<'_, Self> {
        let (i, _version) = version(1..=1, i)?;
        let (i, strategy) = le_u8(i)?;
        let (i, _persists) = le_u8(i)?;
        let (i, _threshold) = sizes.length(i)?;
        let (i, page) = sizes.length(i)?;
        Ok((i, Self { page: Some(page).filter(|page| strategy == PAGE && *page > 0) }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Structure;
    use crate::structure::parse;
    use crate::structure::proofs::{AT, every_prefix_fails, message_of, never_panics, with};

    /// Written by libhdf5 2.0 for `fs_strategy="page", fs_page_size=4096`, as far as it is read.
    const BYTES: [u8; 19] = [
        1, // version
        1, // file space strategy: pages
        0, // free space is not persistent
        1, 0, 0, 0, 0, 0, 0, 0, // free-space section threshold
        0x00, 0x10, 0, 0, 0, 0, 0, 0, // file space page size
    ];

    fn read(bytes: &[u8]) -> Result<FileSpaceInfo, crate::Error> {
        parse(Structure::FileSpaceInfo, Span::new(bytes, AT), |i| FileSpaceInfo::parse(Sizes::EIGHT, i))
    }

    #[test]
    fn a_file_has_pages_or_none() {
        assert_eq!(read(&BYTES).unwrap(), FileSpaceInfo { page: Some(4096) });
        for other in [0, 2, 3] {
            assert_eq!(read(&with(&BYTES, 1, &[other])).unwrap(), FileSpaceInfo { page: None });
        }
        assert_eq!(message_of(read(&with(&BYTES, 0, &[0]))), "file space info message at 0x60: version is 0 (at 0x60)");
        every_prefix_fails(&BYTES, read);
        never_panics(&BYTES, |bytes| drop(read(bytes)));
    }
}
