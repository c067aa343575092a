//! An answer with data: the DDS of what it has, `Data:`, and the elements in XDR (RFC 4506).

use nom::number::complete::be_u32;

use super::dds::{Content, Dds, Part, Variable};
use super::kind::Kind;
use super::text::parse;
use crate::convert::{narrow, wide};
use crate::error::{Error, Problem, Structure, Unsupported};
use crate::field::{Parsed, Span, bytes, skip};
use crate::limits::{Limits, check};

/// Most bytes before the data.
pub(crate) const MOST_BEFORE: u64 = 1 << 20;

/// What was asked for.
#[derive(Debug, Clone)]
pub(crate) struct Wanted<'a> {
    /// The names that the variable has after those that it lies in.
    pub(crate) path: &'a [&'a str],
    pub(crate) kind: Kind,
    /// Elements of the box in each dimension.
    pub(crate) shape: &'a [u64],
}

/// Elements in C order.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Data {
    /// Little-endian, of as many bytes as the type has.
    Bytes(Vec<u8>),
    Texts(Vec<String>),
}

/// The elements that were asked for, of an answer that has nothing but them and perhaps the Maps of their Grid.
pub(crate) fn read(answer: &[u8], wanted: &Wanted<'_>, limits: &Limits) -> Result<Data, Error> {
    parse(Structure::DataAnswer, answer, |i| {
        let (i, header) = header(i)?;
        let (_, dds) = Dds::parse(limits, header)?;
        let at = position(&dds.variables, wanted);
        let Some(at) = at else { return i.fail(Problem::Missing("what was asked for")) };
        elements(&dds.variables, at, wanted, limits, i)
    })
}

/// The DDS, up to a line that is `Data:`.
fn header(i: Span<'_>) -> Parsed<'_, Span<'_>> {
    let start = i.bytes().get(..i.len().min(narrow(MOST_BEFORE))).unwrap_or_default();
    let is_end = |(at, line): &(usize, &[u8])| *at > 0 && matches!(line.trim_ascii_end(), b"Data:");
    let mut next = 0_usize;
    let mut lines = start.split_inclusive(|byte| *byte == b'\n').map(|line| {
        let at = next;
        next = next.saturating_add(line.len());
        (at, line)
    });
    let Some((at, line)) = lines.find(is_end) else { return i.fail(Problem::Missing("Data:")) };
    let (i, header) = bytes(wide(at), i)?;
    let (i, ()) = skip(wide(line.len()), i)?;
    Ok((i, header))
}

/// The variable that was asked for: the one of its path, or the only one of its name, where a server leaves out what it lies in.
fn position(variables: &[Variable], wanted: &Wanted<'_>) -> Option<usize> {
    let is_it = |variable: &Variable| variable.path.iter().map(|name| &*name.meant).eq(wanted.path.iter().copied());
    if let Some(at) = variables.iter().position(is_it) {
        return Some(at);
    }
    let [only] = variables else { return None };
    let is_named = only.path.last().map(|name| &*name.meant) == wanted.path.last().copied();
    (is_named && only.path.len() < wanted.path.len()).then_some(0)
}

/// The data of all variables, of which those at one position are kept.
fn elements<'a>(
    variables: &[Variable],
    at: usize,
    wanted: &Wanted<'_>,
    limits: &Limits,
    i: Span<'a>,
) -> Parsed<'a, Data> {
    let (mut i, mut found) = (i, None);
    for (n, variable) in variables.iter().enumerate() {
        let Content::Values(kind) = variable.content else {
            return i.unsupported(Unsupported::Feature("an answer of DAP2 with a Sequence or an array of Structures"));
        };
        let shape: Vec<u64> = variable.dimensions.iter().map(|dimension| dimension.size).collect();
        if n == at {
            same(kind, &shape, wanted, i)?;
        } else if variable.part != Part::Map {
            return i.fail(Problem::Missing("an end behind what was asked for"));
        }
        let (rest, data) = variable_data(kind, &shape, n == at, limits, i)?;
        found = if n == at { Some(data) } else { found };
        i = rest;
    }
    match found {
        Some(_) if !i.is_empty() => i.value("number of bytes behind the data", wide(i.len())),
        Some(data) => Ok((i, data)),
        None => i.fail(Problem::Missing("what was asked for")),
    }
}

/// That the type and the shape of an answer are those that were asked for.
fn same<'a>(kind: Kind, shape: &[u64], wanted: &Wanted<'_>, i: Span<'a>) -> Parsed<'a, ()> {
    if kind != wanted.kind && !(kind.is_text() && wanted.kind.is_text()) {
        return i
            .unsupported(Unsupported::Feature("an answer of DAP2 with elements of another type than the DDS says"));
    }
    let mismatch = |field, found, expected| i.fail(Problem::Mismatch { field, found, expected });
    if shape.len() != wanted.shape.len() {
        return mismatch("number of dimensions", wide(shape.len()), wide(wanted.shape.len()));
    }
    match shape.iter().zip(wanted.shape).find(|(found, expected)| found != expected) {
        Some((found, expected)) => mismatch("dimension size", *found, *expected),
        None => Ok((i, ())),
    }
}

/// The elements of a variable, made if they are `wanted`.
fn variable_data<'a>(kind: Kind, shape: &[u64], wanted: bool, limits: &Limits, i: Span<'a>) -> Parsed<'a, Data> {
    let Some(count) = shape.iter().try_fold(1_u64, |n, size| n.checked_mul(*size)) else {
        return i.fail(Problem::Overflow("number of elements"));
    };
    let is_scalar = shape.is_empty();
    let mut i = i;
    // The length of an array is there twice: for the array, and for what XDR has in its place; but once before texts.
    let lengths = if is_scalar {
        0
    } else if kind.is_text() {
        1
    } else {
        2
    };
    for _ in 0..lengths {
        let (rest, found) = be_u32(i)?;
        if u64::from(found) != count {
            return i.fail(Problem::Mismatch { field: "number of elements", found: found.into(), expected: count });
        }
        i = rest;
    }
    match kind.sent() {
        None => texts(count, wanted, limits, i),
        Some(_) if is_scalar && kind == Kind::Byte => byte(i),
        Some(size) => numbers(kind, count, size, wanted, i),
    }
}

/// A single byte in four: the last of them, and before it zeros or the sign that libdap sends with it; the first of them as pydap sends it.
fn byte(i: Span<'_>) -> Parsed<'_, Data> {
    let (rest, field) = bytes(4, i)?;
    match *field.bytes() {
        [0, 0, 0, byte] | [byte, 0, 0, 0] | [0xff, 0xff, 0xff, byte @ 0x80..=0xff] => {
            Ok((rest, Data::Bytes(vec![byte])))
        }
        _ => {
            let (_, value) = be_u32(i)?;
            i.value("Byte", value)
        }
    }
}

fn numbers(kind: Kind, count: u64, size: u64, wanted: bool, i: Span<'_>) -> Parsed<'_, Data> {
    let Some(length) = count.checked_mul(size) else { return i.fail(Problem::Overflow("number of bytes")) };
    let start = i;
    let (i, sent) = bytes(length, i)?;
    let (i, ()) = skip(padding(length), i)?;
    if !wanted {
        return Ok((i, Data::Bytes(Vec::new())));
    }
    let sent = sent.bytes();
    let made = match kind {
        Kind::Int16 => narrowed(sent, |n| i16::try_from(n.cast_signed()).ok().map(i16::to_le_bytes)),
        Kind::UInt16 => narrowed(sent, |n| u16::try_from(n).ok().map(u16::to_le_bytes)),
        Kind::Float64 => Ok(turned::<8>(sent)),
        Kind::Byte => Ok(sent.to_vec()),
        _ => Ok(turned::<4>(sent)),
    };
    match made {
        Ok(made) => Ok((i, Data::Bytes(made))),
        Err((at, value)) => {
            let at = start.at().saturating_add(wide(at));
            Span::new(&[], at).value(kind.name(), value)
        }
    }
}

/// Elements of 16 bits, which are sent as 32; where one has more, that and its place.
fn narrowed(sent: &[u8], narrow: impl Fn(u32) -> Option<[u8; 2]>) -> Result<Vec<u8>, (usize, u32)> {
    let mut made = Vec::with_capacity(sent.len() / 2);
    for (n, element) in sent.as_chunks::<4>().0.iter().enumerate() {
        let number = u32::from_be_bytes(*element);
        made.extend(narrow(number).ok_or((n.saturating_mul(4), number))?);
    }
    Ok(made)
}

/// Elements in the other byte order.
fn turned<const N: usize>(sent: &[u8]) -> Vec<u8> {
    let mut made = sent.to_vec();
    made.as_chunks_mut::<N>().0.iter_mut().for_each(|element| element.reverse());
    made
}

/// Texts, each with its length before it, and filled up to four bytes.
fn texts<'a>(count: u64, wanted: bool, limits: &Limits, i: Span<'a>) -> Parsed<'a, Data> {
    // Each has four bytes at least.
    if count > wide(i.len()) / 4 {
        return i.fail(Problem::Truncated);
    }
    // A text takes the room of its own bytes, and of what says where they are.
    if let Err(error) = check("read_bytes", count.saturating_mul(24).saturating_add(wide(i.len())), limits.read_bytes) {
        return i.limit(error);
    }
    let (mut i, mut texts) = (i, Vec::with_capacity(if wanted { narrow(count) } else { 0 }));
    for _ in 0..count {
        let (rest, length) = be_u32(i)?;
        let (rest, text) = bytes(length.into(), rest)?;
        let (rest, ()) = skip(padding(length.into()), rest)?;
        if wanted {
            match std::str::from_utf8(text.bytes()) {
                Ok(text) => texts.push(text.to_owned()),
                Err(_) => return i.fail(Problem::Text("String")),
            }
        }
        i = rest;
    }
    Ok((i, Data::Texts(texts)))
}

/// Bytes up to the next multiple of four.
fn padding(length: u64) -> u64 {
    length.wrapping_neg() % 4
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// An answer with this DDS and these words behind it.
    fn answer(dds: &str, data: &[&[u8]]) -> Vec<u8> {
        [format!("Dataset {{\n{dds}\n}} d;\nData:\n").as_bytes(), &data.concat()].concat()
    }

    fn told(answer: &[u8], path: &[&str], kind: Kind, shape: &[u64]) -> Result<Data, String> {
        let wanted = Wanted { path, kind, shape };
        read(answer, &wanted, &Limits::default()).map_err(|error| error.to_string())
    }

    #[test]
    fn numbers_have_their_count_twice_and_are_made_little_endian() {
        let two = [0, 0, 0, 2];
        let cases: [(Kind, Vec<u8>, Vec<u8>); 7] = [
            (Kind::Byte, vec![7, 0xff, 0, 0], vec![7, 0xff]),
            (Kind::Int16, vec![0, 0, 0, 1, 0xff, 0xff, 0x80, 0], vec![1, 0, 0, 0x80]),
            (Kind::UInt16, vec![0, 0, 0, 1, 0, 0, 0xff, 0xfe], vec![1, 0, 0xfe, 0xff]),
            (Kind::Int32, vec![0, 0, 0, 1, 0xff, 0xff, 0xff, 0xfe], vec![1, 0, 0, 0, 0xfe, 0xff, 0xff, 0xff]),
            (Kind::UInt32, vec![0, 0, 0, 1, 0xff, 0xff, 0xff, 0xfe], vec![1, 0, 0, 0, 0xfe, 0xff, 0xff, 0xff]),
            (
                Kind::Float32,
                [1_f32.to_be_bytes(), 2_f32.to_be_bytes()].concat(),
                [1_f32.to_le_bytes(), 2_f32.to_le_bytes()].concat(),
            ),
            (
                Kind::Float64,
                [1_f64.to_be_bytes(), 2_f64.to_be_bytes()].concat(),
                [1_f64.to_le_bytes(), 2_f64.to_le_bytes()].concat(),
            ),
        ];
        for (kind, sent, made) in cases {
            let answer = answer(&format!("{} a[x = 2];", kind.name()), &[&two, &two, &sent]);
            assert_eq!(told(&answer, &["a"], kind, &[2]), Ok(Data::Bytes(made)), "{kind:?}");
            for length in 0..answer.len() {
                assert!(told(&answer[..length], &["a"], kind, &[2]).is_err(), "{kind:?} {length}");
            }
        }
    }

    #[test]
    fn scalars_have_no_count() {
        let of = |kind: Kind, sent: &[u8]| told(&answer(&format!("{} a;", kind.name()), &[sent]), &["a"], kind, &[]);
        assert_eq!(of(Kind::Int16, &[0xff, 0xff, 0xff, 0xff]), Ok(Data::Bytes(vec![0xff, 0xff])));
        assert_eq!(of(Kind::String, b"\0\0\0\x03abc\0"), Ok(Data::Texts(vec!["abc".to_owned()])));
        // THREDDS, libdap with its sign, pydap.
        for sent in [[0, 0, 0, 200], [0xff, 0xff, 0xff, 200], [200, 0, 0, 0]] {
            assert_eq!(of(Kind::Byte, &sent), Ok(Data::Bytes(vec![200])));
        }
        assert_eq!(of(Kind::Byte, &[0; 4]), Ok(Data::Bytes(vec![0])));
        assert_eq!(of(Kind::Byte, &[1, 0, 0, 1]).unwrap_err(), "data answer at 0x0: Byte is 16777217 (at 0x1d)");
    }

    #[test]
    fn texts_have_their_count_once_and_are_filled_up() {
        let sent = answer("String a[2];", &[b"\0\0\0\x02", b"\0\0\0\x05caf\xc3\xa9\0\0\0", b"\0\0\0\0"]);
        let texts = vec!["café".to_owned(), String::new()];
        assert_eq!(told(&sent, &["a"], Kind::Url, &[2]), Ok(Data::Texts(texts)));
        let sent = answer("String a[1];", &[b"\0\0\0\x01", b"\0\0\0\x01\xe9\0\0\0"]);
        let error = told(&sent, &["a"], Kind::String, &[1]).unwrap_err();
        assert_eq!(error, "data answer at 0x0: String is not valid text (at 0x26)");
    }

    #[test]
    fn the_array_of_a_grid_comes_alone_or_with_its_maps() {
        let one = [0, 0, 0, 1];
        let number = 1.5_f32.to_be_bytes();
        let data: [&[u8]; 3] = [&one, &one, &number];
        let expected = Ok(Data::Bytes(1.5_f32.to_le_bytes().to_vec()));
        let of = |dds: &str, data: &[&[u8]]| told(&answer(dds, data), &["g", "a"], Kind::Float32, &[1]);
        assert_eq!(of("Structure { Float32 a[x = 1]; } g;", &data), expected);
        assert_eq!(of("Float32 a[x = 1];", &data), expected);
        let map: [&[u8]; 3] = [&one, &one, &[0, 0, 0, 9]];
        let grid = "Grid { Array: Float32 a[x = 1]; Maps: Int32 x[x = 1]; } g;";
        assert_eq!(of(grid, &[data, map].concat()), expected);
        let error = of(grid, &data).unwrap_err();
        assert_eq!(error, "data answer at 0x0: the bytes end inside the structure (at 0x5c)");
    }

    #[test]
    fn another_answer_than_the_one_to_the_question_is_refused() {
        let one = [0, 0, 0, 1];
        let refused = |dds: &str, data: &[&[u8]]| told(&answer(dds, data), &["a"], Kind::Int32, &[1]).unwrap_err();
        let table: [(&str, &[&[u8]], &str); 8] = [
            ("Int32 b[1];", &[&one, &one, &one], "what was asked for is missing (at 0x21)"),
            ("Int32 a[2];", &[&one, &one, &one], "dimension size is 2, not 1 (at 0x21)"),
            ("Int32 a[1][1];", &[&one, &one, &one], "number of dimensions is 2, not 1 (at 0x24)"),
            ("Int32 a[1];", &[&one, &[0xff; 4], &one], "number of elements is 4294967295, not 1 (at 0x25)"),
            ("Int32 a[1];", &[&one, &one], "the bytes end inside the structure (at 0x29)"),
            ("Int32 a[1];", &[&one, &one, &one, &one], "number of bytes behind the data is 4 (at 0x2d)"),
            (
                "Int32 a[1]; Int32 b;",
                &[&one, &one, &one, &one],
                "an end behind what was asked for is missing (at 0x36)",
            ),
            ("Int32 a[99999999999][99999999999];", &[&one], "number of dimensions is 2, not 1 (at 0x38)"),
        ];
        for (dds, data, error) in table {
            assert_eq!(refused(dds, data), format!("data answer at 0x0: {error}"), "{dds}");
        }
        assert_eq!(
            refused("Float32 a[1];", &[&one, &one, &one]),
            "an answer of DAP2 with elements of another type than the DDS says is not supported"
        );
        assert_eq!(
            told(b"Dataset { } d;", &["a"], Kind::Byte, &[]).unwrap_err(),
            "data answer at 0x0: Data: is missing (at 0x0)"
        );
        let wide = answer("Int16 a[1];", &[&one, &one, &[0, 1, 0, 0]]);
        let error = told(&wide, &["a"], Kind::Int16, &[1]).unwrap_err();
        assert_eq!(error, "data answer at 0x0: Int16 is 65536 (at 0x29)");
    }

    #[test]
    fn sizes_that_nobody_sent_take_no_memory() {
        let many = u32::MAX.to_be_bytes();
        let shape = [u32::MAX.into()];
        for kind in Kind::ALL {
            let answer = answer(&format!("{} a[x = {}];", kind.name(), u32::MAX), &[&many, &many, &many]);
            let error = told(&answer, &["a"], kind, &shape).unwrap_err();
            assert!(error.contains("the bytes end inside the structure"), "{kind:?}: {error}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(data in prop::collection::vec(any::<u8>(), 0..64), kind in 0..Kind::ALL.len(), shape in prop::collection::vec(0_u64..4, 0..3)) {
            let kind = Kind::ALL[kind];
            let dimensions: String = shape.iter().flat_map(|size| ["[".to_owned(), size.to_string(), "]".to_owned()]).collect();
            let sent = answer(&format!("{} a{dimensions};", kind.name()), &[&data]);
            if let Ok(Data::Bytes(bytes)) = told(&sent, &["a"], kind, &shape) {
                prop_assert_eq!(wide(bytes.len()), shape.iter().product::<u64>() * kind.size().unwrap());
            }
            let _ = told(&data, &["a"], kind, &shape);
        }
    }
}
