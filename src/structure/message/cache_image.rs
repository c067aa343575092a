//! Metadata Cache Image message (type 0x18), which the specification does not describe (`H5O__mdci_decode`).

use crate::field::sizes::version;
use crate::field::{Address, Parsed, Sizes, Span};

/// Where the image of the metadata cache lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ImageLocation {
    /// `None` once a writer has taken the image apart.
    pub(crate) address: Option<Address>,
    /// Bytes of the image.
    pub(crate) size: u64,
}

impl ImageLocation {
    pub(crate) fn parse(sizes: Sizes, i: Span<'_>) -> Parsed<'_, Self> {
        let (i, _version) = version(0..=0, i)?;
        let (i, address) = sizes.address(i)?;
        let (i, size) = sizes.length(i)?;
        Ok((i, Self { address, size }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Structure;
    use crate::structure::parse;
    use crate::structure::proofs::{AT, every_prefix_fails, message_of, never_panics, with};

    /// Written by libhdf5 2.0.
    const BYTES: [u8; 17] = [
        0, // version
        0x38, 0x08, 0, 0, 0, 0, 0, 0, // image address
        0x26, 0x04, 0, 0, 0, 0, 0, 0, // image size
    ];

    fn read(bytes: &[u8]) -> Result<ImageLocation, crate::Error> {
        parse(Structure::CacheImageMessage, Span::new(bytes, AT), |i| ImageLocation::parse(Sizes::EIGHT, i))
    }

    #[test]
    fn an_image_has_a_place_or_none() {
        assert_eq!(read(&BYTES).unwrap(), ImageLocation { address: Some(Address(0x838)), size: 0x426 });
        assert_eq!(read(&with(&BYTES, 1, &[0xff; 8])).unwrap().address, None);
        assert_eq!(
            message_of(read(&with(&BYTES, 0, &[1]))),
            "metadata cache image message at 0x60: version is 1 (at 0x60)"
        );
        every_prefix_fails(&BYTES, read);
        never_panics(&BYTES, |bytes| drop(read(bytes)));
    }
}
