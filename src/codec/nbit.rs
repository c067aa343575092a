//! Nbit, filter 5: of each number only the bits that count, one after another (`H5Znbit.c`). The filter's parameters describe the
//! datatype.

use super::bits::Bits;
use crate::error::Problem;
use crate::field::convert::{narrow, wide};

/// Deepest nesting of arrays and compounds.
const DEEPEST: u32 = 64;

/// Parameters that describe no datatype.
const WRONG: Problem = Problem::Decode("nbit parameter list");

/// A part of an element.
#[derive(Debug)]
enum Part {
    Number(Number),
    /// Elements of one kind, as many as there are room for.
    Array {
        size: usize,
        element: Box<Part>,
    },
    /// Parts at their offsets.
    Compound {
        size: usize,
        members: Vec<(usize, Part)>,
    },
    /// Bytes that are left as they are.
    Bytes {
        size: usize,
    },
}

/// A number and its bits that count.
#[derive(Debug)]
struct Number {
    size: usize,
    big_endian: bool,
    precision: usize,
    offset: usize,
}

/// The elements that `stream` holds, their other bits zero; more than `most` bytes are refused.
pub(crate) fn decode(stream: &[u8], values: &[u32], most: u64) -> Result<Vec<u8>, Problem> {
    // How many parameters there are, whether there is nothing to do, how many elements, and the class of each.
    let Some((&[parameters, 0, elements, class], values)) = values.split_first_chunk::<4>() else { return Err(WRONG) };
    if wide(values.len()).checked_add(4) != Some(parameters.into()) {
        return Err(WRONG);
    }
    let part = Parameters { values, lost: false }.part(class, DEEPEST)?;
    unpacked(stream, &part, elements, most).ok_or(Problem::Decode("nbit stream"))
}

fn unpacked(stream: &[u8], part: &Part, elements: u32, most: u64) -> Option<Vec<u8>> {
    let size = u64::from(elements).checked_mul(wide(part.size())).filter(|size| *size <= most)?;
    let mut decoded = vec![0; narrow(size)];
    let mut bits = Bits::new(stream);
    decoded.chunks_exact_mut(part.size()).try_for_each(|element| part.unpack(&mut bits, element))?;
    Some(decoded)
}

/// The parameters that are left.
struct Parameters<'a> {
    values: &'a [u32],
    /// Whether libhdf5 has lost its place in them.
    lost: bool,
}

impl Parameters<'_> {
    fn value(&mut self) -> Result<u32, Problem> {
        let (value, rest) = self.values.split_first().ok_or(WRONG)?;
        self.values = rest;
        Ok(*value)
    }

    fn length(&mut self) -> Result<usize, Problem> {
        self.value().map(|value| narrow(value.into()))
    }

    /// The part that the next parameters describe; no part has no bytes, and none is larger than what it lies in.
    fn part(&mut self, class: u32, deepest: u32) -> Result<Part, Problem> {
        let deepest = deepest.checked_sub(1).ok_or(WRONG)?;
        let size = self.length()?;
        if size == 0 {
            return Err(WRONG);
        }
        match class {
            1 => self.number(size).map(Part::Number),
            2 => {
                let class = self.value()?;
                let element = self.part(class, deepest)?;
                // The parameters of the elements are those of the next member too (`H5Z__nbit_compress_one_array`): what comes
                // after such an array is not what was written, testdata/filter/nbit_records.h5.
                self.lost |= matches!(element, Part::Array { .. } | Part::Compound { .. });
                match element {
                    element if element.size() > size => Err(WRONG),
                    Part::Bytes { .. } => Ok(Part::Bytes { size }),
                    element => Ok(Part::Array { size, element: Box::new(element) }),
                }
            }
            3 => self.members(size, deepest).map(|members| Part::Compound { size, members }),
            4 => Ok(Part::Bytes { size }),
            _ => Err(WRONG),
        }
    }

    fn members(&mut self, size: usize, deepest: u32) -> Result<Vec<(usize, Part)>, Problem> {
        let (mut members, mut used) = (Vec::new(), 0_usize);
        for _ in 0..self.value()? {
            if self.lost {
                return Err(Problem::Decode("nbit stream of members after an array of records or of arrays"));
            }
            let offset = self.length()?;
            let class = self.value()?;
            let member = self.part(class, deepest)?;
            // Members that overlap could take any time.
            used = used.saturating_add(member.size());
            if used > size || offset.saturating_add(member.size()) > size {
                return Err(WRONG);
            }
            members.push((offset, member));
        }
        Ok(members)
    }

    fn number(&mut self, size: usize) -> Result<Number, Problem> {
        let (order, precision, offset) = (self.value()?, self.length()?, self.length()?);
        let end = precision.saturating_add(offset);
        if order > 1 || precision == 0 || end > size.saturating_mul(8) {
            return Err(WRONG);
        }
        Ok(Number { size, big_endian: order == 1, precision, offset })
    }
}

impl Part {
    fn size(&self) -> usize {
        match self {
            Self::Number(Number { size, .. })
            | Self::Array { size, .. }
            | Self::Compound { size, .. }
            | Self::Bytes { size } => *size,
        }
    }

    /// Fills its bytes, which are zero.
    fn unpack(&self, bits: &mut Bits<'_>, bytes: &mut [u8]) -> Option<()> {
        match self {
            Self::Number(number) => number.unpack(bits, bytes),
            Self::Array { element, .. } => {
                bytes.chunks_exact_mut(element.size()).try_for_each(|bytes| element.unpack(bits, bytes))
            }
            Self::Compound { members, .. } => members.iter().try_for_each(|(offset, member)| {
                let bytes = bytes.get_mut(*offset..offset.checked_add(member.size())?)?;
                member.unpack(bits, bytes)
            }),
            Self::Bytes { .. } => bytes.iter_mut().try_for_each(|byte| {
                *byte = u8::try_from(bits.take(8)?).ok()?;
                Some(())
            }),
        }
    }
}

impl Number {
    /// Fills the bytes from the most significant on.
    fn unpack(&self, bits: &mut Bits<'_>, bytes: &mut [u8]) -> Option<()> {
        let end = self.offset.checked_add(self.precision)?;
        for byte in (self.offset / 8..end.div_ceil(8)).rev() {
            let start = byte.checked_mul(8)?;
            let low = u32::try_from(self.offset.saturating_sub(start)).ok()?;
            let high = u32::try_from(end.saturating_sub(start).min(8)).ok()?;
            let value = bits.take(high.checked_sub(low)?)?.checked_shl(low)?;
            let at = if self.big_endian { self.size.checked_sub(byte)?.checked_sub(1)? } else { byte };
            *bytes.get_mut(at)? = u8::try_from(value).ok()?;
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const REFUSED: Result<Vec<u8>, Problem> = Err(Problem::Decode("nbit stream"));
    const NO_TYPE: Result<Vec<u8>, Problem> = Err(WRONG);

    /// Parameters of elements of a class, with their number before.
    fn values(elements: u32, class: u32, datatype: &[u32]) -> Vec<u32> {
        let count = u32::try_from(4 + datatype.len()).unwrap();
        [&[count, 0, elements, class], datatype].concat()
    }

    #[test]
    fn numbers_have_their_bits_at_their_offset() {
        let twelve_of_sixteen = |order, offset| {
            values(
                2,
                1, // atomic
                &[
                    2,     // size
                    order, // order
                    12,    // precision
                    offset,
                ],
            )
        };
        let stream = [0xab, 0xcd, 0xef];
        assert_eq!(decode(&stream, &twelve_of_sixteen(0, 0), 4).unwrap(), [0xbc, 0x0a, 0xef, 0x0d]);
        assert_eq!(decode(&stream, &twelve_of_sixteen(1, 0), 4).unwrap(), [0x0a, 0xbc, 0x0d, 0xef]);
        assert_eq!(decode(&stream, &twelve_of_sixteen(0, 4), 4).unwrap(), [0xc0, 0xab, 0xf0, 0xde]);
        assert_eq!(decode(&stream, &twelve_of_sixteen(1, 3), 4).unwrap(), [0x55, 0xe0, 0x6f, 0x78]);
        assert_eq!(decode(&stream, &twelve_of_sixteen(0, 5), 4), NO_TYPE);
        assert_eq!(decode(&stream, &twelve_of_sixteen(2, 0), 4), NO_TYPE);
    }

    #[test]
    fn bits_inside_one_byte() {
        assert_eq!(decode(&[0b1010_1100], &values(2, 1, &[1, 0, 3, 2]), 2).unwrap(), [0b10100, 0b01100]);
        assert_eq!(decode(&[0b1010_1100], &values(2, 1, &[2, 1, 3, 9]), 4).unwrap(), [0b1010, 0, 0b0110, 0]);
    }

    #[test]
    fn compounds_and_arrays_are_their_parts_one_after_another() {
        let datatype = [
            9, // size of the compound
            3, // members
            1, 1, 1, 0, 4, 0, // at 1: a number of 1 byte, 4 bits from 0
            2, 2, 4, 1, 2, 1, 4, 8, // at 2: an array of 4 bytes, of big-endian numbers of 2 bytes, 4 bits from 8
            6, 4, 2, // at 6: 2 bytes as they are
        ];
        let stream = [0x12, 0x3a, 0xbc, 0xd4];
        let expected = [0, 1, 2, 0, 3, 0, 0xab, 0xcd, 0];
        assert_eq!(decode(&stream, &values(1, 3, &datatype), 9).unwrap(), expected);
        assert_eq!(decode(&stream, &values(2, 3, &datatype), 18), REFUSED);
    }

    #[test]
    fn arrays_of_bytes_are_left_as_they_are() {
        assert_eq!(decode(b"abcd", &values(2, 2, &[2, 4, 1]), 4).unwrap(), b"abcd");
    }

    /// libhdf5 stores neither the second member of this record nor the third.
    #[test]
    fn members_after_an_array_of_records_are_refused() {
        let record = [2, 1, 0, 1, 1, 0, 4, 0]; // 2 bytes, 1 member: 4 bits of the first
        let array = [&[4, 3][..], &record].concat();
        let alone = [&[6, 1, 0, 2][..], &array].concat();
        assert_eq!(decode(&[0x12], &values(1, 3, &alone), 6).unwrap(), [1, 0, 2, 0, 0, 0]);
        let lost: Result<_, _> = Err(Problem::Decode("nbit stream of members after an array of records or of arrays"));
        let followed = [&[6, 2, 0, 2][..], &array, &[4, 4, 2]].concat();
        assert_eq!(decode(&[0x12, 3, 4], &values(1, 3, &followed), 6), lost);
        let inside = [&[8, 2, 0, 3][..], &alone, &[6, 4, 2]].concat();
        assert_eq!(decode(&[0x12, 3, 4], &values(1, 3, &inside), 8), lost);
    }

    #[test]
    fn parameters_that_do_not_add_up_are_refused() {
        let stream = [0; 100];
        let good = values(4, 1, &[1, 0, 4, 0]);
        assert!(decode(&stream, &good, 4).is_ok());
        for (at, value) in [(0, 7), (1, 1), (3, 0), (3, 5), (4, 0), (6, 0), (6, 9), (7, u32::MAX)] {
            let mut changed = good.clone();
            changed[at] = value;
            assert_eq!(decode(&stream, &changed, 4), NO_TYPE, "{changed:?}");
        }
        for length in 0..good.len() {
            let mut cut = good[..length].to_vec();
            cut.iter_mut().take(1).for_each(|count| *count = u32::try_from(length).unwrap());
            assert_eq!(decode(&stream, &cut, 4), NO_TYPE);
        }
        // Members that lie outside, or are larger together than the compound; an element larger than its array.
        assert_eq!(decode(&stream, &values(1, 3, &[4, 1, 3, 4, 2]), 9), NO_TYPE);
        assert_eq!(decode(&stream, &values(1, 3, &[4, 2, 0, 4, 3, 0, 4, 3]), 9), NO_TYPE);
        assert_eq!(decode(&stream, &values(1, 2, &[4, 1, 8, 0, 4, 0]), 9), NO_TYPE);
    }

    #[test]
    fn more_elements_than_expected_and_endless_nesting_are_refused() {
        assert_eq!(decode(&[0; 4], &values(5, 1, &[1, 0, 4, 0]), 4), REFUSED);
        assert_eq!(decode(&[0; 4], &values(u32::MAX, 1, &[1, 0, 4, 0]), 4), REFUSED);
        let nested: Vec<u32> = [1, 2].repeat(200);
        assert_eq!(decode(&[0; 4], &values(1, 2, &[&nested[..], &[1, 4, 1]].concat()), 4), NO_TYPE);
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_give_at_most_what_is_expected(
            stream in prop::collection::vec(any::<u8>(), 0..100),
            elements in 0_u32..20,
            class in 0_u32..5,
            datatype in prop::collection::vec(prop_oneof![0_u32..9, any::<u32>()], 0..20),
            most in 0_u64..300,
        ) {
            if let Ok(decoded) = decode(&stream, &values(elements, class, &datatype), most) {
                prop_assert!(wide(decoded.len()) <= most);
            }
        }
    }
}
