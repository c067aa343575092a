//! Fractal heaps: dense links and attributes, shared messages ([III.G]).

use nom::number::complete::{le_u8, le_u16, le_u32};

use super::message::filter_pipeline::FilterPipeline;
use crate::error::Problem;
use crate::field::checksum::{checksum, lookup3};
use crate::field::convert::{narrow, wide};
use crate::field::sizes::{bytes_for, le_uint, length_of, version};
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
    /// Bytes of the header, its filters included, from its first 7 bytes; `None` while it is not a heap header.
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
        let (at_rows, root_rows) = le_u16(i).map(|(rest, rows)| ((i, rest), rows))?;
        let (at_rows, i) = at_rows;
        if root_rows > 64 {
            return at_rows.value("current number of rows in root indirect block", root_rows);
        }
        let (i, filters) = if filters_length == 0 { (i, None) } else { root_filters(sizes, filters_length, i)? };
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
        // `H5HF__hdr_finish_init_phase1`: the least of what a direct block and a managed object can be long.
        let width = bytes_for(self.table.max_direct_block_size).min(bytes_for(self.max_managed_size.into()));
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

    /// A tiny object's length takes four bits, or twelve where the IDs are long enough for more than 16 bytes.
    fn parse_tiny_id<'a>(&self, flags: u8, i: Span<'a>) -> Parsed<'a, HeapId> {
        let (i, length) = if self.id_length <= 17 {
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
pub(crate) fn object<'a>(heap_offset: u64, offset: u64, length: u64, block: Span<'a>) -> Parsed<'a, Span<'a>> {
    let (i, ()) = skip(offset.saturating_sub(heap_offset), block)?;
    if length_of(&i) < length {
        return i.fail(Problem::Truncated);
    }
    let (rest, object) = nom::Input::take_split(&i, narrow(length));
    debug_assert_eq!(wide(object.len()), length);
    Ok((rest, object))
}
