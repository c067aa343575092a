//! Requests that survive what networks do: each is sent until it has the answer to what was asked, or is given up with the reason.

use std::io::ErrorKind;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use ::object_store::ClientOptions;
use ::object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse, HttpService,
};
use async_trait::async_trait;
use bytes::Bytes;
use reqwest::header::{CONTENT_LENGTH, CONTENT_RANGE, HeaderValue, TRANSFER_ENCODING};
use reqwest::{Method, Response, StatusCode};
use tokio::sync::Semaphore;

use super::Counters;
use super::address::{is_link_local, is_same_host};
use super::answer::{self, MOST_WHOLE, Part};
use super::asked::Asked;
use super::body::{self, Beyond, Body};
use super::clients::{Clients, can_encrypt};
use super::patience::Patience;
use super::redirect;
use crate::field::convert::wide;
use crate::source::object_store::failure::{Failure, Fault, Meaning};

/// Bytes of an answer that is not to a range: a page of a listing, or credentials.
const MOST_UNRANGED: u64 = 16 << 20;

/// Bytes of the headers of an answer.
const MOST_HEADERS: usize = 64 << 10;

/// Bytes that are read of what an error says.
const MOST_TOLD: u64 = 16 << 10;

/// All connections of some sources.
#[derive(Debug)]
pub(super) struct Transport {
    clients: Clients,
    patience: Patience,
    /// One for each request that may be on its way.
    turns: Semaphore,
    requests: AtomicU64,
    retries: AtomicU64,
    bytes: AtomicU64,
}

/// The transport, for one store.
#[derive(Debug, Clone)]
pub(super) struct Line {
    pub(super) transport: Arc<Transport>,
    /// Whether answers may send a request elsewhere; a signature is for one place.
    pub(super) follows: bool,
    /// Sent behind every URL and never told.
    pub(super) query: Option<Arc<str>>,
    /// Set when the store says that the credentials have expired; `None` if there are no newer ones to be had.
    pub(super) expired: Option<Arc<AtomicBool>>,
}

impl Transport {
    pub(super) fn new(patience: Patience, connections: usize) -> Self {
        let clients = Clients::new(&patience, connections);
        let turns = Semaphore::new(connections.clamp(1, Semaphore::MAX_PERMITS));
        let [requests, retries, bytes] = [const { AtomicU64::new(0) }; 3];
        Self { clients, patience, turns, requests, retries, bytes }
    }

    /// What was asked so far.
    pub(super) fn counters(&self) -> Counters {
        let [requests, retries, bytes] =
            [&self.requests, &self.retries, &self.bytes].map(|number| number.load(Ordering::Relaxed));
        Counters { requests, retries, bytes }
    }

    /// The answer to a request, after as many attempts as it takes and may take.
    pub(super) async fn ask(&self, line: &Line, asked: &Asked) -> Result<HttpResponse, Failure> {
        let (mut spent, mut attempts) = (Duration::ZERO, 0);
        // Where no cloud is, nothing answers.
        let whole = self.patience.whole(asked.length());
        let most = if is_link_local(&asked.url) { 2 } else { self.patience.attempts.max(1) };
        loop {
            attempts += 1;
            let turn = self.turns.acquire().await;
            let began = Instant::now();
            let left = whole.saturating_sub(spent);
            let answer = tokio::time::timeout(left, self.attempt(line, asked)).await;
            drop(turn);
            spent += began.elapsed();
            let fault = match answer {
                Ok(Ok(answer)) => return Ok(answer),
                Ok(Err(fault)) => fault,
                Err(_) => Fault::lasting(ErrorKind::TimedOut, format!("no answer in {whole:?}")),
            };
            let wait = self.patience.wait(attempts, fault.wait);
            if attempts >= fault.attempts.min(most) || spent + wait >= whole {
                if let (Meaning::Expired, Some(expired)) = (fault.meaning, &line.expired) {
                    expired.store(true, Ordering::Relaxed);
                }
                return Err(fault.after(attempts));
            }
            self.retries.fetch_add(1, Ordering::Relaxed);
            tokio::time::sleep(wait).await;
            spent += wait;
        }
    }

    /// A header of the answer to HEAD, whatever its status, if there is an answer soon.
    pub(super) async fn header(self: Arc<Self>, url: &str, name: &str) -> Option<String> {
        let line = Line { transport: Arc::clone(&self), follows: false, query: None, expired: None };
        let asked = Asked::head(url)?;
        for _ in 0..2 {
            let answer = tokio::time::timeout(self.patience.connect, self.send(&line, &asked)).await;
            if let Ok(Ok(answer)) = answer {
                return answer.headers().get(name)?.to_str().ok().map(str::to_owned);
            }
        }
        None
    }

    /// One attempt at a request.
    async fn attempt(&self, line: &Line, asked: &Asked) -> Result<HttpResponse, Fault> {
        let response = self.send(line, asked).await?;
        let size: usize = response.headers().iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum();
        if size > MOST_HEADERS {
            return Err(Fault::wrong(format!("the answer has {size} bytes of headers")));
        }
        if !response.status().is_success() {
            return self.refused(asked, response).await;
        }
        match &asked.range {
            Some(range) if asked.method == Method::GET => {
                let part = answer::part(range, asked.was.as_ref(), response.status(), response.headers())?;
                self.ranged(asked, response, part).await
            }
            _ => {
                answer::plain(response.headers())?;
                let most = asked.whole.map_or(MOST_UNRANGED, |(most, _)| most);
                let body = if asked.method == Method::HEAD { None } else { Some(most) };
                let (status, headers) = (response.status(), response.headers().clone());
                let body = self.body(response, body, Beyond::Wrong).await?;
                answer::listing(&asked.url, &body)?;
                let mut answer = HttpResponse::new(body.into());
                (*answer.status_mut(), *answer.headers_mut()) = (status, headers);
                Ok(answer)
            }
        }
    }

    /// Sends a request, to where it is sent on as well.
    async fn send(&self, line: &Line, asked: &Asked) -> Result<Response, Fault> {
        let mut at = asked.url.clone();
        for _ in 0..=redirect::MOST {
            if at.scheme() == "https" && !can_encrypt() {
                let text = "this processor lacks instructions that https needs here (AES, AVX2, ADX, BMI2)";
                return Err(Fault::lasting(ErrorKind::Unsupported, text));
            }
            let is_foreign = !is_same_host(&asked.url, &at);
            let request = asked.request(&at, is_foreign);
            self.requests.fetch_add(1, Ordering::Relaxed);
            let patience = if is_link_local(&at) {
                Duration::from_secs(1)
            } else {
                self.patience.connect + self.patience.first_byte
            };
            let client = self.clients.to(&at, is_foreign).map_err(|why| Fault::lasting(ErrorKind::Other, why))?;
            let sent = client.execute(request);
            let response = answered(sent, patience, &asked.sent).await?.map_err(|error| body::fault(&error))?;
            let location =
                response.headers().get("location").filter(|_| line.follows && response.status().is_redirection());
            let Some(location) = location else { return Ok(response) };
            let location = location.to_str().map_err(|_| Fault::wrong("redirected to what is no URL"))?;
            at = redirect::next(&asked.url, &at, location)?;
        }
        Err(Fault::lasting(ErrorKind::Other, format!("redirected more than {} times", redirect::MOST)))
    }

    /// What an answer that is no success says. Those that mean something to the stores go on to them.
    async fn refused(&self, asked: &Asked, response: Response) -> Result<HttpResponse, Fault> {
        let (status, headers) = (response.status(), response.headers().clone());
        let told = if asked.method == Method::HEAD { None } else { Some(MOST_TOLD) };
        if [StatusCode::PRECONDITION_FAILED, StatusCode::NOT_MODIFIED].contains(&status) {
            let mut answer = HttpResponse::new(Bytes::new().into());
            (*answer.status_mut(), *answer.headers_mut()) = (status, headers);
            return Ok(answer);
        }
        let body = self.body(response, told, Beyond::Cut).await.unwrap_or_default();
        let mut fault = answer::refusal(status, &headers, &String::from_utf8_lossy(&body), asked.was.as_ref());
        if let Some(told) = asked.whole.and_then(|(_, told)| told(&body)) {
            fault.text = format!("{status}: {told}");
        }
        Err(fault)
    }

    /// The answer to a range, as stores want it.
    async fn ranged(&self, asked: &Asked, response: Response, part: Part) -> Result<HttpResponse, Fault> {
        let mut headers = response.headers().clone();
        let (most, beyond) = part.body.map_or((MOST_WHOLE, Beyond::NoRanges), |most| (most, Beyond::Wrong));
        let body = self.body(response, Some(most), beyond).await?;
        let length = wide(body.len());
        if part.body.is_some_and(|told| told != length) {
            return Err(Fault::wrong(format!("the answer ends after {length} bytes")));
        }
        let total = part.total.unwrap_or(length);
        if let Some(was) = &asked.was {
            answer::same(was, Some(total), &headers)?;
        }
        let range = part.range.start.min(total)..part.range.end.min(total);
        if range.is_empty() {
            return Err(Fault::no_bytes(format!("the file has {total} bytes")));
        }
        let body = if part.is_whole { body::cut(&body, &range) } else { body };
        let told = format!("bytes {}-{}/{total}", range.start, range.end.saturating_sub(1));
        headers.remove(TRANSFER_ENCODING);
        headers.insert(CONTENT_LENGTH, HeaderValue::from(body.len()));
        headers.insert(CONTENT_RANGE, HeaderValue::from_str(&told).map_err(|_| Fault::wrong("no Content-Range"))?);
        let mut answer = HttpResponse::new(body.into());
        (*answer.status_mut(), *answer.headers_mut()) = (StatusCode::PARTIAL_CONTENT, headers);
        Ok(answer)
    }

    /// A body of at most so many bytes; `None` if the answer has none.
    async fn body(&self, response: Response, most: Option<u64>, beyond: Beyond) -> Result<Bytes, Fault> {
        let Some(most) = most else { return Ok(Bytes::new()) };
        Body { patience: &self.patience, bytes: &self.bytes, most, beyond }.read(response).await
    }
}

/// An answer that comes in time, which begins anew with each part of the request that is sent.
async fn answered<T>(answer: impl Future<Output = T>, patience: Duration, sent: &AtomicU64) -> Result<T, Fault> {
    let mut answer = std::pin::pin!(answer);
    loop {
        let before = sent.load(Ordering::Relaxed);
        if let Ok(answer) = tokio::time::timeout(patience, &mut answer).await {
            return Ok(answer);
        }
        if sent.load(Ordering::Relaxed) == before {
            return Err(Fault::passing(ErrorKind::TimedOut, format!("no answer in {patience:?}")));
        }
    }
}

#[async_trait]
impl HttpService for Line {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let failed = |failure: Failure| HttpError::new(HttpErrorKind::Unknown, failure);
        let asked = Asked::new(request, self.query.as_deref()).map_err(|fault| failed(fault.after(1)))?;
        self.transport.ask(self, &asked).await.map_err(failed)
    }
}

impl HttpConnector for Line {
    fn connect(&self, _options: &ClientOptions) -> ::object_store::Result<HttpClient> {
        Ok(HttpClient::new(self.clone()))
    }
}
