//! The HDF5 object model, in which netCDF classic files are too: follows addresses, and is the only caller of `ReadAt`.

mod attribute;
mod chunks;
mod classic;
mod dataset;
mod driver;
mod filters;
#[cfg(test)]
#[cfg(all(
    feature = "bitshuffle",
    feature = "blosc",
    feature = "bzip2",
    feature = "fcidecomp",
    feature = "sperr",
    feature = "zfp"
))]
mod foreign;
mod group;
mod heap;
mod lookup;
mod memo;
mod object;
mod overlay;
#[cfg(test)]
pub(crate) mod proofs;
mod read;
mod source_name;
mod tree;
mod value;
mod virtual_extent;
mod visited;
mod walk;

use std::ops::Range;
use std::rc::Rc;

use bytes::Bytes;

use crate::error::{Error, FormatError, Problem, Structure, Unsupported};
use crate::field::convert::wide;
use crate::field::{Address, Parsed, Sizes, Span};
use crate::limits::{Budget, Limits};
use crate::source::{Halt, ReadAt};
use crate::structure;
use crate::structure::message::cache_image::ImageLocation;
use crate::structure::message::file_space_info::FileSpaceInfo;
use crate::structure::message::shared_message_table::TableLocation;
use crate::structure::message::{self, btree_k, types};
use crate::structure::superblock::{LONGEST, SIGNATURE, Superblock};

pub use attribute::Attribute;
pub use chunks::{ChunkTable, FilterMasks};
use classic::Classic;
pub use dataset::{Dataset, ExternalFile, Storage};
pub(crate) use filters::ids as filter_ids;
#[cfg(fuzzing)]
pub(crate) use filters::{Buffers, Filtered};
use heap::GlobalHeaps;
pub(crate) use lookup::{Lookup, Place};
pub(crate) use memo::Memo;
use overlay::Overlay;
pub use read::{MissingSources, OpenDataset, ReadOptions, Reader, Values, read};
pub(crate) use source_name::SourceName;
pub use tree::{Content, Dimension, Link, LinkKind, Node, Object, Tree};
pub use value::Value;
pub(crate) use value::decode;
pub(crate) use virtual_extent::{ExtentOf, block_start, extent, is_unlimited, slices, unlimited};
pub(crate) use walk::Detail;

pub use crate::structure::message::dataspace::{Dataspace, Extent};
pub use crate::structure::message::datatype::{
    Bits, ByteOrder, Charset, Class, Datatype, FloatFormat, Member, Padding, Reference, Text,
};
pub use crate::structure::message::fill_value::FillValue;
pub use crate::structure::message::filter_pipeline::{Filter, FilterPipeline};
pub(crate) use crate::structure::regular_blocks::regular_blocks;
pub use crate::structure::selection::{Block as SelectedBlock, Pattern, Selection};
pub use crate::structure::virtual_mappings::Mapping;

/// What the files of the onion driver begin with: one that has no revision of its own, and the history of revisions.
const ONION: [&[u8]; 2] = [b"ONIONEOF", b"OHDH"];

/// An HDF5 or netCDF classic file that is being read.
#[derive(Debug)]
pub(crate) struct File<'s> {
    source: &'s dyn ReadAt,
    memo: &'s Memo,
    budget: Rc<Budget>,
    /// File offset of address 0: where the signature was found.
    base: u64,
    /// File offset of the first byte that is not the file's.
    end: u64,
    /// Bytes that are missing at the end of a file that is cut off.
    missing: u64,
    /// Whether the file says that it is the family that its source is.
    driven: bool,
    superblock: Superblock,
    /// What a netCDF classic file holds: such a file has nothing else.
    classic: Option<Classic>,
    /// Where the shared messages lie, if the file has any.
    shared_messages: Option<TableLocation>,
    heaps: GlobalHeaps,
    /// Metadata that lie in the image of the cache, and not where they belong.
    overlay: Overlay,
}

impl std::fmt::Debug for dyn ReadAt + '_ {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} bytes", self.size())
    }
}

/// What is done about a file that ends before its superblock says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum CutOff {
    /// It is refused as a whole.
    #[default]
    Refuse,
    /// Objects whose bytes are all there are read; the others are refused one by one.
    Salvage,
}

/// Bytes of the file, and where they lie.
#[derive(Debug, Clone)]
pub(crate) struct Block {
    pub(crate) at: u64,
    pub(crate) bytes: Bytes,
}

impl Block {
    pub(crate) fn span(&self) -> Span<'_> {
        Span::new(&self.bytes, self.at)
    }

    /// Runs a structure's parser on the block.
    pub(crate) fn parse<'a, T>(
        &'a self,
        structure: Structure,
        parser: impl FnOnce(Span<'a>) -> Parsed<'a, T>,
    ) -> Result<T, Error> {
        structure::parse(structure, self.span(), parser)
    }
}

impl<'s> File<'s> {
    /// Finds and reads the superblock and its extension, or the header of a netCDF classic file.
    pub(crate) fn open(source: &'s dyn ReadAt, limits: Limits, cut_off: CutOff, memo: &'s Memo) -> Result<Self, Halt> {
        Self::open_within(source, Rc::new(Budget::new(limits)), cut_off, memo)
    }

    /// Another file that the same budget is spent on.
    pub(crate) fn open_beside<'o>(
        &self,
        source: &'o dyn ReadAt,
        cut_off: CutOff,
        memo: &'o Memo,
    ) -> Result<File<'o>, Halt> {
        File::open_within(source, Rc::clone(&self.budget), cut_off, memo)
    }

    fn open_within(source: &'s dyn ReadAt, budget: Rc<Budget>, cut_off: CutOff, memo: &'s Memo) -> Result<Self, Halt> {
        let first = probe(source, &[0])?;
        if first.iter().any(|(_, bytes)| classic::is_classic(bytes)) {
            return Self::open_classic(source, budget, memo);
        }
        let (base, superblock) = find_superblock(source, &first)?;
        Self::with_superblock(source, budget, memo, (base, superblock)).opened(cut_off)
    }

    /// A file of which nothing but its superblock is known.
    fn with_superblock(
        source: &'s dyn ReadAt,
        budget: Rc<Budget>,
        memo: &'s Memo,
        (base, superblock): (u64, Superblock),
    ) -> Self {
        let heaps = GlobalHeaps::default();
        Self {
            source,
            memo,
            budget,
            base,
            end: source.size(),
            missing: 0,
            driven: false,
            superblock,
            classic: None,
            shared_messages: None,
            heaps,
            overlay: Overlay::default(),
        }
    }

    /// The same, with what the superblock and its extension say.
    fn opened(mut self, cut_off: CutOff) -> Result<Self, Halt> {
        match self.find_end(cut_off) {
            Ok((end, missing)) => (self.end, self.missing) = (end, missing),
            Err(error) => return Err(self.one_of_several()?.unwrap_or(error).into()),
        }
        self.read_driver_information()?;
        self.read_extension()?;
        self.refuse_undriven()?;
        Ok(self)
    }

    /// Bytes that are missing at the end of a file that is cut off, and read all the same.
    pub(crate) fn missing(&self) -> u64 {
        self.missing
    }

    /// Bytes of the file, whatever its superblock says.
    pub(crate) fn size(&self) -> u64 {
        self.source.size()
    }

    pub(crate) fn sizes(&self) -> Sizes {
        self.superblock.sizes
    }

    pub(crate) fn limits(&self) -> &Limits {
        self.budget.limits()
    }

    pub(crate) fn budget(&self) -> &Budget {
        &self.budget
    }

    /// The end of the file as its superblock says, from which nothing may be read on; a file that is cut off ends before it. One
    /// that a SWMR writer left open may be longer than it says, or shorter. Also, how many bytes are missing.
    fn find_end(&self, cut_off: CutOff) -> Result<(u64, u64), Error> {
        const SWMR_WRITER: u32 = 0x04;
        let size = self.source.size();
        if self.superblock.consistency_flags & SWMR_WRITER != 0 {
            return Ok((size, 0));
        }
        let refuse = |problem| Error::format(Structure::Superblock, self.base, problem);
        // The stored address counts from the stored base (`H5F__super_read` moves both).
        let stored_base = self.superblock.base_address.map_or(0, |base| base.0);
        let length = match self.superblock.end_of_file {
            None => Err(refuse(Problem::Undefined("end of file address"))),
            Some(Address(end)) => match end.checked_sub(stored_base).filter(|length| *length > 0) {
                None => Err(refuse(Problem::Value { field: "end of file address", value: end })),
                Some(length) => Ok(length),
            },
        };
        if cut_off == CutOff::Salvage {
            // A file that was never closed may hold more than its superblock knows.
            let end = length.map_or(0, |length| self.base.saturating_add(length));
            return Ok((size, end.saturating_sub(size)));
        }
        let length = length?;
        match self.base.checked_add(length) {
            Some(end) if end <= size => Ok((end, 0)),
            _ => Err(refuse(Problem::OutsideFile { offset: self.base, length, size })),
        }
    }

    /// Version 2 and 3 superblocks keep what is rarely needed in an object header of its own.
    fn read_extension(&mut self) -> Result<(), Halt> {
        let Some(address) = self.superblock.extension else { return Ok(()) };
        let header = self.header(address)?;
        if let Some(message) = header.find(types::BTREE_K) {
            self.superblock.k = message.parse(Structure::BtreeK, btree_k::parse)?;
        }
        if let Some(message) = header.find(types::SHARED_MESSAGE_TABLE) {
            let sizes = self.sizes();
            let location = message.parse(Structure::SharedMessageTableMessage, |i| TableLocation::parse(sizes, i))?;
            self.shared_messages = Some(location);
        }
        if let Some(message) = header.find(types::CACHE_IMAGE) {
            let sizes = self.sizes();
            let location = message.parse(Structure::CacheImageMessage, |i| ImageLocation::parse(sizes, i))?;
            self.overlay = self.read_cache_image(location)?;
        }
        if let Some(message) = header.find(types::FILE_SPACE_INFO) {
            // It only tells how to read well: nothing is lost with one that cannot be parsed.
            let sizes = self.sizes();
            let info = message.parse(Structure::FileSpaceInfo, |i| FileSpaceInfo::parse(sizes, i));
            if let Some(page) = info.ok().and_then(|info| info.page) {
                self.source.is_paged(page);
            }
        }
        if let Some(message) = header.find(types::DRIVER_INFORMATION) {
            let structure = Structure::DriverInformationMessage;
            let driver = message.parse(structure, message::driver_information::parse)?;
            self.accept(structure, message.body.at, driver)?;
        }
        Ok(())
    }

    /// The address of the root group.
    fn root(&self) -> Address {
        self.superblock.root
    }

    /// The part of the file at an address, if it lies inside.
    pub(crate) fn range(&self, structure: Structure, address: Address, length: u64) -> Result<Range<u64>, Error> {
        let size = self.end;
        let start = self.base.checked_add(address.0);
        let end = start.and_then(|start| start.checked_add(length));
        match (start, end) {
            (Some(start), Some(end)) if end <= size => Ok(start..end),
            _ => {
                let offset = self.base.saturating_add(address.0);
                Err(Error::format(structure, offset, Problem::OutsideFile { offset, length, size }))
            }
        }
    }

    /// The bytes of one structure.
    pub(crate) fn block(&self, structure: Structure, address: Address, length: u64) -> Result<Block, Halt> {
        let range = self.range(structure, address, length)?;
        self.read_block(range)
    }

    /// The bytes of a structure whose length is not known yet: `guess` bytes, or as many as there are.
    pub(crate) fn block_up_to(&self, structure: Structure, address: Address, guess: u64) -> Result<Block, Halt> {
        let start = self.range(structure, address, 1)?.start;
        self.read_block(start..start.saturating_add(guess).min(self.end))
    }

    /// The bytes of several structures of one kind, read together.
    pub(crate) fn blocks(&self, structure: Structure, places: &[(Address, u64)]) -> Result<Vec<Block>, Halt> {
        let ranges = places.iter().map(|(address, length)| self.range(structure, *address, *length));
        let ranges: Vec<_> = ranges.collect::<Result<_, _>>()?;
        self.read_blocks(&ranges)
    }

    fn read_block(&self, range: Range<u64>) -> Result<Block, Halt> {
        let mut blocks = self.read_blocks(std::slice::from_ref(&range))?;
        Ok(blocks.pop().unwrap_or(Block { at: range.start, bytes: Bytes::new() }))
    }

    /// Ranges of the file, read together and charged to the budget.
    pub(crate) fn read_blocks(&self, ranges: &[Range<u64>]) -> Result<Vec<Block>, Halt> {
        for range in ranges {
            self.budget.structure(range.end.saturating_sub(range.start))?;
        }
        let bytes = self.source.read(ranges)?;
        let blocks = ranges.iter().zip(bytes).map(|(range, bytes)| Block { at: range.start, bytes });
        Ok(blocks.map(|block| self.overlay.apply(block)).collect())
    }

    /// Raw data: ranges that were checked before, as many at once as the source has use for.
    pub(crate) fn raw_data(
        &self,
        ranges: &[Range<u64>],
        each: impl FnMut(usize, Bytes) -> Result<(), Halt>,
    ) -> Result<(), Halt> {
        raw_data(self.source, ranges, each)
    }

    /// Visits a tree level by level, each level with one read; `visit` gives the places of the next level.
    pub(crate) fn levels<N>(
        &self,
        structure: Structure,
        roots: Vec<N>,
        place: impl Fn(&N) -> (Address, u64),
        mut visit: impl FnMut(&N, &Block, &mut Vec<N>) -> Result<(), Error>,
    ) -> Result<(), Halt> {
        let mut level = roots;
        while !level.is_empty() {
            let mut next = Vec::new();
            for batch in batches(&level, self.source.together(), |node| place(node).1) {
                let places: Vec<_> = batch.iter().map(&place).collect();
                for (node, block) in batch.iter().zip(self.blocks(structure, &places)?) {
                    visit(node, &block, &mut next)?;
                }
            }
            level = next;
        }
        Ok(())
    }

    /// An error of a structure at an address.
    pub(crate) fn problem_at(&self, structure: Structure, address: Address, problem: Problem) -> Error {
        Error::format(structure, self.base.saturating_add(address.0), problem)
    }
}

/// Ranges of a source, as many at once as it has use for.
fn raw_data(
    source: &dyn ReadAt,
    ranges: &[Range<u64>],
    mut each: impl FnMut(usize, Bytes) -> Result<(), Halt>,
) -> Result<(), Halt> {
    let mut done = 0_usize;
    for batch in batches(ranges, source.together(), |range| range.end.saturating_sub(range.start)) {
        for bytes in source.read_elements(batch)? {
            each(done, bytes)?;
            done = done.saturating_add(1);
        }
    }
    Ok(())
}

/// Consecutive items of at most `most` in all, at least one each.
fn batches<T>(items: &[T], most: u64, size: impl Fn(&T) -> u64) -> Vec<&[T]> {
    let mut rest = items;
    let mut batches = Vec::new();
    while !rest.is_empty() {
        let mut total = 0_u64;
        let fits = rest.iter().take_while(|item| {
            total = total.saturating_add(size(item));
            total <= most
        });
        let (batch, after) = rest.split_at_checked(fits.count().max(1)).unwrap_or((rest, &[]));
        batches.push(batch);
        rest = after;
    }
    batches
}

/// The first valid superblock at 0, 512, 1024, 2048 and so on, and where it lies (II.A); `first` is what lies at 0.
fn find_superblock(source: &dyn ReadAt, first: &[(u64, Bytes)]) -> Result<(u64, Superblock), Halt> {
    let size = source.size();
    if let Some((at, found)) = first.first().filter(|(_, bytes)| bytes.starts_with(&SIGNATURE)) {
        return Ok((*at, structure::parse(Structure::Superblock, Span::new(found, *at), Superblock::parse)?));
    }
    if first.iter().any(|(_, bytes)| ONION.iter().any(|signature| bytes.starts_with(signature))) {
        return Err(Unsupported::Onion.into());
    }
    let places: Vec<u64> =
        std::iter::successors(Some(512_u64), |at| at.checked_mul(2)).take_while(|at| *at < size).collect();
    let mut broken = None;
    for (at, bytes) in probe(source, &places)?.iter().filter(|(_, bytes)| bytes.starts_with(&SIGNATURE)) {
        match structure::parse(Structure::Superblock, Span::new(bytes, *at), Superblock::parse) {
            Ok(superblock) => return Ok((*at, superblock)),
            Err(error) => broken = broken.or(Some(error)),
        }
    }
    let absent = FormatError { structure: Structure::Superblock, start: 0, at: 0, problem: not_hdf5(size) };
    Err(broken.unwrap_or_else(|| absent.into()).into())
}

fn not_hdf5(size: u64) -> Problem {
    if size == 0 { Problem::Missing("every byte of the file") } else { Problem::Missing("the HDF5 signature") }
}

/// What lies at each place, read together.
fn probe(source: &dyn ReadAt, places: &[u64]) -> Result<Vec<(u64, Bytes)>, Halt> {
    let ranges: Vec<_> = places.iter().map(|at| *at..at.saturating_add(LONGEST).min(source.size())).collect();
    Ok(places.iter().copied().zip(source.read(&ranges)?).collect())
}

/// A length as the number of bytes of a block.
pub(crate) fn length_of(block: &Block) -> u64 {
    wide(block.bytes.len())
}

#[cfg(test)]
mod tests {
    use super::proofs::{refusals, tree_of};
    use super::*;
    use crate::structure::proofs::with;

    const V0: &[u8] = include_bytes!("../../testdata/superblock/v0.h5");

    /// Places in a version 0 superblock: consistency flags, end of file address.
    const FLAGS: usize = 20;
    const END: usize = 40;

    #[test]
    fn files_of_the_onion_driver_are_refused_by_name() {
        for signature in ONION {
            assert_eq!(refusals(signature, Limits::default()), [Unsupported::Onion.to_string()]);
        }
    }

    #[test]
    fn a_file_may_be_shorter_than_it_says_only_where_a_swmr_writer_left_it_open() {
        let longer = with(V0, END, &1_000_000_u64.to_le_bytes());
        let told = refusals(&longer, Limits::default());
        let size = V0.len();
        let expected =
            format!("superblock at 0x0: 1000000 bytes at 0x0 are not inside the file of {size} bytes (at 0x0)");
        assert_eq!(told, [expected]);
        let left_open = with(&longer, FLAGS, &[0x05]);
        assert_eq!(tree_of(&left_open).objects.len(), tree_of(V0).objects.len());
    }

    #[test]
    fn nothing_is_read_past_the_end_that_the_superblock_says() {
        let shorter = with(V0, END, &600_u64.to_le_bytes());
        let told = refusals(&shorter, Limits::default());
        assert!(told.iter().all(|line| line.contains("are not inside the file of 600 bytes")), "{told:?}");
        assert!(!told.is_empty());
    }
}
