//! URLs under a prefix, and where in its store they lie.

use ::object_store::path::Path;

use crate::source::secrets::names_container;

/// The beginning of the URLs that one store has: a scheme, a host or bucket, and perhaps folders.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::source) struct Prefix(String);

impl Prefix {
    /// The prefix, with or without a slash at its end, or what is wrong with it.
    pub(in crate::source) fn new(prefix: &str) -> Result<Self, &'static str> {
        let prefix = prefix.strip_suffix('/').filter(|prefix| !prefix.ends_with(":/")).unwrap_or(prefix);
        let (_, rest) = parts(prefix).ok_or("it does not begin with a scheme and ://")?;
        if rest.is_empty() && !prefix.starts_with("file://") && !prefix.starts_with("memory://") {
            return Err("it names no host or bucket");
        }
        refuse(prefix)?;
        let folders = rest.trim_start_matches('/').split('/');
        if rest.contains("//") || rest.ends_with('/') || folders.into_iter().any(|name| name == "." || name == "..") {
            return Err("its folders have no plain names");
        }
        Ok(Self(prefix.to_owned()))
    }

    pub(in crate::source) fn len(&self) -> usize {
        self.0.len()
    }

    pub(in crate::source) fn as_str(&self) -> &str {
        &self.0
    }

    /// Where in the store a URL lies; `None` if it is not one of its URLs.
    pub(in crate::source) fn path(&self, url: &str) -> Option<Result<Path, &'static str>> {
        // What follows must begin with a slash: `s3://bucket` does not allow `s3://bucket-of-others`, nor `http://a` `http://a@b/`.
        let key = url.strip_prefix(&self.0)?.strip_prefix('/')?;
        Some(refuse(url).and_then(|()| object(key, is_encoded(url))))
    }
}

/// The path of an object. A path that `Path` would change, as it does those with slashes around, is another object's.
fn object(key: &str, is_encoded: bool) -> Result<Path, &'static str> {
    if key.is_empty() || key.starts_with('/') || key.ends_with('/') {
        return Err("it names no object");
    }
    if is_encoded && key.to_ascii_lowercase().contains("%2f") {
        return Err("a slash in it is written as %2F");
    }
    let path = if is_encoded { Path::from_url_path(key) } else { Path::parse(key) };
    path.map_err(|_| "its path has an empty part, \".\", \"..\", a control character, or is not UTF-8")
}

/// Whether percent signs in a URL escape characters; in those of object stores they stand for themselves, as in fsspec.
fn is_encoded(url: &str) -> bool {
    url.starts_with("http://") || url.starts_with("https://")
}

/// Why no URL of this form is read.
fn refuse(url: &str) -> Result<(), &'static str> {
    let (scheme, rest) = parts(url).ok_or("it does not begin with a scheme and ://")?;
    let authority = rest.split('/').next().unwrap_or(rest);
    if url.chars().any(char::is_control) {
        Err("it has a control character")
    } else if url.contains(['?', '#']) {
        Err("it has a query or a fragment")
    } else if authority.contains('@') && !names_container(scheme) {
        Err("it has a name or password before its host")
    } else {
        Ok(())
    }
}

/// The scheme, and what follows it.
fn parts(url: &str) -> Option<(&str, &str)> {
    let (scheme, rest) = url.split_once("://")?;
    let is_scheme = !scheme.is_empty() && scheme.bytes().all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b));
    is_scheme.then_some((scheme, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(prefix: &str, url: &str) -> Option<Result<String, &'static str>> {
        Prefix::new(prefix).unwrap().path(url).map(|path| path.map(|path| path.to_string()))
    }

    #[test]
    fn a_url_lies_under_a_prefix_from_slash_to_slash() {
        let of = |key: &str| Some(Ok(key.to_owned()));
        assert_eq!(path("s3://bucket", "s3://bucket/a/b.nc"), of("a/b.nc"));
        assert_eq!(path("s3://bucket/", "s3://bucket/a b%20c@d:e"), of("a b%20c@d:e"));
        assert_eq!(path("https://host/x", "https://host/x/a%20b%25"), of("a b%"));
        assert_eq!(path("file://", "file:///data/x"), of("data/x"));
        assert_eq!(path("abfs://c@account.net/", "abfs://c@account.net/k"), of("k"));
        for other in
            ["s3://bucket-2/a", "s3://bucket", "s3://bucket@evil/a", "s3://", "gs://bucket/a", "S3://bucket/a", "a"]
        {
            assert_eq!(path("s3://bucket", other), None, "{other}");
        }
    }

    #[test]
    fn what_could_mean_another_object_is_refused() {
        let object = "it names no object";
        let parts = "its path has an empty part, \".\", \"..\", a control character, or is not UTF-8";
        let query = "it has a query or a fragment";
        let table = [
            ("s3://b/", object),
            ("s3://b//a", object),
            ("s3://b/a/", object),
            ("s3://b/a//b", parts),
            ("s3://b/../c", parts),
            ("s3://b/a/./c", parts),
            ("s3://b/a?versionId=1", query),
            ("s3://b/a#1", query),
            ("s3://b/a\n", "it has a control character"),
            ("s3://b/a\u{85}", "it has a control character"),
        ];
        for (url, why) in table {
            assert_eq!(path("s3://b", url), Some(Err(why)), "{url}");
        }
        let encoded = [
            ("https://h/a/%2e%2E/b", parts),
            ("https://h/a%2Fb", "a slash in it is written as %2F"),
            ("https://h/%ff", parts),
            ("https://h/%00", parts),
            ("https://h/a?sig=1", query),
        ];
        for (url, why) in encoded {
            assert_eq!(path("https://h", url), Some(Err(why)), "{url}");
        }
    }

    #[test]
    fn a_prefix_has_a_host_and_no_secrets() {
        let table = [
            ("bucket", "it does not begin with a scheme and ://"),
            ("://a", "it does not begin with a scheme and ://"),
            ("x::s3://a", "it does not begin with a scheme and ://"),
            ("s3://", "it names no host or bucket"),
            ("https://u:p@h", "it has a name or password before its host"),
            ("https://h/a?b", "it has a query or a fragment"),
            ("https://h/a/../b", "its folders have no plain names"),
            ("s3://b//", "its folders have no plain names"),
        ];
        for (prefix, why) in table {
            assert_eq!(Prefix::new(prefix), Err(why), "{prefix}");
        }
    }
}
