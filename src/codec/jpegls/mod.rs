//! JPEG-LS images, lossless and near-lossless (ISO/IEC 14495-1, which is ITU-T T.87), as `CharLS` writes them.

mod bits;
mod contexts;
mod markers;
mod parameters;
mod scan;

use self::markers::{Frame, Interleave, Markers, ScanHeader, wrong};
use self::parameters::Parameters;
use self::scan::{Line, Scan};
use super::refusal::Refusal;
use crate::error::Problem;
use crate::field::convert::{narrow, wide};

/// The samples of an image, at most `most` bytes: one for samples of at most 8 bits, else two, little-endian. Components come one after
/// another, unless scans have several: then the samples of a pixel do.
pub(crate) fn decode(image: &[u8], most: u64) -> Result<Vec<u8>, Refusal> {
    let mut markers = Markers::new(image)?;
    let mut samples = Samples::default();
    let mut decoded = 0_usize;
    while let Some(header) = markers.scan()? {
        let frame = markers.frame.as_ref().ok_or(wrong())?;
        samples.is_wide = frame.bits > 8;
        if frame.bytes() > most {
            return Err(Problem::Mismatch { field: "JPEG-LS image", found: frame.bytes(), expected: most }.into());
        }
        let end = decoded.saturating_add(header.components.len());
        if frame.components.get(decoded..end) != Some(&header.components) || header.components.is_empty() {
            return Err(wrong().into());
        }
        decoded = end;
        let parameters = Parameters::new(frame.bits, header.near, &markers.preset)?;
        let scan = Scan::new(markers.rest, parameters);
        markers.rest = scan_into(scan, frame, &header, &mut samples).ok_or(wrong())?;
    }
    let whole = markers.frame.is_some_and(|frame| frame.components.len() == decoded);
    if whole { Ok(samples.bytes) } else { Err(wrong().into()) }
}

impl Frame {
    /// Bytes of the decoded image.
    fn bytes(&self) -> u64 {
        let size = if self.bits > 8 { 2 } else { 1 };
        let pixels = u64::from(self.lines).saturating_mul(self.samples.into());
        pixels.saturating_mul(wide(self.components.len())).saturating_mul(size)
    }
}

/// Appends the samples of a scan; gives what comes after it.
fn scan_into<'a>(scan: Scan<'a>, frame: &Frame, header: &ScanHeader, samples: &mut Samples) -> Option<&'a [u8]> {
    match (header.components.len(), header.interleave) {
        (1, _) => pixels::<1>(scan, frame, samples),
        (count, Interleave::Line) => lines(scan, frame, count, samples),
        (2, Interleave::Sample) => pixels::<2>(scan, frame, samples),
        (3, Interleave::Sample) => pixels::<3>(scan, frame, samples),
        (4, Interleave::Sample) => pixels::<4>(scan, frame, samples),
        _ => None,
    }
}

/// A line above the first one.
fn zeros<const N: usize>(frame: &Frame) -> Line<N> {
    vec![[0; N]; narrow(frame.samples.into()).saturating_add(2)]
}

/// The samples of a line without its ends.
fn inner<const N: usize>(line: &Line<N>) -> impl Iterator<Item = &[i32; N]> {
    line.iter().skip(1).take(line.len().saturating_sub(2))
}

/// A scan of pixels of `N` samples.
fn pixels<'a, const N: usize>(mut scan: Scan<'a>, frame: &Frame, samples: &mut Samples) -> Option<&'a [u8]> {
    let (mut above, mut line, mut run_index) = (zeros::<N>(frame), Line::new(), 0);
    for _ in 0..frame.lines {
        scan.line(&above, &mut run_index, &mut line)?;
        inner(&line).flatten().for_each(|sample| samples.push(*sample));
        std::mem::swap(&mut above, &mut line);
    }
    scan.end()
}

/// A scan of lines of each component in turn.
fn lines<'a>(mut scan: Scan<'a>, frame: &Frame, count: usize, samples: &mut Samples) -> Option<&'a [u8]> {
    let mut components = vec![(zeros::<1>(frame), Line::new(), 0); count];
    for _ in 0..frame.lines {
        for (above, line, run_index) in &mut components {
            scan.line(above, run_index, line)?;
            std::mem::swap(above, line);
        }
        for x in 1..=usize::from(frame.samples) {
            for (line, ..) in &components {
                let [sample] = *line.get(x)?;
                samples.push(sample);
            }
        }
    }
    scan.end()
}

/// The bytes of the samples.
#[derive(Default)]
struct Samples {
    /// Whether a sample has two bytes.
    is_wide: bool,
    bytes: Vec<u8>,
}

impl Samples {
    fn push(&mut self, sample: i32) {
        let [low, high, ..] = sample.to_le_bytes();
        self.bytes.push(low);
        if self.is_wide {
            self.bytes.push(high);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::error::Unsupported;

    /// The example of T.87, H.3: four lines of four samples.
    const IMAGE: [u8; 57] = [
        0xff, 0xd8, // SOI
        0xff, 0xf7, 0, 11, // SOF55, its length
        8,  // P
        0, 4, // Y
        0, 4, // X
        1, // Nf
        1, 0x11, 0, // C, H and V, Tq
        0xff, 0xda, 0, 8, // SOS, its length
        1, // Ns
        1, 0, // Cs, Tm
        0, // NEAR
        0, // ILV
        0, // point transform
        0xc0, 0x00, 0x00, 0x6c, 0x80, 0x20, 0x8e, 0x01, 0xc0, 0x00, 0x00, 0x57, 0x40, 0x00, 0x00, 0x6e, 0xe6, 0x00,
        0x00, 0x01, 0xbc, 0x18, 0x00, 0x00, 0x05, 0xd8, 0x00, 0x00, 0x91, 0x60, // codes
        0xff, 0xd9, // EOI
    ];
    const SAMPLES: [u8; 16] = [0, 0, 90, 74, 68, 50, 43, 205, 64, 145, 145, 145, 100, 145, 145, 145];
    const WRONG: Refusal = Refusal::Problem(Problem::Decode("JPEG-LS image"));

    /// The image with a segment before its frame.
    fn with_segment(segment: &[u8]) -> Vec<u8> {
        [&IMAGE[..2], segment, &IMAGE[2..]].concat()
    }

    /// The image with another byte.
    fn changed(at: usize, byte: u8) -> Vec<u8> {
        let mut image = IMAGE.to_vec();
        image[at] = byte;
        image
    }

    #[test]
    fn the_example_of_the_specification_decodes_and_none_of_its_beginnings() {
        assert_eq!(decode(&IMAGE, 16).unwrap(), SAMPLES);
        for length in 0..IMAGE.len() {
            assert!(decode(&IMAGE[..length], 16).is_err(), "{length} bytes");
        }
        let larger = Problem::Mismatch { field: "JPEG-LS image", found: 16, expected: 15 };
        assert_eq!(decode(&IMAGE, 15), Err(larger.into()));
    }

    #[test]
    fn what_is_not_done_is_refused_by_name() {
        let feature = |what| Err(Unsupported::Feature(what).into());
        let restart = with_segment(&[0xff, 0xdd, 0, 4, 0, 2]);
        assert_eq!(decode(&restart, 16), feature("a JPEG-LS image with restart intervals"));
        let colours = with_segment(&[0xff, 0xe8, 0, 7, b'm', b'r', b'f', b'x', 1]);
        assert_eq!(decode(&colours, 16), feature("a JPEG-LS image with a transformation of colours"));
        let maximum = with_segment(&[0xff, 0xf8, 0, 13, 1, 0, 254, 0, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(decode(&maximum, 16), feature("a JPEG-LS image with a MAXVAL that is not that of its bits"));
        let table = with_segment(&[0xff, 0xf8, 0, 5, 2, 1, 1]);
        assert_eq!(decode(&table, 16), feature("a JPEG-LS image with mapping tables or other presets"));
        assert_eq!(decode(&changed(21, 1), 16), feature("a JPEG-LS image with mapping tables"));
        assert_eq!(decode(&changed(24, 1), 16), feature("a JPEG-LS image with a point transform"));
    }

    #[test]
    fn segments_that_change_nothing_are_passed_over() {
        for segment in [
            &[0xff, 0xdd, 0, 4, 0, 0][..],
            &[0xff, 0xfe, 0, 4, b'h', b'i'],
            &[0xff, 0xe8, 0, 7, b'm', b'r', b'f', b'x', 0],
            &[0xff, 0xf8, 0, 13, 1, 0, 255, 0, 3, 0, 7, 0, 21, 0, 64],
            &[0xff, 0xff, 0xff, 0xe0, 0, 2],
        ] {
            assert_eq!(decode(&with_segment(segment), 16).unwrap(), SAMPLES, "{segment:x?}");
        }
    }

    #[test]
    fn fields_that_the_specification_forbids_are_refused() {
        let value = |field, value| Err(Problem::Value { field, value }.into());
        assert_eq!(decode(&changed(6, 1), 16), value("JPEG-LS bits of a sample", 1));
        assert_eq!(decode(&changed(6, 17), 16), value("JPEG-LS bits of a sample", 17));
        assert_eq!(decode(&changed(8, 0), 16), value("JPEG-LS lines or samples", 0));
        assert_eq!(decode(&changed(11, 2), 16), value("JPEG-LS components", 2));
        assert_eq!(decode(&changed(13, 0x21), 16), value("JPEG-LS components", 1));
        assert_eq!(decode(&changed(22, 128), 16), value("JPEG-LS NEAR", 128));
        assert_eq!(decode(&changed(23, 3), 16), value("JPEG-LS ILV", 3));
        let preset = |threshold, reset| with_segment(&[0xff, 0xf8, 0, 13, 1, 0, 0, 0, threshold, 0, 4, 0, 9, 0, reset]);
        assert_eq!(decode(&preset(5, 64), 16), value("JPEG-LS threshold", 4));
        assert_eq!(decode(&preset(3, 2), 16), value("JPEG-LS RESET", 2));
        // Another component than the frame's, no component, a second image of the same one, codes that are left over.
        assert_eq!(decode(&changed(20, 2), 16), Err(WRONG));
        assert_eq!(decode(&changed(19, 0), 16), Err(WRONG));
        assert_eq!(decode(&[&IMAGE[..55], &IMAGE[15..]].concat(), 16), Err(WRONG));
        assert_eq!(decode(&[&IMAGE[..55], &[0], &IMAGE[55..]].concat(), 16), Err(WRONG));
    }

    proptest! {
        #[test]
        fn arbitrary_codes_give_no_more_than_is_expected(
            codes in prop::collection::vec(prop_oneof![any::<u8>(), Just(0xff)], 0..200),
            (bits, near, components, interleave) in (2_u8..=16, 0_u8..4, 1_u8..=4, 0_u8..3),
            (lines, samples) in (1_u8..40, 1_u8..40),
            most in 0_u64..3000,
        ) {
            let mut image = vec![0xff, 0xd8, 0xff, 0xf7, 0, 8 + 3 * components, bits, 0, lines, 0, samples, components];
            image.extend((0..components).flat_map(|id| [id, 0x11, 0]));
            image.extend([0xff, 0xda, 0, 6 + 2 * components, components]);
            image.extend((0..components).flat_map(|id| [id, 0]));
            image.extend([near, interleave, 0]);
            image.extend(codes);
            image.extend([0xff, 0xd9]);
            prop_assert!(wide(decode(&image, most).unwrap_or_default().len()) <= most);
        }

        #[test]
        fn an_image_with_changed_bytes_does_not_panic(changes in prop::collection::vec((2..IMAGE.len(), any::<u8>()), 1..4)) {
            let mut image = IMAGE;
            for (at, byte) in changes {
                image[at] = byte;
            }
            prop_assert!(decode(&image, 1 << 16).unwrap_or_default().len() <= 1 << 16);
        }
    }
}
