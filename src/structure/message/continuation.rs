//! Object Header Continuation message ([IV.A.2.q]).

use crate::field::{Address, Parsed, Sizes, Span};

/// A further block of an object header's messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Continuation {
    pub(crate) address: Address,
    /// Bytes of the block; in version 2 with signature and checksum.
    pub(crate) length: u64,
}

impl Continuation {
    pub(crate) fn parse(sizes: Sizes, i: Span<'_>) -> Parsed<'_, Self> {
        let (i, address) = sizes.defined("continuation address", i)?;
        let (i, length) = sizes.length(i)?;
        Ok((i, Self { address, length }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{Error, Structure};
    use crate::field::Width;
    use crate::structure::proofs::{AT, every_prefix_fails, message_of, never_panics, with};

    const MESSAGE: [u8; 12] = [
        0x00, 0x08, 0, 0, // offset
        120, 0, 0, 0, 0, 0, 0, 0, // length
    ];

    fn parse(bytes: &[u8]) -> Result<Continuation, Error> {
        let sizes = Sizes { offsets: Width::Four, lengths: Width::Eight };
        crate::structure::parse(Structure::Continuation, Span::new(bytes, AT), |i| Continuation::parse(sizes, i))
    }

    #[test]
    fn a_block_has_an_address_and_a_length() {
        assert_eq!(parse(&MESSAGE).unwrap(), Continuation { address: Address(0x800), length: 120 });
    }

    #[test]
    fn a_block_without_an_address_is_refused() {
        let told = message_of(parse(&with(&MESSAGE, 0, &[0xff; 4])));
        assert_eq!(told, "object header continuation message at 0x60: continuation address is undefined (at 0x60)");
    }

    #[test]
    fn every_proper_prefix_is_refused() {
        every_prefix_fails(&MESSAGE, parse);
    }

    #[test]
    fn arbitrary_bytes_do_not_panic() {
        never_panics(&MESSAGE, |bytes| drop(parse(bytes)));
    }
}
