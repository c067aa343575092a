//! Superblocks of version 2 and 3 (II.A).

use super::checksum::seal;
use super::message::UNDEFINED;

pub(crate) const SIGNATURE: &[u8] = b"\x89HDF\r\n\x1a\n";

pub(crate) struct Superblock {
    pub(crate) version: u8,
    pub(crate) offset_size: u8,
    pub(crate) length_size: u8,
    /// Bytes that each address here really has, and what those after the eighth are.
    pub(crate) width: (usize, u8),
    pub(crate) base: u64,
    pub(crate) extension: u64,
    /// `None` is where the file ends.
    pub(crate) end: Option<u64>,
    pub(crate) root: u64,
}

impl Default for Superblock {
    fn default() -> Self {
        Self {
            version: 3,
            offset_size: 8,
            length_size: 8,
            width: (8, 0),
            base: 0,
            extension: UNDEFINED,
            end: None,
            root: UNDEFINED,
        }
    }
}

impl Superblock {
    pub(crate) fn bytes(&self, end: u64) -> Vec<u8> {
        let mut bytes = [SIGNATURE, &[self.version, self.offset_size, self.length_size, 0]].concat();
        for address in [self.base, self.extension, self.end.unwrap_or(end), self.root] {
            let (width, high) = self.width;
            let high = if address == UNDEFINED { 0xff } else { high };
            bytes.extend(address.to_le_bytes());
            bytes.extend(vec![high; width - 8]);
        }
        seal(&mut bytes);
        bytes
    }
}
