//! Fractal heaps: dense links and attributes, shared messages ([III.G]).

use nom::number::complete::{le_u8, le_u16, le_u32};

use super::message::filter_pipeline::FilterPipeline;
use crate::error::Problem;
use crate::field::checksum::{checksum, lookup3};

use crate::field::sizes::{bytes_for, le_uint, version};
use crate::field::{Address, Parsed, Sizes, Span, bytes, signature, skip};

/// Enough bytes for a header without filters, whatever the widths.
pub(crate) const LONGEST_HEADER: u64 = 512;

/// The header of a fractal heap ([III.G]).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FractalHeap {
    /// Bytes of a heap ID.
    pub(crate) id_length: u16,
    /// Whether direct blocks carry a checksum.
    pub(crate) direct_checksums: bool,
    /// Managed objects are no larger.
    pub(crate) max_managed_size: u32,
    /// The version 2 B-tree of huge objects.
    pub(crate) huge_btree: Option<Address>,
    pub(crate) table: DoublingTable,
    /// The root block: direct if the root has no rows, else indirect.
    pub(crate) root: Option<Address>,
    /// Rows of the root indirect block; 0 where the root is a direct block.
    pub(crate) root_rows: u16,
    pub(crate) filters: Option<RootFilters>,
}

/// The filters of a heap's direct blocks, and what they made of a root direct block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RootFilters {
    pub(crate) pipeline: FilterPipeline,
    /// Bytes of the root direct block in the file.
    pub(crate) root_size: u64,
    pub(crate) root_mask: u32,
}

/// The sizes of a heap's blocks: rows of `width` blocks, each row's twice as large as those of the row before, from the second on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct DoublingTable {
    pub(crate) width: u16,
    pub(crate) starting_block_size: u64,
    pub(crate) max_direct_block_size: u64,
    /// Bits of an offset in the heap.
    pub(crate) max_heap_bits: u16,
}

/// A block as its parent points to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Child {
    Direct {
        address: Address,
        /// Offset in the heap of the block's first byte, its header included.
        heap_offset: u64,
        /// Bytes of the block, without filters.
        size: u64,
        /// With filters: bytes in the file, and the mask of filters that were skipped.
        filtered: Option<(u64, u32)>,
    },
    Indirect {
        address: Address,
        heap_offset: u64,
        rows: u16,
    },
}

/// What a heap ID says of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum HeapId {
    /// In a direct block, at an offset in the heap.
    Managed { offset: u64, length: u64 },
    /// A huge object, found under its key in the B-tree of huge objects.
    HugeIndirect { key: u64 },
    /// A huge object at an address.
    HugeDirect { address: Address, length: u64, filtered: Option<(u32, u64)> },
    /// The object itself.
    Tiny(Vec<u8>),
}

impl DoublingTable {
    /// Bytes of a block of `row`.
    pub(crate) fn block_size(&self, row: u16) -> Option<u64> {
        self.starting_block_size
            .checked_shl(row.saturating_sub(1).into())
            .filter(|size| *size >= self.starting_block_size)
    }

    /// Rows whose blocks are direct ones (`H5HF__dtable_init`).
    pub(crate) fn direct_rows(&self) -> u16 {
        let rows =
            self.max_direct_block_size.ilog2().saturating_sub(self.starting_block_size.ilog2()).saturating_add(2);
        u16::try_from(rows).unwrap_or(u16::MAX)
    }

    /// Rows of an indirect block of `size` bytes. III.G leaves the width out; libhdf5 does not (`H5HF__dtable_size_to_rows`).
    pub(crate) fn rows_of(&self, size: u64) -> Option<u16> {
        let first = self.starting_block_size.checked_mul(self.width.into())?.ilog2();
        let rows = size.checked_ilog2()?.checked_sub(first)?.checked_add(1)?;
        u16::try_from(rows).ok()
    }

    /// Bytes of an offset in the heap.
    pub(crate) fn offset_width(&self) -> u8 {
        u8::try_from(self.max_heap_bits.div_ceil(8)).unwrap_or(8)
    }

    fn parse(sizes: Sizes, i: Span<'_>) -> Parsed<'_, Self> {
        let (at_start, width) = le_u16(i)?;
        let (at_direct, starting_block_size) = sizes.length(at_start)?;
        let (at_bits, max_direct_block_size) = sizes.length(at_direct)?;
        let (rest, max_heap_bits) = le_u16(at_bits)?;
        if !width.is_power_of_two() || width > 1024 {
            return i.value("table width", width);
        }
        if !starting_block_size.is_power_of_two() {
            return at_start.value("starting block size", starting_block_size);
        }
        if !max_direct_block_size.is_power_of_two() || max_direct_block_size < starting_block_size {
            return at_direct.value("maximum direct block size", max_direct_block_size);
        }
        if max_heap_bits == 0 || max_heap_bits > 64 {
            return at_bits.value("maximum heap size", max_heap_bits);
        }
        Ok((rest, Self { width, starting_block_size, max_direct_block_size, max_heap_bits }))
    }
}

impl FractalHeap {
    /// Bytes of the header, its filters included, from its first 9 bytes.
    pub(crate) fn header_size(sizes: Sizes, i: Span<'_>) -> Parsed<'_, u64> {
        let (i, ()) = signature("FRHP", i)?;
        let (i, _version) = version(0..=0, i)?;
        let (i, _id_length) = le_u16(i)?;
        let (i, filters_length) = le_u16(i)?;
        // 26 bytes of fixed fields, 12 lengths and 3 addresses; with filters a length, a mask and the pipeline.
        let fixed = sizes
            .lengths
            .bytes()
            .saturating_mul(12)
            .saturating_add(sizes.offsets.bytes().saturating_mul(3))
            .saturating_add(26);
        let filters = match filters_length {
            0 => 0,
            n => sizes.lengths.bytes().saturating_add(4).saturating_add(n.into()),
        };
        Ok((i, fixed.saturating_add(filters)))
    }

    pub(crate) fn parse(sizes: Sizes, i: Span<'_>) -> Parsed<'_, Self> {
        let start = i;
        let (i, ()) = signature("FRHP", i)?;
        let (i, _version) = version(0..=0, i)?;
        let (i, id_length) = le_u16(i)?;
        let (i, filters_length) = le_u16(i)?;
        let (i, flags) = le_u8(i)?;
        let (i, max_managed_size) = le_u32(i)?;
        let (i, _next_huge_key) = sizes.length(i)?;
        let (i, huge_btree) = sizes.address(i)?;
        let (i, _free_space) = sizes.length(i)?;
        let (i, _free_space_manager) = sizes.address(i)?;
        let (i, _managed_space) = sizes.length(i)?;
        let (i, _allocated_managed_space) = sizes.length(i)?;
        let (i, _allocation_iterator) = sizes.length(i)?;
        let (i, _managed_objects) = sizes.length(i)?;
        let (i, _huge_size) = sizes.length(i)?;
        let (i, _huge_objects) = sizes.length(i)?;
        let (i, _tiny_size) = sizes.length(i)?;
        let (i, _tiny_objects) = sizes.length(i)?;
        let (i, table) = DoublingTable::parse(sizes, i)?;
        let (i, _starting_rows) = le_u16(i)?;
        let (i, root) = sizes.address(i)?;
        let (rest, root_rows) = le_u16(i)?;
        if root_rows > 64 {
            return i.value("current number of rows in root indirect block", root_rows);
        }
        let (i, filters) = if filters_length == 0 { (rest, None) } else { root_filters(sizes, filters_length, rest)? };
        let (rest, ()) = checksum(start.until(&i), i)?;
        let direct_checksums = flags & 0x02 != 0;
        Ok((rest, Self { id_length, direct_checksums, max_managed_size, huge_btree, table, root, root_rows, filters }))
    }

    /// The root block, if the heap has one.
    pub(crate) fn root_child(&self) -> Option<Child> {
        let address = self.root?;
        Some(if self.root_rows == 0 {
            let filtered = self.filters.as_ref().map(|filters| (filters.root_size, filters.root_mask));
            Child::Direct { address, heap_offset: 0, size: self.table.starting_block_size, filtered }
        } else {
            Child::Indirect { address, heap_offset: 0, rows: self.root_rows }
        })
    }

    /// Bytes of an indirect block of `rows` rows.
    pub(crate) fn indirect_size(&self, sizes: Sizes, rows: u16) -> u64 {
        let direct = u64::from(rows.min(self.table.direct_rows()));
        let indirect = u64::from(rows).saturating_sub(direct);
        let filtered = if self.filters.is_some() { sizes.lengths.bytes().saturating_add(4) } else { 0 };
        let row = u64::from(self.table.width);
        let pointers = direct.saturating_mul(sizes.offsets.bytes().saturating_add(filtered));
        let pointers = pointers.saturating_add(indirect.saturating_mul(sizes.offsets.bytes()));
        self.block_prefix(sizes).saturating_add(row.saturating_mul(pointers)).saturating_add(4)
    }

    /// The blocks below an indirect block of `rows` rows at `heap_offset` ([III.G], "FHIB").
    pub(crate) fn indirect<'a>(
        &self,
        sizes: Sizes,
        heap_offset: u64,
        rows: u16,
        i: Span<'a>,
    ) -> Parsed<'a, Vec<Child>> {
        let start = i;
        let (i, ()) = signature("FHIB", i)?;
        let (i, ()) = self.parse_prefix(sizes, heap_offset, i)?;
        let (mut i, mut at) = (i, heap_offset);
        let mut children = Vec::new();
        for row in 0..rows {
            let Some(size) = self.table.block_size(row) else {
                return i.value("row", row);
            };
            for _ in 0..self.table.width {
                let (rest, child) = self.parse_child(sizes, at, row, size, i)?;
                children.extend(child);
                at = at.saturating_add(size);
                i = rest;
            }
        }
        let (rest, ()) = checksum(start.until(&i), i)?;
        Ok((rest, children))
    }

    fn parse_child<'a>(
        &self,
        sizes: Sizes,
        heap_offset: u64,
        row: u16,
        size: u64,
        i: Span<'a>,
    ) -> Parsed<'a, Option<Child>> {
        let (rest, address) = sizes.address(i)?;
        if row >= self.table.direct_rows() {
            let Some(rows) = self.table.rows_of(size) else {
                return i.value("row", row);
            };
            return Ok((rest, address.map(|address| Child::Indirect { address, heap_offset, rows })));
        }
        if self.filters.is_none() {
            return Ok((rest, address.map(|address| Child::Direct { address, heap_offset, size, filtered: None })));
        }
        let (rest, stored) = sizes.length(rest)?;
        let (rest, mask) = le_u32(rest)?;
        let filtered = Some((stored, mask));
        Ok((rest, address.map(|address| Child::Direct { address, heap_offset, size, filtered })))
    }

    /// Checks a direct block that fills `i`, its filters undone ([III.G], "FHDB").
    pub(crate) fn direct<'a>(&self, sizes: Sizes, heap_offset: u64, i: Span<'a>) -> Parsed<'a, ()> {
        let start = i;
        let (i, ()) = signature("FHDB", i)?;
        let (i, ()) = self.parse_prefix(sizes, heap_offset, i)?;
        if !self.direct_checksums {
            return Ok((i, ()));
        }
        // The checksum covers the whole block, its own field as zeros (`H5HF__cache_dblock_deserialize`).
        let (rest, stored) = le_u32(i)?;
        let mut covered = start.until(&i).bytes().to_vec();
        covered.extend([0; 4]);
        covered.extend_from_slice(rest.bytes());
        let computed = lookup3(&covered);
        if stored != computed && !cfg!(fuzzing) {
            return i.fail(Problem::Checksum { stored, computed });
        }
        Ok((rest, ()))
    }

    /// Version, heap header address and block offset, which open both kinds of block after the signature.
    fn parse_prefix<'a>(&self, sizes: Sizes, heap_offset: u64, i: Span<'a>) -> Parsed<'a, ()> {
        let (i, _version) = version(0..=0, i)?;
        let (i, _heap_header) = sizes.address(i)?;
        let (rest, found) = le_uint(self.table.offset_width(), i)?;
        if found != heap_offset {
            return i.fail(Problem::Mismatch { field: "block offset", found, expected: heap_offset });
        }
        Ok((rest, ()))
    }

    /// Bytes before a block's contents: signature, version, heap header address, block offset.
    fn block_prefix(&self, sizes: Sizes) -> u64 {
        sizes.offsets.bytes().saturating_add(self.table.offset_width().into()).saturating_add(5)
    }

    /// A heap ID ([III.G], "Fractal Heap ID"), which fills `i`.
    pub(crate) fn parse_id<'a>(&self, sizes: Sizes, i: Span<'a>) -> Parsed<'a, HeapId> {
        let (rest, flags) = le_u8(i)?;
        if flags & 0xc0 != 0 {
            return i.value("heap ID version", flags >> 6);
        }
        match (flags >> 4) & 3 {
            0 => self.parse_managed_id(rest),
            1 => self.parse_huge_id(sizes, rest),
            2 => self.parse_tiny_id(flags, rest),
            _ => i.value("heap ID type", 3_u8),
        }
    }

    fn parse_managed_id<'a>(&self, i: Span<'a>) -> Parsed<'a, HeapId> {
        let (i, offset) = le_uint(self.table.offset_width(), i)?;
        // `H5HF__hdr_finish_init_phase1`: the lesser of what an offset in a direct block and a managed object's length take.
        let offset_bits = self.table.max_direct_block_size.checked_ilog2().unwrap_or(0);
        let offset_width = u8::try_from(offset_bits.div_ceil(8)).unwrap_or(8);
        let width = offset_width.min(bytes_for(self.max_managed_size.into()));
        let (i, length) = le_uint(width, i)?;
        Ok((i, HeapId::Managed { offset, length }))
    }

    /// Huge objects are named by their place where the ID has room for it (`H5HF__huge_init`).
    fn parse_huge_id<'a>(&self, sizes: Sizes, i: Span<'a>) -> Parsed<'a, HeapId> {
        let room = u64::from(self.id_length).saturating_sub(1);
        let place = sizes.offsets.bytes().saturating_add(sizes.lengths.bytes());
        let filtered = self.filters.is_some();
        let needed = if filtered { place.saturating_add(4).saturating_add(sizes.lengths.bytes()) } else { place };
        if needed > room {
            let (i, key) = le_uint(u8::try_from(room.min(8)).unwrap_or(8), i)?;
            return Ok((i, HeapId::HugeIndirect { key }));
        }
        let (i, address) = sizes.defined("huge object address", i)?;
        let (i, length) = sizes.length(i)?;
        if !filtered {
            return Ok((i, HeapId::HugeDirect { address, length, filtered: None }));
        }
        let (i, mask) = le_u32(i)?;
        let (i, size) = sizes.length(i)?;
        Ok((i, HeapId::HugeDirect { address, length, filtered: Some((mask, size)) }))
    }

    /// A tiny object's length takes four bits, or twelve where the IDs have room for more than 16 bytes and the longer length
    /// (`H5HF__tiny_init`).
    fn parse_tiny_id<'a>(&self, flags: u8, i: Span<'a>) -> Parsed<'a, HeapId> {
        let (i, length) = if self.id_length <= 18 {
            (i, u64::from(flags & 0x0f))
        } else {
            let (i, low) = le_u8(i)?;
            (i, (u64::from(flags & 0x0f) << 8) | u64::from(low))
        };
        let (i, object) = bytes(length.saturating_add(1), i)?;
        Ok((i, HeapId::Tiny(object.bytes().to_vec())))
    }
}

fn root_filters(sizes: Sizes, length: u16, i: Span<'_>) -> Parsed<'_, Option<RootFilters>> {
    let (i, root_size) = sizes.length(i)?;
    let (i, root_mask) = le_u32(i)?;
    let (i, encoded) = bytes(length.into(), i)?;
    let (_, pipeline) = FilterPipeline::parse(encoded)?;
    Ok((i, Some(RootFilters { pipeline, root_size, root_mask })))
}

/// The object at `offset` of a direct block that starts at `heap_offset` of the heap and fills `block`.
pub(crate) fn object(heap_offset: u64, offset: u64, length: u64, block: Span<'_>) -> Parsed<'_, Span<'_>> {
    let (i, ()) = skip(offset.saturating_sub(heap_offset), block)?;
    bytes(length, i)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{Error, Structure};
    use crate::field::Width;
    use crate::field::convert::wide;
    use crate::structure::message::filter_pipeline::Filter;
    use crate::structure::proofs::{AT, every_prefix_fails, message_of, never_panics, sealed, with};

    /// The heap of a group with 3,000 links and a deflate filter, written by libhdf5 2.0.
    const FILTERED: [u8; 170] = [
        b'F', b'R', b'H', b'P', // signature
        0,    // version
        7, 0, // heap ID length
        12, 0,    // I/O filters' encoded length
        0x02, // flags: direct blocks are checksummed
        0x00, 0x10, 0, 0, // maximum size of managed objects
        0, 0, 0, 0, 0, 0, 0, 0, // next huge object ID
        0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, // version 2 B-tree address of huge objects
        0x16, 0x75, 0x03, 0, 0, 0, 0, 0, // amount of free space in managed blocks
        0x75, 0xa7, 0, 0, 0, 0, 0, 0, // address of managed block free space manager
        0x00, 0x00, 0x04, 0, 0, 0, 0, 0, // amount of managed space in heap
        0x00, 0xa0, 0, 0, 0, 0, 0, 0, // amount of allocated managed space in heap
        0x00, 0xa0, 0, 0, 0, 0, 0, 0, // offset of direct block allocation iterator in managed space
        0xb8, 0x0b, 0, 0, 0, 0, 0, 0, // number of managed objects in heap
        0, 0, 0, 0, 0, 0, 0, 0, // size of huge objects in heap
        0, 0, 0, 0, 0, 0, 0, 0, // number of huge objects in heap
        0, 0, 0, 0, 0, 0, 0, 0, // size of tiny objects in heap
        0, 0, 0, 0, 0, 0, 0, 0, // number of tiny objects in heap
        4, 0, // table width
        0x00, 0x02, 0, 0, 0, 0, 0, 0, // starting block size
        0x00, 0x00, 0x01, 0, 0, 0, 0, 0, // maximum direct block size
        32, 0, // maximum heap size
        1, 0, // starting number of rows in root indirect block
        0x05, 0x7a, 0x02, 0, 0, 0, 0, 0, // address of root block
        8, 0, // current number of rows in root indirect block
        0, 0, 0, 0, 0, 0, 0, 0, // size of filtered root direct block
        0, 0, 0, 0, // I/O filter mask
        2, 1, 1, 0, 1, 0, 1, 0, 6, 0, 0, 0, // I/O filter information
        0x92, 0x50, 0x47, 0xf0, // checksum
    ];

    /// Offsets and lengths of 4 bytes, without filters.
    const SMALL: [u8; 86] = [
        b'F', b'R', b'H', b'P', // signature
        0,    // version
        8, 0, // heap ID length
        0, 0,    // I/O filters' encoded length
        0x00, // flags
        0x00, 0x01, 0, 0, // maximum size of managed objects
        1, 0, 0, 0, // next huge object ID
        0x00, 0x30, 0, 0, // version 2 B-tree address of huge objects
        0, 0, 0, 0, // amount of free space in managed blocks
        0xff, 0xff, 0xff, 0xff, // address of managed block free space manager
        0, 2, 0, 0, 0, 2, 0, 0, 0, 2, 0, 0, 1, 0, 0, 0, // managed space, allocated, iterator, objects
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, // size and number of huge and of tiny objects
        2, 0, // table width
        64, 0, 0, 0, // starting block size
        128, 0, 0, 0, // maximum direct block size
        16, 0, // maximum heap size
        1, 0, // starting number of rows in root indirect block
        0x00, 0x20, 0, 0, // address of root block
        0, 0, // current number of rows in root indirect block
        0, 0, 0, 0, // checksum, to be set
    ];

    const FOUR: Sizes = Sizes { offsets: Width::Four, lengths: Width::Four };

    const TABLE: DoublingTable =
        DoublingTable { width: 2, starting_block_size: 64, max_direct_block_size: 128, max_heap_bits: 16 };

    fn small_heap() -> FractalHeap {
        FractalHeap {
            id_length: 8,
            direct_checksums: false,
            max_managed_size: 256,
            huge_btree: Some(Address(0x3000)),
            table: TABLE,
            root: Some(Address(0x2000)),
            root_rows: 0,
            filters: None,
        }
    }

    fn root_filters() -> RootFilters {
        let deflate = Filter { id: 1, name: None, optional: true, client_data: vec![6] };
        RootFilters { pipeline: FilterPipeline { filters: vec![deflate] }, root_size: 0, root_mask: 0 }
    }

    fn parse(sizes: Sizes, bytes: &[u8]) -> Result<FractalHeap, Error> {
        crate::structure::parse(Structure::FractalHeap, Span::new(bytes, AT), |i| FractalHeap::parse(sizes, i))
    }

    fn header(bytes: &[u8]) -> Result<FractalHeap, Error> {
        parse(Sizes::EIGHT, bytes)
    }

    fn indirect(heap: &FractalHeap, heap_offset: u64, rows: u16, bytes: &[u8]) -> Result<Vec<Child>, Error> {
        let i = Span::new(bytes, AT);
        crate::structure::parse(Structure::FractalHeapIndirect, i, |i| heap.indirect(FOUR, heap_offset, rows, i))
    }

    fn direct(heap: &FractalHeap, heap_offset: u64, bytes: &[u8]) -> Result<(), Error> {
        let i = Span::new(bytes, AT);
        crate::structure::parse(Structure::FractalHeapDirect, i, |i| heap.direct(FOUR, heap_offset, i))
    }

    fn id(heap: &FractalHeap, bytes: &[u8]) -> Result<HeapId, Error> {
        crate::structure::parse(Structure::FractalHeapId, Span::new(bytes, AT), |i| heap.parse_id(FOUR, i))
    }

    fn direct_child(address: u64, heap_offset: u64, size: u64) -> Child {
        Child::Direct { address: Address(address), heap_offset, size, filtered: None }
    }

    #[test]
    fn a_header_with_filters_ends_with_their_pipeline() {
        let expected = FractalHeap {
            id_length: 7,
            direct_checksums: true,
            max_managed_size: 4_096,
            huge_btree: None,
            table: DoublingTable {
                width: 4,
                starting_block_size: 512,
                max_direct_block_size: 65_536,
                max_heap_bits: 32,
            },
            root: Some(Address(0x27a05)),
            root_rows: 8,
            filters: Some(root_filters()),
        };
        assert_eq!(header(&FILTERED).unwrap(), expected);
        let root = Child::Indirect { address: Address(0x27a05), heap_offset: 0, rows: 8 };
        assert_eq!(expected.root_child(), Some(root));
    }

    #[test]
    fn a_header_without_filters_ends_with_the_root_rows() {
        let heap = parse(FOUR, &sealed(&SMALL[..82])).unwrap();
        assert_eq!(heap, small_heap());
        assert_eq!(heap.root_child(), Some(direct_child(0x2000, 0, 64)));
        assert_eq!(FractalHeap { root: None, ..heap }.root_child(), None);
    }

    #[test]
    fn a_filtered_root_direct_block_has_its_size_in_the_header() {
        let filters = RootFilters { root_size: 36, root_mask: 1, ..root_filters() };
        let heap = FractalHeap { filters: Some(filters), ..small_heap() };
        let filtered = Some((36, 1));
        let root = Child::Direct { address: Address(0x2000), heap_offset: 0, size: 64, filtered };
        assert_eq!(heap.root_child(), Some(root));
    }

    #[test]
    fn the_size_of_a_header_is_known_from_its_first_9_bytes() {
        let size = |sizes, bytes| FractalHeap::header_size(sizes, Span::new(bytes, AT)).unwrap().1;
        assert_eq!(size(Sizes::EIGHT, &FILTERED[..9]), 170);
        assert_eq!(size(FOUR, &SMALL[..9]), 86);
    }

    #[test]
    fn problems_of_headers_are_told_at_their_fields() {
        let told = |at, others: &[u8]| message_of(header(&with(&FILTERED, at, others)));
        assert_eq!(told(3, b"X"), "fractal heap header at 0x60: signature is not \"FRHP\" (at 0x60)");
        assert_eq!(told(4, &[1]), "fractal heap header at 0x60: version is 1 (at 0x64)");
        assert_eq!(told(110, &[3]), "fractal heap header at 0x60: table width is 3 (at 0xce)");
        assert_eq!(told(112, &[1]), "fractal heap header at 0x60: starting block size is 513 (at 0xd0)");
        assert_eq!(told(120, &[0, 1, 0]), "fractal heap header at 0x60: maximum direct block size is 256 (at 0xd8)");
        assert_eq!(told(128, &[65]), "fractal heap header at 0x60: maximum heap size is 65 (at 0xe0)");
        assert_eq!(
            told(140, &[65]),
            "fractal heap header at 0x60: current number of rows in root indirect block is 65 (at 0xec)"
        );
        assert_eq!(told(154, &[3]), "fractal heap header at 0x60: version is 3 (at 0xfa)");
        assert_eq!(
            told(166, &[0x93]),
            "fractal heap header at 0x60: checksum is 0xf0475093, computed 0xf0475092 (at 0x106)"
        );
    }

    #[test]
    fn blocks_double_from_the_second_row_on() {
        assert_eq!([0, 1, 2, 3].map(|row| TABLE.block_size(row)), [Some(64), Some(64), Some(128), Some(256)]);
        assert_eq!(TABLE.block_size(64), None);
        assert_eq!(TABLE.direct_rows(), 3);
        // A nested indirect block of 256 bytes has rows of 2 * 64 and 2 * 64.
        assert_eq!([64, 128, 256, 512].map(|size| TABLE.rows_of(size)), [None, Some(1), Some(2), Some(3)]);
        assert_eq!(TABLE.offset_width(), 2);
    }

    #[test]
    fn an_indirect_block_points_to_direct_and_then_to_indirect_blocks() {
        let bytes = sealed(&[
            b'F', b'H', b'I', b'B', // signature
            0,    // version
            0x00, 0x10, 0, 0, // heap header address
            0x00, 0x04, // block offset
            0x00, 0x20, 0, 0, // child direct block #0 address
            0xff, 0xff, 0xff, 0xff, // child direct block #1 address: undefined
            0x00, 0x21, 0, 0, 0x00, 0x22, 0, 0, // child direct blocks #2 and #3 address
            0x00, 0x23, 0, 0, 0x00, 0x24, 0, 0, // child direct blocks #4 and #5 address
            0x00, 0x25, 0, 0, // child indirect block #6 address
            0xff, 0xff, 0xff, 0xff, // child indirect block #7 address: undefined
        ]);
        let heap = small_heap();
        let expected = [
            direct_child(0x2000, 0x400, 64),
            direct_child(0x2100, 0x480, 64),
            direct_child(0x2200, 0x4c0, 64),
            direct_child(0x2300, 0x500, 128),
            direct_child(0x2400, 0x580, 128),
            Child::Indirect { address: Address(0x2500), heap_offset: 0x600, rows: 2 },
        ];
        assert_eq!(indirect(&heap, 0x400, 4, &bytes).unwrap(), expected);
        assert_eq!(heap.indirect_size(FOUR, 4), wide(bytes.len()));
        every_prefix_fails(&bytes, |bytes| indirect(&heap, 0x400, 4, bytes));
        never_panics(&bytes[..43], |bytes| drop(indirect(&heap, 0x400, 4, &sealed(bytes))));

        let told = |at, others: &[u8]| message_of(indirect(&heap, 0x400, 4, &with(&bytes, at, others)));
        assert_eq!(told(2, b"D"), "fractal heap indirect block at 0x60: signature is not \"FHIB\" (at 0x60)");
        assert_eq!(told(4, &[1]), "fractal heap indirect block at 0x60: version is 1 (at 0x64)");
        assert_eq!(told(9, &[1]), "fractal heap indirect block at 0x60: block offset is 1025, not 1024 (at 0x69)");
        let (found, computed) = (lookup3(&with(&bytes[..43], 5, &[1])), lookup3(&bytes[..43]));
        assert_eq!(
            told(5, &[1]),
            format!(
                "fractal heap indirect block at 0x60: checksum is {computed:#010x}, computed {found:#010x} (at 0x8b)"
            )
        );
    }

    #[test]
    fn filtered_direct_blocks_are_pointed_to_with_size_and_mask() {
        let bytes = sealed(&[
            b'F', b'H', b'I', b'B', // signature
            0,    // version
            0x00, 0x10, 0, 0, // heap header address
            0, 0, // block offset
            0x00, 0x20, 0, 0, // child direct block #0 address
            33, 0, 0, 0, // size of filtered direct block #0
            1, 0, 0, 0, // filter mask for direct block #0
            0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0, 0, // child direct block #1, undefined
        ]);
        let heap = FractalHeap { filters: Some(root_filters()), ..small_heap() };
        let filtered = Some((33, 1));
        let expected = Child::Direct { address: Address(0x2000), heap_offset: 0, size: 64, filtered };
        assert_eq!(indirect(&heap, 0, 1, &bytes).unwrap(), [expected]);
        assert_eq!(heap.indirect_size(FOUR, 1), wide(bytes.len()));
    }

    #[test]
    fn a_row_of_blocks_without_a_size_is_refused() {
        let table = DoublingTable { starting_block_size: 1 << 31, max_direct_block_size: 1 << 31, ..TABLE };
        let heap = FractalHeap { table, ..small_heap() };
        let mut bytes = b"FHIB\0\0\x10\0\0\0\0".to_vec();
        bytes.extend([0xff; 64 * 2 * 4]);
        assert_eq!(
            message_of(indirect(&heap, 0, 64, &bytes)),
            "fractal heap indirect block at 0x60: row is 34 (at 0x17b)"
        );
    }

    #[test]
    fn a_direct_blocks_checksum_covers_the_whole_block() {
        let block = [
            b'F', b'H', b'D', b'B', // signature
            0,    // version
            0x00, 0x10, 0, 0, // heap header address
            0x40, 0, // block offset
            0, 0, 0, 0, // checksum, to be set
            7, 7, 7, // object data
        ];
        let stored = lookup3(&block);
        let bytes = with(&block, 11, &stored.to_le_bytes());
        let heap = FractalHeap { direct_checksums: true, ..small_heap() };
        direct(&heap, 0x40, &bytes).unwrap();
        // A prefix that has the checksum is another block, whose checksum it is not.
        every_prefix_fails(&bytes, |bytes| direct(&heap, 0x40, bytes));
        never_panics(&bytes, |bytes| drop(direct(&heap, 0x40, bytes)));

        let told = |at, others: &[u8]| message_of(direct(&heap, 0x40, &with(&bytes, at, others)));
        assert_eq!(told(2, b"I"), "fractal heap direct block at 0x60: signature is not \"FHDB\" (at 0x60)");
        assert_eq!(told(4, &[1]), "fractal heap direct block at 0x60: version is 1 (at 0x64)");
        assert_eq!(told(9, &[0]), "fractal heap direct block at 0x60: block offset is 0, not 64 (at 0x69)");
        let computed = lookup3(&with(&block, 17, &[8]));
        assert_eq!(
            told(17, &[8]),
            format!(
                "fractal heap direct block at 0x60: checksum is {stored:#010x}, computed {computed:#010x} (at 0x6b)"
            )
        );
        direct(&small_heap(), 0x40, &bytes[..11]).unwrap();
    }

    /// The root block of a group of two links and the first link's ID, written by libhdf5 2.0; the rest of 512 bytes are zeros.
    #[test]
    fn a_managed_id_finds_its_object_in_a_block_of_libhdf5() {
        let table =
            DoublingTable { width: 4, starting_block_size: 512, max_direct_block_size: 65_536, max_heap_bits: 32 };
        let heap = small_heap();
        let heap = FractalHeap { id_length: 7, direct_checksums: true, max_managed_size: 4_096, table, ..heap };
        let link = [1, 12, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1, b'a', 2, 0, b'/', b'x'];
        let mut block = [
            b'F', b'H', b'D', b'B', // signature
            0,    // version
            0x0e, 0x01, 0, 0, 0, 0, 0, 0, // heap header address
            0, 0, 0, 0, // block offset
            0x0a, 0xc1, 0xf6, 0x68, // checksum
        ]
        .to_vec();
        block.extend(link);
        block.extend([1, 12, 64, 1, 0, 0, 0, 0, 0, 0, 0, 1]); // link message: external, creation order 1
        block.extend(b"b\x09\0\0f.h5\0/y\0");
        block.resize(512, 0);
        let i = Span::new(&block, AT);
        assert!(heap.direct(Sizes::EIGHT, 0, i).is_ok());
        let HeapId::Managed { offset, length } = id(&heap, &[0x00, 0x15, 0x00, 0x00, 0x00, 0x11, 0x00]).unwrap() else {
            panic!("not managed");
        };
        assert_eq!(object(0, offset, length, i).unwrap().1.bytes(), link);
    }

    #[test]
    fn a_managed_id_has_an_offset_and_a_length() {
        let bytes = [
            0x00, // version and type: managed
            0x15, 0x01, // offset
            17,   // length
        ];
        let heap = small_heap();
        assert_eq!(id(&heap, &bytes).unwrap(), HeapId::Managed { offset: 0x115, length: 17 });
        every_prefix_fails(&bytes, |bytes| id(&heap, bytes));
    }

    /// The width is the lesser of what an offset in the largest direct block and the largest managed object take.
    #[test]
    fn a_managed_length_takes_as_many_bytes_as_an_offset_in_a_direct_block() {
        let table = DoublingTable { max_direct_block_size: 65_536, ..TABLE };
        let bytes = [0x00, 0x15, 0x00, 0x00, 0x80, 0x01];
        let length = |max_managed_size| id(&FractalHeap { max_managed_size, table, ..small_heap() }, &bytes).unwrap();
        assert_eq!(length(255), HeapId::Managed { offset: 0x15, length: 0 });
        assert_eq!(length(4_096), HeapId::Managed { offset: 0x15, length: 0x8000 });
        // `H5HF_SIZEOF_OFFSET_LEN(65536)` is 2, though the number 65536 takes 3 bytes.
        assert_eq!(length(65_536), HeapId::Managed { offset: 0x15, length: 0x8000 });
    }

    #[test]
    fn a_huge_id_is_a_key_where_it_has_no_room_for_a_place() {
        let heap = small_heap();
        let bytes = [
            0x10, // version and type: huge
            1, 0, 0, 0, 0, 0, 1, // version 2 B-tree key
        ];
        assert_eq!(id(&heap, &bytes).unwrap(), HeapId::HugeIndirect { key: 0x0001_0000_0000_0001 });
        every_prefix_fails(&bytes, |bytes| id(&heap, bytes));
        let long = FractalHeap { id_length: 16, filters: Some(root_filters()), ..small_heap() };
        let key = [0x10, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        assert_eq!(id(&long, &key).unwrap(), HeapId::HugeIndirect { key: 2 });
    }

    #[test]
    fn a_huge_id_is_a_place_where_it_has_room_for_it() {
        let heap = FractalHeap { id_length: 9, ..small_heap() };
        let bytes = [
            0x10, // version and type: huge
            0x00, 0x50, 0, 0, // address
            0x70, 0x11, 1, 0, // length
        ];
        let place = HeapId::HugeDirect { address: Address(0x5000), length: 70_000, filtered: None };
        assert_eq!(id(&heap, &bytes).unwrap(), place);
        every_prefix_fails(&bytes, |bytes| id(&heap, bytes));
        assert_eq!(
            message_of(id(&heap, &with(&bytes, 1, &[0xff; 4]))),
            "fractal heap ID at 0x60: huge object address is undefined (at 0x61)"
        );
    }

    #[test]
    fn a_filtered_huge_id_has_the_mask_and_the_unfiltered_size() {
        let heap = FractalHeap { id_length: 17, filters: Some(root_filters()), ..small_heap() };
        let bytes = [
            0x10, // version and type: huge
            0x00, 0x50, 0, 0, // address
            99, 0, 0, 0, // length
            1, 0, 0, 0, // filter mask
            0x70, 0x11, 1, 0, // de-filtered size
        ];
        let filtered = Some((1, 70_000));
        let place = HeapId::HugeDirect { address: Address(0x5000), length: 99, filtered };
        assert_eq!(id(&heap, &bytes).unwrap(), place);
        every_prefix_fails(&bytes, |bytes| id(&heap, bytes));
    }

    #[test]
    fn a_tiny_id_holds_the_object() {
        let heap = small_heap();
        let bytes = [
            0x22, // version, type: tiny, and length - 1
            b'a', b'b', b'c', // data
        ];
        assert_eq!(id(&heap, &bytes).unwrap(), HeapId::Tiny(b"abc".to_vec()));
        every_prefix_fails(&bytes, |bytes| id(&heap, bytes));
    }

    /// `H5HF__tiny_init`: an ID of 18 bytes has room for 17, and the byte that their length would need.
    #[test]
    fn tiny_lengths_take_a_second_byte_in_ids_of_19_bytes_and_more() {
        let bytes = [
            0x20, // version, type: tiny, and bits 8 to 11 of length - 1
            1,    // bits 0 to 7 of length - 1
            b'a', b'b', // data
        ];
        let of = |id_length| id(&FractalHeap { id_length, ..small_heap() }, &bytes).unwrap();
        assert_eq!(of(19), HeapId::Tiny(b"ab".to_vec()));
        assert_eq!([17, 18].map(of), [HeapId::Tiny(vec![1]), HeapId::Tiny(vec![1])]);
        let long = FractalHeap { id_length: 300, ..small_heap() };
        let bytes = [&[0x21, 0][..], &[7; 257]].concat();
        assert_eq!(id(&long, &bytes).unwrap(), HeapId::Tiny(vec![7; 257]));
        every_prefix_fails(&bytes, |bytes| id(&long, bytes));
    }

    #[test]
    fn ids_of_other_kinds_are_refused() {
        assert_eq!(
            message_of(id(&small_heap(), &[0x40, 0, 0, 0])),
            "fractal heap ID at 0x60: heap ID version is 1 (at 0x60)"
        );
        assert_eq!(
            message_of(id(&small_heap(), &[0x30, 0, 0, 0])),
            "fractal heap ID at 0x60: heap ID type is 3 (at 0x60)"
        );
    }

    #[test]
    fn an_object_lies_inside_its_block() {
        let block = [1, 2, 3, 4, 5, 6];
        let of = |offset, length| {
            crate::structure::parse(Structure::FractalHeapDirect, Span::new(&block, AT), |i| {
                object(0x40, offset, length, i)
            })
        };
        assert_eq!(of(0x42, 4).unwrap().bytes(), [3, 4, 5, 6]);
        let outside = "fractal heap direct block at 0x60: the bytes end inside the structure";
        assert_eq!(message_of(of(0x42, 5)), format!("{outside} (at 0x62)"));
        assert_eq!(message_of(of(0x47, 0)), format!("{outside} (at 0x60)"));
        assert_eq!(message_of(of(0x40, u64::MAX)), format!("{outside} (at 0x60)"));
    }

    #[test]
    fn every_proper_prefix_is_refused() {
        every_prefix_fails(&FILTERED, header);
    }

    #[test]
    fn arbitrary_bytes_do_not_panic() {
        never_panics(&FILTERED[..166], |bytes| drop(header(&sealed(bytes))));
        let (heap, long) = (small_heap(), FractalHeap { id_length: 64, ..small_heap() });
        never_panics(&[0x10; 20], |bytes| drop((id(&heap, bytes), id(&long, bytes))));
        never_panics(&[0, 0, 0, 0], |bytes| {
            drop(crate::structure::parse(Structure::FractalHeapDirect, Span::new(bytes, AT), |i| object(3, 7, 2, i)));
        });
    }
}
