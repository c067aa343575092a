//! Credentials that a command prints, as AWS's `credential_process`.

use std::io::Read;
use std::process::{ChildStdout, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime};

use ::object_store::aws::AwsCredential;
use ::object_store::{CredentialProvider, Error, Result};
use async_trait::async_trait;
use serde::Deserialize;
use tokio::sync::Mutex;

use super::time;

/// How long before their end credentials are renewed.
const AHEAD: Duration = Duration::from_secs(300);

/// How long a command may take.
const MOST_TIME: Duration = Duration::from_secs(60);

/// Bytes that a command may print.
const MOST_PRINTED: u64 = 64 << 10;

/// A command, and what it printed last.
pub(super) struct Command {
    line: Arc<str>,
    /// Set where a store says that the credentials have expired.
    expired: Arc<AtomicBool>,
    last: Mutex<Option<Credentials>>,
}

#[derive(Clone)]
struct Credentials {
    credential: Arc<AwsCredential>,
    until: Option<SystemTime>,
}

impl Command {
    pub(super) fn new(command: &str, expired: Arc<AtomicBool>) -> Self {
        Self { line: command.into(), expired, last: Mutex::default() }
    }
}

impl std::fmt::Debug for Command {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("credentials that a command prints")
    }
}

#[async_trait]
impl CredentialProvider for Command {
    type Credential = AwsCredential;

    async fn get_credential(&self) -> Result<Arc<AwsCredential>> {
        let mut last = self.last.lock().await;
        let is_refused = self.expired.swap(false, Ordering::Relaxed);
        let ends_within = |until: Option<SystemTime>, time| until.is_some_and(|until| until < SystemTime::now() + time);
        match &*last {
            Some(known) if !is_refused && !ends_within(known.until, AHEAD) => return Ok(Arc::clone(&known.credential)),
            _ => {}
        }
        let command = Arc::clone(&self.line);
        let printed = tokio::task::spawn_blocking(move || run(&command, MOST_TIME)).await;
        let renewed = printed.map_err(|_| "it panicked".to_owned()).and_then(|printed| parse(&printed?));
        match (renewed, &*last) {
            (Ok(renewed), _) => {
                let credential = Arc::clone(&renewed.credential);
                *last = Some(renewed);
                Ok(credential)
            }
            (Err(_), Some(known)) if !is_refused && !ends_within(known.until, Duration::ZERO) => {
                Ok(Arc::clone(&known.credential))
            }
            (Err(why), _) => {
                let source = format!("the command for credentials gives none: {why}").into();
                Err(Error::Generic { store: "S3", source })
            }
        }
    }
}

/// What a command prints. Errors tell nothing of it, nor of the command.
fn run(command: &str, most: Duration) -> Result<Vec<u8>, String> {
    let words = words(command).ok_or("a quotation mark in it has no end")?;
    let (program, arguments) = words.split_first().ok_or("it is empty")?;
    let mut child = std::process::Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| format!("it does not start: {}", error.kind()))?;
    let printed = child.stdout.take().map(|printed| std::thread::spawn(move || read(printed)));
    let began = Instant::now();
    let status = loop {
        match child.try_wait() {
            Ok(Some(status)) => break status,
            Ok(None) if began.elapsed() < most => std::thread::sleep(Duration::from_millis(20)),
            _ => {
                let _ = child.kill();
                let _ = child.wait();
                return Err(format!("it has not ended after {most:?}"));
            }
        }
    };
    if !status.success() {
        return Err(status.to_string());
    }
    // A child of its own may hold the pipe open.
    let printed = printed.filter(|printed| {
        while !printed.is_finished() && began.elapsed() < most {
            std::thread::sleep(Duration::from_millis(5));
        }
        printed.is_finished()
    });
    let printed = printed.and_then(|printed| printed.join().ok()).ok_or("it has not ended what it prints")?;
    printed.map_err(|error| error.kind().to_string())
}

fn read(printed: ChildStdout) -> std::io::Result<Vec<u8>> {
    let mut all = Vec::new();
    printed.take(MOST_PRINTED).read_to_end(&mut all)?;
    Ok(all)
}

/// The words of a command; quotation marks keep blanks together. There is no shell.
fn words(command: &str) -> Option<Vec<String>> {
    let (mut words, mut word, mut quote) = (Vec::new(), None::<String>, None);
    for c in command.chars() {
        match quote {
            Some(end) if c == end => quote = None,
            None if c == '"' || c == '\'' => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            None if c.is_whitespace() => words.extend(word.take()),
            _ => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    quote.is_none().then_some(words)
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Printed {
    version: u32,
    access_key_id: String,
    secret_access_key: String,
    session_token: Option<String>,
    expiration: Option<String>,
}

fn parse(printed: &[u8]) -> Result<Credentials, String> {
    // The parser's error would tell of what it saw.
    let printed: Printed = serde_json::from_slice(printed)
        .map_err(|_| "it prints no JSON with Version, AccessKeyId and SecretAccessKey".to_owned())?;
    if printed.version != 1 {
        return Err(format!("it prints credentials of version {}, known is 1", printed.version));
    }
    let until = match &printed.expiration {
        Some(text) => Some(time::parse(text).ok_or("the Expiration that it prints is no time of RFC 3339")?),
        None => None,
    };
    let (key_id, secret_key, token) = (printed.access_key_id, printed.secret_access_key, printed.session_token);
    Ok(Credentials { credential: Arc::new(AwsCredential { key_id, secret_key, token }), until })
}
