//! Filter pipelines, undone and applied ([IV.A.2.l], [VI]).

use bytes::Bytes;

use super::{Block, File};
#[cfg(feature = "bitshuffle")]
use crate::codec::bitshuffle;
#[cfg(feature = "bzip2")]
use crate::codec::bzip2;
#[cfg(feature = "fcidecomp")]
use crate::codec::fcidecomp;
#[cfg(feature = "lz4")]
use crate::codec::lz4;
use crate::codec::refusal::Refusal;
#[cfg(feature = "sperr")]
use crate::codec::sperr;
#[cfg(feature = "sz3")]
use crate::codec::sz3;
#[cfg(feature = "zfp")]
use crate::codec::zfp;
use crate::codec::{blosc, deflate, fletcher32, lzf, nbit, scaleoffset, shuffle, szip, zstd};
#[cfg(feature = "blosc")]
use crate::codec::{unblosc, unblosc2};
use crate::error::{Error, Problem, Structure, Unsupported};
use crate::field::convert::wide;
use crate::structure::message::filter_pipeline::{Filter, FilterPipeline};

/// Registered filter numbers.
pub(crate) mod ids {
    pub(crate) const DEFLATE: u16 = 1;
    pub(crate) const SHUFFLE: u16 = 2;
    pub(crate) const FLETCHER32: u16 = 3;
    pub(crate) const SZIP: u16 = 4;
    pub(crate) const NBIT: u16 = 5;
    pub(crate) const SCALE_OFFSET: u16 = 6;
    pub(crate) const BZIP2: u16 = 307;
    pub(crate) const LZF: u16 = 32_000;
    pub(crate) const BLOSC: u16 = 32_001;
    pub(crate) const LZ4: u16 = 32_004;
    pub(crate) const BITSHUFFLE: u16 = 32_008;
    pub(crate) const ZFP: u16 = 32_013;
    pub(crate) const ZSTD: u16 = 32_015;
    pub(crate) const FCIDECOMP: u16 = 32_018;
    pub(crate) const BIT_GROOM: u16 = 32_022;
    pub(crate) const GRANULAR_BIT_ROUND: u16 = 32_023;
    pub(crate) const SZ3: u16 = 32_024;
    pub(crate) const BLOSC2: u16 = 32_026;
    pub(crate) const SPERR: u16 = 32_028;
}

impl FilterPipeline {
    /// The filters that a chunk with this mask went through and that changed its bytes, in the order of writing.
    pub(crate) fn unmasked(&self, mask: u32) -> impl DoubleEndedIterator<Item = &Filter> {
        let applied =
            move |position: usize| u32::try_from(position).map_or(0, |n| mask.checked_shr(n).unwrap_or(0)) & 1 == 0;
        let filters = self.filters.iter().enumerate().filter(move |(position, _)| applied(*position));
        filters.map(|(_, filter)| filter).filter(|filter| !filter.is_idle())
    }

    /// Whether every filter is undone here that chunks with this mask went through.
    pub(crate) fn is_decoded(&self, mask: u32) -> bool {
        self.unmasked(mask).all(|filter| !matches!(filter.undo(&[], 0, &mut Vec::new()), Err(Refusal::Unsupported(_))))
    }

    /// What `bytes` become in the file.
    pub(crate) fn apply(&self, mask: u32, bytes: Vec<u8>) -> Result<Vec<u8>, Unsupported> {
        self.unmasked(mask).try_fold(bytes, |bytes, filter| match filter.id {
            ids::DEFLATE => Ok(deflate::encode(&bytes, filter.client_data.first().copied().unwrap_or(6))),
            ids::SHUFFLE => Ok(shuffle::encode(&bytes, filter.element_size())),
            ids::FLETCHER32 => Ok(fletcher32::encode(&bytes)),
            ids::BLOSC => {
                blosc::encode(&bytes, filter.client_data.get(2).copied().unwrap_or(1)).ok_or_else(|| filter.not_done())
            }
            #[cfg(feature = "bzip2")]
            ids::BZIP2 => Ok(bzip2::encode(&bytes, filter.client_data.first().copied().unwrap_or(9))),
            ids::ZSTD => Ok(zstd::encode(&bytes)),
            _ => Err(filter.not_done()),
        })
    }
}

impl Filter {
    /// Shuffle's parameter: bytes of an element. libhdf5 always stores it; without it shuffle does nothing.
    pub(crate) fn element_size(&self) -> u32 {
        self.client_data.first().copied().unwrap_or(1)
    }

    /// Whether nothing is to be undone: the quantizers of floats, which only round; nbit of types without padding bits, which
    /// says so in its second parameter (`H5Z__filter_nbit`); scale-offset of integers in all their bits.
    fn is_idle(&self) -> bool {
        match self.id {
            ids::BIT_GROOM | ids::GRANULAR_BIT_ROUND => true,
            ids::NBIT => self.client_data.get(1).is_some_and(|flag| *flag != 0),
            ids::SCALE_OFFSET => scaleoffset::is_idle(&self.client_data),
            _ => false,
        }
    }

    /// The refusal of a filter that has no Zarr codec.
    pub(crate) fn unsupported(&self) -> Unsupported {
        Unsupported::Filter { id: self.id, name: self.known_as().to_owned() }
    }

    /// The refusal of a filter that is not undone or not applied.
    fn not_done(&self) -> Unsupported {
        let name = self.known_as().to_owned();
        match self.missing_feature() {
            Some(feature) => Unsupported::CodingFeature { id: self.id, name, feature },
            None => Unsupported::Coding { id: self.id, name },
        }
    }

    /// The feature with which this crate undoes the filter, if it was built without.
    fn missing_feature(&self) -> Option<&'static str> {
        let (feature, is_there) = match self.id {
            ids::BITSHUFFLE => ("bitshuffle", cfg!(feature = "bitshuffle")),
            ids::BLOSC | ids::BLOSC2 => ("blosc", cfg!(feature = "blosc")),
            ids::BZIP2 => ("bzip2", cfg!(feature = "bzip2")),
            ids::FCIDECOMP => ("fcidecomp", cfg!(feature = "fcidecomp")),
            ids::LZ4 => ("lz4", cfg!(feature = "lz4")),
            ids::ZFP => ("zfp", cfg!(feature = "zfp")),
            ids::SPERR => ("sperr", cfg!(feature = "sperr")),
            ids::SZ3 => ("sz3", cfg!(feature = "sz3")),
            ids::ZSTD => ("zstd", cfg!(feature = "zstd")),
            _ => return None,
        };
        (!is_there).then_some(feature)
    }

    /// The filter's name in the registry of filters, else in the file.
    fn known_as(&self) -> &str {
        match self.id {
            1 => "deflate",
            2 => "shuffle",
            3 => "fletcher32",
            4 => "szip",
            5 => "nbit",
            6 => "scaleoffset",
            305 => "lzo",
            307 => "bzip2",
            32_000 => "lzf",
            32_001 => "blosc",
            32_002 => "mafisc",
            32_003 => "snappy",
            32_004 => "lz4",
            32_005 => "apax",
            32_006 => "cbf",
            32_007 => "jpeg-xr",
            32_008 => "bitshuffle",
            32_009 => "spdp",
            32_010 => "lpc-rice",
            32_011 => "ccsds-123",
            32_012 => "jpeg-ls",
            32_013 => "zfp",
            32_014 => "fpzip",
            32_015 => "zstd",
            32_016 => "b3d",
            32_017 => "sz",
            32_018 => "fcidecomp",
            32_019 => "jpeg",
            32_020 => "vbz",
            32_021 => "fapec",
            32_022 => "bitgroom",
            32_023 => "granular bitround",
            32_024 => "sz3",
            32_025 => "delta-rice",
            32_026 => "blosc2",
            32_027 => "flac",
            32_028 => "sperr",
            32_029 => "terse/prolix",
            32_030 => "ffmpeg",
            _ => self.name.as_deref().unwrap_or("unregistered"),
        }
    }

    /// Bytes before this filter, at most `most`, in place of those in `undone`.
    fn undo(&self, bytes: &[u8], most: u64, undone: &mut Vec<u8>) -> Result<(), Refusal> {
        let done = match self.id {
            ids::DEFLATE => return deflate::decode_into(bytes, most, undone).map_err(Refusal::Problem),
            ids::SHUFFLE => {
                shuffle::decode_into(bytes, self.element_size(), undone);
                return Ok(());
            }
            ids::FLETCHER32 => fletcher32::decode(bytes).map(<[u8]>::to_vec),
            ids::SZIP => szip::decode(bytes, &self.client_data, most),
            ids::NBIT => nbit::decode(bytes, &self.client_data, most),
            ids::SCALE_OFFSET => scaleoffset::decode(bytes, &self.client_data, most),
            ids::LZF => lzf::decode(bytes, most),
            #[cfg(feature = "bitshuffle")]
            ids::BITSHUFFLE => bitshuffle::decode(bytes, &self.client_data, most),
            #[cfg(feature = "blosc")]
            ids::BLOSC => unblosc::decode(bytes, most),
            #[cfg(feature = "blosc")]
            ids::BLOSC2 => unblosc2::decode(bytes, &self.client_data, most),
            #[cfg(feature = "bzip2")]
            ids::BZIP2 => bzip2::decode(bytes, most),
            #[cfg(feature = "fcidecomp")]
            ids::FCIDECOMP => {
                *undone = fcidecomp::decode(bytes, &self.client_data, most)?;
                return Ok(());
            }
            #[cfg(feature = "lz4")]
            ids::LZ4 => lz4::decode(bytes, most),
            #[cfg(feature = "zfp")]
            ids::ZFP => zfp::decode(bytes, &self.client_data, most),
            #[cfg(feature = "sperr")]
            ids::SPERR => sperr::decode(bytes, &self.client_data, most),
            #[cfg(feature = "sz3")]
            ids::SZ3 => return self.undo_sz3(bytes, most).map(|done| *undone = done),
            #[cfg(feature = "zstd")]
            ids::ZSTD => zstd::decode(bytes, most),
            _ => return Err(Refusal::Unsupported(self.not_done())),
        };
        *undone = done.map_err(Refusal::Problem)?;
        Ok(())
    }
}

#[cfg(feature = "sz3")]
impl Filter {
    /// SZ3, of which some streams are refused by what they say they are.
    fn undo_sz3(&self, bytes: &[u8], most: u64) -> Result<Vec<u8>, Refusal> {
        sz3::decode(bytes, &self.client_data, most).map_err(|refused| match refused {
            sz3::Refused::Damaged => Refusal::Problem(Problem::Decode("SZ3 stream")),
            sz3::Refused::Other(what) => {
                Refusal::Unsupported(Unsupported::Coding { id: self.id, name: format!("{} {what}", self.known_as()) })
            }
        })
    }
}

/// What chunks become on their way through the filters; used again from chunk to chunk.
#[derive(Debug, Default)]
pub(crate) struct Buffers {
    undone: Vec<u8>,
    before: Vec<u8>,
}

/// Bytes that went through filters, and where they lie.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Filtered<'a> {
    pub(crate) structure: Structure,
    /// File offset of the bytes.
    pub(crate) at: u64,
    pub(crate) bytes: &'a [u8],
    /// Which filters they skipped.
    pub(crate) mask: u32,
    /// Bytes before the filters.
    pub(crate) size: u64,
}

impl Filtered<'_> {
    /// Most bytes on the way: checksums and headers of later filters make a chunk a little longer.
    fn most(&self) -> u64 {
        self.size.saturating_add(self.size / 8).saturating_add(64)
    }

    fn refused(&self, refusal: Refusal) -> Error {
        match refusal {
            Refusal::Problem(problem) => Error::format(self.structure, self.at, problem),
            Refusal::Unsupported(what) => what.into(),
        }
    }
}

impl FilterPipeline {
    /// The bytes before the filters.
    pub(crate) fn undone<'b>(&self, filtered: &Filtered<'b>, buffers: &'b mut Buffers) -> Result<&'b [u8], Error> {
        let mut undone = false;
        for filter in self.unmasked(filtered.mask).rev() {
            std::mem::swap(&mut buffers.undone, &mut buffers.before);
            let bytes = if undone { buffers.before.as_slice() } else { filtered.bytes };
            let done = filter.undo(bytes, filtered.most(), &mut buffers.undone);
            done.map_err(|refusal| filtered.refused(refusal))?;
            undone = true;
        }
        let bytes = if undone { buffers.undone.as_slice() } else { filtered.bytes };
        if wide(bytes.len()) != filtered.size {
            let problem =
                Problem::Mismatch { field: "decoded size", found: wide(bytes.len()), expected: filtered.size };
            return Err(Error::format(filtered.structure, filtered.at, problem));
        }
        Ok(bytes)
    }
}

impl File<'_> {
    /// The `size` bytes that a block was before its filters.
    pub(crate) fn unfiltered(
        &self,
        structure: Structure,
        block: &Block,
        filters: (&FilterPipeline, u32),
        size: u64,
    ) -> Result<Bytes, Error> {
        let (pipeline, mask) = filters;
        let filtered = Filtered { structure, at: block.at, bytes: &block.bytes, mask, size };
        for _ in pipeline.unmasked(mask) {
            self.budget().decoded(filtered.most())?;
        }
        let mut buffers = Buffers::default();
        if pipeline.unmasked(mask).next().is_none() {
            return pipeline.undone(&filtered, &mut buffers).map(|_| block.bytes.clone());
        }
        pipeline.undone(&filtered, &mut buffers)?;
        Ok(Bytes::from(buffers.undone))
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    use serde_json::Value as Json;
    use sha2::{Digest, Sha256};

    use super::super::proofs::{object, opened, tree_of};
    use super::super::{ByteOrder, Class, Dataset, Datatype, Storage};
    use super::*;
    use crate::limits::Limits;
    use crate::reference::grid::position;

    /// A file and what libhdf5 says of it.
    macro_rules! file {
        ($case:literal) => {
            (
                $case,
                include_bytes!(concat!("../../testdata/filter/", $case, ".h5")).as_slice(),
                include_str!(concat!("../../testdata/filter/", $case, ".json")),
            )
        };
    }

    /// The chunks of a dataset, decoded and put together; elements that were never written are zero.
    fn elements(file: &[u8], dataset: &Dataset) -> Vec<u8> {
        let Storage::Chunked { chunk, chunks: Some(Ok(table)), .. } = &dataset.storage else { panic!("no chunks") };
        let shape = &dataset.dataspace.dimensions;
        let size = usize::try_from(dataset.datatype.size).unwrap();
        let total = usize::try_from(shape.iter().product::<u64>()).unwrap();
        let in_chunk = chunk.iter().product::<u64>();
        let grid: Vec<u64> = shape.iter().zip(chunk).map(|(size, chunk)| size.div_ceil(*chunk)).collect();
        let mut all = vec![0; total * size];
        let decoded = |n: usize| {
            let range = table.offset[n]..table.offset[n] + table.size[n];
            let filters = (&dataset.filters, table.mask(n));
            let decode = |file: &File<'_>| {
                let block = file.read_blocks(std::slice::from_ref(&range))?.remove(0);
                Ok(file.unfiltered(Structure::Chunk, &block, filters, in_chunk * u64::from(dataset.datatype.size))?)
            };
            opened(file, Limits::default(), decode).unwrap()
        };
        for n in 0..table.number.len() {
            let corner = position(table.number[n], &grid);
            for (inside, element) in (0..in_chunk).zip(decoded(n).chunks_exact(size)) {
                let inside = position(inside, chunk);
                let at: Vec<u64> = corner.iter().zip(chunk).zip(inside).map(|((n, size), at)| n * size + at).collect();
                if at.iter().zip(shape).all(|(at, size)| at < size) {
                    let at = at.iter().zip(shape).fold(0, |n, (at, size)| n * size + at);
                    let at = usize::try_from(at).unwrap() * size;
                    all[at..at + size].copy_from_slice(element);
                }
            }
        }
        all
    }

    /// Turns an element into what libhdf5 converts it to: little-endian, without padding bits, and with its sign.
    fn convert(datatype: &Datatype, element: &mut [u8]) {
        match &datatype.class {
            Class::FixedPoint { order, signed, bits } => {
                if *order == ByteOrder::Big {
                    element.reverse();
                }
                let mut number = [0; 8];
                number[..element.len()].copy_from_slice(element);
                let unused = 64 - u32::from(bits.precision);
                let number = u64::from_le_bytes(number) >> bits.offset << unused;
                let number = if *signed { (number.cast_signed() >> unused).cast_unsigned() } else { number >> unused };
                element.copy_from_slice(&number.to_le_bytes()[..element.len()]);
            }
            Class::FloatingPoint { order: ByteOrder::Big, .. } => element.reverse(),
            Class::FloatingPoint { .. } | Class::String(_) => {}
            Class::Array { base, .. } => {
                let size = usize::try_from(base.size).unwrap();
                element.chunks_exact_mut(size).for_each(|element| convert(base, element));
            }
            Class::Compound(members) => members.iter().for_each(|member| {
                let start = usize::try_from(member.offset).unwrap();
                let size = usize::try_from(member.datatype.size).unwrap();
                convert(&member.datatype, &mut element[start..start + size]);
            }),
            other => panic!("no test of {other:?}"),
        }
    }

    #[test]
    fn chunks_decode_to_what_libhdf5_reads() {
        let files = [
            file!("lzf"),
            file!("lzf_runs"),
            file!("nbit"),
            file!("nbit_numbers"),
            file!("nbit_records"),
            file!("nbit_whole"),
            file!("scale_offset"),
            file!("scale_offset_floats"),
            file!("scale_offset_integers"),
            #[cfg(feature = "sz3")]
            file!("sz3"),
            #[cfg(feature = "sz3")]
            file!("sz3_integers"),
            file!("szip"),
            file!("szip_pixels"),
        ];
        let mut compared = 0;
        for (case, bytes, expectation) in files {
            let expectation: Json = serde_json::from_str(expectation).unwrap();
            let tree = tree_of(bytes);
            for (path, expected) in expectation["objects"].as_object().unwrap() {
                // What libhdf5 reads there is not what was written.
                if expected["kind"] != "dataset" || path == "/lost" {
                    continue;
                }
                let dataset = object(&tree, path).dataset().unwrap();
                let mut found = elements(bytes, dataset);
                let size = usize::try_from(dataset.datatype.size).unwrap();
                found.chunks_exact_mut(size).for_each(|element| convert(&dataset.datatype, element));
                let same = match &expected["values"] {
                    Json::String(values) => found == STANDARD.decode(values).unwrap(),
                    _ => format!("{:x}", Sha256::digest(&found)) == expected["sha256"].as_str().unwrap(),
                };
                assert!(same, "{case} {path}: {:x?}", &found[..found.len().min(400)]);
                compared += 1;
            }
        }
        assert!(compared > 240, "{compared}");
    }

    #[test]
    fn a_filter_that_this_build_lacks_is_refused_with_its_feature() {
        let features = [
            (ids::BITSHUFFLE, "bitshuffle", cfg!(feature = "bitshuffle")),
            (ids::BLOSC, "blosc", cfg!(feature = "blosc")),
            (ids::BZIP2, "bzip2", cfg!(feature = "bzip2")),
            (ids::FCIDECOMP, "fcidecomp", cfg!(feature = "fcidecomp")),
            (ids::LZ4, "lz4", cfg!(feature = "lz4")),
            (ids::ZFP, "zfp", cfg!(feature = "zfp")),
            (ids::SPERR, "sperr", cfg!(feature = "sperr")),
            (ids::SZ3, "sz3", cfg!(feature = "sz3")),
            (ids::ZSTD, "zstd", cfg!(feature = "zstd")),
        ];
        for (id, name, is_there) in features {
            let filter = Filter { id, name: None, optional: false, client_data: vec![] };
            let refusal = match filter.undo(&[1], 0, &mut Vec::new()) {
                Err(Refusal::Unsupported(refusal)) => Some(refusal.to_string()),
                _ => None,
            };
            let expected = format!(
                "filter {id} ({name}) would have to be undone or applied, which h5refs does only where it is built with the feature \"{name}\""
            );
            assert_eq!(refusal, (!is_there).then_some(expected));
        }
        let other = Filter { id: 32_017, name: None, optional: false, client_data: vec![] };
        let Err(Refusal::Unsupported(refusal)) = other.undo(&[1], 0, &mut Vec::new()) else { panic!("SZ was undone") };
        assert_eq!(refusal.to_string(), "filter 32017 (sz) would have to be undone or applied, which is not done");
    }
}
