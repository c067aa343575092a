//! Fixed arrays of chunks ([VII.C]).

use super::builder::Builder;
use super::numbering::Numbering;
use crate::error::{Error, Structure};
use crate::field::Address;
use crate::field::convert::wide;
use crate::file::File;
use crate::source::Halt;
use crate::structure::chunk_index::Element;
use crate::structure::chunk_index::fixed_array::{DataBlock, FixedArray};

impl File<'_> {
    /// The chunks of an array.
    pub(super) fn fixed_array_chunks(&self, array: Address, builder: &mut Builder<'_>) -> Result<(), Halt> {
        let (structure, sizes) = (Structure::FixedArray, self.sizes());
        let block = self.block(structure, array, FixedArray::header_size(sizes))?;
        let header = block.parse(structure, |i| FixedArray::parse(sizes, i))?;
        builder.agrees(array, header.format.size_width())?;
        let Some(address) = header.data_block else { return Ok(()) };
        let structure = Structure::FixedArrayBlock;
        let block = self.block(structure, address, header.data_block_size(sizes))?;
        let mut elements = Elements::new(builder, u64::MAX);
        match block.parse(structure, |i| header.data_block(sizes, i))? {
            DataBlock::Elements(all) => Ok(elements.add(self, 0, &all)?),
            DataBlock::Pages(pages) => {
                let place = |page: &u64| {
                    let offset = header.page_offset(sizes, *page);
                    let size = header.format.page_size(header.elements_of(*page));
                    (Address(address.0.saturating_add(offset)), size)
                };
                self.levels(Structure::FixedArrayPage, pages, place, |page, block, _| {
                    let parse = |i| header.format.page(sizes, header.elements_of(*page), i);
                    let page_elements = block.parse(Structure::FixedArrayPage, parse)?;
                    elements.add(self, page.saturating_mul(header.page_elements), &page_elements)
                })
            }
        }
    }
}

/// Elements of an array on their way into a table.
pub(super) struct Elements<'b, 'a> {
    builder: &'b mut Builder<'a>,
    numbering: Numbering,
    /// The index from which on elements count as never written.
    end: u64,
    /// Room for a position.
    position: Vec<u64>,
}

impl<'b, 'a> Elements<'b, 'a> {
    pub(super) fn new(builder: &'b mut Builder<'a>, end: u64) -> Self {
        let numbering = builder.numbering();
        Self { builder, numbering, end, position: Vec::new() }
    }

    /// Elements that follow one another from index `first` on.
    pub(super) fn add(&mut self, file: &File<'_>, first: u64, elements: &[Element]) -> Result<(), Error> {
        file.budget().chunks(wide(elements.len()))?;
        for (index, element) in (first..self.end).zip(elements) {
            let Some(address) = element.address else { continue };
            self.numbering.position(index, &mut self.position);
            self.builder.add(&self.position, address, element.filtered)?;
        }
        Ok(())
    }
}
