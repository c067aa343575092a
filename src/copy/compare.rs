//! Whether a store has what its source has, bit by bit.

use std::sync::Mutex;

use super::layout::Laid;
use super::unit::{Unit, held};
use super::{Copier, Target};
use crate::error::Error;
use crate::reference::grid::position;
use crate::store::{Decoded, decode, fill_element};
use crate::verify::sample;

/// Most differences that are kept; the others are counted.
const MOST: usize = 1_000;

/// What comparing a store with its source has shown.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize)]
#[non_exhaustive]
pub struct Comparison {
    /// Chunks that were compared.
    pub chunks: u64,
    /// What is different, at most 1,000 of it.
    pub differences: Vec<Difference>,
    /// What is different beyond these.
    pub more: u64,
}

/// A key that is not what it should be.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Difference {
    /// The key.
    pub key: String,
    /// What is different.
    pub what: String,
}

impl Comparison {
    /// Whether nothing is different.
    pub fn is_same(&self) -> bool {
        self.differences.is_empty()
    }

    fn add(&mut self, key: String, what: String) {
        if self.differences.len() < MOST {
            self.differences.push(Difference { key, what });
        } else {
            self.more = self.more.saturating_add(1);
        }
    }
}

impl Copier<'_> {
    /// Whether a whole store is there that this copy has made before, as its last document tells.
    ///
    /// # Errors
    /// What the target answers.
    pub fn is_written(&self, target: &dyn Target) -> Result<bool, Error> {
        let last = self.documents.all(&self.source)?.pop();
        last.map_or(Ok(false), |(key, text)| Ok(target.get(&key)?.as_deref() == Some(text.as_bytes())))
    }

    /// Compares the documents of a store, and its chunks or `wanted` of each array's, with what they should be.
    ///
    /// # Errors
    /// What the origin and the target answer.
    pub fn compare(&self, target: &dyn Target, wanted: Option<u64>, seed: u64) -> Result<Comparison, Error> {
        let found = Mutex::new(Comparison::default());
        for (key, text) in self.documents.all(&self.source)? {
            if target.get(&key)?.as_deref() != Some(text.as_bytes()) {
                held(&found).add(key, "it is not the document that was written".to_owned());
            }
        }
        for laid in &self.arrays {
            if wanted.is_none_or(|wanted| wanted >= laid.count()) {
                laid.units().try_for_each(|unit| self.compare_unit(target, laid, &unit, &found))?;
                continue;
            }
            let count = usize::try_from(laid.count()).unwrap_or(usize::MAX);
            for number in sample(count, wanted, seed) {
                let unit = Unit::one(u64::try_from(number).unwrap_or(u64::MAX), &laid.grid);
                self.compare_unit(target, laid, &unit, &found)?;
            }
        }
        Ok(found.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner))
    }

    fn compare_unit(
        &self,
        target: &dyn Target,
        laid: &Laid<'_>,
        unit: &Unit,
        found: &Mutex<Comparison>,
    ) -> Result<(), Error> {
        unit.each_chunk(self.origin, laid, self.options.jobs, &|number, elements| {
            let key = laid.key(number);
            let stored = target.get(&key)?;
            let difference = different(laid, stored.as_deref(), &elements);
            let mut found = held(found);
            found.chunks = found.chunks.saturating_add(1);
            if let Some(what) = difference {
                found.add(key, what);
            }
            Ok(())
        })
    }
}

/// What is different between a chunk as it is stored and its elements.
fn different(laid: &Laid<'_>, stored: Option<&[u8]>, elements: &Decoded) -> Option<String> {
    let most = match elements {
        Decoded::Bytes(bytes) => u64::try_from(bytes.len()).unwrap_or(u64::MAX),
        // Texts and their lengths.
        Decoded::Texts(texts) => texts
            .iter()
            .fold(4, |sum: u64, text| sum.saturating_add(4).saturating_add(u64::try_from(text.len()).unwrap_or(0))),
    };
    let Some(stored) = stored else {
        return match elements {
            Decoded::Bytes(bytes) if laid.metadata.fill_value.is_some() => {
                let element = fill_element(&laid.metadata);
                let at = bytes.chunks_exact(element.len().max(1)).position(|one| one != element);
                at.map(|at| format!("it is missing, and element {:?} is not the fill value", place(laid, at)))
            }
            _ => Some("it is missing".to_owned()),
        };
    };
    match decode(&laid.metadata, stored, most) {
        Err(why) => Some(why),
        Ok(decoded) if decoded == *elements => None,
        Ok(decoded) => {
            let at = first_difference(laid, &decoded, elements);
            Some(format!("element {:?} of it is another than in the source", place(laid, at)))
        }
    }
}

fn first_difference(laid: &Laid<'_>, one: &Decoded, other: &Decoded) -> usize {
    let size = usize::try_from(laid.metadata.dtype.size().unwrap_or(1)).unwrap_or(1).max(1);
    let at = match (one, other) {
        (Decoded::Bytes(one), Decoded::Bytes(other)) => {
            one.chunks_exact(size).zip(other.chunks_exact(size)).position(|(one, other)| one != other)
        }
        (Decoded::Texts(one), Decoded::Texts(other)) => one.iter().zip(other).position(|(one, other)| one != other),
        _ => None,
    };
    at.unwrap_or(0)
}

/// The place of an element in its chunk.
fn place(laid: &Laid<'_>, at: usize) -> Vec<u64> {
    position(u64::try_from(at).unwrap_or(u64::MAX), &laid.metadata.chunks)
}
