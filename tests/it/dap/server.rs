//! A server of whatever a test answers, for as long as the tests run.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// An answer.
pub(crate) struct Reply {
    pub(crate) status: &'static str,
    /// Lines of the head, each with its end.
    pub(crate) headers: String,
    pub(crate) body: Vec<u8>,
}

impl Reply {
    /// A body with its length.
    pub(crate) fn new(status: &'static str, body: impl Into<Vec<u8>>) -> Self {
        let body = body.into();
        Self { status, headers: format!("content-length: {}\r\n", body.len()), body }
    }

    /// A body that ends where the connection does.
    pub(crate) fn without_length(body: impl Into<Vec<u8>>) -> Self {
        Self { status: "200 OK", headers: String::new(), body: body.into() }
    }
}

/// What was asked for, in order: paths with their queries.
pub(crate) type Asked = Arc<Mutex<Vec<String>>>;

/// Answers what is asked for, told how often that was asked before; gives the address to begin URLs with.
pub(crate) fn serve(answer: impl Fn(&str, usize) -> Reply + Send + Sync + 'static) -> (String, Asked) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let (answer, asked) = (Arc::new(answer), Asked::default());
    let noted = Arc::clone(&asked);
    std::thread::spawn(move || {
        for connection in listener.incoming().flatten() {
            let (answer, noted) = (Arc::clone(&answer), Arc::clone(&noted));
            std::thread::spawn(move || converse(&connection, &*answer, &noted));
        }
    });
    (address, asked)
}

fn converse(mut connection: &TcpStream, answer: &dyn Fn(&str, usize) -> Reply, asked: &Asked) -> Option<()> {
    let mut lines = BufReader::new(connection).lines();
    let request = lines.next()?.ok()?;
    let target = request.split(' ').nth(1)?.to_owned();
    while !lines.next()?.ok()?.is_empty() {}
    let mut all = asked.lock().unwrap();
    let before = all.iter().filter(|other| **other == target).count();
    all.push(target.clone());
    drop(all);
    let Reply { status, headers, body } = answer(&target, before);
    write!(connection, "HTTP/1.1 {status}\r\nconnection: close\r\n{headers}\r\n").ok()?;
    connection.write_all(&body).ok()
}
