//! Answers of web servers that are read as they are, and whole: of what no range can be asked for.

use std::io::{Error as Io, ErrorKind};
use std::sync::Arc;
use std::sync::mpsc::Receiver;

use bytes::Bytes;
use reqwest::Url;
use tokio::task::AbortHandle;

use super::asked::{Asked, Told};
use super::transport::{Line, Transport};
use super::{Counters, RemoteOptions};
use crate::error::Error;
use crate::source::object_store::Runtime;
use crate::source::object_store::failure::{Failure, Fault};
use crate::source::secrets::without_secrets;

/// Web servers that are asked, with the patience, the connections and the rules for redirects that files at URLs have.
pub(crate) struct Web {
    transport: Arc<Transport>,
    runtime: Runtime,
}

/// An answer that is on its way; dropped, it is waited for no longer.
pub(crate) struct Coming {
    url: String,
    answer: Receiver<Result<Bytes, Failure>>,
    task: AbortHandle,
}

impl Web {
    /// # Errors
    /// [`Error::Io`] when the system gives no thread.
    pub(crate) fn new(options: &RemoteOptions) -> Result<Self, Error> {
        let runtime = Runtime::new().map_err(|error| Error::io("a thread for requests", error))?;
        let transport = Transport::new(options.patience.clone(), options.connections);
        Ok(Self { transport: Arc::new(transport), runtime })
    }

    /// Asks for what is there under a URL, of at most so many bytes; `told` finds in an error's body what the server says.
    ///
    /// # Errors
    /// [`Error::NotAllowed`] for a URL that is none of a web server, or has a name or password.
    pub(crate) fn ask(&self, url: &str, most: u64, told: Told) -> Result<Coming, Error> {
        let refuse = |why: &str| Error::NotAllowed { url: without_secrets(url), why: why.to_owned() };
        let parsed = Url::parse(url).map_err(|_| refuse("it is no URL"))?;
        if !["http", "https"].contains(&parsed.scheme()) {
            return Err(refuse("it is none of http and https"));
        }
        if !parsed.username().is_empty() || parsed.password().is_some() {
            return Err(refuse("it has a name or password before its host"));
        }
        let asked = Asked::whole(parsed, most, told);
        let transport = Arc::clone(&self.transport);
        let work = async move {
            let line = Line { transport: Arc::clone(&transport), follows: true, query: None, expired: None };
            let body = transport.ask(&line, &asked).await?.into_body().bytes().await;
            body.map_err(|_| Fault::wrong("the answer broke off").after(1))
        };
        let (answer, task) = self.runtime.start(work);
        Ok(Coming { url: without_secrets(url), answer, task })
    }

    /// What was asked of networks so far.
    pub(crate) fn counters(&self) -> Counters {
        self.transport.counters()
    }
}

impl Coming {
    /// The answer's bytes.
    ///
    /// # Errors
    /// What the server answers instead.
    pub(crate) fn wait(self) -> Result<Bytes, Error> {
        let ended = || Error::io(&self.url, Io::new(ErrorKind::Interrupted, "the request was given up"));
        let failed = |failure: Failure| {
            Failure::error(&failure, &self.url).unwrap_or_else(|| Error::io(&self.url, Io::other(failure.to_string())))
        };
        self.answer.recv().map_err(|_| ended())?.map_err(failed)
    }
}

impl Drop for Coming {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl std::fmt::Debug for Web {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.counters().fmt(f)
    }
}
