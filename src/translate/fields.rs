//! Compounds as fields one after another: readers of Zarr v2 know no gaps, no compounds in compounds, and no arrays in them.

use std::collections::BTreeSet;

use crate::error::Unsupported;
use crate::file::{ByteOrder, Class, Datatype, Member};

/// Fields of one compound, those of its parts counted one by one.
const MOST: usize = 65_536;

/// Bytes of all their names.
const MOST_BYTES: usize = 1 << 20;

/// A part of an element that has no parts of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Leaf<'a> {
    /// The names of the members that lead to it, and its positions in arrays, with dots between: `place.lat`, `grid.0.2`.
    pub(crate) name: String,
    /// Bytes of the element before it.
    pub(crate) offset: u32,
    pub(crate) datatype: &'a Datatype,
}

impl Leaf<'_> {
    /// Bytes of the element up to its end.
    pub(crate) fn end(&self) -> u32 {
        self.offset.saturating_add(self.datatype.size)
    }
}

/// The leaves of an element in the order in which they lie; a type without parts is one leaf without a name.
pub(crate) fn leaves(datatype: &Datatype) -> Result<Vec<Leaf<'_>>, Unsupported> {
    let mut leaves = Vec::new();
    let mut parts = vec![Leaf { name: String::new(), offset: 0, datatype }];
    let mut names = 0_usize;
    while let Some(part) = parts.pop() {
        let before = parts.len();
        match &part.datatype.class {
            Class::Compound(members) if complex(part.datatype, members).is_none() => {
                parts.extend(members.iter().map(|member| inside(&part, &member.name, member.offset, &member.datatype)));
            }
            Class::Array { dimensions, base } => parts.extend(elements(&part, dimensions, base)?),
            _ => leaves.push(part),
        }
        names += parts.iter().skip(before).map(|part| part.name.len()).sum::<usize>();
        if parts.len() + leaves.len() > MOST || names > MOST_BYTES {
            return Err(too_many());
        }
    }
    leaves.sort_by_key(|leaf| leaf.offset);
    // NumPy would call a field without a name by its position.
    let is_named = leaves.iter().all(|leaf| !leaf.name.is_empty() || leaf.datatype == datatype);
    let apart = leaves.windows(2).all(|two| two[0].end() <= two[1].offset);
    let names: BTreeSet<&str> = leaves.iter().map(|leaf| leaf.name.as_str()).collect();
    if apart && is_named && names.len() == leaves.len() {
        Ok(leaves)
    } else {
        Err(Unsupported::Datatype(datatype.name()))
    }
}

fn too_many() -> Unsupported {
    Unsupported::Feature("a compound of more than 65,536 fields, or of more than 1 MiB of their names,")
}

/// A part of a part.
fn inside<'a>(whole: &Leaf<'_>, name: &str, offset: u32, datatype: &'a Datatype) -> Leaf<'a> {
    let name = if whole.name.is_empty() { name.to_owned() } else { format!("{}.{name}", whole.name) };
    Leaf { name, offset: whole.offset.saturating_add(offset), datatype }
}

/// The elements of a part that is an array.
fn elements<'a>(whole: &Leaf<'_>, dimensions: &[u32], base: &'a Datatype) -> Result<Vec<Leaf<'a>>, Unsupported> {
    let mut elements = vec![String::new()];
    for size in dimensions {
        let size = usize::try_from(*size).unwrap_or(usize::MAX);
        let count = elements.len().checked_mul(size).filter(|count| *count <= MOST).ok_or_else(too_many)?;
        if count.saturating_mul(whole.name.len()) > MOST_BYTES {
            return Err(too_many());
        }
        let with = |before: &String, n| if before.is_empty() { format!("{n}") } else { format!("{before}.{n}") };
        elements = elements.iter().flat_map(|before| (0..size).map(move |n| with(before, n))).collect();
    }
    let mut offset = 0_u32;
    let elements = elements.iter().map(|name| {
        let element = inside(whole, name, offset, base);
        offset = offset.saturating_add(base.size);
        element
    });
    Ok(elements.collect())
}

/// A compound of two floats that stands for a complex number, as h5py writes it (`cfg.complex_names`).
pub(crate) fn complex(datatype: &Datatype, members: &[Member]) -> Option<String> {
    let [real, imaginary] = members else { return None };
    // Other pairs of floats are records: h5py, and with it xarray, reads no other names as complex.
    let named = (real.name.as_str(), imaginary.name.as_str()) == ("r", "i");
    let adjacent = real.offset == 0 && imaginary.offset == real.datatype.size;
    (named && adjacent && real.datatype == imaginary.datatype).then(|| complex_of(datatype, &real.datatype))?
}

/// A complex number of two such parts, with nothing after them.
pub(crate) fn complex_of(datatype: &Datatype, part: &Datatype) -> Option<String> {
    match (&part.class, part.size) {
        (Class::FloatingPoint { order, format, .. }, 4 | 8)
            if format.is_ieee(part.size) && datatype.size == part.size * 2 =>
        {
            Some(format!("{}c{}", sign(*order, part.size), part.size * 2))
        }
        _ => None,
    }
}

/// NumPy's mark of the byte order.
pub(crate) fn sign(order: ByteOrder, size: u32) -> char {
    match order {
        _ if size == 1 => '|',
        ByteOrder::Little => '<',
        ByteOrder::Big | ByteOrder::Vax => '>',
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::file::Bits;

    fn integer(size: u32) -> Datatype {
        let bits = Bits { offset: 0, precision: u16::try_from(size * 8).unwrap() };
        Datatype { size, class: Class::FixedPoint { order: ByteOrder::Little, signed: true, bits } }
    }

    fn compound(size: u32, members: &[(&str, u32, Datatype)]) -> Datatype {
        let member = |(name, offset, datatype): &(&str, u32, Datatype)| Member {
            name: (*name).to_owned(),
            offset: *offset,
            datatype: datatype.clone(),
        };
        Datatype { size, class: Class::Compound(members.iter().map(member).collect()) }
    }

    fn array(dimensions: &[u32], base: Datatype) -> Datatype {
        let size = dimensions.iter().product::<u32>() * base.size;
        Datatype { size, class: Class::Array { dimensions: dimensions.to_vec(), base: Box::new(base) } }
    }

    /// Name, offset and size of each leaf.
    fn told(datatype: &Datatype) -> Vec<(String, u32, u32)> {
        leaves(datatype).unwrap().into_iter().map(|leaf| (leaf.name, leaf.offset, leaf.datatype.size)).collect()
    }

    fn refusal(datatype: &Datatype) -> String {
        leaves(datatype).unwrap_err().to_string()
    }

    #[test]
    fn leaves_are_named_by_the_way_that_leads_to_them_and_ordered_as_they_lie() {
        let inner = compound(6, &[("y", 4, integer(1)), ("x", 0, integer(4))]);
        let outer = compound(32, &[("pairs", 8, array(&[2], inner)), ("grid", 24, array(&[2, 2], integer(1)))]);
        let expected = [
            ("pairs.0.x", 8, 4),
            ("pairs.0.y", 12, 1),
            ("pairs.1.x", 14, 4),
            ("pairs.1.y", 18, 1),
            ("grid.0.0", 24, 1),
            ("grid.0.1", 25, 1),
            ("grid.1.0", 26, 1),
            ("grid.1.1", 27, 1),
        ];
        assert_eq!(told(&outer), expected.map(|(name, offset, size)| (name.to_owned(), offset, size)));
    }

    #[test]
    fn a_type_without_parts_is_a_leaf_without_a_name() {
        assert_eq!(told(&integer(2)), [(String::new(), 0, 2)]);
    }

    #[test]
    fn a_field_without_a_name_is_refused() {
        let nameless = compound(2, &[("", 0, integer(1)), ("f0", 1, integer(1))]);
        assert_eq!(refusal(&nameless), "datatype compound {: int8, f0: int8} has no Zarr v2 form");
    }

    #[test]
    fn leaves_that_overlap_or_share_a_name_are_refused() {
        let overlapping = compound(4, &[("a", 0, integer(2)), ("b", 1, integer(2))]);
        assert_eq!(refusal(&overlapping), "datatype compound {a: int16, b: int16} has no Zarr v2 form");
        let twice = compound(4, &[("a.b", 0, integer(1)), ("a", 1, compound(1, &[("b", 0, integer(1))]))]);
        assert_eq!(refusal(&twice), "datatype compound {a.b: int8, a: compound {b: int8}} has no Zarr v2 form");
    }

    #[test]
    fn arrays_in_arrays_of_compounds_are_counted_before_they_are_held() {
        let told = "a compound of more than 65,536 fields, or of more than 1 MiB of their names, is not supported";
        assert_eq!(refusal(&compound(65_537, &[("a", 0, array(&[65_537], integer(1)))])), told);
        let row = compound(1_000, &[("a", 0, array(&[1_000], integer(1)))]);
        assert_eq!(refusal(&compound(1_000_000, &[("rows", 0, array(&[1_000], row))])), told);
        let long = "n".repeat(1_000);
        assert_eq!(refusal(&compound(2_000, &[(&long, 0, array(&[2_000], integer(1)))])), told);
        let rows = compound(100, &[(&long, 0, array(&[100], integer(1)))]);
        assert_eq!(refusal(&compound(10_000, &[("rows", 0, array(&[100], rows))])), told);
        let most = compound(65_536, &[("a", 0, array(&[256, 256], integer(1)))]);
        assert_eq!(leaves(&most).unwrap().len(), 65_536);
    }
}
