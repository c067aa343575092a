//! A request as it is repeated, and sent on to other places.

use std::io::ErrorKind;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use ::object_store::client::{HttpRequest, HttpRequestBody};
use reqwest::header::{ACCEPT_ENCODING, AUTHORIZATION, COOKIE, HeaderMap, HeaderValue, PROXY_AUTHORIZATION, RANGE};
use reqwest::{Body, Method, Request, Url};

use super::sent::Sent;
use crate::field::convert::wide;
use crate::source::State;
use crate::source::object_store::failure::Fault;

/// What the server says in the body of an error, if it says it there.
pub(crate) type Told = fn(&[u8]) -> Option<String>;

/// What is asked of a server.
pub(super) struct Asked {
    pub(super) method: Method,
    pub(super) url: Url,
    /// The range that is asked for.
    pub(super) range: Option<Range<u64>>,
    /// What the file was when it was first read.
    pub(super) was: Option<State>,
    /// Most bytes of an answer that is not to a range, where it is not a page of a listing, and what errors say.
    pub(super) whole: Option<(u64, Told)>,
    headers: HeaderMap,
    body: Option<HttpRequestBody>,
    /// Parts of the body that are on their way, of all attempts.
    pub(super) sent: Arc<AtomicU64>,
}

impl Asked {
    /// A request of a store, with `query` behind its URL.
    pub(super) fn new(request: HttpRequest, query: Option<&str>) -> Result<Self, Fault> {
        let (parts, body) = request.into_parts();
        let mut url = Url::parse(&parts.uri.to_string())
            .map_err(|_| Fault::lasting(ErrorKind::InvalidInput, "the URL of the request is none"))?;
        if query.is_some() {
            url.set_query(query);
        }
        let mut headers = parts.headers;
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        let range = headers.get(RANGE).and_then(|range| range.to_str().ok()).and_then(range);
        let body = Some(body).filter(|body| body.content_length() > 0);
        let was = parts.extensions.get::<State>().cloned();
        Ok(Self { method: parts.method, url, range, was, whole: None, headers, body, sent: Arc::default() })
    }

    /// What is there under a URL.
    pub(super) fn head(url: &str) -> Option<Self> {
        let url = Url::parse(url).ok()?;
        Some(Self { method: Method::HEAD, ..Self::bare(url) })
    }

    /// All that is there under a URL.
    #[cfg(feature = "dap")]
    pub(super) fn whole(url: Url, most: u64, told: Told) -> Self {
        let headers = [(ACCEPT_ENCODING, HeaderValue::from_static("identity"))].into_iter().collect();
        Self { whole: Some((most, told)), headers, ..Self::bare(url) }
    }

    /// A request with nothing but its URL.
    fn bare(url: Url) -> Self {
        let headers = HeaderMap::new();
        Self {
            method: Method::GET,
            url,
            range: None,
            was: None,
            whole: None,
            headers,
            body: None,
            sent: Arc::default(),
        }
    }

    /// Bytes of its body.
    pub(super) fn length(&self) -> u64 {
        self.body.as_ref().map_or(0, |body| wide(body.content_length()))
    }

    /// The request to a place; a foreign one is not told of credentials.
    pub(super) fn request(&self, at: &Url, is_foreign: bool) -> Request {
        let mut request = Request::new(self.method.clone(), at.clone());
        let mut headers = self.headers.clone();
        if is_foreign {
            let is_secret = |name: &str| {
                let secret = [AUTHORIZATION, COOKIE, PROXY_AUTHORIZATION];
                secret.iter().any(|secret| secret == name) || name.starts_with("x-amz-") || name.starts_with("x-ms-")
            };
            let names: Vec<_> = headers.keys().filter(|name| is_secret(name.as_str())).cloned().collect();
            for name in names {
                headers.remove(name);
            }
            headers.remove(reqwest::header::HOST);
        }
        *request.headers_mut() = headers;
        let sent = |body| Body::wrap(Sent { body, parts: Arc::clone(&self.sent) });
        *request.body_mut() = self.body.clone().map(sent);
        request
    }
}

/// `bytes=0-9`.
fn range(text: &str) -> Option<Range<u64>> {
    let (first, last) = text.strip_prefix("bytes=")?.split_once('-')?;
    Some(first.parse().ok()?..last.parse::<u64>().ok()?.checked_add(1)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_host_is_told_no_credentials() {
        let mut request = HttpRequest::new(::object_store::client::HttpRequestBody::empty());
        *request.uri_mut() = "https://a.org/f?x=1".parse().unwrap();
        let secret = ["authorization", "cookie", "proxy-authorization", "x-amz-security-token", "x-ms-version"];
        for name in secret {
            request.headers_mut().insert(name, HeaderValue::from_static("canary"));
        }
        request.headers_mut().insert(RANGE, HeaderValue::from_static("bytes=5-9"));
        let asked = Asked::new(request, None).unwrap();
        assert_eq!((asked.url.as_str(), asked.range.clone()), ("https://a.org/f?x=1", Some(5..10)));
        let same = asked.request(&asked.url, false);
        assert!(secret.iter().all(|name| same.headers()[*name] == "canary"));
        let other = asked.request(&Url::parse("https://b.org/g").unwrap(), true);
        assert_eq!(other.url().as_str(), "https://b.org/g");
        assert_eq!(other.headers()[RANGE], "bytes=5-9");
        assert_eq!(other.headers()[ACCEPT_ENCODING], "identity");
        assert_eq!(other.headers().len(), 2);
    }
}
