//! Markers and their segments (T.87, C.1 and C.2).

use super::parameters::Preset;
use crate::codec::refusal::Refusal;
use crate::error::{Problem, Unsupported};

const START_OF_IMAGE: u8 = 0xd8;
pub(super) const END_OF_IMAGE: u8 = 0xd9;
const START_OF_SCAN: u8 = 0xda;
const RESTART_INTERVAL: u8 = 0xdd;
const COMMENT: u8 = 0xfe;
const START_OF_FRAME: u8 = 0xf7;
const PRESET_PARAMETERS: u8 = 0xf8;
/// In which `CharLS` tells a transformation of colours.
const APPLICATION_8: u8 = 0xe8;

/// What all samples of an image have in common (C.2.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Frame {
    /// Bits of a sample, 2 to 16 (P).
    pub(super) bits: u32,
    /// Lines, at least one (Y).
    pub(super) lines: u16,
    /// Samples of a line, at least one (X).
    pub(super) samples: u16,
    /// The components, by their identifiers (C).
    pub(super) components: Vec<u8>,
}

/// How the samples of a scan follow each other (C.2.3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ScanHeader {
    /// The components that it has (Cs).
    pub(super) components: Vec<u8>,
    /// How much samples may differ from what they were (NEAR).
    pub(super) near: u8,
    pub(super) interleave: Interleave,
}

/// Which samples come after one (ILV).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Interleave {
    /// The others of its component.
    None,
    /// The others of its line, then the line of the next component.
    Line,
    /// Those of the other components.
    Sample,
}

/// What is left of an image, read marker by marker.
pub(super) struct Markers<'a> {
    pub(super) rest: &'a [u8],
    pub(super) preset: Preset,
    pub(super) frame: Option<Frame>,
}

impl<'a> Markers<'a> {
    /// An image, after the marker that it starts with.
    pub(super) fn new(image: &'a [u8]) -> Result<Self, Problem> {
        match image.split_first_chunk() {
            Some(([0xff, START_OF_IMAGE], rest)) => Ok(Self { rest, preset: Preset::default(), frame: None }),
            _ => Err(wrong()),
        }
    }

    /// The next scan; `None` where the image ends. Presets and the frame that come before it are kept.
    pub(super) fn scan(&mut self) -> Result<Option<ScanHeader>, Refusal> {
        loop {
            let marker = self.marker().ok_or(wrong())?;
            if marker == END_OF_IMAGE {
                return Ok(None);
            }
            let segment = self.segment().ok_or(wrong())?;
            match marker {
                START_OF_FRAME if self.frame.is_none() => self.frame = Some(Frame::parse(segment)?),
                PRESET_PARAMETERS => self.preset = preset(segment)?,
                START_OF_SCAN => return ScanHeader::parse(segment).map(Some),
                RESTART_INTERVAL if segment.iter().any(|byte| *byte != 0) => {
                    return Err(Unsupported::Feature("a JPEG-LS image with restart intervals").into());
                }
                APPLICATION_8 if segment.starts_with(b"mrfx") && segment.get(4) != Some(&0) => {
                    return Err(Unsupported::Feature("a JPEG-LS image with a transformation of colours").into());
                }
                COMMENT | RESTART_INTERVAL | 0xe0..=0xef => {}
                _ => return Err(wrong().into()),
            }
        }
    }

    /// The next marker; bytes of ones may come before it.
    fn marker(&mut self) -> Option<u8> {
        let (first, mut rest) = self.rest.split_first()?;
        if *first != 0xff {
            return None;
        }
        loop {
            let (marker, after) = rest.split_first()?;
            rest = after;
            if *marker != 0xff {
                self.rest = rest;
                return Some(*marker);
            }
        }
    }

    /// What a segment has after its length.
    fn segment(&mut self) -> Option<&'a [u8]> {
        let (length, rest) = self.rest.split_first_chunk()?;
        let (segment, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes(*length)).checked_sub(2)?)?;
        self.rest = rest;
        Some(segment)
    }
}

impl Frame {
    fn parse(segment: &[u8]) -> Result<Self, Problem> {
        let ([bits, lines @ .., samples_high, samples_low, count], rest) =
            segment.split_first_chunk::<6>().ok_or(wrong())?;
        let lines = u16::from_be_bytes(*lines);
        let samples = u16::from_be_bytes([*samples_high, *samples_low]);
        if !(2..=16).contains(bits) {
            return Err(Problem::Value { field: "JPEG-LS bits of a sample", value: (*bits).into() });
        }
        if lines == 0 || samples == 0 {
            return Err(Problem::Value { field: "JPEG-LS lines or samples", value: 0 });
        }
        let (components, rest) = rest.as_chunks::<3>();
        // Subsampling is not among what JPEG-LS images of a file are made with.
        let is_whole = components.iter().all(|[_, sampling, _]| *sampling == 0x11);
        if components.len() != usize::from(*count) || !(1..=4).contains(count) || !rest.is_empty() || !is_whole {
            return Err(Problem::Value { field: "JPEG-LS components", value: (*count).into() });
        }
        let components = components.iter().map(|[id, ..]| *id).collect();
        Ok(Self { bits: (*bits).into(), lines, samples, components })
    }
}

impl ScanHeader {
    fn parse(segment: &[u8]) -> Result<Self, Refusal> {
        let (count, rest) = segment.split_first().ok_or(wrong())?;
        let (selectors, rest) = rest.split_at_checked(usize::from(*count).saturating_mul(2)).ok_or(wrong())?;
        let &[near, interleave, transform] = rest else { return Err(wrong().into()) };
        let (selectors, _) = selectors.as_chunks::<2>();
        if selectors.iter().any(|[_, table]| *table != 0) {
            return Err(Unsupported::Feature("a JPEG-LS image with mapping tables").into());
        }
        if transform != 0 {
            return Err(Unsupported::Feature("a JPEG-LS image with a point transform").into());
        }
        let interleave = match interleave {
            0 => Interleave::None,
            1 => Interleave::Line,
            2 => Interleave::Sample,
            value => return Err(Problem::Value { field: "JPEG-LS ILV", value: value.into() }.into()),
        };
        Ok(Self { components: selectors.iter().map(|[id, _]| *id).collect(), near, interleave })
    }
}

/// Preset coding parameters (C.2.4.1.1); other kinds of this segment are mapping tables and larger sizes.
fn preset(segment: &[u8]) -> Result<Preset, Refusal> {
    let (kind, rest) = segment.split_first().ok_or(wrong())?;
    if *kind != 1 {
        return Err(Unsupported::Feature("a JPEG-LS image with mapping tables or other presets").into());
    }
    let (numbers, rest) = rest.as_chunks::<2>();
    match (numbers, rest) {
        (&[maximum, first, second, third, reset], []) => Ok(Preset {
            maximum: u16::from_be_bytes(maximum),
            thresholds: [first, second, third].map(u16::from_be_bytes),
            reset: u16::from_be_bytes(reset),
        }),
        _ => Err(wrong().into()),
    }
}

/// The refusal of bytes that are no image.
pub(super) fn wrong() -> Problem {
    Problem::Decode("JPEG-LS image")
}
