//! The DAS: the attributes of a dataset and of its variables.

use std::collections::BTreeMap;

use nom::Err;

use super::kind::Kind;
use super::name::unescaped as named;
use super::text::{blank, is_next, keyword, parse, quoted, run, sign, unescaped, word};
use crate::convert::wide;
use crate::error::{Error, Problem, Structure};
use crate::field::span::Blame;
use crate::field::{Fault, Parsed, Span, skip};
use crate::limits::{Limits, check};

/// What ends a word.
const ENDS: &[u8] = b"{};,=\"";

/// Containers of attributes; the first is that of all.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Das {
    pub(crate) containers: Vec<Container>,
    /// Positions of containers by those that they lie in, and their names.
    places: BTreeMap<(usize, String), usize>,
}

#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Container {
    pub(crate) name: String,
    pub(crate) attributes: Vec<Attribute>,
    /// Positions of the containers in it.
    pub(crate) children: Vec<usize>,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Attribute {
    pub(crate) name: String,
    pub(crate) values: Values,
}

/// What stands behind the name of an attribute.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Values {
    Integers(Kind, Vec<i128>),
    /// Of 32 bits the number that they stand for, as any other.
    Floats(Kind, Vec<f64>),
    Texts(Kind, Vec<Vec<u8>>),
    /// Another name for an attribute or a variable.
    Alias(String),
    /// What is no value of its type, or is of a type that DAP2 does not have.
    Wrong(String),
}

impl Das {
    pub(crate) fn read(text: &[u8], limits: &Limits) -> Result<Self, Error> {
        parse(Structure::Das, text, |i| Self::parse(limits, i))
    }

    /// `Attributes { .. }`
    pub(crate) fn parse<'a>(limits: &Limits, i: Span<'a>) -> Parsed<'a, Self> {
        let mut das = Self { containers: vec![Container::default()], places: BTreeMap::new() };
        let (i, ()) = keyword("Attributes", ENDS, i)?;
        let (mut i, ()) = sign(b'{', "{", i)?;
        let (mut open, mut count) = (vec![0_usize], 0_u64);
        while let Some(top) = open.last().copied() {
            if is_next(b'}', i) {
                i = sign(b'}', "}", i)?.0;
                open.pop();
                continue;
            }
            count = count.saturating_add(1);
            let depth = check("group_depth", wide(open.len()), limits.group_depth);
            if let Err(error) = depth.and_then(|()| check("structures", count, limits.structures)) {
                return i.limit(error);
            }
            // Some servers end containers with a semicolon.
            if is_next(b';', i) {
                i = sign(b';', ";", i)?.0;
                continue;
            }
            let at = blank(i);
            let (rest, first) = text("name", i)?;
            if is_next(b'{', rest) {
                open.push(das.container(top, first));
                i = sign(b'{', "{", rest)?.0;
                continue;
            }
            let (rest, attribute) = attribute(&first, limits, rest, at)?;
            if let Some(container) = das.containers.get_mut(top) {
                container.attributes.push(attribute);
            }
            i = rest;
        }
        Ok((i, das))
    }

    /// The position of a container in another, which is there once.
    fn container(&mut self, parent: usize, name: String) -> usize {
        let next = self.containers.len();
        let place = *self.places.entry((parent, name.clone())).or_insert(next);
        if place == next {
            self.containers.push(Container { name, ..Container::default() });
            if let Some(parent) = self.containers.get_mut(parent) {
                parent.children.push(next);
            }
        }
        place
    }

    /// The container of a name in another.
    pub(crate) fn child(&self, parent: usize, name: &str) -> Option<usize> {
        self.places.get(&(parent, name.to_owned())).copied()
    }
}

/// What comes behind the first word of an attribute, which is its type: a name, and values with commas between them.
fn attribute<'a>(type_name: &str, limits: &Limits, i: Span<'a>, first: Span<'a>) -> Parsed<'a, Attribute> {
    if type_name.eq_ignore_ascii_case("Alias") {
        let (i, name) = text("name", i)?;
        let (i, target) = text("alias", i)?;
        let (i, ()) = sign(b';', ";", i)?;
        return Ok((i, Attribute { name, values: Values::Alias(target) }));
    }
    let (i, name) = text("name", i)?;
    let (i, values) = match values(limits, i, first) {
        Ok((i, found)) => (i, typed(type_name, found)),
        // pydap escapes no quotation marks: one such text shall not cost all attributes.
        Err(error) => match (is_problem(&error), next_line(i)) {
            (true, Some(next)) => (next, Values::Wrong("what stands there is no list of values".to_owned())),
            _ => return Err(error),
        },
    };
    Ok((i, Attribute { name, values }))
}

/// Values with commas between them, up to a semicolon.
fn values<'a>(limits: &Limits, i: Span<'a>, first: Span<'a>) -> Parsed<'a, Vec<Vec<u8>>> {
    let (mut i, mut values) = (i, Vec::new());
    while !is_next(b';', i) {
        if !values.is_empty() {
            i = sign(b',', ",", i)?.0;
        }
        let (rest, value) = value(i)?;
        values.push(value);
        i = rest;
        let bytes = i.at().saturating_sub(first.at());
        if let Err(error) = check("attribute_bytes", bytes, limits.attribute_bytes) {
            return first.limit(error);
        }
    }
    let (i, ()) = sign(b';', ";", i)?;
    Ok((i, values))
}

fn is_problem(error: &Err<Fault>) -> bool {
    matches!(error, Err::Error(fault) | Err::Failure(fault) if matches!(fault.blame, Blame::Problem(_)))
}

/// What stands behind the first semicolon that ends a line.
fn next_line(i: Span<'_>) -> Option<Span<'_>> {
    let end = i.bytes().windows(2).position(|pair| pair == b";\n")?;
    skip(wide(end).saturating_add(2), i).ok().map(|(rest, ())| rest)
}

/// A name, in quotation marks if need be.
fn text<'a>(told: &'static str, i: Span<'a>) -> Parsed<'a, String> {
    let at = blank(i);
    let (i, name) = if is_next(b'"', i) {
        let (i, name) = quoted(i)?;
        (i, String::from_utf8(unescaped(name)).ok())
    } else {
        let (i, name) = word(told, ENDS, i)?;
        (i, named(name))
    };
    match name {
        Some(name) => Ok((i, name)),
        None => at.fail(Problem::Text(told)),
    }
}

/// A text in quotation marks, or what stands before a comma or semicolon.
fn value(i: Span<'_>) -> Parsed<'_, Vec<u8>> {
    if is_next(b'"', i) {
        let (i, text) = quoted(i)?;
        return Ok((i, unescaped(text)));
    }
    let (rest, value) = run(blank(i), |byte| !b",;{}\"".contains(&byte));
    match value.bytes().trim_ascii() {
        [] => blank(i).fail(Problem::Missing("value")),
        value => Ok((rest, value.to_vec())),
    }
}

/// Values as those of a type.
fn typed(type_name: &str, values: Vec<Vec<u8>>) -> Values {
    let Some(kind) = Kind::of(type_name) else {
        return Values::Wrong(format!("its type {type_name:.100} is none of DAP2"));
    };
    if kind.is_text() {
        return Values::Texts(kind, values);
    }
    let wrong = |value: &[u8]| Values::Wrong(format!("{:.100} is no {}", String::from_utf8_lossy(value), kind.name()));
    let texts: Vec<&str> = values.iter().map(|value| std::str::from_utf8(value).unwrap_or("").trim()).collect();
    if kind.is_float() {
        let floats: Option<Vec<f64>> = texts.iter().map(|text| float(text, kind)).collect();
        let is_wrong = |text: &&&str| float(text, kind).is_none();
        return floats.map_or_else(
            || wrong(texts.iter().find(is_wrong).map_or(&[], |text| text.as_bytes())),
            |floats| Values::Floats(kind, floats),
        );
    }
    let integers: Option<Vec<i128>> = texts.iter().map(|text| integer(text)).collect();
    let is_wrong = |text: &&&str| integer(text).is_none();
    integers.map_or_else(
        || wrong(texts.iter().find(is_wrong).map_or(&[], |text| text.as_bytes())),
        |integers| Values::Integers(kind, integers),
    )
}

/// An integer that JSON can have, whatever its type: pydap says Int32 of all, and writes them with an exponent beyond six digits.
fn integer(text: &str) -> Option<i128> {
    let exact: Option<i128> = text.parse().ok();
    let rounded = || {
        let is_number = text.bytes().all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte));
        let number: f64 = text.parse().ok().filter(|_| is_number)?;
        let is_whole = number.fract() == 0.0 && number.abs() <= 9_007_199_254_740_992.0;
        is_whole.then(|| format!("{number:.0}").parse().ok())?
    };
    exact.or_else(rounded).filter(|number| (i128::from(i64::MIN)..=i128::from(u64::MAX)).contains(number))
}

/// A float; what is written with digits is finite.
fn float(text: &str, kind: Kind) -> Option<f64> {
    let text = text.strip_suffix('.').filter(|text| text.ends_with(|c: char| c.is_ascii_alphabetic())).unwrap_or(text);
    let number = if kind == Kind::Float32 { text.parse::<f32>().ok()?.into() } else { text.parse::<f64>().ok()? };
    let has_digits = text.bytes().any(|byte| byte.is_ascii_digit());
    (number.is_finite() || !has_digits).then_some(number)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> Result<Das, String> {
        Das::read(text.as_bytes(), &Limits::default()).map_err(|error| error.to_string())
    }

    /// Each attribute in a line, after the names of the containers that it lies in.
    fn told(das: &Das) -> Vec<String> {
        let (mut lines, mut open) = (Vec::new(), vec![(0, String::new())]);
        while let Some((at, path)) = open.pop() {
            let container = &das.containers[at];
            lines.extend(container.attributes.iter().map(|attribute| {
                let values = match &attribute.values {
                    Values::Texts(kind, texts) => {
                        let texts: Vec<_> = texts.iter().map(|text| String::from_utf8_lossy(text)).collect();
                        format!("{} {texts:?}", kind.name())
                    }
                    Values::Integers(kind, integers) => format!("{} {integers:?}", kind.name()),
                    Values::Floats(kind, floats) => format!("{} {floats:?}", kind.name()),
                    other => format!("{other:?}"),
                };
                format!("{path}{} {values}", attribute.name)
            }));
            let inner = |child: &usize| (*child, format!("{path}{}.", das.containers[*child].name));
            open.extend(container.children.iter().rev().map(inner));
        }
        lines
    }

    /// As THREDDS and Hyrax write them.
    const SERVED: &str = r#"Attributes {
    time {
        String units "days since 2000-01-01";
        Int32 _ChunkSizes 512, 23;
    }
    sst {
        Float32 _FillValue -9.99921E36;
        Float64 valid_range -1.0, NaN, Inf, -inf, nan.;
        Byte _Unsigned 255;
        String _Unsigned "true";
        UInt32 most 4294967295;
        DODS { Int32 strlen 20; String dimName "name_len"; }
    }
    NC_GLOBAL {
        String "long name" "a \"b\" \\ \303\251
second line", bare;
        Url home http://a.org/x?y=1:2;
        Alias other sst.units;
    }
    DODS_EXTRA {
        String Unlimited_Dimension "time";
    }
}
"#;

    #[test]
    fn attributes_are_told_by_their_types() {
        let expected = [
            "time.units String [\"days since 2000-01-01\"]",
            "time._ChunkSizes Int32 [512, 23]",
            "sst._FillValue Float32 [-9.99921018749187e36]",
            "sst.valid_range Float64 [-1.0, NaN, inf, -inf, NaN]",
            "sst._Unsigned Byte [255]",
            "sst._Unsigned String [\"true\"]",
            "sst.most UInt32 [4294967295]",
            "sst.DODS.strlen Int32 [20]",
            "sst.DODS.dimName String [\"name_len\"]",
            "NC_GLOBAL.long name String [\"a \\\"b\\\" \\\\ é\\nsecond line\", \"bare\"]",
            "NC_GLOBAL.home Url [\"http://a.org/x?y=1:2\"]",
            "NC_GLOBAL.other Alias(\"sst.units\")",
            "DODS_EXTRA.Unlimited_Dimension String [\"time\"]",
        ];
        assert_eq!(told(&read(SERVED).unwrap()), expected);
    }

    #[test]
    fn a_container_that_comes_twice_is_one() {
        let das = read("attributes { a { Byte x 1; }; A {} a { Byte y 2 ; } Byte z ; }").unwrap();
        assert_eq!(told(&das), ["z Byte []", "a.x Byte [1]", "a.y Byte [2]"]);
        assert_eq!((das.child(0, "a"), das.child(0, "b"), das.child(1, "a")), (Some(1), None, None));
    }

    #[test]
    fn numbers_are_exact_or_refused() {
        let value = |text: &str| {
            let das = read(&format!("Attributes {{ {text}; }}")).unwrap();
            das.containers[0].attributes[0].values.clone()
        };
        assert_eq!(value("Int32 a 1e+06"), Values::Integers(Kind::Int32, vec![1_000_000]));
        assert_eq!(value("Int32 a 9999999999"), Values::Integers(Kind::Int32, vec![9_999_999_999]));
        assert_eq!(value("Byte a -1"), Values::Integers(Kind::Byte, vec![-1]));
        assert_eq!(value("Float32 a 0.1"), Values::Floats(Kind::Float32, vec![f64::from(0.1_f32)]));
        assert_eq!(value("Float64 a 1."), Values::Floats(Kind::Float64, vec![1.0]));
        for (wrong, why) in [
            ("Int32 a 1.5", "1.5 is no Int32"),
            ("Int32 a 1e99", "1e99 is no Int32"),
            ("Int32 a 18446744073709551616", "18446744073709551616 is no Int32"),
            ("Int32 a nan", "nan is no Int32"),
            ("Float32 a 1e39", "1e39 is no Float32"),
            ("Float64 a 1, x", "x is no Float64"),
            ("Int64 a 1", "its type Int64 is none of DAP2"),
        ] {
            assert_eq!(value(wrong), Values::Wrong(why.to_owned()), "{wrong}");
        }
    }

    #[test]
    fn what_is_none_is_refused_at_its_place() {
        let table = [
            ("Dataset {", "DAS at 0x0: Attributes is missing (at 0x0)"),
            ("Attributes { Byte a 1 }", "DAS at 0x0: , is missing (at 0x16)"),
            ("Attributes { Byte a ,; }", "DAS at 0x0: value is missing (at 0x14)"),
            ("Attributes { String a \"b\" \"c\"; }", "DAS at 0x0: , is missing (at 0x1a)"),
            ("Attributes { String a \"b; }", "DAS at 0x0: the bytes end inside the structure (at 0x15)"),
            ("Attributes { a%FF { } }", "DAS at 0x0: name is not valid text (at 0xd)"),
        ];
        for (text, error) in table {
            assert_eq!(read(text).unwrap_err(), error, "{text}");
        }
    }

    #[test]
    fn a_text_with_bare_quotation_marks_costs_itself_only() {
        let das = read("Attributes {\nString a \"x \"y\" z\";\nString b \"C:\\\";\nByte c 1;\n}").unwrap();
        let wrong = "Wrong(\"what stands there is no list of values\")";
        assert_eq!(told(&das), [format!("a {wrong}"), format!("b {wrong}"), "c Byte [1]".to_owned()]);
    }

    #[test]
    fn every_part_of_it_alone_is_refused() {
        for length in 0..SERVED.trim_end().len() {
            assert!(read(&SERVED[..length]).is_err(), "{length}");
        }
    }

    #[test]
    fn depth_number_and_size_have_limits() {
        let error = read(&format!("Attributes {{ {}", "a { ".repeat(2000))).unwrap_err();
        assert!(error.starts_with("1025 exceeds Limits::group_depth"), "{error}");
        let limits = Limits { structures: 2, attribute_bytes: 20, ..Limits::default() };
        let read = |text: &str| Das::read(text.as_bytes(), &limits).map_err(|error| error.to_string());
        assert!(read("Attributes { Byte a 1; Byte b 2; }").is_ok());
        let error = read("Attributes { Byte a 1; Byte b 2; Byte c 3; }").unwrap_err();
        assert!(error.starts_with("3 exceeds Limits::structures"), "{error}");
        let error = read("Attributes { Byte a 1, 2, 3, 4, 5, 6, 7; }").unwrap_err();
        assert!(error.starts_with("23 exceeds Limits::attribute_bytes"), "{error}");
    }

    fn printed(attributes: &[Attribute]) -> String {
        let quoted = |text: &[u8]| {
            let byte = |byte: &u8| match byte {
                b'"' | b'\\' => format!("\\{}", char::from(*byte)),
                32..127 => char::from(*byte).to_string(),
                other => format!("\\{other:03o}"),
            };
            format!("\"{}\"", text.iter().map(byte).collect::<String>())
        };
        let line = |attribute: &Attribute| {
            let (kind, values): (Kind, Vec<String>) = match &attribute.values {
                Values::Integers(kind, integers) => (*kind, integers.iter().map(ToString::to_string).collect()),
                Values::Floats(kind, floats) => (*kind, floats.iter().map(|float| format!("{float:?}")).collect()),
                Values::Texts(kind, texts) => (*kind, texts.iter().map(|text| quoted(text)).collect()),
                _ => panic!(),
            };
            format!("{} {} {};\n", kind.name(), attribute.name, values.join(", "))
        };
        format!("Attributes {{\n{}}}\n", attributes.iter().map(line).collect::<String>())
    }

    fn attributes() -> impl Strategy<Value = Attribute> {
        let values = prop_oneof![
            prop::collection::vec(any::<i64>().prop_map(i128::from), 0..4)
                .prop_map(|values| Values::Integers(Kind::Int32, values)),
            prop::collection::vec(any::<f32>().prop_filter("NaN is no number", |x| !x.is_nan()), 0..4)
                .prop_map(|values| Values::Floats(Kind::Float32, values.into_iter().map(f64::from).collect())),
            prop::collection::vec(any::<f64>().prop_filter("NaN is no number", |x| !x.is_nan()), 0..4)
                .prop_map(|values| Values::Floats(Kind::Float64, values)),
            prop::collection::vec(prop::collection::vec(any::<u8>(), 0..9), 0..4)
                .prop_map(|values| Values::Texts(Kind::String, values)),
        ];
        ("[a-z][a-z0-9_:.]{0,6}", values).prop_map(|(name, values)| Attribute { name, values })
    }

    proptest! {
        #[test]
        fn what_is_printed_is_read_back(attributes in prop::collection::vec(attributes(), 0..6)) {
            let das = read(&printed(&attributes)).unwrap();
            prop_assert_eq!(&das.containers[0].attributes, &attributes);
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = Das::read(&bytes, &Limits::default());
        }

        #[test]
        fn any_signs_are_read_or_refused(text in "Attributes \\{(Byte|String|Alias|a|[0-9{};,\"\\\\ ]){0,60}") {
            let _ = read(&text);
        }
    }
}
