//! Bytes that a combination needs, from local files: coordinates, and what has to be compared or stored anew.

use h5refs::combine::{Need, Supply};
use h5refs::{Bytes, Error, LocalSources, Sources};

pub(crate) fn local() -> Result<impl Supply, Error> {
    let sources = LocalSources::new().allow("/")?;
    let one = move |need: &Need| {
        let range = match &need.range {
            Some(range) => range.clone(),
            None => 0..sources.state(&need.url)?.size,
        };
        Ok(sources.read(&need.url, &[range])?.pop().unwrap_or_default())
    };
    Ok(move |needs: &[Need]| -> Vec<Result<Bytes, Error>> { needs.iter().map(&one).collect() })
}
