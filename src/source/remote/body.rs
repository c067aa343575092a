//! The body of an answer, read as fast as it must come and no further than it may go.

use std::error::Error as StdError;
use std::io::{Error as Io, ErrorKind};
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use bytes::{Bytes, BytesMut};
use reqwest::Response;

use super::patience::Patience;
use crate::field::convert::{narrow, wide};
use crate::source::object_store::failure::Fault;

/// How the body of one answer is read.
pub(super) struct Body<'a> {
    pub(super) patience: &'a Patience,
    /// Counts what is received.
    pub(super) bytes: &'a AtomicU64,
    pub(super) most: u64,
    pub(super) beyond: Beyond,
}

/// What it means that a body is longer than it may be.
#[derive(Debug, Clone, Copy)]
pub(super) enum Beyond {
    /// The rest is of no use.
    Cut,
    /// It is not what was asked for.
    Wrong,
    /// It is the file as a whole.
    NoRanges,
}

impl Body<'_> {
    pub(super) async fn read(&self, mut response: Response) -> Result<Bytes, Fault> {
        let most = narrow(self.most);
        let mut all = BytesMut::new();
        let (mut began, mut counted) = (Instant::now(), 0);
        loop {
            let part = tokio::time::timeout(self.patience.idle, response.chunk()).await.map_err(|_| {
                let text = format!("the answer stopped for {:?} after {} bytes", self.patience.idle, all.len());
                Fault::passing(ErrorKind::TimedOut, text)
            })?;
            let Some(part) = part.map_err(|error| fault(&error))? else { return Ok(all.freeze()) };
            self.bytes.fetch_add(wide(part.len()), Ordering::Relaxed);
            if part.len() > most.saturating_sub(all.len()) {
                all.extend_from_slice(&part[..most.saturating_sub(all.len())]);
                return match self.beyond {
                    Beyond::Cut => Ok(all.freeze()),
                    Beyond::Wrong => Err(Fault::wrong(format!("the answer has more than {most} bytes"))),
                    Beyond::NoRanges => Err(super::answer::no_ranges()),
                };
            }
            all.extend_from_slice(&part);
            counted += wide(part.len());
            let elapsed = began.elapsed();
            if elapsed >= self.patience.idle {
                if self.patience.is_too_slow(counted, elapsed) {
                    let text = format!("the answer is too slow: {counted} bytes in {elapsed:.1?}");
                    return Err(Fault::passing(ErrorKind::TimedOut, text));
                }
                (began, counted) = (Instant::now(), 0);
            }
        }
    }
}

/// A range of a whole body.
pub(super) fn cut(body: &Bytes, range: &Range<u64>) -> Bytes {
    let end = narrow(range.end).min(body.len());
    // A copy, so that the rest is not kept.
    Bytes::copy_from_slice(&body[narrow(range.start).min(end)..end])
}

/// Whether a certificate is the reason, as that of an error in an error.
fn is_of_tls(io: &Io) -> bool {
    let Some(inner) = io.get_ref() else { return false };
    matches!(inner.downcast_ref(), Some(rustls::Error::InvalidCertificate(_)))
        || inner.downcast_ref::<Io>().is_some_and(is_of_tls)
}

/// What the client says, without the URL.
pub(super) fn fault(error: &reqwest::Error) -> Fault {
    let (mut kind, mut innermost): (_, &(dyn StdError + 'static)) = (ErrorKind::ConnectionAborted, error);
    let mut text = "the connection failed".to_owned();
    let mut is_untrusted = false;
    while let Some(source) = innermost.source() {
        innermost = source;
        text = innermost.to_string();
        if let Some(io) = innermost.downcast_ref::<Io>() {
            kind = io.kind();
            is_untrusted |= is_of_tls(io);
        }
    }
    if error.is_timeout() {
        return Fault::passing(ErrorKind::TimedOut, "no connection in time");
    }
    let text: String = crate::source::secrets::without_secrets(&text).chars().take(300).collect();
    if is_untrusted {
        let hint = "look at the certificates that this machine trusts, or SSL_CERT_FILE";
        return Fault::lasting(ErrorKind::InvalidData, format!("no encrypted connection: {text}; {hint}"));
    }
    let doing = if error.is_connect() { "no connection" } else { "the answer broke off" };
    Fault::passing(kind, format!("{doing}: {text}"))
}
