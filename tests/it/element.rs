//! Elements of NumPy types as bytes, for comparison with what libhdf5 reads.

use h5refs::zarr::Dtype;
use serde_json::Value as Json;

/// A type without fields, as `<f4` says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Simple {
    pub(crate) big: bool,
    pub(crate) kind: char,
    pub(crate) size: usize,
}

impl Simple {
    /// `None` for what is no number of bytes, such as `|O`.
    pub(crate) fn parse(dtype: &str) -> Option<Self> {
        let mut letters = dtype.chars();
        let (order, kind) = (letters.next()?, letters.next()?);
        let size: String = letters.take_while(char::is_ascii_digit).collect();
        Some(Self { big: order == '>', kind, size: size.parse().ok()? })
    }

    /// Turns an element into little-endian bytes.
    pub(crate) fn make_little(self, element: &mut [u8]) {
        let number = if self.kind == 'c' { self.size / 2 } else { self.size };
        if self.big && "iufcMm".contains(self.kind) {
            element.chunks_exact_mut(number).for_each(<[u8]>::reverse);
        }
    }

    /// The little-endian element that a JSON value stands for.
    pub(crate) fn encode(self, value: &Json) -> Vec<u8> {
        let float = |value: &Json| match value.as_str() {
            Some(special) => special.parse().unwrap(),
            None => value.as_f64().unwrap(),
        };
        match (self.kind, self.size, value) {
            ('b', ..) => vec![value.as_bool().unwrap().into()],
            ('u', ..) => value.as_u64().unwrap().to_le_bytes()[..self.size].to_vec(),
            ('i', ..) => value.as_i64().unwrap().to_le_bytes()[..self.size].to_vec(),
            #[expect(clippy::cast_possible_truncation, reason = "the value has the type's precision")]
            ('f', 4, _) => (float(value) as f32).to_le_bytes().to_vec(),
            ('f', 8, _) => float(value).to_le_bytes().to_vec(),
            ('f', 2, _) => {
                let bits = (0..=u16::MAX).find(|bits| half(*bits).to_bits() == float(value).to_bits());
                bits.unwrap_or_else(|| panic!("16 bits do not hold {value}")).to_le_bytes().to_vec()
            }
            ('f', ..) if float(value).to_bits() == 0 => vec![0; self.size],
            ('S', _, Json::String(text)) => {
                let mut element = text.clone().into_bytes();
                element.resize(self.size, 0);
                element
            }
            _ => panic!("no element of {self:?} is {value}"),
        }
    }
}

/// The number that 16 bits stand for (IEEE 754 binary16).
fn half(bits: u16) -> f64 {
    let (exponent, fraction) = (i32::from(bits >> 10 & 0x1f), f64::from(bits & 0x3ff) / 1024.0);
    let magnitude = match exponent {
        0 => fraction * 2_f64.powi(-14),
        31 if fraction == 0.0 => f64::INFINITY,
        31 => f64::NAN,
        _ => (1.0 + fraction) * 2_f64.powi(exponent - 15),
    };
    if bits >> 15 == 1 { -magnitude } else { magnitude }
}

/// Bytes of an element; 0 for texts of any length.
pub(crate) fn size(dtype: &Dtype) -> usize {
    match dtype {
        Dtype::Simple(dtype) => Simple::parse(dtype).map_or(0, |simple| simple.size),
        Dtype::Structured(fields) => fields.iter().map(|field| Simple::parse(&field.1).unwrap().size).sum(),
    }
}

/// Turns an element into little-endian bytes, padding zero.
pub(crate) fn make_little(dtype: &Dtype, element: &mut [u8]) {
    match dtype {
        Dtype::Simple(dtype) => Simple::parse(dtype).unwrap().make_little(element),
        Dtype::Structured(fields) => {
            let mut rest = element;
            for field in fields {
                let simple = Simple::parse(&field.1).unwrap();
                let (bytes, after) = rest.split_at_mut(simple.size);
                simple.make_little(bytes);
                if field.0.starts_with("__padding_") {
                    bytes.fill(0);
                }
                rest = after;
            }
        }
    }
}
