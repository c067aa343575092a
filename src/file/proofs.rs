//! What the tests of the walk share: files in memory, and changes to them.

use std::sync::Arc;

use bytes::Bytes;

use super::{
    Bits, ByteOrder, ChunkTable, Class, CutOff, Datatype, Detail, File, FloatFormat, Memo, Object, Storage, Tree,
};
use crate::error::Error;
use crate::field::checksum::lookup3;
use crate::limits::Limits;
use crate::source::{Halt, Input};
use crate::structure::proofs::with;

/// Runs `work` on a file in memory.
pub(crate) fn opened<T>(
    bytes: &[u8],
    limits: Limits,
    work: impl FnOnce(&File<'_>) -> Result<T, Halt>,
) -> Result<T, Error> {
    Input::from(Bytes::copy_from_slice(bytes))
        .run(|source| work(&File::open(source, limits, CutOff::Refuse, &Memo::once())?))
}

/// Everything that a file in memory holds.
pub(crate) fn tree_within(bytes: &[u8], limits: Limits) -> Result<Tree, Error> {
    opened(bytes, limits, |file| file.walk(&Detail { chunks: &|_| true }))
}

/// The same, with the default limits, of a file that is valid.
pub(crate) fn tree_of(bytes: &[u8]) -> Tree {
    tree_within(bytes, Limits::default()).unwrap()
}

/// An object of a tree.
pub(crate) fn object<'a>(tree: &'a Tree, path: &str) -> &'a Object {
    tree.find(path).unwrap()
}

/// The chunk table of the dataset at a path; also the dataset's own error.
pub(crate) fn chunks(bytes: &[u8], path: &str) -> Result<Arc<ChunkTable>, Error> {
    let tree = tree_of(bytes);
    let node = &object(&tree, path).node;
    if let Err(error) = &node.content {
        return Err(error.clone());
    }
    match &object(&tree, path).dataset().unwrap().storage {
        Storage::Chunked { chunks: Some(chunks), .. } => chunks.clone(),
        other => panic!("{} dataset", other.name()),
    }
}

/// `bytes` with others in place of those from `at`, in the structure that starts at `start` and ends with its checksum.
pub(crate) fn resealed(bytes: &[u8], start: usize, at: usize, others: &[u8]) -> Vec<u8> {
    let ends_at = |end: &usize| lookup3(&bytes[start..*end]).to_le_bytes() == bytes[*end..*end + 4];
    let end = (start + 4..=bytes.len() - 4).find(ends_at).unwrap();
    assert!(start <= at && at + others.len() <= end, "the change is not in the structure");
    let changed = with(bytes, at, others);
    with(&changed, end, &lookup3(&changed[start..end]).to_le_bytes())
}

/// What a walk refuses: the file itself, or objects, attributes and chunk indexes, each after the path of its object.
pub(crate) fn refusals(bytes: &[u8], limits: Limits) -> Vec<String> {
    let tree = match tree_within(bytes, limits) {
        Ok(tree) => tree,
        Err(error) => return vec![error.to_string()],
    };
    let of = |object: &Object| {
        let mut errors: Vec<Error> = object.attributes().iter().filter_map(|one| one.values.clone().err()).collect();
        errors.extend(object.node.attributes.as_ref().err().cloned());
        errors.extend(object.node.content.as_ref().err().cloned());
        if let Some(Storage::Chunked { chunks: Some(Err(error)), .. }) =
            object.dataset().map(|dataset| &dataset.storage)
        {
            errors.push(error.clone());
        }
        errors.into_iter().map(|error| format!("{}: {error}", object.path)).collect::<Vec<_>>()
    };
    tree.objects.iter().flat_map(of).collect()
}

/// What a limit says that was exceeded.
pub(crate) fn exceeded(which: &str, limit: u64, value: u64) -> String {
    format!("{value} exceeds Limits::{which} = {limit}; raise it if the file is trusted")
}

/// A float of a sign, exponent and mantissa side by side.
pub(crate) fn float_type(order: ByteOrder, size: u32, exponent_size: u8, mantissa_size: u8, bias: u32) -> Datatype {
    let format = FloatFormat {
        sign: exponent_size + mantissa_size,
        exponent_location: mantissa_size,
        exponent_size,
        mantissa_location: 0,
        mantissa_size,
        bias,
        normalization: 2,
    };
    let precision = u16::from(format.sign) + 1;
    Datatype { size, class: Class::FloatingPoint { order, bits: Bits { offset: 0, precision }, format } }
}
