//! Bytes that a combination needs, from local files.

use std::path::PathBuf;

use h5refs::combine::{Need, Supply};
use h5refs::{Error, LocalSources, Sources};

/// Local files.
pub(crate) struct Local(LocalSources);

impl Local {
    /// Files under some folders; all files where none is named.
    pub(crate) fn new(allow: &[PathBuf]) -> Result<Self, String> {
        let mut sources = LocalSources::new();
        let everywhere = [PathBuf::from(std::path::MAIN_SEPARATOR_STR)];
        for folder in if allow.is_empty() { &everywhere } else { allow } {
            sources = sources.allow(folder).map_err(|error| error.to_string())?;
        }
        Ok(Self(sources))
    }

    fn one(&self, need: &Need) -> Result<h5refs::Bytes, Error> {
        let range = match &need.range {
            Some(range) => range.clone(),
            None => 0..self.0.state(&need.url)?.size,
        };
        let bytes = self.0.read(&need.url, std::slice::from_ref(&range))?;
        Ok(bytes.into_iter().next().unwrap_or_default())
    }
}

impl Supply for Local {
    fn supply(&self, needs: &[Need]) -> Vec<Result<h5refs::Bytes, Error>> {
        needs.iter().map(|need| self.one(need)).collect()
    }
}
