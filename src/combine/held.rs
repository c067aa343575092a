//! Arrays whose bytes are here: inline ones, and those that the caller has fetched.

use std::collections::HashMap;
use std::ops::Range;

use bytes::Bytes;

use super::inputs::{Inputs, Member};
use crate::error::Error;
use crate::limits::{Limits, check};
use crate::reference::{Array, Manifest, Reference};
use crate::store::{Values, held_values};

/// Bytes that a plan needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Need {
    /// The file.
    pub url: String,
    /// The bytes in it; `None` for all of it.
    pub range: Option<Range<u64>>,
}

/// Fetches the bytes that a plan needs; all that are asked for together can be fetched at once.
pub trait Supply {
    /// The bytes of each, in order.
    fn supply(&self, needs: &[Need]) -> Vec<Result<Bytes, Error>>;
}

impl<F: Fn(&[Need]) -> Vec<Result<Bytes, Error>>> Supply for F {
    fn supply(&self, needs: &[Need]) -> Vec<Result<Bytes, Error>> {
        self(needs)
    }
}

/// What was fetched: chunks by set and path, all of them inline.
pub(super) struct Held<'s> {
    supply: Option<&'s dyn Supply>,
    limits: Limits,
    chunks: HashMap<(usize, usize), Manifest>,
    bytes: u64,
}

impl<'s> Held<'s> {
    /// Without a supply, what is not inline is refused.
    pub(super) fn new(supply: Option<&'s dyn Supply>, limits: Limits) -> Self {
        Self { supply, limits, chunks: HashMap::new(), bytes: 0 }
    }

    /// Fetches what is not inline of these arrays (by set and path), all together.
    pub(super) fn fetch(&mut self, inputs: &Inputs, wanted: &[(usize, usize)]) -> Result<(), Error> {
        let mut needs = Vec::new();
        let mut places: Vec<((usize, usize), Vec<u64>)> = Vec::new();
        for (set, path) in wanted {
            let Some(member) = inputs.sets.get(*set).and_then(|input| input.member(*path)) else { continue };
            if member.rows.is_empty() || self.chunks.contains_key(&(*set, *path)) {
                continue;
            }
            let Some(chunks) = inputs.manifest(*set, *path) else { continue };
            for number in &chunks.number {
                needs.push(self.need(inputs, &chunks, *number)?);
            }
            places.push(((*set, *path), chunks.number));
        }
        if needs.is_empty() {
            return Ok(());
        }
        let Some(supply) = self.supply else { return Err(refused(inputs, &places)) };
        let mut answers = supply.supply(&needs).into_iter();
        for ((set, path), numbers) in places {
            let Some(mut chunks) = inputs.manifest(set, path) else { continue };
            let array = inputs.sets.get(set).and_then(|input| input.member(path)).and_then(Member::array);
            let mut inline = Vec::with_capacity(numbers.len());
            for number in numbers {
                let bytes = answers.next().unwrap_or_else(|| Ok(Bytes::new()));
                let bytes = bytes.map_err(|error| about(inputs, (set, path), &error))?;
                if let Some(Reference::Range { length, .. }) = chunks.get(number)
                    && length != crate::convert::wide(bytes.len())
                {
                    let problem = format!("{} bytes were supplied of a chunk that has {length}", bytes.len());
                    return Err(Error::Combine { input: name_of(inputs, set), problem });
                }
                // Without codecs it has to be a chunk as it is.
                let due = array.filter(|(metadata, _)| metadata.codecs().next().is_none());
                let due = due.and_then(|(metadata, _)| metadata.chunk_bytes());
                if let Some(due) = due.filter(|due| *due != crate::convert::wide(bytes.len())) {
                    let problem = format!("a chunk of {due} bytes has {}", bytes.len());
                    return Err(Error::Combine { input: name_of(inputs, set), problem });
                }
                inline.push((number, bytes));
            }
            chunks.hold_inline(inline);
            self.chunks.insert((set, path), chunks);
        }
        Ok(())
    }

    /// Most bytes that are fetched at once to be compared.
    pub(super) fn at_once(&self) -> u64 {
        self.limits.read_bytes / 4
    }

    /// Forgets what was fetched of an array of a set.
    pub(super) fn forget(&mut self, inputs: &Inputs, set: usize, path: usize) {
        if self.chunks.remove(&(set, path)).is_some() {
            self.bytes = self.bytes.saturating_sub(inputs.stored_bytes(set, path));
        }
    }

    fn need(&mut self, inputs: &Inputs, chunks: &Manifest, number: u64) -> Result<Need, Error> {
        let url = |id: crate::reference::UrlId| inputs.urls.url(id).unwrap_or_default().to_owned();
        let need = match chunks.get(number) {
            Some(Reference::Range { url: id, offset, length }) => {
                self.bytes = self.bytes.saturating_add(length);
                Need { url: url(id), range: Some(offset..offset.saturating_add(length)) }
            }
            Some(Reference::Whole { url: id }) => Need { url: url(id), range: None },
            Some(Reference::Inline(_)) | None => Need { url: String::new(), range: Some(0..0) },
        };
        check("read_bytes", self.bytes, self.limits.read_bytes)?;
        Ok(need)
    }

    /// The chunks of an array that were fetched.
    pub(super) fn fetched(&self, set: usize, path: usize) -> Option<&Manifest> {
        self.chunks.get(&(set, path))
    }

    /// The elements of an array that is inline or has been fetched.
    pub(super) fn values(&self, inputs: &Inputs, set: usize, path: usize) -> Result<Values, Error> {
        let member = inputs.sets.get(set).and_then(|input| input.member(path));
        let name = inputs.paths.get(path).map(String::as_str).unwrap_or_default();
        let (Some(chunks), Some((metadata, _))) = (
            self.fetched(set, path).cloned().or_else(|| inputs.manifest(set, path)),
            member.and_then(super::inputs::Member::array),
        ) else {
            return Err(Error::NotFound { path: name.to_owned() });
        };
        let array = Array { metadata: metadata.clone(), attributes: crate::zarr::Attributes::default(), chunks };
        held_values(name, array, &self.limits).map_err(|error| about(inputs, (set, path), &error))
    }
}

/// Why bytes that are not inline are not fetched.
fn refused(inputs: &Inputs, places: &[((usize, usize), Vec<u64>)]) -> Error {
    let (set, path) = places.first().map(|(place, _)| *place).unwrap_or_default();
    let problem = format!(
        "{} is not inline, and nothing may be fetched (scan with --inline-coordinates, or name it in --identical-dims)",
        inputs.paths.get(path).map(String::as_str).unwrap_or_default()
    );
    Error::Combine { input: name_of(inputs, set), problem }
}

fn name_of(inputs: &Inputs, set: usize) -> String {
    inputs.sets.get(set).map(|input| input.name.clone()).unwrap_or_default()
}

/// An error with the set and the array that it is about.
fn about(inputs: &Inputs, (set, path): (usize, usize), error: &Error) -> Error {
    let problem = format!("{}: {error}", inputs.paths.get(path).map(String::as_str).unwrap_or_default());
    Error::Combine { input: name_of(inputs, set), problem }
}
