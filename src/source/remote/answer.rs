//! What the head of an answer says, and whether it is the answer to what was asked.

use std::io::ErrorKind;
use std::ops::Range;
use std::time::Duration;

use reqwest::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, HeaderMap, RETRY_AFTER};
use reqwest::{StatusCode, Url};

use crate::source::State;
use crate::source::object_store::failure::{Fault, Meaning};

/// Bytes of a whole file that are read for a range of it, where a server does not answer with ranges.
pub(super) const MOST_WHOLE: u64 = 8 << 20;

/// Attempts after which a server is believed to have no ranges.
const NO_RANGES: u32 = 3;

/// What is read of the body of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Part {
    /// Bytes of the body, if they are known; otherwise at most [`MOST_WHOLE`].
    pub(super) body: Option<u64>,
    /// The range of the file that was asked for and exists; of a body whose length is not known, what was asked for.
    pub(super) range: Range<u64>,
    /// Whether the body is the file as a whole.
    pub(super) is_whole: bool,
    /// Bytes of the file, if they are known.
    pub(super) total: Option<u64>,
}

/// What is to be read of a successful answer to a request for a range.
pub(super) fn part(
    asked: &Range<u64>,
    was: Option<&State>,
    status: StatusCode,
    headers: &HeaderMap,
) -> Result<Part, Fault> {
    plain(headers)?;
    let part = match status {
        StatusCode::PARTIAL_CONTENT => partial(asked, headers)?,
        StatusCode::OK => whole(asked, headers)?,
        status => return Err(Fault::wrong(format!("a range is answered with status {status}"))),
    };
    if let Some(was) = was {
        same(was, part.total, headers)?;
    }
    Ok(part)
}

/// That the body is bytes as they are.
pub(super) fn plain(headers: &HeaderMap) -> Result<(), Fault> {
    match text(headers, CONTENT_ENCODING) {
        None | Some("" | "identity") => Ok(()),
        Some(_) => Err(Fault::wrong("the answer is compressed, which was not asked for")),
    }
}

/// That a listing of S3 which goes on says where: a store that does not know version 2 of listings does not.
pub(super) fn listing(asked: &Url, body: &[u8]) -> Result<(), Fault> {
    let is_listing = asked.query_pairs().any(|(name, value)| name == "list-type" && value == "2");
    let has = |text: &str| body.windows(text.len()).any(|window| window == text.as_bytes());
    if is_listing && has("<IsTruncated>true<") && !has("<NextContinuationToken>") {
        let text = "the listing is cut off, and the store does not say how it goes on: it knows no ListObjectsV2";
        return Err(Fault::lasting(ErrorKind::Unsupported, text));
    }
    Ok(())
}

fn partial(asked: &Range<u64>, headers: &HeaderMap) -> Result<Part, Fault> {
    if has_type(headers, "multipart/") {
        return Err(Fault::wrong("one range is answered with several parts"));
    }
    let told = text(headers, CONTENT_RANGE).ok_or_else(|| Fault::wrong("a range is answered without Content-Range"))?;
    let (range, total) = content_range(told).ok_or_else(|| Fault::wrong("the answer has no Content-Range of bytes"))?;
    if range != (asked.start..asked.end.min(total)) || range.is_empty() {
        let text = format!("bytes {:#x}..{:#x} are answered with bytes {told:.60}", asked.start, asked.end);
        return Err(Fault::wrong(text));
    }
    let length = range.end - range.start;
    if number(headers).is_some_and(|told| told != length) {
        return Err(Fault::wrong("Content-Length and Content-Range contradict each other"));
    }
    Ok(Part { body: Some(length), range, is_whole: false, total: Some(total) })
}

fn whole(asked: &Range<u64>, headers: &HeaderMap) -> Result<Part, Fault> {
    if has_type(headers, "text/html") {
        return Err(Fault::wrong("a range is answered with a web page"));
    }
    let Some(length) = number(headers) else {
        return Ok(Part { body: None, range: asked.clone(), is_whole: true, total: None });
    };
    let is_all = asked.start == 0 && asked.end >= length;
    if !is_all && length > MOST_WHOLE {
        return Err(no_ranges());
    }
    let range = asked.start.min(length)..asked.end.min(length);
    Ok(Part { body: Some(length), range, is_whole: true, total: Some(length) })
}

/// A server that answers every range with the file as a whole.
pub(super) fn no_ranges() -> Fault {
    let text = "the server does not support ranges: it answers with the whole file; copy the file to one that does";
    Fault { attempts: NO_RANGES, ..Fault::wrong(text) }
}

/// That the answer is of the file that was seen before.
pub(super) fn same(was: &State, total: Option<u64>, headers: &HeaderMap) -> Result<(), Fault> {
    if let Some(total) = total.filter(|total| *total != was.size) {
        return Err(Fault::changed(format!("it has {total} bytes and had {}", was.size)));
    }
    match (&was.etag, text(headers, ETAG)) {
        (Some(was), Some(is)) if was != is => Err(Fault::changed(format!("its ETag is {is:.100} and was {was}"))),
        _ => Ok(()),
    }
}

/// `bytes 0-9/100`.
fn content_range(text: &str) -> Option<(Range<u64>, u64)> {
    let (range, total) = text.trim().strip_prefix("bytes ")?.split_once('/')?;
    let (first, last) = range.split_once('-')?;
    let range = first.trim().parse().ok()?..last.trim().parse::<u64>().ok()?.checked_add(1)?;
    let total: u64 = total.trim().parse().ok()?;
    (range.end <= total).then_some((range, total))
}

/// What an answer that is no success means; `body` is the beginning of what it says.
pub(super) fn refusal(status: StatusCode, headers: &HeaderMap, body: &str, was: Option<&State>) -> Fault {
    let code = code(body);
    let told = code.map_or_else(|| status.to_string(), |code| format!("{status} ({code})"));
    let is_expired =
        matches!(code, Some("ExpiredToken" | "ExpiredTokenException" | "InvalidToken" | "TokenRefreshRequired"));
    if is_expired {
        let text = format!("{told}: the credentials have expired");
        return Fault { meaning: Meaning::Expired, ..Fault::lasting(ErrorKind::PermissionDenied, text) };
    }
    let is_busy = matches!(code, Some("SlowDown" | "RequestLimitExceeded" | "ServerBusy" | "InternalError"));
    match status.as_u16() {
        408 | 429 | 500..=599 => busy(&told, headers),
        403 if is_busy => busy(&told, headers),
        403 | 401 => {
            let hint = "look at the credentials, or --anon for public data, or whether the requester pays";
            Fault::lasting(ErrorKind::PermissionDenied, format!("{told}: access is denied; {hint}"))
        }
        404 if code == Some("NoSuchBucket") => {
            Fault::lasting(ErrorKind::NotFound, format!("{told}: there is no such bucket"))
        }
        404 | 410 => Fault::lasting(ErrorKind::NotFound, format!("{told}: there is no such file")),
        416 if was.is_some() => Fault::changed("it is shorter than it was"),
        416 => Fault::no_bytes(format!("{told}: it has no such bytes")),
        300..=399 => region(&told, headers, body),
        400 if code == Some("AuthorizationHeaderMalformed") => region(&told, headers, body),
        _ => Fault::lasting(ErrorKind::Other, told),
    }
}

fn busy(told: &str, headers: &HeaderMap) -> Fault {
    let seconds = text(headers, RETRY_AFTER).and_then(|text| text.trim().parse().ok());
    Fault { wait: seconds.map(Duration::from_secs), ..Fault::passing(ErrorKind::Other, told) }
}

/// A store that points elsewhere: signed requests do not follow.
fn region(told: &str, headers: &HeaderMap, body: &str) -> Fault {
    let region = headers.get("x-amz-bucket-region").and_then(|region| region.to_str().ok()).or(element(body, "Region"));
    let region = region.filter(|region| is_word(region));
    let text = match region {
        Some(region) => format!("{told}: the bucket lies in the region {region}; say --storage-option region={region}"),
        None => format!("{told}: the store points to another place; look at the bucket's region and the endpoint"),
    };
    Fault::lasting(ErrorKind::Other, text)
}

/// The code of an error of S3, Google or Azure. The rest of the message may tell of credentials.
fn code(body: &str) -> Option<&str> {
    element(body, "Code").filter(|code| is_word(code))
}

fn element<'a>(body: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = body.split_once(&format!("<{name}>"))?;
    rest.split_once('<').map(|(text, _)| text)
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && text.len() < 64 && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

fn has_type(headers: &HeaderMap, start: &str) -> bool {
    // Some servers name two types.
    let mut types = headers.get_all(CONTENT_TYPE).iter().filter_map(|told| told.to_str().ok());
    types.any(|told| told.trim().to_ascii_lowercase().starts_with(start))
}

/// `Content-Length`.
fn number(headers: &HeaderMap) -> Option<u64> {
    text(headers, CONTENT_LENGTH)?.trim().parse().ok()
}

pub(super) fn text(headers: &HeaderMap, name: reqwest::header::HeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok()
}
