//! Where the chunks of a variable lie, as `dmrpp:chunks` and `dmrpp:chunk` say.

use std::collections::HashMap;

use super::malformed;
use super::number::{number, numbers};
use super::xml::Element;
use crate::error::{Error, Problem, Unsupported};
use crate::field::convert::wide;
use crate::file::{ChunkTable, FilterMasks};
use crate::limits::Budget;

/// Most dimensions of a variable (`H5S_MAX_RANK`).
pub(crate) const MOST_DIMENSIONS: usize = 32;

/// Most names of other files that one sidecar may have.
const MOST_FILES: usize = 65_536;

/// The chunks of a variable.
#[derive(Debug, Default)]
pub(crate) struct Chunks {
    /// Where they are in the text.
    pub(crate) at: u64,
    /// Names of filters.
    pub(crate) compression: Option<String>,
    pub(crate) levels: Option<String>,
    pub(crate) fill: Option<String>,
    pub(crate) order: Option<String>,
    /// Ends of a structure's members, but that of the last is the structure's.
    pub(crate) ends: Option<String>,
    /// Sizes of a chunk.
    pub(crate) sizes: Option<String>,
    offset: Vec<u64>,
    bytes: Vec<u64>,
    mask: Vec<u32>,
    /// Numbers of files.
    file: Vec<usize>,
    /// Positions of the first elements, one after another.
    first: Vec<u64>,
    /// Dimensions of a position; none of a chunk that has none.
    rank: Option<usize>,
    /// An attribute that may mean anything.
    pub(crate) unknown: Option<String>,
    /// The first thing that is wrong with them.
    pub(crate) wrong: Option<Error>,
}

/// One piece that holds all elements.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Piece {
    pub(crate) offset: u64,
    pub(crate) bytes: u64,
    pub(crate) file: usize,
}

impl Chunks {
    /// `dmrpp:chunks`.
    pub(crate) fn new(element: &Element) -> Result<Self, Error> {
        const KNOWN: [&str; 8] = [
            "compressionType",
            "deflateLevel",
            "deflate_level",
            "fillValue",
            "byteOrder",
            "structOffset",
            // Whether Hyrax may copy chunks as they are into netCDF files.
            "DIO",
            "LBChunk",
        ];
        if element.attribute("LBChunk").is_some_and(|value| value != "false") {
            return Err(Unsupported::Feature("a chunk of several linked blocks").into());
        }
        let of = |name| element.attribute(name).map(str::to_owned);
        Ok(Self {
            at: element.at,
            unknown: element.other_than(&KNOWN).map(|other| format!("what the attribute {other} of chunks means")),
            compression: of("compressionType"),
            levels: of("deflateLevel").or_else(|| of("deflate_level")),
            fill: of("fillValue"),
            order: of("byteOrder"),
            ends: of("structOffset"),
            ..Self::default()
        })
    }

    /// `dmrpp:chunkDimensionSizes`.
    pub(crate) fn set_sizes(&mut self, sizes: String) {
        if self.sizes.replace(sizes).is_some() {
            let twice = malformed(self.at, Problem::Duplicate("chunkDimensionSizes"));
            self.wrong.get_or_insert(twice);
        }
    }

    /// `dmrpp:chunk`.
    pub(crate) fn push(&mut self, element: &Element, files: &mut Files, budget: &Budget) -> Result<(), Error> {
        const KNOWN: [&str; 6] = ["offset", "nBytes", "chunkPositionInArray", "fm", "href", "trust"];
        budget.chunks(1)?;
        if let Some(other) = element.other_than(&KNOWN).filter(|_| self.unknown.is_none()) {
            self.unknown = Some(format!("what the attribute {other} of a chunk means"));
        }
        let wrong = |name| malformed(element.at, Problem::Number(name));
        let field = |name| element.attribute(name).and_then(number).ok_or_else(|| wrong(name));
        let (offset, bytes) = (field("offset")?, field("nBytes")?);
        if bytes == 0 || offset.checked_add(bytes).is_none() {
            return Err(wrong("nBytes"));
        }
        let mask = element.attribute("fm").map_or(Some(0), |mask| u32::try_from(number(mask)?).ok());
        let mask = mask.ok_or_else(|| wrong("fm"))?;
        let first = element.attribute("chunkPositionInArray").map_or(Some(Vec::new()), position);
        let first = first.ok_or_else(|| wrong("chunkPositionInArray"))?;
        if *self.rank.get_or_insert(first.len()) != first.len() {
            return Err(wrong("chunkPositionInArray"));
        }
        let file = files.number(element.attribute("href"))?;
        self.offset.push(offset);
        self.bytes.push(bytes);
        self.mask.push(mask);
        self.file.push(file);
        self.first.extend(first);
        Ok(())
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.offset.len()
    }

    /// The one piece that there is, or none; pieces that lie somewhere in the array are chunks.
    pub(crate) fn piece(&self) -> Result<Option<Piece>, Error> {
        let wrong = |problem| malformed(self.at, problem);
        match (self.offset.as_slice(), self.bytes.as_slice(), self.file.as_slice(), self.rank) {
            ([], ..) => Ok(None),
            (&[offset], &[bytes], &[file], None | Some(0)) if self.mask == [0] => {
                Ok(Some(Piece { offset, bytes, file }))
            }
            (_, _, _, None | Some(0)) => Err(wrong(Problem::Missing("chunkPositionInArray"))),
            _ => Err(wrong(Problem::Missing("chunkDimensionSizes"))),
        }
    }

    /// Chunks of a shape in C order, and the file of each.
    pub(crate) fn table(&self, shape: &[u64], chunk: &[u64]) -> Result<(ChunkTable, Vec<usize>), Error> {
        let wrong = |problem| malformed(self.at, problem);
        let rank = shape.len();
        let grid: Vec<u64> = shape.iter().zip(chunk).map(|(size, chunk)| size.div_ceil((*chunk).max(1))).collect();
        if grid.iter().try_fold(1_u64, |n, size| n.checked_mul(*size)).is_none() {
            return Err(wrong(Problem::Overflow("number of chunks")));
        }
        if !self.offset.is_empty() && self.rank != Some(rank) {
            let (found, expected) = (wide(self.rank.unwrap_or(0)), wide(rank));
            return Err(wrong(Problem::Mismatch { field: "dimensions of chunkPositionInArray", found, expected }));
        }
        let number = |first: &[u64]| -> Option<u64> {
            let places = first.iter().zip(shape).zip(chunk).zip(&grid);
            let mut number = 0_u64;
            for (((first, size), chunk), grid) in places {
                let place = first.checked_div(*chunk).filter(|place| place.checked_mul(*chunk) == Some(*first))?;
                number = number.checked_mul(*grid)?.checked_add(place).filter(|_| first < size)?;
            }
            Some(number)
        };
        let numbers: Option<Vec<u64>> = match rank {
            0 => Some(vec![0; self.offset.len()]),
            _ => self.first.chunks_exact(rank).map(number).collect(),
        };
        let numbers = numbers.ok_or_else(|| wrong(Problem::Number("chunkPositionInArray")))?;
        let mut order: Vec<usize> = (0..numbers.len()).collect();
        order.sort_unstable_by_key(|n| numbers.get(*n));
        let of = |column: &[u64]| -> Vec<u64> { order.iter().filter_map(|n| column.get(*n).copied()).collect() };
        let number = of(&numbers);
        if number.windows(2).any(|two| two.first() == two.last()) {
            return Err(wrong(Problem::Duplicate("chunkPositionInArray")));
        }
        self.apart()?;
        let masks: Vec<u32> = order.iter().filter_map(|n| self.mask.get(*n).copied()).collect();
        let uniform = masks.windows(2).all(|two| two.first() == two.last());
        let masks = match masks.first() {
            None => FilterMasks::default(),
            Some(mask) if uniform => FilterMasks::Uniform(*mask),
            _ => FilterMasks::Each(masks),
        };
        let files = order.iter().filter_map(|n| self.file.get(*n).copied()).collect();
        Ok((ChunkTable { grid, number, offset: of(&self.offset), size: of(&self.bytes), masks }, files))
    }

    /// Refuses chunks that lie in one another: no file has them.
    fn apart(&self) -> Result<(), Error> {
        let places = self.file.iter().zip(&self.offset).zip(&self.bytes);
        let mut places: Vec<(usize, u64, u64)> =
            places.map(|((file, offset), bytes)| (*file, *offset, offset.saturating_add(*bytes))).collect();
        places.sort_unstable();
        let overlaps = |two: &[(usize, u64, u64)]| match two {
            [(file, _, end), (other, offset, _)] => file == other && offset < end,
            _ => false,
        };
        match places.windows(2).find(|two| overlaps(two)) {
            None => Ok(()),
            Some(_) => Err(malformed(self.at, Problem::Duplicate("bytes of two chunks"))),
        }
    }

    /// Sizes of a chunk, as many as there are dimensions and none of them 0.
    pub(crate) fn chunk(&self, sizes: &str, rank: usize) -> Result<Vec<u64>, Error> {
        let chunk = numbers(sizes, MOST_DIMENSIONS).filter(|chunk| chunk.len() == rank && !chunk.contains(&0));
        chunk.ok_or_else(|| malformed(self.at, Problem::Number("chunkDimensionSizes")))
    }
}

/// `[0,10]`.
fn position(text: &str) -> Option<Vec<u64>> {
    let inside = text.trim().strip_prefix('[')?.strip_suffix(']')?;
    let position: Option<Vec<u64>> = inside.split(',').take(MOST_DIMENSIONS.saturating_add(1)).map(number).collect();
    position.filter(|position| position.len() <= MOST_DIMENSIONS)
}

/// The names of files, each once; the first is the sidecar's own.
#[derive(Debug, Default)]
pub(crate) struct Files {
    names: Vec<String>,
    numbers: HashMap<String, usize>,
}

impl Files {
    pub(crate) fn new(own: Option<String>) -> Self {
        let mut files = Self::default();
        if let Some(own) = own {
            files.numbers.insert(own.clone(), 0);
            files.names.push(own);
        }
        files
    }

    pub(crate) fn names(&self) -> &[String] {
        &self.names
    }

    /// The number of the file that a chunk names. Where the data set names none, the first chunk does.
    fn number(&mut self, href: Option<&str>) -> Result<usize, Error> {
        let Some(href) = href.filter(|href| !href.is_empty()) else { return Ok(0) };
        if let Some(known) = self.numbers.get(href) {
            return Ok(*known);
        }
        let number = self.names.len();
        if number >= MOST_FILES {
            return Err(Unsupported::Feature("a sidecar of more than 65,536 files").into());
        }
        self.names.push(href.to_owned());
        self.numbers.insert(href.to_owned(), number);
        Ok(number)
    }
}
