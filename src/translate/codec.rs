//! Filter pipelines as Zarr codecs.

use super::options::CodecPolicy;
use crate::error::{Problem, Unsupported};
use crate::file::{Filter, FilterPipeline, filter_ids as ids};
use crate::zarr::Codec;

/// Bytes of the checksum that Fletcher-32 puts after a chunk.
const CHECKSUM: u64 = 4;

/// What a pipeline becomes.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Codecs {
    pub(crate) filters: Vec<Codec>,
    /// Bytes at the end of every chunk that are left out of its reference: a checksum that nothing encodes further.
    pub(crate) trailing: u64,
    /// Bytes of every chunk before those, if no codec gives each a length of its own.
    pub(crate) stored: Option<u64>,
}

/// How many times its stored bytes imagecodecs lets an LZF stream without header have decoded.
const MOST_OF_LZF: u64 = 8;

impl Codecs {
    /// How much of a chunk of so many stored bytes is referenced. Of one that is not as long as its shape and codecs call for, libhdf5
    /// reads what lies behind it in memory (`H5D__chunk_lock` looks at no length), and readers of Zarr nothing.
    pub(crate) fn referenced(&self, stored: u64) -> Result<u64, Problem> {
        let length = stored.checked_sub(self.trailing).ok_or(Problem::Truncated)?;
        match self.stored {
            Some(expected) if expected != length => {
                Err(Problem::Mismatch { field: "decoded size", found: length, expected })
            }
            _ => Ok(length),
        }
    }

    /// The same, if they decode chunks of `bytes` bytes that are stored in so many bytes each.
    pub(crate) fn of_chunks(self, bytes: u64, stored: &[u64]) -> Result<Self, Unsupported> {
        let is_lzf = |codec: &Codec| matches!(codec, Codec::ImagecodecsLzf { .. });
        // Checksums before it are decoded with it.
        let most = bytes.saturating_add(CHECKSUM.saturating_mul(u64::try_from(self.filters.len()).unwrap_or(u64::MAX)));
        let fits = |stored: &u64| stored.saturating_sub(self.trailing).saturating_mul(MOST_OF_LZF) >= most;
        let is_last = self.filters.last().is_some_and(is_lzf);
        if self.filters.iter().any(is_lzf) && !(is_last && stored.iter().all(fits)) {
            return Err(Unsupported::Filter { id: ids::LZF, name: "lzf".to_owned() });
        }
        Ok(self)
    }
}

/// The codecs of chunks of `bytes` bytes that skip the filters in `mask`, in the pipeline's order.
pub(crate) fn codecs(
    pipeline: &FilterPipeline,
    mask: u32,
    bytes: u64,
    policy: CodecPolicy,
) -> Result<Codecs, Unsupported> {
    let applied: Vec<&Filter> = pipeline.unmasked(mask).collect();
    let checksums = applied.iter().rev().take_while(|filter| filter.id == ids::FLETCHER32).count();
    let kept = applied.len().saturating_sub(checksums);
    let mut filters = Vec::with_capacity(kept);
    // Bytes before each filter, as long as they can be told.
    let mut length = Some(bytes);
    for filter in applied.into_iter().take(kept) {
        match filter.id {
            ids::DEFLATE => {
                filters.push(Codec::Zlib { level: filter.client_data.first().copied().unwrap_or(6).cast_signed() });
                length = None;
            }
            ids::SHUFFLE => filters.extend(shuffle(filter.element_size(), length)?),
            ids::FLETCHER32 => {
                filters.push(Codec::Fletcher32);
                length = length.map(|length| length.saturating_add(CHECKSUM));
            }
            _ => {
                let others = if policy == CodecPolicy::Imagecodecs { imagecodecs(filter, length) } else { None };
                filters.push(others.map_or_else(|| foreign(filter), Ok)?);
                length = None;
            }
        }
    }
    let trailing = CHECKSUM.saturating_mul(u64::try_from(checksums).unwrap_or(u64::MAX));
    Ok(Codecs { filters, trailing, stored: length })
}

/// A filter that this crate does not decode and numcodecs does: the frames say all that decoding needs, the parameters are those
/// of the encoder.
fn foreign(filter: &Filter) -> Result<Codec, Unsupported> {
    let parameter = |n: usize, default| filter.client_data.get(n).copied().unwrap_or(default);
    match filter.id {
        ids::BZIP2 => Ok(Codec::Bz2 { level: parameter(0, 9).cast_signed() }),
        ids::ZSTD => Ok(Codec::Zstd { level: parameter(0, 3).cast_signed() }),
        // The first four are versions, size of an element, size of a chunk (hdf5-blosc, blosc_filter.c).
        ids::BLOSC => {
            let cname = match parameter(6, 0) {
                0 => "blosclz",
                1 => "lz4",
                2 => "lz4hc",
                4 => "zlib",
                5 => "zstd",
                // numcodecs is built without Snappy, which has the number 3.
                _ => return Err(filter.unsupported()),
            };
            Ok(Codec::Blosc {
                cname: cname.into(),
                clevel: parameter(4, 5),
                shuffle: parameter(5, 1).cast_signed(),
                blocksize: 0,
            })
        }
        _ => Err(filter.unsupported()),
    }
}

/// A filter of `length` bytes that numcodecs does not undo and imagecodecs does, bit for bit.
fn imagecodecs(filter: &Filter, length: Option<u64>) -> Option<Codec> {
    match (filter.id, filter.client_data.as_slice()) {
        (ids::LZF, _) => Some(Codec::ImagecodecsLzf { header: false }),
        (ids::LZ4, _) => Some(Codec::ImagecodecsLz4h5),
        (ids::SZIP, &[options_mask, pixels_per_block, bits_per_pixel, pixels_per_scanline]) => {
            Some(Codec::ImagecodecsSzip { options_mask, pixels_per_block, bits_per_pixel, pixels_per_scanline })
        }
        // In blocks of the default size, of elements that make whole bytes of each bit. Where zarr hands it an array, imagecodecs
        // 2026.3.6 takes the size of an element from that, bytes, and not from the codec.
        (ids::BITSHUFFLE, [_, _, 1, 0] | [_, _, 1, 0, 0]) => {
            let whole = length.is_some_and(|length| length.is_multiple_of(8));
            whole.then_some(Codec::ImagecodecsBitshuffle { itemsize: 1 })
        }
        _ => None,
    }
}

/// Shuffle of `length` bytes; numcodecs refuses bytes that are no whole number of elements.
fn shuffle(elementsize: u32, length: Option<u64>) -> Result<Option<Codec>, Unsupported> {
    let whole = length.is_some_and(|length| length.is_multiple_of(elementsize.into()));
    match elementsize {
        // It leaves the bytes as they are.
        0 | 1 => Ok(None),
        _ if whole => Ok(Some(Codec::Shuffle { elementsize })),
        _ => Err(Unsupported::Feature("shuffle of bytes that are no whole number of elements")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pipeline(filters: &[(u16, &[u32])]) -> FilterPipeline {
        let filter = |(id, values): &(u16, &[u32])| Filter {
            id: *id,
            name: None,
            optional: false,
            client_data: values.to_vec(),
        };
        FilterPipeline { filters: filters.iter().map(filter).collect() }
    }

    #[test]
    fn order_is_kept_and_a_trailing_checksum_is_left_out() {
        let pipeline = pipeline(&[(2, &[4]), (1, &[5]), (3, &[])]);
        let filters = vec![Codec::Shuffle { elementsize: 4 }, Codec::Zlib { level: 5 }];
        assert_eq!(codecs(&pipeline, 0, 400, CodecPolicy::Standard), Ok(Codecs { filters, trailing: 4, stored: None }));
        assert_eq!(
            codecs(&pipeline, 0b101, 400, CodecPolicy::Standard),
            Ok(Codecs { filters: vec![Codec::Zlib { level: 5 }], trailing: 0, stored: None })
        );
    }

    #[test]
    fn a_checksum_in_the_middle_is_a_codec() {
        let pipeline = pipeline(&[(3, &[]), (2, &[4]), (1, &[1])]);
        let filters = [Codec::Fletcher32, Codec::Shuffle { elementsize: 4 }, Codec::Zlib { level: 1 }];
        assert_eq!(codecs(&pipeline, 0, 400, CodecPolicy::Standard).unwrap().filters, filters);
    }

    #[test]
    fn frames_that_numcodecs_decodes_are_codecs() {
        let pipeline = pipeline(&[(2, &[4]), (32_001, &[2, 2, 4, 400, 7, 2, 5]), (32_015, &[u32::MAX]), (307, &[])]);
        let filters = vec![
            Codec::Shuffle { elementsize: 4 },
            Codec::Blosc { cname: "zstd".into(), clevel: 7, shuffle: 2, blocksize: 0 },
            Codec::Zstd { level: -1 },
            Codec::Bz2 { level: 9 },
        ];
        let codecs = codecs(&pipeline, 0, 400, CodecPolicy::Standard).unwrap();
        assert_eq!(codecs.filters, filters);
        assert_eq!(
            serde_json::to_string(&codecs.filters[1..3]).unwrap(),
            r#"[{"id":"blosc","cname":"zstd","clevel":7,"shuffle":2,"blocksize":0},{"id":"zstd","level":-1}]"#
        );
    }

    #[test]
    fn what_imagecodecs_decodes_is_a_codec_where_that_is_wanted() {
        let of = |filters: &[(u16, &[u32])], bytes| codecs(&pipeline(filters), 0, bytes, CodecPolicy::Imagecodecs);
        let told = |filters: &[(u16, &[u32])]| serde_json::to_string(&of(filters, 64).unwrap().filters).unwrap();
        assert_eq!(told(&[(32_000, &[4, 261, 64])]), r#"[{"id":"imagecodecs_lzf","header":false}]"#);
        assert_eq!(told(&[(32_004, &[0])]), r#"[{"id":"imagecodecs_lz4h5"}]"#);
        assert_eq!(
            told(&[(4, &[141, 16, 32, 128])]),
            r#"[{"id":"imagecodecs_szip","options_mask":141,"pixels_per_block":16,"bits_per_pixel":32,"pixels_per_scanline":128}]"#
        );
        assert_eq!(told(&[(32_008, &[0, 3, 1, 0, 0])]), r#"[{"id":"imagecodecs_bitshuffle","itemsize":1}]"#);
        // With compression, in other blocks, of larger elements, of bytes that do not make whole groups, or that nobody can count.
        for (values, bytes) in
            [([0, 3, 1, 0, 2], 64), ([0, 3, 1, 16, 0], 64), ([0, 3, 4, 0, 0], 64), ([0, 3, 1, 0, 0], 68)]
        {
            assert!(of(&[(32_008, &values)], bytes).is_err(), "{values:?} {bytes}");
        }
        assert!(of(&[(1, &[5]), (32_008, &[0, 3, 1, 0, 0])], 64).is_err());
        assert!(of(&[(5, &[8, 0])], 64).is_err());
    }

    #[test]
    fn lzf_of_more_than_8_times_its_bytes_is_no_codec_of_imagecodecs() {
        let codecs = |filters: &[(u16, &[u32])], stored: &[u64]| {
            let codecs = codecs(&pipeline(filters), 0, 400, CodecPolicy::Imagecodecs).unwrap();
            codecs.of_chunks(400, stored).is_ok()
        };
        // A checksum for each codec is allowed for.
        assert!(codecs(&[(32_000, &[])], &[51, 400]));
        assert!(!codecs(&[(32_000, &[])], &[400, 50]));
        assert!(!codecs(&[(32_000, &[]), (3, &[])], &[54]));
        assert!(codecs(&[(32_000, &[]), (3, &[])], &[55]));
        assert!(!codecs(&[(32_000, &[]), (1, &[5])], &[400]));
        assert!(codecs(&[(32_004, &[])], &[1]));
    }

    #[test]
    fn filters_that_leave_nothing_to_undo_are_left_out() {
        let pipeline = pipeline(&[(32_022, &[3, 4]), (2, &[4]), (5, &[8, 1]), (3, &[]), (32_023, &[3, 4])]);
        let filters = vec![Codec::Shuffle { elementsize: 4 }];
        assert_eq!(
            codecs(&pipeline, 0, 400, CodecPolicy::Standard),
            Ok(Codecs { filters, trailing: 4, stored: Some(400) })
        );
        assert_eq!(pipeline.apply(0b1010, b"abcd".to_vec()), Ok(b"abcd".to_vec()));
    }

    #[test]
    fn what_no_reader_decodes_is_refused_by_name() {
        let message = |filters: &[(u16, &[u32])]| {
            codecs(&pipeline(filters), 0, 400, CodecPolicy::Standard).unwrap_err().to_string()
        };
        let names = [
            (4, "szip"),
            (5, "nbit"),
            (6, "scaleoffset"),
            (32_000, "lzf"),
            (32_004, "lz4"),
            (32_008, "bitshuffle"),
            (32_013, "zfp"),
            (32_017, "sz"),
            (32_018, "fcidecomp"),
            (32_019, "jpeg"),
            (32_024, "sz3"),
            (32_026, "blosc2"),
            (32_030, "ffmpeg"),
            (499, "unregistered"),
        ];
        for (id, name) in names {
            assert_eq!(message(&[(id, &[8, 0])]), format!("filter {id} ({name}) has no Zarr v2 codec"));
        }
        assert_eq!(
            message(&[(1, &[6]), (2, &[4])]),
            "shuffle of bytes that are no whole number of elements is not supported"
        );
    }
}
