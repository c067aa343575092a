//! Structures with texts among their members, whose values the sidecar itself holds: `dmrpp:specialstructuredata`.
//!
//! Member after member, element after element: numbers as their bytes, least first, each text in Base64 with a semicolon behind it, and
//! all of that in Base64 (`build_dmrpp_util.cc`, `obtain_structure_string_value`). How long texts may be in the file is not told; here
//! they may be as long as the longest of their member.

use bytes::Bytes;

use super::datatype;
use super::document::Variable;
use super::held::{base64, decoded, without_nuls};
use super::malformed;
use crate::error::{Error, Problem};
use crate::field::convert::{narrow, wide};
use crate::file::{ByteOrder, Charset, Class, Datatype, Member, Padding, Text};
use crate::limits::Budget;

/// The type of the structures, and all elements.
pub(crate) fn structures(
    variable: &Variable,
    text: &str,
    elements: u64,
    budget: &Budget,
) -> Result<(Datatype, Bytes), Error> {
    let held = base64(text, variable.at)?;
    let kinds = datatype::members(variable, kind)?;
    let values = || Values { rest: &held, at: variable.at };
    let mut longest = vec![1; kinds.len()];
    let rest = values().each(&kinds, elements, |n, part| {
        longest.get_mut(n).into_iter().for_each(|longest| *longest = wide(part.len()).max(*longest));
    })?;
    if rest > 0 {
        let (found, expected) = (wide(held.len()), wide(held.len().saturating_sub(rest)));
        return Err(malformed(variable.at, Problem::Mismatch { field: "bytes of the values", found, expected }));
    }
    let datatype = datatype_of(variable, &kinds, &longest)?;
    let bytes = elements.saturating_mul(datatype.size.into());
    budget.inline(bytes)?;
    let mut all = Vec::with_capacity(narrow(bytes));
    values().each(&kinds, elements, |n, part| {
        let end = all.len().saturating_add(longest.get(n).copied().map_or(0, narrow));
        all.extend_from_slice(part);
        all.resize(end, 0);
    })?;
    Ok((datatype, all.into()))
}

/// What a member consists of.
enum Kind {
    Numbers(Datatype),
    /// Texts, how many and in which shape.
    Texts {
        dimensions: Vec<u32>,
        count: u32,
    },
}

fn kind(member: &Variable) -> Result<Kind, Error> {
    if !matches!(member.kind.as_str(), "String" | "URL") {
        return datatype::member(member, ByteOrder::Little).map(Kind::Numbers);
    }
    let (dimensions, count) = datatype::dimensions(member)?;
    Ok(Kind::Texts { dimensions, count })
}

/// The structure, its members one after another, texts as long as the longest.
fn datatype_of(variable: &Variable, kinds: &[Kind], longest: &[u64]) -> Result<Datatype, Error> {
    let too_large = || malformed(variable.at, Problem::Overflow("bytes of a structure"));
    let (mut members, mut offset) = (Vec::with_capacity(kinds.len()), 0_u32);
    for ((member, kind), longest) in variable.members.iter().zip(kinds).zip(longest) {
        let datatype = match kind {
            Kind::Numbers(datatype) => datatype.clone(),
            Kind::Texts { dimensions, count } => {
                let text = Text { padding: Padding::NullPadded, charset: Charset::Utf8 };
                let size = u32::try_from(*longest).map_err(|_| too_large())?;
                let one = Datatype { size, class: Class::String(text) };
                datatype::array(one, dimensions, *count).ok_or_else(too_large)?
            }
        };
        let end = offset.checked_add(datatype.size).ok_or_else(too_large)?;
        members.push(Member { name: member.name.clone(), offset, datatype });
        offset = end;
    }
    Ok(Datatype { size: offset, class: Class::Compound(members) })
}

/// What is left of the values.
struct Values<'a> {
    rest: &'a [u8],
    at: u64,
}

impl<'a> Values<'a> {
    /// Gives the numbers of a member at once, and each of its texts, with the member's number; the rest is how many bytes are left.
    fn each(mut self, kinds: &[Kind], elements: u64, mut take: impl FnMut(usize, &[u8])) -> Result<usize, Error> {
        for _ in 0..elements {
            for (n, kind) in kinds.iter().enumerate() {
                match kind {
                    Kind::Numbers(datatype) => take(n, self.bytes(narrow(datatype.size.into()))?),
                    Kind::Texts { count, .. } => {
                        for _ in 0..*count {
                            take(n, &self.text()?);
                        }
                    }
                }
            }
        }
        Ok(self.rest.len())
    }

    fn bytes(&mut self, count: usize) -> Result<&'a [u8], Error> {
        let (bytes, rest) = self.rest.split_at_checked(count).ok_or_else(|| self.ended())?;
        self.rest = rest;
        Ok(bytes)
    }

    /// A text without the NULs that may fill its place.
    fn text(&mut self) -> Result<Vec<u8>, Error> {
        let end = self.rest.iter().position(|byte| *byte == b';').ok_or_else(|| self.ended())?;
        let text = decoded(self.bytes(end)?, self.at)?;
        self.bytes(1)?;
        without_nuls(text)
    }

    fn ended(&self) -> Error {
        malformed(self.at, Problem::Missing("the rest of the values"))
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;

    use super::*;
    use crate::dmrpp::{Given, Sidecar, read};
    use crate::file::Storage;
    use crate::limits::Limits;

    const MEMBERS: &str = "<Int16 name='n'/><String name='s'/><String name='t'><Dim size='2'/></String>";

    fn sidecar(members: &str, elements: u64, held: &[u8], limits: Limits) -> Result<Sidecar, Error> {
        let held = STANDARD.encode(held);
        let text = format!(
            "<Dataset xmlns='http://xml.opendap.org/ns/DAP/4.0#' xmlns:dmrpp='http://xml.opendap.org/dap/dmrpp/1.0.0#' \
             name='f' dmrpp:href='f.h5'><Structure name='v'>{members}<Dim size='{elements}'/>\
             <dmrpp:specialstructuredata>{held}</dmrpp:specialstructuredata></Structure></Dataset>"
        );
        read(text.as_bytes(), Given::default(), &Budget::new(limits))
    }

    /// The elements and the bytes of one, or what is wrong.
    fn elements(members: &str, elements: u64, held: &[u8]) -> Result<(Vec<u8>, u32), String> {
        let sidecar = sidecar(members, elements, held, Limits::default()).map_err(|error| error.to_string())?;
        let object = sidecar.tree.find("/v").unwrap();
        object.node.content.as_ref().map_err(ToString::to_string)?;
        let dataset = object.dataset().unwrap();
        let Storage::Compact { elements, .. } = &dataset.storage else { panic!("they are not here") };
        Ok((elements.to_vec(), dataset.datatype.size))
    }

    fn text(text: &str) -> String {
        format!("{};", STANDARD.encode(text))
    }

    #[test]
    fn texts_are_as_long_as_the_longest_of_their_member() {
        let one = [&[7, 0][..], text("ab").as_bytes(), text("").as_bytes(), text("c").as_bytes()].concat();
        let other = [&[9, 1][..], text("d").as_bytes(), text("efg\0\0").as_bytes(), text("h").as_bytes()].concat();
        let all = [&[7, 0][..], b"ab", &[0; 3], b"c\0\0", &[9, 1], b"d\0", b"efg", b"h\0\0"].concat();
        assert_eq!(elements(MEMBERS, 2, &[one, other].concat()), Ok((all, 10)));
    }

    #[test]
    fn values_that_are_not_those_of_their_type_are_refused() {
        let one = [&[7, 0][..], text("ab").as_bytes(), text("c").as_bytes(), text("d").as_bytes()].concat();
        let wrong = |count, held: &[u8]| elements(MEMBERS, count, held).unwrap_err();
        for end in 0..one.len() {
            assert!(wrong(1, &one[..end]).contains("the rest of the values is missing"), "{end}");
        }
        assert!(wrong(2, &one).contains("the rest of the values is missing"));
        assert!(wrong(u64::MAX, &one).contains("the rest of the values is missing"));
        assert!(wrong(1, &[&one[..], b"x"].concat()).contains("bytes of the values is "));
        assert!(wrong(1, b"\x07\0?;").contains("Base64 does not decode"));
        let nul = [&[7, 0][..], text("a\0b").as_bytes(), text("").as_bytes(), text("").as_bytes()].concat();
        assert!(wrong(1, &nul).contains("whether a text ends at its first NUL"));
        assert!(
            elements("<Opaque name='o'/>", 1, b"x").unwrap_err().contains("how the member o of type Opaque is stored")
        );
        assert!(elements("", 1, b"").unwrap_err().contains("number of members"));
    }

    #[test]
    fn one_long_text_beside_many_short_ones_is_bounded() {
        let texts = text(&"x".repeat(3000)) + &text("").repeat(1000);
        let limits = Limits { inline_bytes: 1_000_000, ..Limits::default() };
        let sidecar = sidecar("<String name='s'/>", 1001, texts.as_bytes(), limits).unwrap();
        let error = sidecar.tree.find("/v").unwrap().node.content.as_ref().unwrap_err().to_string();
        assert!(error.contains("exceeds Limits::inline_bytes"), "{error}");
    }
}
