//! What comes of one damaged file.

use std::collections::HashMap;

use bytes::Bytes;
use h5refs::{Error, Input, Options, ReadOptions, Reader, ReferenceSet, Report, references, tree};

use crate::frames::Frame;

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// The file, or some of its objects.
    Refused,
    /// Nothing is refused, and the references are those of the source.
    Same,
    /// Nothing is refused, and the references are others.
    Differs,
    /// A reference lies outside the file.
    Outside,
}

/// The references of the sources, by path.
#[derive(Default)]
pub struct Judge(HashMap<String, Option<ReferenceSet>>);

impl Judge {
    pub fn judge(&mut self, frame: &Frame) -> Verdict {
        let scanned = scanned(&frame.bytes);
        read(&frame.bytes);
        let size = frame.bytes.len() as u64;
        let outside = |(set, _): &(ReferenceSet, Report)| set.arrays().any(|(_, array)| !inside(array, size));
        match scanned {
            Ok(done) if outside(&done) => Verdict::Outside,
            Ok((set, report)) if report.refused().next().is_none() => {
                let source = self.0.entry(frame.about.src.clone()).or_insert_with_key(|path| {
                    let bytes = std::fs::read(path).unwrap_or_else(|error| panic!("{path}: {error}"));
                    scanned_set(&bytes.into())
                });
                if source.as_ref() == Some(&set) { Verdict::Same } else { Verdict::Differs }
            }
            _ => Verdict::Refused,
        }
    }
}

fn scanned(bytes: &Bytes) -> Result<(ReferenceSet, Report), Error> {
    references(&Input::from(bytes.clone()), &Options::new("file.h5"))
}

fn scanned_set(bytes: &Bytes) -> Option<ReferenceSet> {
    scanned(bytes).ok().map(|(set, _)| set)
}

fn inside(array: &h5refs::reference::Array, size: u64) -> bool {
    let mut ranges = array.chunks.offset.iter().zip(&array.chunks.length);
    ranges.all(|(offset, length)| offset.checked_add(*length).is_some_and(|end| end <= size))
}

/// Reads the first elements of every dataset.
fn read(bytes: &Bytes) {
    let mut options = ReadOptions::default();
    options.limits.read_bytes = 1 << 20;
    let input = Input::from(bytes.clone());
    let (Ok(reader), Ok(tree)) = (Reader::open(&input, options.clone()), tree(&input, options.limits)) else { return };
    for object in tree.objects.iter().filter(|object| object.dataset().is_some()) {
        let Ok(dataset) = reader.dataset(&object.path) else { continue };
        let some: Vec<_> = dataset.shape().iter().map(|length| 0..(*length).min(3)).collect();
        drop(dataset.elements(&some));
    }
}
