//! Chunks that are held in the references, written to a file that references lead to.

use std::io::{self, Write};

use crate::reference::{Manifest, Node, ReferenceSet, UrlId, Urls};

/// Writes all inline chunks one after another to `out`, the file that references call `url`, and refers to them there: for readers
/// that read nothing inline. Chunks without any bytes stay what they are. Says how many bytes were written; with none the set is as it
/// was.
///
/// # Errors
/// What `out` answers, and an error where there are 2^32 files already; the set is unusable then.
pub fn outline(set: &mut ReferenceSet, url: &str, out: &mut impl Write) -> io::Result<u64> {
    let id = match set.urls.iter().position(|known| known == url) {
        Some(known) => known,
        None => set.urls.len(),
    };
    let id = UrlId(u32::try_from(id).map_err(|_| io::Error::other("more than 2^32 files"))?);
    let mut written = 0_u64;
    for (_, node) in &mut set.nodes {
        if let Node::Array(array) = node {
            lead_out(&mut array.chunks, id, &mut written, out)?;
        }
    }
    if written > 0 && crate::convert::wide(set.urls.len()) == u64::from(id.0) {
        set.urls.push(url.to_owned());
    }
    Ok(written)
}

/// The same of one array.
fn lead_out(chunks: &mut Manifest, id: UrlId, written: &mut u64, out: &mut impl Write) -> io::Result<()> {
    let mut rows: Vec<(u64, UrlId, u64, u64)> = Vec::new();
    for (number, bytes) in chunks.inline.iter().filter(|(_, bytes)| !bytes.is_empty()) {
        out.write_all(bytes)?;
        let length = crate::convert::wide(bytes.len());
        rows.push((*number, id, *written, length));
        *written = written.saturating_add(length);
    }
    if rows.is_empty() {
        return Ok(());
    }
    chunks.inline.retain(|_, bytes| bytes.is_empty());
    let referenced = chunks.number.iter().zip(&chunks.offset).zip(&chunks.length).enumerate();
    rows.extend(referenced.map(|(n, ((number, offset), length))| (*number, chunks.url(n), *offset, *length)));
    rows.sort_unstable_by_key(|(number, ..)| *number);
    chunks.number = rows.iter().map(|row| row.0).collect();
    chunks.urls = Urls::Each(rows.iter().map(|row| row.1).collect());
    chunks.offset = rows.iter().map(|row| row.2).collect();
    chunks.length = rows.iter().map(|row| row.3).collect();
    Ok(())
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::reference::{Array, Reference};
    use crate::zarr::{ArrayMetadata, Attributes, Dtype};

    #[test]
    fn inline_chunks_become_ranges_of_a_file() {
        let metadata = ArrayMetadata::new(vec![8], vec![2], Dtype::Simple("|u1".to_owned()), None, Vec::new());
        let mut chunks =
            Manifest { grid: vec![4], number: vec![1], offset: vec![7], length: vec![2], ..Manifest::default() };
        chunks.inline.extend([(0, Bytes::from_static(b"ab")), (3, Bytes::from_static(b"cd"))]);
        let array = Array { metadata, attributes: Attributes::default(), chunks };
        let nodes = vec![("a".to_owned(), Node::Array(Box::new(array)))];
        let mut set = ReferenceSet { urls: vec!["f".to_owned()], nodes, ..ReferenceSet::default() };
        let mut out = Vec::new();
        assert_eq!(outline(&mut set, "s", &mut out).unwrap(), 4);
        assert_eq!((out.as_slice(), set.urls.as_slice()), (&b"abcd"[..], &["f".to_owned(), "s".to_owned()][..]));
        let Some(Node::Array(array)) = set.node("a") else { panic!() };
        assert_eq!(array.chunks.get(0), Some(Reference::Range { url: UrlId(1), offset: 0, length: 2 }));
        assert_eq!(array.chunks.get(1), Some(Reference::Range { url: UrlId(0), offset: 7, length: 2 }));
        assert_eq!(array.chunks.get(3), Some(Reference::Range { url: UrlId(1), offset: 2, length: 2 }));
        assert!(array.chunks.inline.is_empty());
        assert_eq!(outline(&mut set, "t", &mut Vec::new()).unwrap(), 0);
        assert_eq!(set.urls.len(), 2);
    }
}
