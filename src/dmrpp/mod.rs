//! DMR++: the sidecars in which the Hyrax data server keeps what an HDF5 file holds and where (`OPeNDAP/bes`, `dmrpp_module`).
//!
//! A sidecar becomes the objects that the walk over its file would give, as far as it tells them. What it does not tell, or not
//! exactly, is an error of the variable.

mod attribute;
mod chunks;
mod datatype;
mod document;
mod fill;
mod held;
mod input;
mod names;
mod number;
mod objects;
mod structures;
mod text;
mod variable;
mod xml;

pub(crate) use attribute::has_octal;
pub(crate) use objects::Sidecar;
pub(crate) use variable::Facts;

use document::Document;

use crate::error::{Error, Problem, Structure};
use crate::file::ByteOrder;
use crate::limits::Budget;

/// What is taken for that which sidecars do not tell.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Given {
    /// The order of bytes of numbers.
    pub(crate) order: Option<ByteOrder>,
    /// The rest as Hyrax takes it.
    pub(crate) as_served: bool,
}

/// Reads a sidecar.
pub(crate) fn read(bytes: &[u8], given: Given, budget: &Budget) -> Result<Sidecar, Error> {
    Sidecar::of(&Document::read(&text::text(bytes)?, budget)?, given, budget)
}

/// What a sidecar calls its file, if it is a URL.
pub(crate) fn url(bytes: &[u8]) -> Result<Option<String>, Error> {
    Ok(Document::href_of(&text::text(bytes)?)?.filter(|href| is_url(href)))
}

/// Whether what a sidecar calls a file leads there from anywhere. Others are paths that only the server knows, and the word that stands
/// for a URL until someone has one.
pub(crate) fn is_url(href: &str) -> bool {
    href.split_once("://").is_some_and(|(scheme, rest)| {
        let is_scheme = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.');
        !scheme.is_empty() && scheme.chars().all(is_scheme) && !rest.is_empty()
    })
}

fn malformed(at: u64, problem: Problem) -> Error {
    let (structure, start) = (Structure::Dmrpp, 0);
    crate::error::FormatError { structure, start, at, problem }.into()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::file::Storage;
    use crate::limits::Limits;

    const HEAD: &str = "<Dataset xmlns='http://xml.opendap.org/ns/DAP/4.0#' \
        xmlns:dmrpp='http://xml.opendap.org/dap/dmrpp/1.0.0#' name='f' dmrpp:href='f.h5' dmrpp:version='3.21'>";

    fn within(inside: &str, limits: Limits) -> Result<Sidecar, Error> {
        read(format!("{HEAD}{inside}</Dataset>").as_bytes(), Given::default(), &Budget::new(limits))
    }

    /// What is wrong with a sidecar, or with the first of its variables.
    fn wrong(inside: &str) -> String {
        match within(inside, Limits::default()) {
            Err(error) => error.to_string(),
            Ok(sidecar) => {
                let errors = sidecar.tree.objects.iter().filter_map(|object| object.node.content.as_ref().err());
                errors.map(ToString::to_string).next().unwrap_or_default()
            }
        }
    }

    /// The same of a variable of four bytes in chunks of two.
    fn wrong_chunks(chunks: &str) -> String {
        let sizes = "<dmrpp:chunkDimensionSizes>2</dmrpp:chunkDimensionSizes>";
        wrong(&format!("<Int8 name='v'><Dim size='4'/><dmrpp:chunks>{sizes}{chunks}</dmrpp:chunks></Int8>"))
    }

    #[test]
    fn a_variable_is_a_dataset() {
        let sidecar = within(
            "<Int8 name='v'><dmrpp:chunks fillValue='7'><dmrpp:chunk offset='9' nBytes='6'/></dmrpp:chunks>\
             <Attribute name='a' type='Int16'><Value>-5</Value></Attribute><Dim name='/x'/><Dim size='2'/></Int8>\
             <Dimension name='x' size='3'/>",
            Limits::default(),
        );
        let sidecar = sidecar.unwrap();
        let object = sidecar.tree.find("/v").unwrap();
        let dataset = object.dataset().unwrap();
        assert_eq!(dataset.dataspace.dimensions, [3, 2]);
        assert!(matches!(dataset.storage, Storage::Contiguous { offset: Some(9), length: 6 }));
        assert_eq!(object.attributes()[0].values.as_deref().unwrap(), [crate::file::Value::Signed(-5)]);
        assert_eq!(sidecar.dimensions.names("/v"), ["x", "phony_dim_1"]);
    }

    #[test]
    fn documents_that_declare_or_hide_anything_are_refused() {
        let bomb = "<?xml version='1.0'?><!DOCTYPE d [<!ENTITY a 'aaaa'>]>";
        let told = |bytes: &[u8]| {
            read(bytes, Given::default(), &Budget::new(Limits::default())).map(drop).unwrap_err().to_string()
        };
        let expected = "DMR++ sidecar at 0x0: XML: a document type declaration (at 0x15)";
        assert_eq!(told(format!("{bomb}{HEAD}</Dataset>").as_bytes()), expected);
        let entity = "<Attribute name='a' type='String'><Value>&a;</Value></Attribute>";
        assert!(wrong(entity).contains("XML: the entity \"a\", which is not declared"), "{}", wrong(entity));
        assert!(wrong("<Int8 name='&a;'/>").contains("XML: "));
        assert!(wrong("<Attribute name='a' name='b'/>").contains("duplicate attribute of an element"));
        assert!(wrong("</Dataset><Dataset>").contains("a second element beside the data set"));
        assert!(told(b"<?xml version='1.0'?><html/>").contains("the data set of a DMR++ document is missing"));
        assert!(told(b"<?xml version='1.0'?>").contains("an element is missing"));
        assert!(told(HEAD.as_bytes()).contains("the bytes end inside the structure"));
        assert!(told(format!("{HEAD}<Group name='g'></Dataset>").as_bytes()).contains("XML: "));
        let many = (0..65).map(|n| format!(" a{n}='1'")).collect::<Vec<_>>().concat();
        assert!(wrong(&format!("<Int8{many}/>")).contains("number of attributes of an element is 65"));
    }

    #[test]
    fn limits_hold() {
        let deep = |levels: usize| format!("{}{}", "<Group name='g'>".repeat(levels), "</Group>".repeat(levels));
        let limit = |inside: &str, set: fn(&mut Limits)| {
            let mut limits = Limits::default();
            set(&mut limits);
            within(inside, limits).map(drop).map_err(|error| error.to_string())
        };
        let exceeded = |which: &str| format!("exceeds Limits::{which}");
        assert_eq!(limit(&deep(7), |limits| limits.group_depth = 8), Ok(()));
        assert!(limit(&deep(8), |limits| limits.group_depth = 8).unwrap_err().contains(&exceeded("group_depth")));
        let variables = "<Int8 name='a'/><Int8 name='b'/>";
        assert!(limit(variables, |limits| limits.paths = 1).unwrap_err().contains(&exceeded("paths")));
        assert!(limit(variables, |limits| limits.structures = 2).unwrap_err().contains(&exceeded("structures")));
        assert!(
            limit(variables, |limits| limits.metadata_bytes = 9).unwrap_err().contains(&exceeded("metadata_bytes"))
        );
        assert!(limit(&deep(9), |limits| limits.inline_bytes = 20).unwrap_err().contains(&exceeded("inline_bytes")));
        // A text may stand for itself many times.
        let texts =
            "<String name='s'><Dim size='1000000000000'/><dmrpp:vlsa><v c='1000000000000'>x</v></dmrpp:vlsa></String>";
        assert!(wrong(texts).contains(&exceeded("inline_bytes")), "{}", wrong(texts));
    }

    #[test]
    fn chunks_that_no_file_has_are_refused() {
        let chunk = |offset: &str, bytes: &str, place: &str| {
            format!("<dmrpp:chunk offset='{offset}' nBytes='{bytes}' chunkPositionInArray='{place}'/>")
        };
        let first = chunk("8", "2", "[0]");
        assert_eq!(wrong_chunks(&format!("{first}{}", chunk("10", "2", "[2]"))), "");
        let cases = [
            (chunk("-1", "2", "[0]"), "offset is no number that it may be"),
            (chunk("1", "18446744073709551615", "[0]"), "nBytes is no number that it may be"),
            (chunk("1", "99999999999999999999", "[0]"), "nBytes is no number that it may be"),
            (chunk("1", "0", "[0]"), "nBytes is no number that it may be"),
            (chunk("1", "3", "[0]"), "nBytes is 3, not 2"),
            (chunk("1", "2", "[1]"), "chunkPositionInArray is no number that it may be"),
            (chunk("1", "2", "[4]"), "chunkPositionInArray is no number that it may be"),
            (chunk("1", "2", "[-2]"), "chunkPositionInArray is no number that it may be"),
            (chunk("1", "2", "0"), "chunkPositionInArray is no number that it may be"),
            (chunk("1", "2", "[0,0]"), "dimensions of chunkPositionInArray is 2, not 1"),
            (format!("{first}{}", chunk("10", "2", "[0]")), "duplicate chunkPositionInArray"),
            (format!("{first}{}", chunk("9", "2", "[2]")), "duplicate bytes of two chunks"),
            ("<dmrpp:chunk offset='1'/>".to_owned(), "nBytes is no number that it may be"),
            ("<dmrpp:chunk offset='1' nBytes='2' fm='x'/>".to_owned(), "fm is no number that it may be"),
            ("<dmrpp:chunk offset='1' nBytes='2' LBI='0'/>".to_owned(), "what the attribute LBI of a chunk means"),
            ("<dmrpp:block offset='1' nBytes='2'/>".to_owned(), "what the element block among chunks means"),
        ];
        for (chunks, expected) in cases {
            assert!(wrong_chunks(&chunks).contains(expected), "{chunks}: {}", wrong_chunks(&chunks));
        }
    }

    #[test]
    fn variables_whose_values_are_told_twice_wrongly_or_not_are_refused() {
        let held = "<dmrpp:compact>AQ==</dmrpp:compact>";
        assert_eq!(wrong(&format!("<Int8 name='v'>{held}</Int8>")), "");
        let cases = [
            (String::new(), "where its values lie"),
            (format!("{held}{held}"), "duplicate place of a variable's values"),
            (format!("{held}<dmrpp:chunk offset='1' nBytes='1'/>"), "duplicate place of a variable's values"),
            ("<dmrpp:compact>AQI=</dmrpp:compact>".to_owned(), "bytes of the values is 2, not 1"),
            ("<dmrpp:compact>?</dmrpp:compact>".to_owned(), "Base64 does not decode"),
            ("<dmrpp:chunk offset='1' nBytes='2'/>".to_owned(), "nBytes is 2, not 1"),
            (format!("<Dim name='/none'/>{held}"), "the size of a dimension"),
            (format!("<Dim size='18446744073709551615'/><Dim size='2'/>{held}"), "bytes of all elements overflows"),
            (format!("{}{held}", "<Dim size='1'/>".repeat(33)), "number of dimensions is 33"),
        ];
        for (inside, expected) in cases {
            let told = wrong(&format!("<Int8 name='v'>{inside}</Int8>"));
            assert!(told.contains(expected), "{inside}: {told}");
        }
        assert!(wrong(&format!("<Int8 name='v'>{held}</Int8><Int8 name='v'>{held}</Int8>")).contains("duplicate path"));
        assert!(wrong(&format!("<Int8 name='a/b'>{held}</Int8>")).contains("name cannot be a Zarr key"));
        assert!(wrong(&format!("<Opaque name='v'>{held}</Opaque>")).contains("how elements of type Opaque are stored"));
        assert!(wrong(&format!("<Enum name='v' enum='/e'>{held}</Enum>")).contains("what its enumeration is"));
    }

    #[test]
    fn values_are_held_as_their_type_is_held() {
        let special = "<dmrpp:specialstructuredata>AQA=</dmrpp:specialstructuredata>";
        let (texts, fill) = ("<dmrpp:vlsa><v/></dmrpp:vlsa>", "<dmrpp:chunks fillValue='x'/>");
        let cases = [
            (format!("<Int64 name='v'>{texts}</Int64>"), "its values but as texts"),
            (format!("<Int16 name='v'><Int16 name='m'/>{special}</Int16>"), "the values of what is no structure"),
            (format!("<Structure name='v'><Int16 name='m'/>{special}</Structure>"), ""),
            (
                format!("<Structure name='v'><Int16 name='m'/>{special}{texts}</Structure>"),
                "duplicate place of a variable's values",
            ),
            (
                format!("<String name='v'><Dim size='2'/>{fill}<dmrpp:compact>YWI=</dmrpp:compact></String>"),
                "how long its texts are",
            ),
            (format!("<String name='v'><Dim size='2'/>{fill}</String>"), "behind the first NUL"),
        ];
        for (inside, expected) in cases {
            assert!(wrong(&inside).contains(expected), "{inside}: {}", wrong(&inside));
            assert_eq!(wrong(&inside).is_empty(), expected.is_empty(), "{inside}: {}", wrong(&inside));
        }
    }

    #[test]
    fn what_many_variables_are_made_of_is_counted_for_each() {
        let fixed = "<dmrpp:FixedLengthStringArray string_length='3000'/><dmrpp:chunks fillValue=''/>";
        let texts = format!("<String name='a'>{fixed}</String><String name='b'>{fixed}</String>");
        let members = "<EnumConst name='a' value='1'/><EnumConst name='b' value='2'/>";
        let enumeration = format!("<Enumeration name='e' basetype='Int8'>{members}</Enumeration>");
        let of_it = |name| format!("<Enum name='{name}' enum='/e'><dmrpp:compact>AQ==</dmrpp:compact></Enum>");
        let enumerations = (0..20).map(|n| of_it(n.to_string())).collect::<Vec<_>>().concat() + &enumeration;
        for inside in [texts, enumerations] {
            let within = |inline_bytes| within(&inside, Limits { inline_bytes, ..Limits::default() }).unwrap();
            let errors = |sidecar: Sidecar| {
                let contents = sidecar.tree.objects.into_iter().map(|object| object.node.content.clone());
                contents.filter_map(Result::err).map(|error| error.to_string()).collect::<Vec<_>>()
            };
            assert_eq!(errors(within(10_000)), [""; 0], "{inside}");
            let told = errors(within(4_000));
            assert!(told.iter().any(|error| error.contains("exceeds Limits::inline_bytes")), "{inside}: {told:?}");
        }
    }

    #[test]
    fn values_that_are_missing_in_the_file_are_deflated() {
        use base64::Engine;
        let stream = crate::codec::deflate::encode(&[1, 0, 2, 0], 6);
        let text = base64::engine::general_purpose::STANDARD.encode(stream);
        let sidecar = within(
            &format!("<Int16 name='v'><Dim size='2'/><dmrpp:missingdata>\n{text}\n</dmrpp:missingdata></Int16>"),
            Limits::default(),
        );
        let Storage::Compact { elements, .. } = &sidecar.unwrap().tree.objects[1].dataset().unwrap().storage.clone()
        else {
            panic!("the values are not here");
        };
        assert_eq!(elements[..], [1, 0, 2, 0]);
    }

    #[test]
    fn names_are_those_of_the_file_where_they_are_kept() {
        let sidecar = within(
            "<Group name='a_b'><Int8 name='c_d'><dmrpp:compact>AQ==</dmrpp:compact>\
             <Attribute name='fullnamepath' type='String'><Value>/a b/c.d</Value></Attribute></Int8></Group>",
            Limits::default(),
        );
        let sidecar = sidecar.unwrap();
        let paths: Vec<&str> = sidecar.tree.objects.iter().map(|object| object.path.as_str()).collect();
        assert_eq!(paths, ["/", "/a b", "/a b/c.d"]);
        assert_eq!(sidecar.tree.objects[2].attributes().len(), 0);
    }

    #[test]
    fn only_urls_lead_to_files() {
        for href in ["s3://bucket/f", "https://host/f", "file:///f"] {
            assert!(is_url(href));
        }
        let head = format!("<?xml version='1.0'?>\n<!-- made -->\n{HEAD}").replace("f.h5", "https://host/f");
        assert_eq!(url(head.as_bytes()).unwrap().as_deref(), Some("https://host/f"));
        assert_eq!(url(HEAD.as_bytes()).unwrap(), None);
        for href in ["data/f.h5", "/data/f.h5", "OPeNDAP_DMRpp_DATA_ACCESS_URL", "://f", "a b://f", ""] {
            assert!(!is_url(href));
        }
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_do_not_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = read(&bytes, Given::default(), &Budget::new(Limits::default()));
        }

        #[test]
        fn arbitrary_elements_do_not_panic(
            parts in prop::collection::vec((0_usize..14, "[0-9a-z/\\[\\],&;#-]{0,8}"), 0..40),
        ) {
            const NAMES: [&str; 14] = [
                "Int32", "String", "Structure", "Dim", "Attribute", "Value", "Group", "Enum", "dmrpp:chunks", "dmrpp:chunk",
                "dmrpp:vlsa", "v", "dmrpp:compact", "dmrpp:chunkDimensionSizes",
            ];
            let (mut text, mut open) = (Vec::new(), Vec::new());
            for (n, word) in parts {
                let word = word.replace('&', "&amp;");
                text.push(format!("<{} name='{word}' size='{word}' offset='7' nBytes='{word}'>{word}", NAMES[n]));
                open.push(NAMES[n]);
                if n % 2 == 0 {
                    text.push(format!("</{}>", open.pop().unwrap_or_default()));
                }
            }
            text.extend(open.into_iter().rev().map(|name| format!("</{name}>")));
            let _ = within(&text.concat(), Limits::default());
        }
    }
}
