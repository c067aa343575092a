//! A web server of files in memory, for as long as the tests run.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;

/// What the server was asked for.
#[derive(Debug, Default)]
pub(crate) struct Asked {
    /// Requests for a range of a file.
    pub(crate) ranges: AtomicUsize,
    /// Requests for a file as a whole.
    pub(crate) wholes: AtomicUsize,
}

/// Serves files by their paths (`/folder/file.h5`); gives the address to begin URLs with.
pub(crate) fn serve(files: HashMap<String, Bytes>) -> (String, Arc<Asked>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let (files, asked) = (Arc::new(files), Arc::new(Asked::default()));
    let noted = Arc::clone(&asked);
    std::thread::spawn(move || {
        for connection in listener.incoming().flatten() {
            let (files, noted) = (Arc::clone(&files), Arc::clone(&noted));
            std::thread::spawn(move || converse(&connection, &files, &noted));
        }
    });
    (address, asked)
}

/// Answers the requests of a connection until it ends.
fn converse(connection: &TcpStream, files: &HashMap<String, Bytes>, asked: &Asked) -> Option<()> {
    let mut lines = BufReader::new(connection).lines();
    loop {
        let request = lines.next()?.ok()?;
        let mut range = None;
        loop {
            let header = lines.next()?.ok()?;
            if header.is_empty() {
                break;
            }
            let (name, value) = header.split_once(": ")?;
            if name.eq_ignore_ascii_case("range") {
                range = value.strip_prefix("bytes=").map(str::to_owned);
            }
        }
        let mut words = request.split(' ');
        let (method, path) = (words.next()?, words.next()?);
        let (head, body) = answer(files.get(path.split('?').next()?), range.as_deref());
        if method != "HEAD" {
            let count = if range.is_some() { &asked.ranges } else { &asked.wholes };
            count.fetch_add(1, Ordering::Relaxed);
        }
        let mut out = connection;
        write!(out, "HTTP/1.1 {head}content-length: {}\r\netag: \"one\"\r\n\r\n", body.len()).ok()?;
        out.write_all(if method == "HEAD" { b"" } else { &body }).ok()?;
    }
}

/// Status and headers, and the bytes.
fn answer(file: Option<&Bytes>, range: Option<&str>) -> (String, Bytes) {
    let Some(file) = file else { return ("404 Not Found\r\n".to_owned(), Bytes::new()) };
    let ends = range.and_then(|range| range.split_once('-'));
    let ends = ends.and_then(|(first, last)| Some((first.parse().ok()?, last.parse().ok()?)));
    let Some((first, last)): Option<(usize, usize)> = ends else { return ("200 OK\r\n".to_owned(), file.clone()) };
    let end = (last + 1).min(file.len());
    let told = format!("206 Partial Content\r\ncontent-range: bytes {first}-{}/{}\r\n", end - 1, file.len());
    (told, file.slice(first..end))
}
