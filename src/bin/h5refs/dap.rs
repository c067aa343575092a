//! Datasets of servers of DAP2: how commands ask for them.

use clap::Args;

use crate::location::Location;
#[cfg(feature = "dap")]
pub(crate) use asked::{dap_origin, tell};

/// How servers of DAP2 are asked.
#[derive(Args, Clone)]
#[command(next_help_heading = "DAP2")]
pub(crate) struct Asking {
    /// The URL is that of a dataset of a server of DAP2, as those are that begin with `dap2:` (asked by https) and `dap2+http:`.
    #[arg(long)]
    dap: bool,
    /// Bytes that one request asks for at most, as 100MB or 64MiB.
    #[cfg(feature = "dap")]
    #[arg(long, value_name = "SIZE", default_value = "100MB", value_parser = bytes)]
    dap_request_bytes: u64,
    /// Requests on their way at once.
    #[cfg(feature = "dap")]
    #[arg(long, value_name = "N", default_value_t = 4)]
    dap_connections: usize,
    /// Send brackets as they are, to servers that do not take %5B.
    #[cfg(feature = "dap")]
    #[arg(long)]
    dap_bare_brackets: bool,
}

#[cfg(feature = "dap")]
fn bytes(argument: &str) -> Result<u64, String> {
    crate::size::argument(argument)
        .and_then(|bytes| if bytes > 0 { Ok(bytes) } else { Err("nothing can be asked for".into()) })
}

impl Asking {
    /// The URL, if it is that of a dataset of a server.
    ///
    /// # Errors
    /// Where `--dap` goes with what is no URL.
    pub(crate) fn url<'a>(&self, location: &'a Location) -> Result<Option<&'a str>, String> {
        match location {
            Location::Url(url) if self.dap || url.starts_with("dap2") => Ok(Some(url)),
            Location::Path(path) if self.dap => Err(format!("{}: --dap goes with URLs", path.display())),
            _ => Ok(None),
        }
    }
}

/// What a h5refs that cannot ask for it says of a dataset.
#[cfg(not(feature = "dap"))]
pub(crate) fn refused() -> String {
    "datasets of DAP2 are read by a h5refs that was built with the feature \"dap\"".to_owned()
}

#[cfg(feature = "dap")]
mod asked {
    use h5refs::{DapDataset, DapOptions, Error, Limits};

    use super::Asking;
    use crate::remote::Reading;
    use crate::{Ending, say};

    impl Asking {
        /// How a server is asked, with the patience for URLs.
        pub(crate) fn options(&self, reading: &Reading, limits: Limits) -> Result<DapOptions, String> {
            Ok(DapOptions {
                request_bytes: self.dap_request_bytes,
                connections: self.dap_connections,
                patience: reading.patience()?,
                bare_brackets: self.dap_bare_brackets,
                limits,
            })
        }
    }

    /// The dataset of a URL, which is an [`Origin`](h5refs::store::Origin).
    pub(crate) fn dap_origin(url: &str, options: DapOptions) -> Result<DapDataset, Error> {
        DapDataset::open(url, options)
    }

    /// A line for each variable and attribute that is not there, or not as it was sent.
    pub(crate) fn tell(dataset: &DapDataset) -> Ending {
        for refused in dataset.refused() {
            say(&format!("{}: {}", refused.path, refused.reason));
        }
        if dataset.refused().is_empty() { Ending::Well } else { Ending::Refused }
    }
}

#[cfg(all(test, feature = "dap"))]
mod tests {
    use super::*;

    #[test]
    fn a_dataset_is_known_by_its_scheme_or_by_the_flag() {
        let asking = |dap| Asking { dap, dap_request_bytes: 1, dap_connections: 1, dap_bare_brackets: false };
        let url = |dap, text: &str| asking(dap).url(&Location::from(text)).map(|url| url.is_some());
        for text in ["dap2://h/a", "dap2+http://h/a", "dap2+https://h/a"] {
            assert_eq!(url(false, text), Ok(true), "{text}");
        }
        assert_eq!(
            [url(true, "https://h/a"), url(false, "https://h/a"), url(false, "dap2.nc")],
            [Ok(true), Ok(false), Ok(false)]
        );
        assert_eq!(url(true, "a.nc"), Err("a.nc: --dap goes with URLs".to_owned()));
        assert_eq!((bytes("2KiB"), bytes("0").is_err(), bytes("x").is_err()), (Ok(2048), true, true));
    }
}
