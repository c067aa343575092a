//! What the tests of every structure prove of its parser.

use proptest::collection::vec;
use proptest::prelude::{Strategy, any};
use proptest::sample::Index;
use proptest::test_runner::{Config, TestRunner};

use crate::error::Error;
use crate::field::checksum::lookup3;

/// The file offset at which the tests place the first byte of a structure.
pub(crate) const AT: u64 = 0x60;

/// The message of an error.
pub(crate) fn message_of<T>(parsed: Result<T, Error>) -> String {
    match parsed {
        Ok(_) => panic!("bytes that must be refused are accepted"),
        Err(error) => error.to_string(),
    }
}

/// `bytes` with others in place of those from `at`.
pub(crate) fn with(bytes: &[u8], at: usize, others: &[u8]) -> Vec<u8> {
    let mut changed = bytes.to_vec();
    changed[at..at + others.len()].copy_from_slice(others);
    changed
}

/// `bytes` and their checksum.
pub(crate) fn sealed(bytes: &[u8]) -> Vec<u8> {
    [bytes, &lookup3(bytes).to_le_bytes()].concat()
}

/// The valid bytes of a structure are accepted, and none of their proper prefixes is.
pub(crate) fn every_prefix_fails<'a, T>(valid: &'a [u8], parse: impl Fn(&'a [u8]) -> Result<T, Error>) {
    assert!(parse(valid).is_ok(), "the whole structure is refused");
    for length in 0..valid.len() {
        assert!(parse(&valid[..length]).is_err(), "{length} of {} bytes are accepted", valid.len());
    }
}

/// Neither arbitrary bytes nor a valid structure with arbitrary changes make a parser panic.
pub(crate) fn never_panics(valid: &[u8], parse: impl Fn(&[u8])) {
    let valid = valid.to_vec();
    let changes =
        (vec((any::<Index>(), any::<u8>()), 1..8), vec(any::<u8>(), 0..64)).prop_map(move |(changes, tail)| {
            let mut bytes = valid.clone();
            for (place, byte) in changes {
                let place = place.index(bytes.len());
                bytes[place] = byte;
            }
            bytes.extend(tail);
            bytes
        });
    run(vec(any::<u8>(), 0..256), &parse);
    run(changes, &parse);
}

fn run(strategy: impl Strategy<Value = Vec<u8>>, parse: &impl Fn(&[u8])) {
    let config = Config { cases: 128, failure_persistence: None, ..Config::default() };
    let outcome = TestRunner::new(config).run(&strategy, |bytes| {
        parse(&bytes);
        Ok(())
    });
    assert_eq!(outcome, Ok(()));
}
