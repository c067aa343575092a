//! Raw data in external files, as references to those files.

use crate::error::Unsupported;
use crate::file::{Dataset, ExternalFile};
use crate::reference::grid::grid;
use crate::reference::{Manifest, UrlId, Urls};
use crate::source::FindExternal;

/// Where the rows of an external dataset lie: how many make a chunk, and each chunk's file and offset.
pub(crate) struct External {
    /// The chunk shape.
    pub(crate) chunk: Vec<u64>,
    /// The chunks; a [`UrlId`] is a position in `urls`.
    pub(crate) manifest: Manifest,
    pub(crate) urls: Vec<String>,
}

/// A piece of a dataset in one file.
struct Piece {
    url: String,
    offset: u64,
    bytes: u64,
}

/// The chunks of a dataset whose elements lie in external files: as few rows to a chunk as it takes for every file to end between two.
pub(crate) fn external(
    dataset: &Dataset,
    files: &[ExternalFile],
    find: Option<&FindExternal>,
) -> Result<External, Unsupported> {
    let find = find.ok_or(Unsupported::ExternalFiles)?;
    let total = dataset.dataspace.elements().and_then(|n| n.checked_mul(dataset.datatype.size.into()));
    let total = total.ok_or(Unsupported::Feature("a dataset of more than 2^64 bytes"))?;
    let pieces = pieces(files, total, find)?;
    let rows = rows(dataset, total, pieces.iter().map(|piece| piece.bytes)).ok_or(Unsupported::ExternalRows)?;
    let manifest = rows.manifest(pieces.iter().map(|piece| (piece.offset, piece.bytes)));
    let (bytes, chunk) = (rows.bytes.max(1), rows.chunk);
    let mut external = External { chunk, manifest, urls: Vec::new() };
    let mut ids = Vec::new();
    for piece in &pieces {
        let id = external.intern(&piece.url)?;
        ids.extend((0..piece.bytes / bytes).map(|_| id));
    }
    external.manifest.urls = Urls::Each(ids);
    Ok(external)
}

/// As few rows to a chunk as it takes for every piece of a dataset to end between two chunks.
pub(crate) struct Rows {
    /// The chunk shape.
    pub(crate) chunk: Vec<u64>,
    /// Number of chunks in each dimension.
    grid: Vec<u64>,
    /// Bytes of a chunk.
    pub(crate) bytes: u64,
}

/// The rows of a dataset of `total` bytes in pieces of these lengths; `None` where a piece ends inside a row.
pub(crate) fn rows(dataset: &Dataset, total: u64, pieces: impl Iterator<Item = u64>) -> Option<Rows> {
    let shape = &dataset.dataspace.dimensions;
    let row = total / shape.first().copied().unwrap_or(1).max(1);
    let bytes = pieces.fold(total, greatest_common_divisor);
    if total > 0 && (bytes == 0 || row == 0 || !bytes.is_multiple_of(row)) {
        return None;
    }
    let mut chunk: Vec<u64> = shape.iter().map(|size| (*size).max(1)).collect();
    if let Some(first) = chunk.first_mut() {
        *first = if total == 0 { *first } else { bytes / row };
    }
    let grid = grid(shape, &chunk);
    Some(Rows { chunk, grid, bytes })
}

impl Rows {
    /// The chunks of consecutive pieces, each with its offset and its length.
    pub(crate) fn manifest(&self, pieces: impl Iterator<Item = (u64, u64)>) -> Manifest {
        let mut manifest = Manifest { grid: self.grid.clone(), ..Manifest::default() };
        for (offset, length) in pieces {
            manifest.offset.extend((0..length / self.bytes.max(1)).map(|n| offset + n * self.bytes));
        }
        manifest.length = vec![self.bytes; manifest.offset.len()];
        manifest.number = (0..).take(manifest.offset.len()).collect();
        manifest
    }
}

impl External {
    fn intern(&mut self, url: &str) -> Result<UrlId, Unsupported> {
        let at = self.urls.iter().position(|known| known == url).unwrap_or_else(|| {
            self.urls.push(url.to_owned());
            self.urls.len() - 1
        });
        u32::try_from(at).map(UrlId).map_err(|_| Unsupported::Feature("more than 2^32 external files"))
    }
}

/// The parts of the files that hold the dataset's bytes. libhdf5 reads zeros where a file is absent or ends too early; that is no
/// reference, and more likely a fault.
fn pieces(files: &[ExternalFile], total: u64, find: &FindExternal) -> Result<Vec<Piece>, Unsupported> {
    let mut left = total;
    let mut pieces = Vec::new();
    for file in files.iter().take_while(|_| total > 0) {
        let refuse = |why: String| Unsupported::ExternalFile { name: file.name.clone(), why };
        let found = find.find(&file.name).map_err(|error| refuse(error.to_string()))?;
        let bytes = file.size.unwrap_or(left).min(left);
        let end = file.offset.checked_add(bytes).ok_or_else(|| refuse("its end overflows".to_owned()))?;
        if end > found.size {
            return Err(refuse(format!("it has {} bytes, and the dataset needs {end}", found.size)));
        }
        left -= bytes;
        pieces.extend((bytes > 0).then_some(Piece { url: found.url, offset: file.offset, bytes }));
        if left == 0 {
            return Ok(pieces);
        }
    }
    if left > 0 { Err(Unsupported::Feature("a dataset larger than its external files")) } else { Ok(pieces) }
}

fn greatest_common_divisor(a: u64, b: u64) -> u64 {
    let (mut a, mut b) = (a, b);
    while b > 0 {
        (a, b) = (b, a % b);
    }
    a
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::file::{Bits, ByteOrder, Class, Dataspace, Datatype, Extent, FillValue, FilterPipeline, Storage};
    use crate::source::{ExternalError, FoundExternal};

    /// A dataset of 2-byte integers.
    fn dataset(shape: &[u64]) -> Dataset {
        let class = Class::BitField { order: ByteOrder::Little, bits: Bits { offset: 0, precision: 16 } };
        let maximum = shape.iter().copied().map(Some).collect();
        Dataset {
            datatype: Datatype { size: 2, class },
            dataspace: Dataspace { extent: Extent::Simple, dimensions: shape.to_vec(), maximum },
            fill: FillValue::Default,
            filters: FilterPipeline::default(),
            storage: Storage::External(Vec::new()),
            named: Vec::new(),
        }
    }

    fn file(name: &str, offset: u64, size: Option<u64>) -> ExternalFile {
        ExternalFile { name: name.to_owned(), offset, size }
    }

    /// Files of 100 bytes, but for one that is kept away.
    fn hundred() -> FindExternal {
        FindExternal::new(|name| match name {
            "secret" => Err(ExternalError::Refused("it does not lie under --external-root".to_owned())),
            name => Ok(FoundExternal::new(format!("/data/{name}"), 100)),
        })
    }

    fn refusal(shape: &[u64], files: &[ExternalFile]) -> String {
        external(&dataset(shape), files, Some(&hundred())).err().unwrap().to_string()
    }

    #[test]
    fn files_that_end_between_rows_are_chunks_of_rows() {
        let files = [file("a", 10, Some(24)), file("b", 0, Some(36)), file("a", 50, None)];
        let found = external(&dataset(&[12, 3]), &files, Some(&hundred())).unwrap();
        assert_eq!((found.chunk, found.manifest.grid), (vec![2, 3], vec![6, 1]));
        assert_eq!(found.manifest.number, [0, 1, 2, 3, 4, 5]);
        assert_eq!(found.manifest.offset, [10, 22, 0, 12, 24, 50]);
        assert_eq!(found.manifest.length, [12; 6]);
        assert_eq!(found.urls, ["/data/a", "/data/b"]);
        assert_eq!(found.manifest.urls, Urls::Each([0, 0, 1, 1, 1, 0].map(UrlId).to_vec()));
    }

    #[test]
    fn one_file_is_one_chunk_and_no_elements_are_none() {
        let whole = external(&dataset(&[5, 4]), &[file("a", 3, None)], Some(&hundred())).unwrap();
        assert_eq!((whole.chunk, whole.manifest.length), (vec![5, 4], vec![40]));
        let empty = external(&dataset(&[0, 4]), &[file("secret", 3, None)], Some(&hundred())).unwrap();
        assert_eq!((empty.chunk, empty.manifest.present()), (vec![1, 4], 0));
    }

    #[test]
    fn what_cannot_be_referenced_says_why() {
        assert_eq!(external(&dataset(&[5]), &[], None).err(), Some(Unsupported::ExternalFiles));
        assert_eq!(
            refusal(&[5], &[file("secret", 0, None)]),
            "raw data in the external file \"secret\": it does not lie under --external-root"
        );
        assert_eq!(
            refusal(&[60], &[file("a", 0, None)]),
            "raw data in the external file \"a\": it has 100 bytes, and the dataset needs 120"
        );
        assert_eq!(
            refusal(&[5], &[file("a", u64::MAX, None)]),
            "raw data in the external file \"a\": its end overflows"
        );
        assert_eq!(
            refusal(&[4, 3], &[file("a", 0, Some(8)), file("b", 0, None)]),
            "raw data in external files that do not end between rows of elements"
        );
        assert_eq!(
            refusal(&[40], &[file("a", 0, Some(20))]),
            "a dataset larger than its external files is not supported"
        );
    }
}
