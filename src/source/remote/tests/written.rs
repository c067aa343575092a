//! Folders that are written to.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::Mutex;

use super::*;

fn options(address: &str, words: &[(&str, &str)]) -> RemoteOptions {
    let storage: BTreeMap<String, String> =
        words.iter().map(|(word, value)| ((*word).to_owned(), (*value).to_owned())).collect();
    RemoteOptions { anonymous: false, endpoint: Some(address.to_owned()), storage, ..quick() }
}

const KEY: [(&str, &str); 3] = [("key", "CANARYID"), ("secret", "canary-secret"), ("token", "canary-token")];

/// An answer to what was taken.
fn taken() -> Reply {
    Reply::Send(answer("200 OK", &["ETag: \"new\""], b""))
}

#[test]
fn what_is_written_arrives_whole_and_signed_also_when_it_is_sent_again() {
    let bytes: Vec<u8> = (0..300_000_u32).map(|at| at.to_le_bytes()[0] ^ at.to_le_bytes()[1]).collect();
    let server = Server::new(|_, before| match before {
        0 => Reply::Send(answer("503 Slow Down", &[], b"")),
        1 => Reply::SendAndClose(Vec::new()),
        _ => taken(),
    });
    let written = Written::new("s3://bucket/a b/out.zarr/", options(&server.address, &KEY)).unwrap();
    written.put("x?y#z/0.0", &bytes).unwrap();
    let asked = server.asked.lock().unwrap().clone();
    assert_eq!(asked.len(), 3);
    for one in asked {
        assert_eq!((&*one.method, &*one.target), ("PUT", "/bucket/a%20b/out.zarr/x%3Fy%23z/0.0"));
        assert!(one.body == bytes, "{} bytes", one.body.len());
        assert!(one.headers["authorization"].starts_with("AWS4-HMAC-SHA256 Credential=CANARYID/"));
        let digest = format!("{:x}", <sha2::Sha256 as sha2::Digest>::digest(&bytes));
        assert_eq!(one.headers["x-amz-content-sha256"], digest);
    }
    written.put("empty", b"").unwrap();
    assert_eq!((server.last().body.len(), &*server.last().headers["content-length"]), (0, "0"));
}

#[test]
fn google_and_azure_are_written_to_as_well() {
    let server = Server::new(|_, _| {
        Reply::Send(answer("201 Created", &["ETag: \"new\"", "Last-Modified: Thu, 01 Jan 2026 00:00:00 GMT"], b""))
    });
    let table = [
        ("gs://bucket/out", "bearer_token", "canary", "/bucket/out%2Fa%2F0"),
        ("abfs://c@acc.dfs.core.windows.net/out", "account_key", "Y2FuYXJ5", "/c/out/a/0"),
    ];
    for (url, word, value, target) in table {
        let written = Written::new(url, options(&server.address, &[(word, value)])).unwrap();
        written.put("a/0", b"abc").unwrap();
        let asked = server.last();
        assert!(asked.method == "PUT" && asked.body == b"abc" && asked.target.ends_with(target), "{asked:?}");
        assert!(asked.headers.contains_key("authorization") && !format!("{written:?}").contains("canary"));
    }
}

#[test]
fn what_is_refused_says_why_and_nothing_of_credentials() {
    let body = "<Error><Code>InvalidAccessKeyId</Code><Message>canary</Message><AWSAccessKeyId>CANARYID</AWSAccessKeyId></Error>";
    let server = Server::new(move |_, _| Reply::Send(answer("403 Forbidden", &[], body.as_bytes())));
    let written = Written::new("s3://bucket/out", options(&server.address, &KEY)).unwrap();
    let errors = [
        written.put("a/0", b"abc").unwrap_err(),
        written.get("a/0").unwrap_err(),
        written.keys().unwrap_err(),
        written.delete(&["a/0".to_owned()]).unwrap_err(),
    ];
    for error in errors {
        let told = format!("{error}{error:?}");
        assert!(error.to_string().contains("403 Forbidden (InvalidAccessKeyId): access is denied"), "{told}");
        assert!(!told.to_ascii_lowercase().contains("canary"), "{told}");
    }
    assert_eq!(server.count(), 4);
}

#[test]
fn only_folders_of_object_stores_are_written_to() {
    let table = [
        ("https://host/out.zarr", "stores are written to s3, gs and az, and not to web servers"),
        ("http://host/out.zarr", "stores are written to s3, gs and az, and not to web servers"),
        ("s3://bucket", "it is a whole bucket: name a folder in it"),
        ("s3://bucket/", "it is a whole bucket: name a folder in it"),
        ("s3://bucket/a/../b", "its folders have no plain names"),
        ("s3://bucket/a?versionId=1", "it has a query or a fragment"),
        ("ftp://host/a", "it is none of s3, gs, az, abfs, http and https"),
    ];
    for (url, why) in table {
        match Written::new(url, RemoteOptions { anonymous: true, ..quick() }) {
            Err(Error::NotAllowed { why: told, .. }) => assert_eq!(told, why, "{url}"),
            other => panic!("{url}: {other:?}"),
        }
    }
    let server = Server::new(|_, _| taken());
    let written = Written::new("s3://bucket/out", options(&server.address, &KEY)).unwrap();
    for key in ["../a", "a//b", "a/./b", "a\n", "a/", ""] {
        assert!(written.put(key, b"").is_err() && written.get(key).is_err(), "{key:?}");
    }
    assert_eq!(server.count(), 0);
}

#[test]
fn a_key_is_read_whole_and_one_that_is_not_there_is_none() {
    let bytes: Vec<u8> = (0..(9_u32 << 20)).map(|at| (at >> 7).to_le_bytes()[0]).collect();
    let (long, short) = (bytes.clone(), b"abc".to_vec());
    let server = Server::new(move |request, _| {
        Reply::Send(match request.target.as_str() {
            "/bucket/out/long" => file(request, &bytes),
            "/bucket/out/short" => file(request, b"abc"),
            _ => answer("404 Not Found", &[], b"<Error><Code>NoSuchKey</Code></Error>"),
        })
    });
    let written = Written::new("s3://bucket/out", options(&server.address, &KEY)).unwrap();
    assert_eq!(written.get("short").unwrap(), Some(short));
    assert_eq!(server.count(), 1);
    assert!(written.get("long").unwrap() == Some(long));
    assert_eq!((written.get("none").unwrap(), server.count()), (None, 4));
}

#[test]
fn a_slow_connection_is_not_one_that_stands_still() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let seen = Arc::new(Mutex::new(0));
    let counted = Arc::clone(&seen);
    std::thread::spawn(move || {
        let mut held = Vec::new();
        for (n, connection) in listener.incoming().flatten().enumerate() {
            let mut connection = connection;
            if n > 0 {
                held.push(connection);
                continue;
            }
            // Longer than any one part may take.
            let (mut all, mut part) = (0, vec![0; 2 << 20]);
            while all < 24 << 20 {
                std::thread::sleep(Duration::from_millis(120));
                connection.read_exact(&mut part).unwrap();
                all += part.len();
            }
            *counted.lock().unwrap() = all;
            let mut rest = vec![0; 64 << 10];
            let _rest = connection.read(&mut rest).unwrap();
            connection.write_all(&answer("200 OK", &["ETag: \"new\"", "Connection: close"], b"")).unwrap();
        }
    });
    let mut options = options(&address, &KEY);
    (options.patience.connect, options.patience.attempts) = (Duration::from_millis(300), 1);
    let written = Written::new("s3://bucket/out", options).unwrap();
    let began = Instant::now();
    written.put("a/0", &vec![7; 24 << 20]).unwrap();
    assert!(began.elapsed() > Duration::from_millis(1200) && *seen.lock().unwrap() == 24 << 20);
    let error = written.put("a/0", &vec![7; 24 << 20]).unwrap_err();
    assert_eq!(error.to_string(), "s3://bucket/out/a/0: no answer in 600ms");
}
