//! URLs of object stores and web servers as sources, over connections of this crate's own.

mod address;
mod answer;
mod asked;
mod azure;
mod body;
mod clients;
mod crypto;
mod google;
mod list;
mod listing;
mod opened;
mod options;
mod patience;
mod redirect;
mod s3;
mod sent;
mod settings;
mod stores;
mod transport;
#[cfg(feature = "dap")]
mod whole;
mod written;

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;

use super::object_store::{Objects, Runtime};
use super::secrets::without_secrets;
use super::{Sources, State};
use crate::error::Error;
pub use list::Listed;
pub use options::RemoteOptions;
pub use patience::Patience;
use settings::Settings;
use stores::Stores;
use transport::Transport;
#[cfg(feature = "dap")]
pub(crate) use whole::{Coming, Web};
pub(crate) use written::Written;

/// Reads URLs under prefixes that are given: `s3://`, `s3a://`, `gs://`, `gcs://`, `az://`, `abfs://`, `abfss://`, `http://`, `https://`.
/// A store is opened when the first of its URLs is used, with the options and the environment: `AWS_*`, `GOOGLE_*`, `AZURE_*`, and the
/// files of AWS's profiles.
///
/// A request is repeated as long as [`Patience`] says, unless its answer will not change: 400, 401, 403, 404. What is received is what was asked
/// for, or an error: the range, its length, and that the file is the one that was first seen. All requests share one number of connections.
///
/// Credentials of S3 are those of the first place that has any: `storage`, `credentials_command`, the environment, the profile (its key or its
/// `credential_process`; profiles with SSO or roles are refused with the command that gives theirs), a web identity or container as the
/// environment says. Others are asked of the machine only with `instance_credentials`; where there are none, that is an error at once.
///
/// Requests that are signed are not sent on to other places; others are, to public addresses, with no credentials for another host. A proxy that
/// the environment names (`HTTPS_PROXY`, `NO_PROXY`) is used but for addresses of this machine and its network.
///
/// Reading waits for its answer: in async code call it within `spawn_blocking`.
///
/// ```
/// # fn main() -> Result<(), h5refs::Error> {
/// use h5refs::{RemoteOptions, RemoteSources, Sources};
///
/// let options = RemoteOptions { anonymous: true, ..RemoteOptions::default() };
/// let remote = RemoteSources::new(options)?.allow("s3://noaa-goes16/ABI-L2-SSTF/")?;
/// assert!(matches!(remote.state("s3://other/key"), Err(h5refs::Error::NotAllowed { .. })));
/// # Ok(())
/// # }
/// ```
pub struct RemoteSources {
    objects: Objects<Stores>,
}

/// What was asked of networks so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counters {
    /// Requests that were sent, with those that were repeated or sent on to another place.
    pub requests: u64,
    /// How often one was repeated.
    pub retries: u64,
    /// Bytes of the answers, without their headers.
    pub bytes: u64,
}

impl RemoteSources {
    /// No URL may be read yet. Requests run on a thread of their own.
    ///
    /// # Errors
    /// [`Error::Io`] when a storage option is not known, or the system gives no thread.
    pub fn new(options: RemoteOptions) -> Result<Self, Error> {
        let runtime = Runtime::new().map_err(|error| Error::io("a thread for requests", error))?;
        let runtime = Arc::new(runtime);
        let (at_once, gap) = (options.connections.max(1), options.gap);
        let transport = Transport::new(options.patience.clone(), options.connections);
        let stores = Stores::new(Settings::new(options)?, Arc::new(transport), Arc::clone(&runtime));
        let mut objects = Objects::new(stores, runtime);
        (objects.at_once, objects.gap) = (at_once, gap);
        Ok(Self { objects })
    }

    /// Allows a file, or a folder, bucket or host and all in it.
    ///
    /// # Errors
    /// [`Error::NotAllowed`] when it is no URL that could be read.
    pub fn allow(mut self, prefix: &str) -> Result<Self, Error> {
        let refuse = |why: &str| Error::NotAllowed { url: without_secrets(prefix), why: why.to_owned() };
        self.objects.find.allow(prefix).map_err(refuse)?;
        Ok(self)
    }

    /// What was asked of networks so far.
    pub fn counters(&self) -> Counters {
        self.objects.find.transport.counters()
    }

    /// Forgets what a file was when it was first read: one that has changed can be read anew.
    pub fn forget(&self, url: &str) {
        self.objects.forget(url);
    }
}

impl Sources for RemoteSources {
    fn state(&self, url: &str) -> Result<State, Error> {
        self.objects.state(url)
    }

    fn read(&self, url: &str, ranges: &[Range<u64>]) -> Result<Vec<Bytes>, Error> {
        self.objects.read(url, ranges)
    }

    fn first(&self, url: &str, bytes: u64) -> Result<(State, Bytes), Error> {
        self.objects.first(url, bytes)
    }

    fn states(&self, urls: &[&str]) -> Vec<Result<State, Error>> {
        self.objects.states(urls)
    }

    fn read_many(&self, wanted: &[(&str, &[Range<u64>])]) -> Vec<Result<Vec<Bytes>, Error>> {
        self.objects.read_many(wanted)
    }
}

impl std::fmt::Debug for RemoteSources {
    /// What may be read, and nothing of credentials.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut allowed: Vec<&String> = self.objects.find.allowed.iter().collect();
        allowed.sort_unstable();
        f.debug_list().entries(allowed).finish()
    }
}

#[cfg(test)]
mod tests;
