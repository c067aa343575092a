//! Several sources as one.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;

use super::secrets::told_url;
use super::{Sources, State};
use crate::error::Error;

/// Sources that are asked in order: the first that may read a file does.
impl Sources for Vec<Arc<dyn Sources>> {
    fn state(&self, url: &str) -> Result<State, Error> {
        one(self.states(&[url]), url)
    }

    fn read(&self, url: &str, ranges: &[Range<u64>]) -> Result<Vec<Bytes>, Error> {
        one(self.read_many(&[(url, ranges)]), url)
    }

    fn first(&self, url: &str, bytes: u64) -> Result<(State, Bytes), Error> {
        let ask = |sources: &dyn Sources, _: &[&str]| vec![sources.first(url, bytes)];
        one(first_that_may(self, &[url], |url| url, ask), url)
    }

    fn states(&self, urls: &[&str]) -> Vec<Result<State, Error>> {
        first_that_may(self, urls, |url| url, |sources, urls| sources.states(urls))
    }

    fn read_many(&self, wanted: &[(&str, &[Range<u64>])]) -> Vec<Result<Vec<Bytes>, Error>> {
        first_that_may(self, wanted, |(url, _)| url, |sources, wanted| sources.read_many(wanted))
    }
}

/// For each item the answer of the first sources that do not refuse it; where all do, why each does.
fn first_that_may<'a, I: Copy, T>(
    all: &[Arc<dyn Sources>],
    items: &[I],
    url: impl Fn(I) -> &'a str,
    ask: impl Fn(&dyn Sources, &[I]) -> Vec<Result<T, Error>>,
) -> Vec<Result<T, Error>> {
    let refused = |item: &I| Err(refusal(url(*item), "no sources are given"));
    let mut answers: Vec<Result<T, Error>> = items.iter().map(refused).collect();
    let mut left: Vec<usize> = (0..items.len()).collect();
    let mut reasons = vec![Vec::new(); items.len()];
    for sources in all {
        let asked: Vec<I> = left.iter().map(|at| items[*at]).collect();
        let told = if asked.is_empty() { Vec::new() } else { ask(&**sources, &asked) };
        let mut still = Vec::new();
        for (at, answer) in left.into_iter().zip(told) {
            answers[at] = answer;
            if let Err(Error::NotAllowed { url, why }) = &mut answers[at] {
                reasons[at].push(std::mem::take(why));
                answers[at] = Err(refusal(&std::mem::take(url), &reasons[at].join("; ")));
                still.push(at);
            }
        }
        left = still;
    }
    answers
}

fn refusal(url: &str, why: &str) -> Error {
    Error::NotAllowed { url: told_url(url), why: why.to_owned() }
}

fn one<T>(answers: Vec<Result<T, Error>>, url: &str) -> Result<T, Error> {
    answers.into_iter().next().unwrap_or_else(|| Err(refusal(url, "no sources answer")))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::single_range_in_vec_init, reason = "one range is asked for")]

    use std::collections::HashMap;

    use super::*;
    use crate::source::LocalSources;

    /// Sources of one file, which refuse all others.
    struct Only(&'static str, Bytes);

    impl Sources for Only {
        fn state(&self, url: &str) -> Result<State, Error> {
            self.read(url, &[]).map(|_| State { size: 3, modified: None, etag: None })
        }

        fn read(&self, url: &str, ranges: &[Range<u64>]) -> Result<Vec<Bytes>, Error> {
            let may = url == self.0;
            if may {
                Ok(vec![self.1.clone(); ranges.len()])
            } else {
                Err(refusal(url, &format!("it is not {}", self.0)))
            }
        }
    }

    #[test]
    fn the_first_that_may_read_a_file_does() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("f").to_str().unwrap().to_owned();
        std::fs::write(&path, b"loc").unwrap();
        let only =
            |url, text: &'static str| -> Arc<dyn Sources> { Arc::new(Only(url, Bytes::from_static(text.as_bytes()))) };
        let local = LocalSources::new().allow(folder.path()).unwrap();
        let all = vec![only("s3://a", "one"), Arc::new(local), only("s3://a", "two"), only("s3://b", "two")];
        let text = |url: &str| all.read(url, std::slice::from_ref(&(0..3)));
        assert_eq!((text("s3://a").unwrap(), text("s3://b").unwrap()), (vec!["one".into()], vec!["two".into()]));
        assert_eq!(text(&path).unwrap(), [Bytes::from_static(b"loc")]);
        assert_eq!(all.state("s3://b").unwrap().size, 3);
        assert_eq!(all.first("s3://b", 3).unwrap().1, "two");
        assert!(matches!(all.first("x", 3), Err(Error::NotAllowed { .. })));
        let many = all.read_many(&[("s3://b", &[0..3]), ("x", &[0..3]), (&path, &[0..3, 1..2]), ("s3://a", &[])]);
        let read: Vec<Option<usize>> = many.iter().map(|answer| answer.as_ref().ok().map(Vec::len)).collect();
        assert_eq!(read, [Some(1), None, Some(2), Some(0)]);
        let reasons = "it is not s3://a; it is no path of the local file system; it is not s3://a; it is not s3://b";
        assert_eq!(text("gs://c").unwrap_err().to_string(), format!("gs://c is not read: {reasons}"));
        let none: Vec<Arc<dyn Sources>> = Vec::new();
        assert_eq!(none.state("x").unwrap_err().to_string(), "x is not read: no sources are given");
    }

    #[test]
    fn another_error_than_a_refusal_is_the_answer() {
        let empty: Arc<dyn Sources> = Arc::new(HashMap::<String, Bytes>::new());
        let all = vec![empty, Arc::new(Only("a", Bytes::from_static(b"abc"))) as Arc<dyn Sources>];
        assert!(matches!(all.state("a"), Err(Error::Io { .. })));
    }
}
