//! The files of a set, each once.

use std::collections::HashMap;

use super::UrlId;
use crate::error::Error;

/// URLs by their numbers, and numbers by their URLs.
#[derive(Debug, Default)]
pub(crate) struct UrlTable {
    urls: Vec<String>,
    ids: HashMap<String, UrlId>,
}

impl UrlTable {
    /// The number of a file, which is the same each time.
    pub(crate) fn id(&mut self, url: &str) -> Result<UrlId, Error> {
        if let Some(id) = self.ids.get(url) {
            return Ok(*id);
        }
        let too_many = || Error::Reference { key: url.to_owned(), problem: "is one file more than 2^32".to_owned() };
        let id = UrlId(u32::try_from(self.urls.len()).map_err(|_| too_many())?);
        self.urls.push(url.to_owned());
        self.ids.insert(url.to_owned(), id);
        Ok(id)
    }

    /// The file of a number.
    pub(crate) fn url(&self, id: UrlId) -> Option<&str> {
        self.urls.get(crate::convert::narrow(id.0.into())).map(String::as_str)
    }

    /// The files by their numbers.
    pub(crate) fn into_urls(self) -> Vec<String> {
        self.urls
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_has_one_number() {
        let mut table = UrlTable::default();
        let (a, b) = (table.id("a").unwrap(), table.id("b").unwrap());
        assert_eq!((table.id("a").unwrap(), a, b), (a, UrlId(0), UrlId(1)));
        assert_eq!((table.url(b), table.url(UrlId(2))), (Some("b"), None));
        assert_eq!(table.into_urls(), ["a", "b"]);
    }
}
