//! What references call the files that a DMR++ sidecar names.

use crate::dmrpp::is_url;
use crate::error::Unsupported;

/// The URLs of the files that chunks name, of which the first is the sidecar's own; `own` is what that is called, if it is not empty.
pub(crate) fn of(hrefs: &[String], own: &str) -> Vec<Result<String, Unsupported>> {
    let first = hrefs.first().map(String::as_str).unwrap_or_default();
    let first = if own.is_empty() { url(first) } else { Ok(own.to_owned()) };
    let others = hrefs.iter().skip(1).map(|href| url(href));
    std::iter::once(first).chain(others).collect()
}

fn url(href: &str) -> Result<String, Unsupported> {
    let untold = || Unsupported::NotTold(format!("where the file \"{href}\" of its chunks lies"));
    is_url(href).then(|| plain(href.to_owned())).ok_or_else(untold)
}

/// A local file is called by its path.
pub(crate) fn plain(url: String) -> String {
    match url.strip_prefix("file://") {
        Some(path) if path.starts_with('/') => path.to_owned(),
        _ => url,
    }
}
