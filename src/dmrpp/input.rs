//! Inputs that are sidecars.

use bytes::Bytes;

use super::text::is_sidecar;
use crate::error::Error;
use crate::limits::{Limits, check};
use crate::source::Input;

/// Bytes by which sidecars are known.
const HEAD: u64 = 64;

impl Input {
    /// All bytes, if the input is a DMR++ sidecar: a text that begins as XML or as a data set of it does.
    ///
    /// # Errors
    /// [`Error::Io`], and [`Error::Limit`] of a sidecar of more than [`Limits::metadata_bytes`].
    pub fn dmrpp(&self, limits: Limits) -> Result<Option<Bytes>, Error> {
        let size = self.size();
        self.replay(limits, |source| {
            let head = source.read(std::slice::from_ref(&(0..size.min(HEAD))))?;
            if !head.first().is_some_and(|head| is_sidecar(head)) {
                return Ok(None);
            }
            check("metadata_bytes", size, limits.metadata_bytes)?;
            Ok(source.read(std::slice::from_ref(&(0..size)))?.into_iter().next())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sidecars_are_read_whole_and_others_not() {
        let of = |bytes: &'static [u8], limits| Input::from(Bytes::from_static(bytes)).dmrpp(limits);
        assert_eq!(of(b"<?xml version='1.0'?><Dataset/>", Limits::default()).unwrap().unwrap().len(), 31);
        assert_eq!(of(b"\x89HDF\r\n\x1a\n and more", Limits::default()).unwrap(), None);
        assert_eq!(of(b"", Limits::default()).unwrap(), None);
        let limits = Limits { metadata_bytes: 30, ..Limits::default() };
        let told = of(b"<?xml version='1.0'?><Dataset/>", limits).unwrap_err().to_string();
        assert_eq!(told, "31 exceeds Limits::metadata_bytes = 30; raise it if the file is trusted");
    }
}
