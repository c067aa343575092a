//! What decoded elements become: texts, numbers of another type, or records of these.

use super::attribute::Paths;
use super::dtype::plain;
use super::fields::{Leaf, leaves, sign};
use super::float::float_bits;
use super::texts::Texts;
use crate::error::{Error, Problem, Structure, Unsupported};
use crate::field::Span;
use crate::file::{ByteOrder, Class, Datatype, File, FloatFormat, Value};
use crate::source::{Halt, join};
use crate::zarr::{Codec, Dtype, Field};

/// What elements are decoded with: their file, and the paths that references lead to.
#[derive(Clone, Copy)]
pub(crate) struct Elements<'a> {
    pub(crate) file: &'a File<'a>,
    pub(crate) paths: &'a Paths<'a>,
}

/// A type that Zarr has, for the values of one that it has not.
#[derive(Debug)]
pub(crate) struct Form<'a> {
    parts: Vec<Part<'a>>,
    /// The dimensions that an array type adds to the dataset's.
    pub(crate) dimensions: Vec<u64>,
    /// Bytes of an element in the file.
    size: usize,
    /// Whether the parts have names.
    record: bool,
}

#[derive(Debug)]
struct Part<'a> {
    leaf: Leaf<'a>,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    /// The bytes are those of a NumPy type.
    Bytes(String),
    /// A number of NumPy's kind `letter` in as few bytes as hold it.
    Number { letter: char, order: ByteOrder, size: u32 },
    /// A text of any length.
    Text,
}

impl<'a> Form<'a> {
    /// The form of a datatype, if every value of it has one.
    pub(crate) fn of(datatype: &'a Datatype) -> Result<Self, Unsupported> {
        let (base, dimensions) = datatype.without_arrays();
        let refused = || Unsupported::Datatype(datatype.name());
        let part = |leaf: Leaf<'a>| Some(Part { kind: Kind::of(leaf.datatype)?, leaf });
        let parts = leaves(base)?.into_iter().map(part).collect::<Option<_>>().ok_or_else(refused)?;
        let record = matches!(base.class, Class::Compound(_));
        Ok(Self { parts, dimensions, size: usize::try_from(base.size).map_err(|_| refused())?, record })
    }

    /// Bytes of an element, if all elements have as many.
    pub(crate) fn width(&self) -> Option<u64> {
        let sizes = self.parts.iter().map(|part| part.kind.size(part.leaf.datatype).map(u64::from));
        sizes.sum()
    }

    /// Bytes of each part that all elements have; 0 where they differ.
    fn fixed(&self) -> impl Iterator<Item = usize> {
        let sizes = self.parts.iter().map(|part| part.kind.size(part.leaf.datatype).unwrap_or(0));
        sizes.map(|size| usize::try_from(size).unwrap_or(0))
    }

    /// The width of each part where no text is wider than another; there is no type of no bytes.
    pub(crate) fn narrowest(&self) -> Vec<usize> {
        self.fixed().map(|size| size.max(1)).collect()
    }

    /// Widens texts to the longest of `count` elements that lie one after another in `data`, and gives the bytes of them all. What is
    /// missing of them is reported together.
    pub(crate) fn measure(
        &self,
        source: Elements<'_>,
        count: u64,
        data: Span<'_>,
        widths: &mut [usize],
    ) -> Result<u64, Halt> {
        let mut total = 0_u64;
        if self.width().is_some() {
            return Ok(total);
        }
        let texts = || self.parts.iter().enumerate().filter(|(_, part)| matches!(part.kind, Kind::Text));
        join(self.elements(count, data)?, |element| {
            join(texts(), |(n, part)| {
                let length = part.value(source, Span::new(element, data.at()))?.len();
                total = total.saturating_add(u64::try_from(length).unwrap_or(u64::MAX));
                if let Some(width) = widths.get_mut(n) {
                    *width = length.max(*width);
                }
                Ok(())
            })
        })?;
        Ok(total)
    }

    /// Bytes of `count` elements as they are held, whose texts have `texts` bytes together.
    pub(crate) fn held_bytes(&self, count: u64, texts: u64, widths: &[usize]) -> u64 {
        let width =
            widths.iter().fold(0_u64, |sum, width| sum.saturating_add(u64::try_from(*width).unwrap_or(u64::MAX)));
        if self.is_text() {
            // A length before each, and their number.
            count.saturating_add(1).saturating_mul(4).saturating_add(texts)
        } else {
            count.saturating_mul(width)
        }
    }

    /// The bytes of each element.
    fn elements<'d>(&self, count: u64, data: Span<'d>) -> Result<impl Iterator<Item = &'d [u8]> + use<'d>, Error> {
        let truncated = || Error::format(Structure::Value, data.at(), Problem::Truncated);
        let needed = usize::try_from(count).ok().and_then(|count| count.checked_mul(self.size));
        let elements = needed.and_then(|needed| data.bytes().get(..needed)).ok_or_else(truncated)?;
        Ok(elements.chunks_exact(self.size.max(1)))
    }

    /// Whether an element is one text of its own.
    pub(crate) fn is_text(&self) -> bool {
        !self.record && matches!(self.parts.as_slice(), [Part { kind: Kind::Text, .. }])
    }

    /// The type of the elements, and the codecs of a chunk of them.
    pub(crate) fn types(&self, widths: &[usize]) -> (Dtype, Vec<Codec>) {
        if self.is_text() {
            return (Dtype::Simple("|O".to_owned()), vec![Codec::VlenUtf8]);
        }
        let mut fields = self.parts.iter().zip(widths).map(|(part, width)| {
            let dtype = match &part.kind {
                Kind::Bytes(dtype) => dtype.clone(),
                Kind::Number { letter, order, size } => format!("{}{letter}{size}", sign(*order, *size)),
                Kind::Text => format!("|S{width}"),
            };
            Field(part.leaf.name.clone(), dtype)
        });
        match fields.next() {
            Some(field) if !self.record => (Dtype::Simple(field.1), Vec::new()),
            first => (Dtype::Structured(first.into_iter().chain(fields).collect()), Vec::new()),
        }
    }

    /// A chunk of `count` elements that lie one after another in `data`, and are here.
    pub(crate) fn encode(
        &self,
        source: Elements<'_>,
        count: u64,
        data: Span<'_>,
        widths: &[usize],
    ) -> Result<Vec<u8>, Halt> {
        let mut chunk = if self.is_text() { length(count)?.to_vec() } else { Vec::new() };
        for element in self.elements(count, data)? {
            for (part, width) in self.parts.iter().zip(widths) {
                let value = part.value(source, Span::new(element, data.at()))?;
                if self.is_text() {
                    std::str::from_utf8(&value).map_err(|_| Unsupported::Feature("text that is not UTF-8"))?;
                    chunk.extend(length(value.len())?);
                    chunk.extend_from_slice(&value);
                } else {
                    chunk.extend_from_slice(&value);
                    chunk.resize(chunk.len() + width.saturating_sub(value.len()), 0);
                }
            }
        }
        Ok(chunk)
    }

    /// A chunk of `count` times one element, which is encoded as a chunk of its own; `None` is zeros and empty texts.
    pub(crate) fn repeated(&self, one: Option<&[u8]>, count: u64, widths: &[usize]) -> Result<Vec<u8>, Unsupported> {
        let zeros = vec![0; usize::try_from(self.held_bytes(1, 0, widths)).unwrap_or(0)];
        let one = one.unwrap_or(&zeros);
        let times = usize::try_from(count).unwrap_or(0);
        match one.split_at_checked(4).filter(|_| self.is_text()) {
            Some((_, text)) => Ok([&length(count)?[..], &text.repeat(times)].concat()),
            None => Ok(one.repeat(times)),
        }
    }
}

/// A length as numcodecs' `vlen-utf8` has it: of the number of texts, and of each before its bytes.
fn length(n: impl TryInto<u32>) -> Result<[u8; 4], Unsupported> {
    n.try_into().map(u32::to_le_bytes).map_err(|_| Unsupported::Feature("a chunk of more than 2^32 strings"))
}

impl Kind {
    /// What becomes of a type without parts.
    fn of(datatype: &Datatype) -> Option<Self> {
        if let Ok(dtype) = plain(datatype) {
            return Some(Self::Bytes(dtype));
        }
        let size = datatype.size.checked_next_power_of_two()?;
        match &datatype.class {
            Class::FixedPoint { order, signed, .. } if size <= 8 => {
                Some(Self::Number { letter: if *signed { 'i' } else { 'u' }, order: *order, size })
            }
            Class::BitField { order, .. } if size <= 8 => Some(Self::Number { letter: 'u', order: *order, size }),
            Class::FloatingPoint { order, format, .. } if datatype.size <= 8 => {
                Some(Self::Number { letter: 'f', order: *order, size: float_size(format)? })
            }
            Class::Enumeration { base, .. } => Self::of(base),
            Class::VariableString(_) | Class::Reference(_) => Some(Self::Text),
            _ => None,
        }
    }

    /// Bytes of a value, if all values have as many.
    fn size(&self, datatype: &Datatype) -> Option<u32> {
        match self {
            Self::Bytes(_) => Some(datatype.size),
            Self::Number { size, .. } => Some(*size),
            Self::Text => None,
        }
    }
}

/// Bytes of the IEEE 754 type that holds every number of another format, as far as this crate decodes it exactly.
fn float_size(format: &FloatFormat) -> Option<u32> {
    let top = i64::from(1_u32.checked_shl(format.exponent_size.into())?) - 1;
    let (bias, mantissa) = (i64::from(format.bias), i64::from(format.mantissa_size));
    // Exponents of the largest number and of the smallest.
    let (largest, smallest) = (top - 1 - bias, 1 - bias - mantissa);
    let holds = |mantissa_bits, max, min| mantissa <= mantissa_bits && largest <= max && smallest >= min;
    match () {
        () if holds(10, 15, -24) => Some(2),
        () if holds(23, 127, -149) => Some(4),
        () if holds(52, 1023, -1022) => Some(8),
        () => None,
    }
}

impl Part<'_> {
    /// The value of the part of one element.
    fn value(&self, source: Elements<'_>, element: Span<'_>) -> Result<Vec<u8>, Halt> {
        let truncated = || Error::format(Structure::Value, element.at(), Problem::Truncated);
        let (start, end) = (usize::try_from(self.leaf.offset), usize::try_from(self.leaf.end()));
        let range = start.unwrap_or(usize::MAX)..end.unwrap_or(usize::MAX);
        let bytes = element.bytes().get(range).ok_or_else(truncated)?;
        if let Kind::Bytes(_) = self.kind {
            let mut bytes = bytes.to_vec();
            Texts::of(self.leaf.datatype).end(&mut bytes);
            return Ok(bytes);
        }
        let values = source.file.values(self.leaf.datatype, 1, Span::new(bytes, element.at()))?;
        let value = values.into_iter().next().ok_or_else(truncated)?;
        self.encode(&value, source.paths).map_err(Halt::from)
    }

    fn encode(&self, value: &Value, paths: &Paths<'_>) -> Result<Vec<u8>, Unsupported> {
        let number = match (value, &self.kind) {
            (Value::Signed(n), _) => n.to_le_bytes(),
            (Value::Unsigned(n), _) => n.to_le_bytes(),
            (Value::Float(x), Kind::Number { size, .. }) => float_bits(*x, *size).to_le_bytes(),
            (Value::Text(text), _) => return Ok(text.as_bytes().to_vec()),
            (Value::NotUtf8(bytes), _) => return Ok(bytes.clone()),
            (Value::Reference(None) | Value::Region(None), _) => return Ok(Vec::new()),
            (Value::Reference(Some(address)) | Value::Region(Some(address)), _) => {
                let path = paths.get(address).map(|path| path.as_bytes().to_vec());
                return path.ok_or(Unsupported::Feature("a reference to an object that has no path"));
            }
            _ => return Err(Unsupported::Datatype(self.leaf.datatype.name())),
        };
        let Kind::Number { order, size, .. } = self.kind else {
            return Err(Unsupported::Datatype(self.leaf.datatype.name()));
        };
        let mut bytes: Vec<u8> = number.into_iter().take(usize::try_from(size).unwrap_or(0)).collect();
        if order == ByteOrder::Big {
            bytes.reverse();
        }
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::super::proofs::{array, refused, within};
    use super::*;
    use crate::file::proofs::float_type;
    use crate::file::{Bits, Charset, Padding, Reference, Text};
    use crate::limits::Limits;
    use crate::structure::proofs::with;

    const DECODED: &[u8] = include_bytes!("../../testdata/datatype/compound_decoded.h5");
    const ODD: &[u8] = include_bytes!("../../testdata/datatype/odd_chunked.h5");
    const REFERENCES: &[u8] = include_bytes!("../../testdata/datatype/references.h5");

    fn float(size: u32, exponent_size: u8, mantissa_size: u8, bias: u32) -> Datatype {
        float_type(ByteOrder::Little, size, exponent_size, mantissa_size, bias)
    }

    fn integer(order: ByteOrder, signed: bool, size: u32, precision: u16) -> Datatype {
        Datatype { size, class: Class::FixedPoint { order, signed, bits: Bits { offset: 0, precision } } }
    }

    fn dtype(datatype: &Datatype) -> Result<String, String> {
        let form = Form::of(datatype).map_err(|refusal| refusal.to_string())?;
        Ok(serde_json::to_string(&form.types(&form.narrowest()).0).unwrap())
    }

    #[test]
    fn numbers_become_the_next_type_that_holds_them_all() {
        let types = [
            (integer(ByteOrder::Little, true, 3, 24), "\"<i4\""),
            (integer(ByteOrder::Big, false, 2, 12), "\">u2\""),
            (integer(ByteOrder::Little, false, 1, 3), "\"|u1\""),
            (integer(ByteOrder::Little, true, 7, 50), "\"<i8\""),
            (float(1, 4, 3, 7), "\"<f2\""),
            (float(2, 8, 7, 127), "\"<f4\""),
            (float(3, 8, 15, 127), "\"<f4\""),
            (float(4, 9, 22, 255), "\"<f8\""),
            (float(2, 5, 10, 14), "\"<f4\""),
        ];
        for (datatype, expected) in types {
            assert_eq!(dtype(&datatype), Ok(expected.to_owned()), "{}", datatype.name());
        }
    }

    #[test]
    fn what_no_type_holds_is_refused_by_name() {
        let text = Text { padding: Padding::NullTerminated, charset: Charset::Utf8 };
        let time = Datatype { size: 4, class: Class::Time { order: ByteOrder::Little, precision: 32 } };
        let sequence = Datatype { size: 16, class: Class::Sequence(Box::new(integer(ByteOrder::Little, true, 1, 8))) };
        let types = [
            (integer(ByteOrder::Little, true, 9, 72), "int72"),
            (
                Datatype { size: u32::MAX, ..integer(ByteOrder::Little, true, 9, 72) },
                "int34359738360 of precision 72 at bit 0",
            ),
            (float(8, 12, 51, 2_047), "float of 12 exponent and 51 mantissa bits in 8 bytes"),
            (float(16, 15, 64, 16_383), "float of 15 exponent and 64 mantissa bits in 16 bytes"),
            (time, "time"),
            (sequence, "variable-length sequence of int8"),
        ];
        for (datatype, name) in types {
            assert_eq!(dtype(&datatype), Err(format!("datatype {name} has no Zarr v2 form")));
        }
        assert!(Form::of(&Datatype { size: 16, class: Class::VariableString(text) }).unwrap().is_text());
        assert!(Form::of(&Datatype { size: 8, class: Class::Reference(Reference::Object) }).unwrap().is_text());
    }

    #[test]
    fn texts_of_a_record_are_as_long_as_the_longest_of_all_chunks() {
        let (set, report) = within(DECODED, Limits::default());
        assert_eq!(report.refused().count(), 0);
        let compressed = array(&set, "compressed");
        let dtype = r#"[["id","<i8"],["place.lat",">f4"],["place.name","|S7"],["target","|S2"],["words.0","|S4"],["words.1","|S3"],["code","|S3"]]"#;
        assert_eq!(serde_json::to_string(&compressed.metadata.dtype).unwrap(), dtype);
        assert_eq!(compressed.chunks.inline.values().map(bytes::Bytes::len).collect::<Vec<_>>(), [62, 62]);
        assert_eq!(&compressed.chunks.inline[&1][..8], &3_i64.to_le_bytes());
    }

    #[test]
    fn chunks_never_written_hold_the_fill_value_decoded() {
        let (set, _) = within(ODD, Limits::default());
        let chunks = |key| array(&set, key).chunks.inline.values().map(|chunk| chunk.to_vec()).collect::<Vec<_>>();
        assert_eq!(chunks("fill")[2], [0xff, 0xfb, 0xff, 0xfb, 0xff, 0xfb, 0xff, 0xfb]);
        assert_eq!(chunks("gzip")[2], [0; 8]);
        assert_eq!(chunks("gzip")[0], [0xf8, 0, 0xff, 0xff, 0, 0, 0, 1]);
    }

    #[test]
    fn numbers_that_are_too_many_to_be_held_are_refused() {
        let told = "datatype int16 of precision 12 at bit 0 has no Zarr v2 form, and its values, 24 bytes decoded, are too many to be held inline (Limits::repair_bytes); --unsupported sidecar writes the values to a file beside the references";
        assert_eq!(
            refused(ODD, Limits { repair_bytes: 23, ..Limits::default() }),
            [format!("/fill: {told}"), format!("/gzip: {told}")]
        );
    }

    #[test]
    fn a_reference_to_what_has_no_path_is_refused() {
        let (set, _) = within(REFERENCES, Limits::default());
        let paths = &array(&set, "objects").chunks.inline[&0];
        assert_eq!(&paths[..], b"\x03\0\0\0\x02\0\0\0/d\x02\0\0\0/g\0\0\0\0");
        // The address of the second object, changed to one where no object is.
        let at = 2_064 + 8;
        let changed = with(REFERENCES, at, &[REFERENCES[at] + 1]);
        assert_eq!(
            refused(&changed, Limits::default()),
            ["/objects: a reference to an object that has no path is not supported"]
        );
    }
}
