//! Extensible arrays of chunks ([VII.D]).

use super::builder::Builder;
use super::fixed_array::Elements;
use crate::error::Structure;
use crate::field::Address;
use crate::file::File;
use crate::source::Halt;
use crate::structure::chunk_index::extensible_array::{DataBlock, ExtensibleArray, SuperBlock};

impl File<'_> {
    /// The chunks of an array: those of the index block, then data blocks, super blocks' data blocks, and pages, each kind with one read.
    pub(super) fn extensible_array_chunks(&self, array: Address, builder: &mut Builder<'_>) -> Result<(), Halt> {
        let (structure, sizes) = (Structure::ExtensibleArray, self.sizes());
        let block = self.block(structure, array, ExtensibleArray::header_size(sizes))?;
        let header = block.parse(structure, |i| ExtensibleArray::parse(sizes, i))?;
        builder.agrees(array, header.format.size_width())?;
        let Some(address) = header.index_block else { return Ok(()) };
        let structure = Structure::ExtensibleArrayIndexBlock;
        let block = self.block(structure, address, header.index_block_size(sizes))?;
        let index = block.parse(structure, |i| header.index_block(sizes, i))?;
        let mut data_blocks = index.data_blocks;
        let place = |block: &SuperBlock| (block.address, header.super_block_size(sizes, *block));
        self.levels(Structure::ExtensibleArraySuperBlock, index.super_blocks, place, |super_block, block, _| {
            let parse = |i| header.super_block(sizes, *super_block, i);
            data_blocks.extend(block.parse(Structure::ExtensibleArraySuperBlock, parse)?);
            Ok(())
        })?;
        // libhdf5 looks up no element past those that the header says are set (`H5EA_get`).
        let mut elements = Elements::new(builder, header.elements_set);
        elements.add(self, 0, &index.elements)?;
        self.data_blocks(&header, data_blocks, &mut elements)
    }

    fn data_blocks(
        &self,
        header: &ExtensibleArray,
        data_blocks: Vec<DataBlock>,
        elements: &mut Elements<'_, '_>,
    ) -> Result<(), Halt> {
        let sizes = self.sizes();
        let mut pages: Vec<(u64, Address)> = Vec::new();
        let place = |block: &DataBlock| (block.address, header.data_block_size(sizes, block));
        self.levels(Structure::ExtensibleArrayDataBlock, data_blocks, place, |data_block, block, _| {
            let parse = |i| header.data_block(sizes, data_block, i);
            let found = block.parse(Structure::ExtensibleArrayDataBlock, parse)?;
            pages.extend(data_block.pages.iter().flatten().map(|page| {
                let first = data_block.first.saturating_add(page.saturating_mul(header.page_elements()));
                let offset = header.page_offset(sizes, data_block, *page);
                (first, Address(data_block.address.0.saturating_add(offset)))
            }));
            elements.add(self, data_block.first, &found)
        })?;
        let size = header.format.page_size(header.page_elements());
        self.levels(
            Structure::ExtensibleArrayPage,
            pages,
            |(_, address)| (*address, size),
            |(first, _), block, _| {
                let parse = |i| header.format.page(sizes, header.page_elements(), i);
                elements.add(self, *first, &block.parse(Structure::ExtensibleArrayPage, parse)?)
            },
        )
    }
}
