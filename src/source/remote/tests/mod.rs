#![expect(clippy::single_range_in_vec_init, reason = "one range is asked for")]

mod others;
mod s3;
mod server;
mod written;

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::*;
use server::{Reply, Request, Server, answer, file};

/// A file of 1,000 bytes.
fn bytes() -> Vec<u8> {
    (0..1000_u16).map(|at| at.to_le_bytes()[0]).collect()
}

fn quick() -> RemoteOptions {
    let patience = Patience {
        connect: Duration::from_secs(1),
        first_byte: Duration::from_millis(300),
        idle: Duration::from_millis(300),
        floor: 1024,
        whole: Duration::from_secs(20),
        attempts: 4,
        backoff: Duration::from_millis(4),
        ..Patience::default()
    };
    RemoteOptions { anonymous: true, patience, gap: 0, ..RemoteOptions::default() }
}

fn sources(server: &Server) -> RemoteSources {
    RemoteSources::new(quick()).unwrap().allow(&server.address).unwrap()
}

/// A server that answers rightly but for the first `times` requests for a range beyond the first byte.
fn faulty(times: usize, fault: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Server {
    let left = std::sync::atomic::AtomicUsize::new(times);
    Server::new(move |request, _| {
        let is_first = request.headers.get("range").is_some_and(|range| range == "bytes=0-0");
        let is_faulty =
            !is_first && left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok();
        if is_faulty { fault(request) } else { Reply::Send(file(request, &bytes())) }
    })
}

/// What goes wrong, and what is told if it goes on.
fn faults() -> Vec<(&'static str, Reply, &'static str)> {
    let send = |status: &str, headers: &[&str], body: &[u8]| Reply::Send(answer(status, headers, body));
    let right = "Content-Range: bytes 10-19/1000";
    let ten = &bytes()[10..20];
    let cut = |length: usize| {
        let mut whole = answer("206 Partial Content", &[right], ten);
        whole.truncate(whole.len() - 10 + length);
        whole
    };
    let long_headers = format!("X-Long: {}", "x".repeat(70_000));
    let long = [
        &b"HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 10-19/1000\r\nTransfer-Encoding: chunked\r\n\r\nb\r\n"
            [..],
        &[1; 11],
        b"\r\n0\r\n\r\n",
    ]
    .concat();
    let bad_chunk =
        b"HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 10-19/1000\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n";
    vec![
        ("503", send("503 Service Unavailable", &[], b""), "503 Service Unavailable, after 4 attempts"),
        ("500", send("500 Internal Server Error", &[], b"x"), "500 Internal Server Error, after 4 attempts"),
        ("429", send("429 Too Many Requests", &["Retry-After: 0"], b""), "429 Too Many Requests, after 4 attempts"),
        ("408", send("408 Request Timeout", &[], b""), "408 Request Timeout, after 4 attempts"),
        (
            "SlowDown",
            send("403 Forbidden", &[], b"<Error><Code>SlowDown</Code></Error>"),
            "403 Forbidden (SlowDown), after 4 attempts",
        ),
        (
            "close",
            Reply::SendAndClose(Vec::new()),
            "the answer broke off: connection closed before message completed, after 4 attempts",
        ),
        (
            "early",
            Reply::SendAndClose(cut(0)),
            "the answer broke off: end of file before message length reached, after 4 attempts",
        ),
        (
            "short",
            Reply::SendAndClose(cut(5)),
            "the answer broke off: end of file before message length reached, after 4 attempts",
        ),
        ("silence", Reply::SendAndHold(Vec::new()), "no answer in 1.3s, after 4 attempts"),
        ("stall", Reply::SendAndHold(cut(5)), "the answer stopped for 300ms after 5 bytes, after 4 attempts"),
        (
            "other bytes",
            send("206 Partial Content", &["Content-Range: bytes 0-9/1000"], ten),
            "bytes 0xa..0x14 are answered with bytes bytes 0-9/1000, after 4 attempts",
        ),
        (
            "fewer bytes",
            send("206 Partial Content", &["Content-Range: bytes 10-18/1000"], &ten[..9]),
            "bytes 0xa..0x14 are answered with bytes bytes 10-18/1000, after 4 attempts",
        ),
        (
            "no range",
            send("206 Partial Content", &[], ten),
            "a range is answered without Content-Range, after 4 attempts",
        ),
        (
            "no total",
            send("206 Partial Content", &["Content-Range: bytes 10-19/*"], ten),
            "the answer has no Content-Range of bytes, after 4 attempts",
        ),
        (
            "long",
            send("206 Partial Content", &[right], &[1; 11]),
            "Content-Length and Content-Range contradict each other, after 4 attempts",
        ),
        ("long in chunks", Reply::Send(long), "the answer has more than 10 bytes, after 4 attempts"),
        (
            "bad chunk",
            Reply::SendAndClose(bad_chunk.to_vec()),
            "the answer broke off: Invalid chunk size line: missing size digit, after 4 attempts",
        ),
        (
            "web page",
            send("200 OK", &["Content-Type: text/plain", "Content-Type: text/html; charset=utf-8"], b"<html>"),
            "a range is answered with a web page, after 4 attempts",
        ),
        (
            "compressed",
            send("206 Partial Content", &[right, "Content-Encoding: gzip"], ten),
            "the answer is compressed, which was not asked for, after 4 attempts",
        ),
        (
            "several parts",
            send("206 Partial Content", &["Content-Type: multipart/byteranges; boundary=b"], ten),
            "one range is answered with several parts, after 4 attempts",
        ),
        (
            "no content",
            send("204 No Content", &[], b""),
            "a range is answered with status 204 No Content, after 4 attempts",
        ),
        (
            "headers",
            send("206 Partial Content", &[right, &long_headers], ten),
            "the answer has 70063 bytes of headers, after 4 attempts",
        ),
    ]
}

#[test]
fn what_goes_wrong_twice_is_asked_for_again() {
    for (name, fault, _) in faults() {
        let server = faulty(2, move |_| fault.clone());
        let sources = sources(&server);
        let url = format!("{}/f", server.address);
        assert_eq!(sources.state(&url).unwrap().size, 1000);
        let read = sources.read(&url, &[10..20]).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(read, [&bytes()[10..20]], "{name}");
        let counters = sources.counters();
        assert_eq!((counters.requests, counters.retries, server.count()), (4, 2, 4), "{name}");
        assert!(counters.bytes >= 11, "{name}");
    }
}

#[test]
fn what_goes_on_going_wrong_is_an_error_that_says_what_and_how_often() {
    for (name, fault, told) in faults() {
        let server = faulty(usize::MAX, move |_| fault.clone());
        let sources = sources(&server);
        let url = format!("{}/f", server.address);
        sources.state(&url).unwrap();
        let error = sources.read(&url, &[10..20]).unwrap_err();
        assert!(matches!(error, Error::Io { .. }), "{name}");
        assert_eq!(error.to_string(), format!("{url}: {told}"), "{name}");
        assert_eq!(server.count(), 5, "{name}");
    }
}

#[test]
fn what_will_not_change_is_asked_for_once() {
    let denied = "access is denied; look at the credentials, or --anon for public data, or whether the requester pays";
    let table = [
        ("400 Bad Request", "400 Bad Request".to_owned()),
        ("401 Unauthorized", format!("401 Unauthorized: {denied}")),
        ("403 Forbidden", format!("403 Forbidden: {denied}")),
        ("404 Not Found", "404 Not Found: there is no such file".to_owned()),
    ];
    for (status, told) in table {
        let server = Server::new(move |_, _| Reply::Send(answer(status, &[], b"")));
        let error = sources(&server).state(&format!("{}/f", server.address)).unwrap_err();
        assert_eq!((error.to_string(), server.count()), (format!("{}/f: {told}", server.address), 1));
    }
}

#[test]
fn a_slow_answer_is_given_up_and_all_attempts_have_an_end() {
    let server = Server::new(|request, _| Reply::Dribble(file(request, &bytes()), 20));
    let mut options = quick();
    options.patience.first_byte = Duration::from_secs(9);
    options.patience.attempts = 1;
    let sources = RemoteSources::new(options.clone()).unwrap().allow(&server.address).unwrap();
    let url = format!("{}/f", server.address);
    let error = sources.first(&url, 1000).unwrap_err().to_string();
    assert!(error.starts_with(&format!("{url}: the answer is too slow: ")), "{error}");
    options.patience.whole = Duration::from_millis(400);
    options.patience.attempts = 100;
    let sources = RemoteSources::new(options).unwrap().allow(&server.address).unwrap();
    let began = Instant::now();
    assert_eq!(sources.first(&url, 1000).unwrap_err().to_string(), format!("{url}: no answer in 400ms"));
    assert!(began.elapsed() < Duration::from_secs(2));
}

#[test]
fn a_server_may_ask_to_be_left_alone() {
    let server = faulty(1, |_| Reply::Send(answer("503 Busy", &["Retry-After: 1"], b"")));
    let began = Instant::now();
    sources(&server).first(&format!("{}/f", server.address), 9).unwrap();
    assert!(began.elapsed() >= Duration::from_secs(1));
}

#[test]
fn nobody_there_is_an_error_after_some_attempts() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let sources = RemoteSources::new(quick()).unwrap().allow(&address).unwrap();
    let error = sources.state(&format!("{address}/f")).unwrap_err();
    let Error::Io { error: io, .. } = &error else { panic!("{error}") };
    assert_eq!(io.kind(), std::io::ErrorKind::ConnectionRefused);
    assert!(error.to_string().ends_with(", after 4 attempts"), "{error}");
}

#[test]
fn a_file_is_known_and_begun_with_one_request_that_asks_for_it_as_it_is() {
    let server = Server::new(|request, _| Reply::Send(file(request, &bytes())));
    let sources = sources(&server);
    let url = format!("{}/a%20b/f", server.address);
    let (state, first) = sources.first(&url, 5000).unwrap();
    assert_eq!((state.size, state.etag.as_deref(), &first[..]), (1000, Some("\"one\""), &bytes()[..]));
    assert_eq!(sources.counters(), Counters { requests: 1, retries: 0, bytes: 1000 });
    let asked = server.last();
    assert_eq!((asked.method.as_str(), asked.target.as_str()), ("GET", "/a%20b/f"));
    assert_eq!(
        (asked.headers["accept-encoding"].as_str(), asked.headers["range"].as_str()),
        ("identity", "bytes=0-4999")
    );
    sources.read(&url, &[3..4]).unwrap();
    assert_eq!(server.last().headers["if-match"], "\"one\"");
}

#[test]
fn a_file_without_bytes_is_one() {
    let server = Server::new(|request, _| Reply::Send(file(request, b"")));
    let (state, first) = sources(&server).first(&format!("{}/f", server.address), 9).unwrap();
    assert_eq!((state.size, first.len()), (0, 0));
}

#[test]
fn a_whole_file_for_a_range_is_used_while_it_is_small() {
    let whole = |size: usize, has_length: bool| {
        Server::new(move |_, _| {
            let body = vec![7; size];
            let head = b"HTTP/1.1 200 OK\r\n\r\n";
            if has_length {
                Reply::Send(answer("200 OK", &[], &body))
            } else {
                Reply::SendAndClose([&head[..], &body].concat())
            }
        })
    };
    let first = |server: &Server, bytes| sources(server).first(&format!("{}/f", server.address), bytes);
    for has_length in [true, false] {
        let small = whole(9000, has_length);
        let (state, read) = first(&small, 100).unwrap();
        assert_eq!((state.size, &read[..]), (9000, &[7; 100][..]));
        assert_eq!(sources(&small).read(&format!("{}/f", small.address), &[8999..9000]).unwrap(), [&[7][..]]);
        let large = whole((8 << 20) + 1, has_length);
        let error = first(&large, 100).unwrap_err().to_string();
        let told = "the server does not support ranges: it answers with the whole file; copy the file to one that does, after 3 attempts";
        assert_eq!(error, format!("{}/f: {told}", large.address));
    }
    // The whole is what is asked for.
    assert_eq!(first(&whole((8 << 20) + 1, true), 9 << 20).unwrap().1.len(), (8 << 20) + 1);
}

#[test]
fn a_file_that_changed_is_not_mixed_and_can_be_read_anew() {
    let later = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let is_later = std::sync::Arc::clone(&later);
    let server = Server::new(move |request, _| {
        let mut told = file(request, &bytes());
        if is_later.load(Ordering::SeqCst) {
            let at = told.windows(5).position(|five| five == b"\"one\"").unwrap();
            told[at..at + 5].copy_from_slice(b"\"two\"");
        }
        Reply::Send(told)
    });
    let sources = sources(&server);
    let url = format!("{}/f", server.address);
    sources.state(&url).unwrap();
    later.store(true, Ordering::SeqCst);
    let told = format!("{url} has changed since it was first read: its ETag is \"two\" and was \"one\"");
    let error = sources.read(&url, &[0..9]).unwrap_err();
    assert!(matches!(error, Error::Changed { .. }));
    assert_eq!((error.to_string(), server.count()), (told, 3));
    sources.forget(&url);
    sources.read(&url, &[0..9]).unwrap();
}

#[test]
fn other_answers_that_say_that_a_file_changed() {
    let range = |total: usize| format!("Content-Range: bytes 10-19/{total}");
    let table = [
        (answer("412 Precondition Failed", &[], b""), "its ETag is no longer the same"),
        (answer("206 Partial Content", &[&range(1001)], &[1; 10]), "it has 1001 bytes and had 1000"),
        (answer("416 Range Not Satisfiable", &[], b""), "it is shorter than it was"),
    ];
    for (told, what) in table {
        let server = faulty(usize::MAX, move |_| Reply::Send(told.clone()));
        let sources = sources(&server);
        let url = format!("{}/f", server.address);
        sources.state(&url).unwrap();
        let error = sources.read(&url, &[10..20]).unwrap_err();
        assert!(matches!(error, Error::Changed { .. }));
        assert_eq!(error.to_string(), format!("{url} has changed since it was first read: {what}"));
    }
}

#[test]
fn redirects_are_followed_to_where_they_may_lead() {
    let server = Server::new(|request, _| match request.target.as_str() {
        "/good" => Reply::Send(answer("302 Found", &["Location: /other/f"], b"")),
        "/loop" => Reply::Send(answer("307 Temporary", &["Location: /loop"], b"")),
        "/file" => Reply::Send(answer("302 Found", &["Location: file:///etc/passwd?canary"], b"")),
        "/meta" => Reply::Send(answer("302 Found", &["Location: http://169.254.169.254/latest"], b"")),
        "/port" => Reply::Send(answer("302 Found", &["Location: http://127.0.0.1:1/f"], b"")),
        _ => Reply::Send(file(request, &bytes())),
    });
    let sources = sources(&server);
    let first = |path: &str| {
        let url = format!("{}{path}", server.address);
        sources.first(&url, 9).map(|(_, first)| first).map_err(|error| error.to_string().replace(&url, "U"))
    };
    assert_eq!(first("/good").unwrap(), &bytes()[..9]);
    let inside = "which is an address of this machine or its network";
    let table = [
        ("/loop", "U: redirected more than 5 times".to_owned(), 6),
        ("/file", "U: redirected to file:///etc/passwd?.., which is not http or https".to_owned(), 1),
        ("/meta", format!("U: redirected to http://169.254.169.254/latest, {inside}"), 1),
        ("/port", format!("U: redirected to http://127.0.0.1:1/f, {inside}"), 1),
    ];
    for (path, told, requests) in table {
        let before = server.count();
        assert_eq!((first(path).unwrap_err(), server.count() - before), (told, requests));
    }
}

#[test]
fn all_threads_share_the_connections() {
    use std::sync::atomic::AtomicUsize;
    let running = std::sync::Arc::new([AtomicUsize::new(0), AtomicUsize::new(0)]);
    let counted = std::sync::Arc::clone(&running);
    let server = Server::new(move |request, _| {
        counted[1].fetch_max(counted[0].fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        std::thread::sleep(Duration::from_millis(10));
        counted[0].fetch_sub(1, Ordering::SeqCst);
        Reply::Send(file(request, &bytes()))
    });
    let options = RemoteOptions { connections: 3, ..quick() };
    let sources = RemoteSources::new(options).unwrap().allow(&server.address).unwrap();
    let ranges: Vec<Range<u64>> = (0..10).map(|at| at * 50..at * 50 + 2).collect();
    std::thread::scope(|scope| {
        for name in ["a", "b", "c", "d"] {
            let (sources, url, ranges) = (&sources, format!("{}/{name}", server.address), &ranges);
            scope.spawn(move || assert_eq!(sources.read(&url, ranges).unwrap().len(), 10));
        }
    });
    assert_eq!((running[1].load(Ordering::SeqCst), sources.counters().requests), (3, 44));
}

#[test]
fn a_query_is_sent_only_where_it_is_kept_and_is_never_told() {
    let server = Server::new(|request, _| {
        let is_signed = request.target == "/f?sig=canary&x=1";
        Reply::Send(if is_signed { file(request, &bytes()) } else { answer("403 Forbidden", &[], b"") })
    });
    let url = format!("{}/f?sig=canary&x=1", server.address);
    let told = |sources: &RemoteSources, url: &str| sources.state(url).unwrap_err().to_string();
    let refused = format!("{}/f?.. is not read: it has a query or a fragment", server.address);
    assert_eq!(told(&sources(&server), &url), refused);
    let options = RemoteOptions { keep_query: true, ..quick() };
    let keeping = RemoteSources::new(options).unwrap().allow(&url).unwrap();
    assert_eq!(keeping.read(&url, &[5..7]).unwrap(), [&[5, 6][..]]);
    let denied = "403 Forbidden: access is denied; look at the credentials, or --anon for public data, or whether the requester pays";
    let other = url.replace("x=1", "x=2");
    assert_eq!(told(&keeping, &other), format!("{}/f?..: {denied}", server.address));
    assert!(!format!("{keeping:?}").contains("canary"));
    assert_eq!(
        told(&keeping, "s3://b/k?sig=canary"),
        "s3://b/k?.. is not read: it lies under no prefix that may be read"
    );
}

#[test]
fn only_what_is_allowed_is_asked_for() {
    let server = Server::new(|request, _| Reply::Send(file(request, &bytes())));
    let address = &server.address;
    let new = || RemoteSources::new(quick()).unwrap();
    let sources = new().allow(&format!("{address}/in/")).unwrap().allow(&format!("{address}/one")).unwrap();
    for path in ["in/f", "in/a/f", "one"] {
        assert!(sources.state(&format!("{address}/{path}")).is_ok(), "{path}");
    }
    let before = server.count();
    for path in ["f", "in2/f", "in/../f", "in/%2e%2e/f", "in/%2Ff", "one2", "in/f#x", "in/f?x"] {
        assert!(matches!(sources.state(&format!("{address}/{path}")), Err(Error::NotAllowed { .. })), "{path}");
    }
    assert_eq!(server.count(), before);
    for prefix in ["ftp://h/", "/etc", "http://u:canary@h/", "s3://", "https://h/a/../b"] {
        let error = new().allow(prefix).unwrap_err();
        assert!(matches!(error, Error::NotAllowed { .. }) && !error.to_string().contains("canary"), "{prefix}");
    }
    let listing = sources.list(&format!("{address}/in/")).unwrap_err();
    assert_eq!(listing.to_string(), "listing folders of web servers is not supported");
}
