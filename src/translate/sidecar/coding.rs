//! What becomes of the bytes of a chunk: the types and codecs of the array, and the chunk as these have it.

use bytes::Bytes;

use super::super::codec::{Codecs, codecs};
use super::super::dtype::element;
use super::super::form::{Elements, Form};
use super::super::masks::Stored;
use super::super::options::Options;
use super::super::subject::Subject;
use super::super::texts::Texts;
use crate::codec::deflate;
use crate::error::Unsupported;
use crate::field::Span;
use crate::file::Datatype;
use crate::source::Halt;
use crate::zarr::{Codec, Dtype};

/// The level of zlib that chunks are compressed at: numcodecs' own default is 1, netCDF users' habit 4 or 5.
const LEVEL: u32 = 5;

/// What becomes of elements, and of chunks of them.
pub(super) struct Coding<'a> {
    elements: Kind<'a>,
    /// How chunks are stored that references lead to as they lie, if there are any; the others are stored alike.
    pub(super) own: Option<Own<'a>>,
}

/// The type of the elements.
enum Kind<'a> {
    /// Their bytes are those of a Zarr type.
    Bytes { dtype: Dtype, dimensions: Vec<u64>, texts: Texts },
    /// They are decoded, each part to so many bytes.
    Decoded { form: Form<'a>, widths: Vec<usize> },
}

/// Chunks as the file holds them, whose codecs readers know.
pub(super) struct Own<'a> {
    pub(super) stored: Stored<'a>,
    pub(super) codecs: Codecs,
}

/// A chunk of elements as the file has them, and where it lay.
#[derive(Clone, Copy)]
pub(super) struct Raw<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) at: u64,
    /// Elements of the dataset's type.
    pub(super) count: u64,
}

impl<'a> Coding<'a> {
    /// The coding of chunks of `bytes` bytes of which most skip the filters in `mask`.
    pub(super) fn new(subject: Subject<'a>, mask: u32, bytes: u64, options: &Options) -> Result<Self, Unsupported> {
        let dataset = subject.dataset;
        let Ok(element) = element(&dataset.datatype) else {
            let form = Form::of(&dataset.datatype)?;
            let widths = form.narrowest();
            return Ok(Self { elements: Kind::Decoded { form, widths }, own: None });
        };
        let texts = Texts::of(&dataset.datatype);
        let elements = Kind::Bytes { dtype: element.dtype, dimensions: element.dimensions, texts: texts.clone() };
        let pipeline = &dataset.filters;
        let own = codecs(pipeline, mask, bytes, options.codecs)
            .ok()
            .map(|codecs| Own { stored: Stored { pipeline, mask, trailing: codecs.trailing, bytes, texts }, codecs });
        // Some filters are undone here and not applied.
        let own = own.filter(|own| own.stored.encode(vec![0; 64]).is_ok());
        Ok(Self { elements, own })
    }

    /// Whether elements are decoded one by one.
    pub(super) fn is_decoded(&self) -> bool {
        matches!(self.elements, Kind::Decoded { .. })
    }

    /// Whether all chunks have to be measured before one is encoded: records are as wide as their longest texts.
    pub(super) fn needs_measure(&self) -> bool {
        matches!(&self.elements, Kind::Decoded { form, .. } if form.width().is_none() && !form.is_text())
    }

    /// How wide each part of an element is, as far as that is known.
    pub(super) fn widths(&self) -> Vec<usize> {
        match &self.elements {
            Kind::Bytes { .. } => Vec::new(),
            Kind::Decoded { widths, .. } => widths.clone(),
        }
    }

    /// Widens texts to the longest of a chunk.
    pub(super) fn measure(&self, source: Elements<'_>, raw: Raw<'_>, widths: &mut [usize]) -> Result<(), Halt> {
        if let Kind::Decoded { form, .. } = &self.elements {
            form.measure(source, in_form(form, raw.count), Span::new(raw.bytes, raw.at), widths)?;
        }
        Ok(())
    }

    /// The same with other widths.
    pub(super) fn widened(mut self, wider: Vec<usize>) -> Self {
        if let Kind::Decoded { widths, .. } = &mut self.elements {
            *widths = wider;
        }
        self
    }

    /// A chunk as the array has it.
    pub(super) fn encode(&self, source: Elements<'_>, raw: Raw<'_>) -> Result<Bytes, Halt> {
        match (&self.elements, &self.own) {
            (Kind::Bytes { .. }, Some(own)) => Ok(Bytes::from(own.stored.encode(raw.bytes.to_vec())?)),
            (Kind::Bytes { texts, .. }, None) => {
                let mut elements = raw.bytes.to_vec();
                texts.end(&mut elements);
                Ok(Bytes::from(deflate::encode(&elements, LEVEL)))
            }
            (Kind::Decoded { form, widths }, _) => {
                let (count, data) = (in_form(form, raw.count), Span::new(raw.bytes, raw.at));
                // Many elements may lead to one text.
                let texts = form.measure(source, count, data, &mut widths.clone())?;
                source.file.budget().decoded(form.held_bytes(count, texts, widths))?;
                Ok(Bytes::from(deflate::encode(&form.encode(source, count, data, widths)?, LEVEL)))
            }
        }
    }

    /// The dimensions that an array type adds to the dataset's.
    pub(super) fn dimensions(&self) -> &[u64] {
        match &self.elements {
            Kind::Bytes { dimensions, .. } => dimensions,
            Kind::Decoded { form, .. } => &form.dimensions,
        }
    }

    /// The type of the elements, and the codecs of a chunk.
    pub(super) fn types(&self) -> (Dtype, Vec<Codec>) {
        match (&self.elements, &self.own) {
            (Kind::Bytes { dtype, .. }, Some(own)) => (dtype.clone(), own.codecs.filters.clone()),
            (Kind::Bytes { dtype, .. }, None) => (dtype.clone(), vec![Codec::Zlib { level: LEVEL.cast_signed() }]),
            (Kind::Decoded { form, widths }, _) => {
                let (dtype, mut codecs) = form.types(widths);
                codecs.push(Codec::Zlib { level: LEVEL.cast_signed() });
                (dtype, codecs)
            }
        }
    }
}

/// Elements of a form in `count` of the dataset's: those of an array type are counted one by one.
fn in_form(form: &Form<'_>, count: u64) -> u64 {
    form.dimensions.iter().fold(count, |n, size| n.saturating_mul(*size))
}

/// Whether elements of a type lead to a heap or to other objects.
pub(super) fn needs_heap(datatype: &Datatype) -> bool {
    element(datatype).is_err() && Form::of(datatype).is_ok_and(|form| form.width().is_none())
}

/// Whether elements of a type have a form, as they are or decoded.
pub(super) fn has_form(datatype: &Datatype) -> bool {
    element(datatype).is_ok() || Form::of(datatype).is_ok()
}
