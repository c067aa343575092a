//! Where an input lies: in the local file system, or at a URL.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::path::{Path, PathBuf};

use crate::naming;

/// An input of a command.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Location {
    Path(PathBuf),
    Url(String),
}

/// Schemes of URLs that are read over a network.
const SCHEMES: [&str; 12] =
    ["s3", "s3a", "gs", "gcs", "az", "abfs", "abfss", "http", "https", "dap2", "dap2+http", "dap2+https"];

impl From<OsString> for Location {
    fn from(text: OsString) -> Self {
        match text.to_str().and_then(|text| Some((text, text.split_once("://")?))) {
            Some((url, (scheme, _))) if SCHEMES.contains(&scheme) => Self::Url(url.to_owned()),
            Some((_, ("file", path))) if path.starts_with('/') => Self::Path(PathBuf::from(path)),
            _ => Self::Path(PathBuf::from(text)),
        }
    }
}

impl From<&str> for Location {
    fn from(text: &str) -> Self {
        OsString::from(text).into()
    }
}

impl Location {
    /// The path, if it is local.
    pub(crate) fn path(&self) -> Option<&Path> {
        match self {
            Self::Path(path) => Some(path),
            Self::Url(_) => None,
        }
    }

    /// The last part of its name.
    pub(crate) fn file_name(&self) -> Option<&OsStr> {
        match self {
            Self::Path(path) => path.file_name(),
            Self::Url(url) => {
                let (_, rest) = without_query(url).split_once("://")?;
                let (_, name) = rest.rsplit_once('/')?;
                Some(OsStr::new(name)).filter(|name| !name.is_empty())
            }
        }
    }

    /// The last part of its name, without what follows the last dot.
    pub(crate) fn file_stem(&self) -> Option<String> {
        Path::new(self.file_name()?).file_stem().map(|stem| stem.to_string_lossy().into_owned())
    }

    /// What references call it: an absolute path or the URL, its beginning replaced as `renames` (old, new) say. A query is written only
    /// where that is wanted.
    pub(crate) fn url(&self, renames: &[(String, String)], keep_query: bool) -> Result<String, String> {
        match self {
            Self::Path(path) => naming::url(path, renames),
            Self::Url(url) => {
                let name = naming::renamed(url, renames);
                if without_query(&name).len() < name.len() && !keep_query {
                    return Err("its query may be a signature: --keep-query writes it into references".to_owned());
                }
                Ok(name)
            }
        }
    }

    /// The file that lies beside a DMR++ sidecar, by the name of that: `file.h5` of `file.h5.dmrpp`.
    pub(crate) fn without_dmrpp(&self) -> Option<Self> {
        match self {
            Self::Path(path) => {
                let name = path.file_name()?.to_str()?.strip_suffix(".dmrpp").filter(|name| !name.is_empty())?;
                Some(Self::Path(path.with_file_name(name)))
            }
            Self::Url(url) => {
                let name = without_query(url).strip_suffix(".dmrpp").filter(|name| !name.ends_with('/'))?;
                Some(Self::Url(name.to_owned()))
            }
        }
    }

    /// The URL, if it is one.
    #[cfg(feature = "remote")]
    pub(crate) fn as_url(&self) -> Option<&str> {
        match self {
            Self::Path(_) => None,
            Self::Url(url) => Some(url),
        }
    }

    /// The scheme and the bucket or host of a URL.
    pub(crate) fn root(&self) -> Option<&str> {
        let Self::Url(url) = self else { return None };
        let start = url.find("://")?.saturating_add(3);
        let length = url.get(start..)?.find(['/', '?', '#']);
        url.get(..length.map_or(url.len(), |length| start.saturating_add(length)))
    }

    /// Whether it is a URL with a query.
    #[cfg(any(feature = "remote", test))]
    pub(crate) fn has_query(&self) -> bool {
        matches!(self, Self::Url(url) if url.contains('?'))
    }
}

fn without_query(url: &str) -> &str {
    url.split(['?', '#']).next().unwrap_or(url)
}

/// As it may be told: of a URL without its query, which may be a signature, and without a name and password.
impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Path(path) => path.display().fmt(f),
            Self::Url(url) => f.write_str(&h5refs::without_secrets(url)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_that_is_read_over_a_network_is_no_path() {
        for url in ["s3://b/k.nc", "https://h/a/k.nc", "abfs://c@a.dfs.core.windows.net/k.nc", "gs://b/k.nc"] {
            let location = Location::from(url);
            assert_eq!(location, Location::Url(url.to_owned()));
            assert_eq!((location.file_name(), location.to_string().as_str()), (Some(OsStr::new("k.nc")), url));
            assert_eq!(location.file_stem().as_deref(), Some("k"));
        }
        for path in ["a/b.nc", "x://y", "C:/a", "ftp://h/a"] {
            assert_eq!(Location::from(path), Location::Path(PathBuf::from(path)));
        }
        assert_eq!(Location::from("file:///a/b.nc"), Location::Path(PathBuf::from("/a/b.nc")));
        assert_eq!(Location::from("s3://bucket").file_name(), None);
        assert_eq!(Location::from("s3://bucket/a/").file_name(), None);
    }

    #[test]
    fn a_url_is_told_without_its_secrets() {
        assert_eq!(Location::from("https://u:p@h/a.nc?sig=s").to_string(), "https://..@h/a.nc?..");
        let signed = Location::from("https://h/a.nc?sig=s/x");
        assert_eq!(signed.file_name(), Some(OsStr::new("a.nc")));
        assert!(signed.has_query() && signed.url(&[], false).is_err());
        assert_eq!(signed.url(&[], true).unwrap(), "https://h/a.nc?sig=s/x");
        assert_eq!((signed.root(), Location::from("s3://b").root()), (Some("https://h"), Some("s3://b")));
        assert_eq!(Location::from("/h/a.nc").root(), None);
    }

    #[test]
    fn a_url_is_renamed_as_a_path_is() {
        let renames = [("s3://a/".to_owned(), "https://h/".to_owned())];
        assert_eq!(Location::from("s3://a/k").url(&renames, false).unwrap(), "https://h/k");
        assert_eq!(Location::from("s3://b/k").url(&renames, false).unwrap(), "s3://b/k");
    }
}
