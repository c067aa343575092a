//! A web server that answers as it is told, for as long as the tests run.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// What the server was asked for.
#[derive(Debug, Clone)]
pub(super) struct Request {
    pub(super) method: String,
    pub(super) target: String,
    /// Names in small letters.
    pub(super) headers: HashMap<String, String>,
    pub(super) body: Vec<u8>,
}

/// What it answers.
#[derive(Debug, Clone)]
pub(super) enum Reply {
    /// These bytes, and then the next request.
    Send(Vec<u8>),
    /// These bytes, and then the end of the connection.
    SendAndClose(Vec<u8>),
    /// These bytes, and then nothing.
    SendAndHold(Vec<u8>),
    /// These bytes, one in so many milliseconds.
    Dribble(Vec<u8>, u64),
}

pub(super) struct Server {
    /// `http://127.0.0.1:PORT`
    pub(super) address: String,
    pub(super) asked: Arc<Mutex<Vec<Request>>>,
}

impl Server {
    /// Answers with what `reply` says; it is given the request, and how many came before it.
    pub(super) fn new(reply: impl Fn(&Request, usize) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let asked: Arc<Mutex<Vec<Request>>> = Arc::default();
        let (noted, reply) = (Arc::clone(&asked), Arc::new(reply));
        std::thread::spawn(move || {
            for connection in listener.incoming().flatten() {
                let (noted, reply) = (Arc::clone(&noted), Arc::clone(&reply));
                std::thread::spawn(move || converse(&connection, &*reply, &noted));
            }
        });
        Self { address, asked }
    }

    /// Requests so far.
    pub(super) fn count(&self) -> usize {
        self.asked.lock().unwrap().len()
    }

    pub(super) fn last(&self) -> Request {
        self.asked.lock().unwrap().last().unwrap().clone()
    }
}

fn converse(
    connection: &TcpStream,
    reply: &dyn Fn(&Request, usize) -> Reply,
    noted: &Mutex<Vec<Request>>,
) -> Option<()> {
    connection.set_nodelay(true).ok()?;
    let mut input = BufReader::new(connection);
    let mut out = connection;
    loop {
        let first = line(&mut input)?;
        let mut words = first.split(' ').map(str::to_owned);
        let (method, target) = (words.next()?, words.next()?);
        let mut headers = HashMap::new();
        loop {
            let line = line(&mut input)?;
            let Some((name, value)) = line.split_once(": ") else { break };
            headers.insert(name.to_ascii_lowercase(), value.to_owned());
        }
        let length = headers.get("content-length").map_or(0, |length: &String| length.parse().unwrap());
        let mut body = vec![0; length];
        input.read_exact(&mut body).ok()?;
        let request = Request { method, target, headers, body };
        let before = {
            let mut noted = noted.lock().unwrap();
            noted.push(request.clone());
            noted.len() - 1
        };
        match reply(&request, before) {
            Reply::Send(bytes) => out.write_all(&bytes).ok()?,
            Reply::SendAndClose(bytes) => return out.write_all(&bytes).ok(),
            Reply::SendAndHold(bytes) => {
                out.write_all(&bytes).ok()?;
                std::thread::sleep(Duration::from_secs(5));
                return None;
            }
            Reply::Dribble(bytes, pause) => {
                for byte in bytes {
                    out.write_all(&[byte]).ok()?;
                    std::thread::sleep(Duration::from_millis(pause));
                }
            }
        }
    }
}

fn line(input: &mut impl BufRead) -> Option<String> {
    let line = input.lines().next()?;
    line.ok()
}

/// An answer with its length.
pub(super) fn answer(status: &str, headers: &[&str], body: &[u8]) -> Vec<u8> {
    let headers: String = headers.iter().flat_map(|header| [header, "\r\n"]).collect();
    let head = format!("HTTP/1.1 {status}\r\n{headers}Content-Length: {}\r\n\r\n", body.len());
    [head.as_bytes(), body].concat()
}

/// The right answer to a request for a file.
pub(super) fn file(request: &Request, bytes: &[u8]) -> Vec<u8> {
    let etag = "ETag: \"one\"";
    let modified = "Last-Modified: Thu, 01 Jan 2026 00:00:00 GMT";
    let ends = request.headers.get("range").and_then(|range| range.strip_prefix("bytes=")?.split_once('-'));
    let head = if request.method == "HEAD" { 0 } else { bytes.len() };
    let Some((first, last)) = ends else {
        let mut told = answer("200 OK", &[etag, modified], bytes);
        told.truncate(told.len() - bytes.len() + head);
        return told;
    };
    let (first, end) = (first.parse::<usize>().unwrap(), (last.parse::<usize>().unwrap() + 1).min(bytes.len()));
    if first >= bytes.len() {
        return answer("416 Range Not Satisfiable", &[&format!("Content-Range: bytes */{}", bytes.len())], b"");
    }
    let range = format!("Content-Range: bytes {first}-{}/{}", end - 1, bytes.len());
    answer("206 Partial Content", &[etag, modified, &range], &bytes[first..end])
}
