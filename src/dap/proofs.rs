//! Ways in for the fuzz targets.

use super::das::Das;
use super::data::{Data, Wanted, read};
use super::dds::Dds;
use super::kind::Kind;
use super::layout::Layout;
use crate::convert::wide;
use crate::limits::Limits;
use crate::zarr::NanPolicy;

/// A dataset of a DDS and a DAS: its arrays and their documents, or an error.
pub(crate) fn layout(dds: &[u8], das: &[u8], limits: &Limits) {
    let (Ok(dds), Ok(das)) = (Dds::read(dds, limits), Das::read(das, limits)) else { return };
    let Ok(layout) = Layout::new(&dds, &das, &[], limits) else { return };
    assert_eq!(layout.set.arrays().count(), layout.served.len(), "each array is served");
    for (path, array) in layout.set.arrays() {
        assert!(array.metadata.to_json(NanPolicy::String).is_ok() && layout.set.node(path).is_some(), "{path}");
        assert_eq!(array.attributes.dimensions().count(), array.metadata.shape.len(), "{path}");
    }
    assert!(super::cdl::write(&layout, "fuzz", std::io::sink()).is_ok(), "nothing is written to");
}

/// Data that has the elements that were asked for, or an error.
pub(crate) fn data(facts: &[u8], answer: &[u8], limits: &Limits) {
    let Some((kind, shape)) = facts.split_first() else { return };
    let Some(kind) = Kind::ALL.get(usize::from(*kind)) else { return };
    // 255 is no dimension.
    let shape: Vec<u64> = shape.iter().filter(|size| **size < 255).map(|size| u64::from(*size)).collect();
    let count: u64 = shape.iter().product();
    match read(answer, &Wanted { path: &["g", "a"], kind: *kind, shape: &shape }, limits) {
        Ok(Data::Bytes(bytes)) => {
            assert_eq!(Some(wide(bytes.len())), kind.size().map(|size| size.saturating_mul(count)))
        }
        Ok(Data::Texts(texts)) => assert_eq!(wide(texts.len()), count),
        Err(error) => assert!(!error.to_string().is_empty(), "every error says something"),
    }
}
