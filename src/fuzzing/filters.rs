//! Filters undone.

use crate::error::Structure;
use crate::file::{Buffers, Filtered};
use crate::structure::message::filter_pipeline::{Filter, FilterPipeline};

/// Most bytes that a chunk is said to have.
const MOST: u64 = 1 << 20;

/// Undoes the filter with a registered number: `input` is the number of client values (a byte), the values, the bytes before the
/// filter (all of four bytes), and the bytes after it.
pub fn undo(id: u16, input: &[u8]) {
    let Some((client_data, size, bytes)) = fields(input) else { return };
    let pipeline = FilterPipeline { filters: vec![Filter { id, name: None, optional: false, client_data }] };
    let filtered = Filtered { structure: Structure::Chunk, at: 0, bytes, mask: 0, size };
    let mut buffers = Buffers::default();
    if let Ok(undone) = pipeline.undone(&filtered, &mut buffers) {
        assert_eq!(u64::try_from(undone.len()), Ok(size), "it has another size than it must");
    }
}

fn fields(input: &[u8]) -> Option<(Vec<u32>, u64, &[u8])> {
    let (count, mut rest) = input.split_first()?;
    let mut number = || {
        let (number, after) = rest.split_first_chunk()?;
        rest = after;
        Some(u32::from_le_bytes(*number))
    };
    let client_data: Option<Vec<u32>> = (0..count % 64).map(|_| number()).collect();
    let size = u64::from(number()?) % (MOST + 1);
    Some((client_data?, size, rest))
}
