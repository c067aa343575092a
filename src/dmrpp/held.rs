//! Values that the sidecar itself holds.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;

use super::document::{Entry, Held};
use super::malformed;
use super::number::number;
use crate::codec::deflate;
use crate::error::{Error, Problem, Unsupported};
use crate::field::convert::{narrow, wide};
use crate::limits::Budget;

/// All elements of a variable, which have so many bytes; `elements` is how many they are.
pub(crate) fn elements(
    (held, text): (Held, &str),
    (elements, bytes): (u64, u64),
    at: u64,
    budget: &Budget,
) -> Result<Bytes, Error> {
    budget.inline(bytes)?;
    let decoded = base64(text, at)?;
    let decoded = match held {
        // Hyrax deflates what is not one element.
        Held::Missing if elements != 1 => {
            budget.decoded(bytes)?;
            deflate::decode(&decoded, bytes).map_err(|problem| malformed(at, problem))?
        }
        Held::Compact | Held::Missing => decoded,
        // Those of structures are read where their type is found.
        Held::Structures => return Err(Unsupported::NotTold("the values of what is no structure".to_owned()).into()),
    };
    let found = wide(decoded.len());
    if found != bytes {
        return Err(malformed(at, Problem::Mismatch { field: "bytes of the values", found, expected: bytes }));
    }
    Ok(decoded.into())
}

pub(crate) fn base64(text: &str, at: u64) -> Result<Vec<u8>, Error> {
    let text: Vec<u8> = text.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    decoded(&text, at)
}

/// Base64 without blanks.
pub(crate) fn decoded(text: &[u8], at: u64) -> Result<Vec<u8>, Error> {
    STANDARD.decode(text).map_err(|_| malformed(at, Problem::Decode("Base64")))
}

/// A text without the NULs behind it; whether others end it is not told.
pub(crate) fn without_nuls(mut text: Vec<u8>) -> Result<Vec<u8>, Error> {
    let end = text.iter().rposition(|byte| *byte != 0).map_or(0, |last| last.saturating_add(1));
    text.truncate(end);
    if text.contains(&0) {
        return Err(Unsupported::NotTold("whether a text ends at its first NUL".to_owned()).into());
    }
    Ok(text)
}

/// The one text that a scalar has, in the form of [`texts`]. Whether it is of fixed length is not told.
pub(crate) fn scalar(text: &str, at: u64, budget: &Budget) -> Result<Bytes, Error> {
    let text =
        String::from_utf8(without_nuls(base64(text, at)?)?).map_err(|_| malformed(at, Problem::Text("a text")))?;
    texts(&[Entry { text, ..Entry::default() }], 1, at, budget)
}

/// Texts of any length as a chunk of numcodecs' `vlen-utf8`: their number, and each with its length.
pub(crate) fn texts(entries: &[Entry], elements: u64, at: u64, budget: &Budget) -> Result<Bytes, Error> {
    let length = |n: usize| u32::try_from(n).map(u32::to_le_bytes).map_err(|_| too_many());
    let mut chunk = length(narrow(elements))?.to_vec();
    let mut found = 0_u64;
    for entry in entries {
        let wrong = |field| malformed(at, Problem::Number(field));
        let count = entry.count.as_deref().map_or(Some(1), number).ok_or_else(|| wrong("c"))?;
        let text = match &entry.size {
            None => entry.text.clone().into_bytes(),
            Some(size) => {
                let size = number(size).ok_or_else(|| wrong("s"))?;
                budget.decoded(size)?;
                let decoded = deflate::decode(&base64(&entry.text, at)?, size);
                let decoded = decoded.map_err(|problem| malformed(at, problem))?;
                let decoded =
                    std::str::from_utf8(&decoded).is_ok_and(|_| wide(decoded.len()) == size).then_some(decoded);
                decoded.ok_or_else(|| malformed(at, Problem::Text("a text of any length")))?
            }
        };
        found = found.saturating_add(count);
        if found > elements {
            break;
        }
        budget.inline(count.saturating_mul(wide(text.len()).saturating_add(4)))?;
        let one = [&length(text.len())?[..], &text].concat();
        chunk.extend(one.repeat(narrow(count)));
    }
    if found == elements {
        Ok(chunk.into())
    } else {
        Err(malformed(at, Problem::Mismatch { field: "number of texts", found, expected: elements }))
    }
}

fn too_many() -> Error {
    Unsupported::Feature("a chunk of more than 2^32 strings").into()
}
