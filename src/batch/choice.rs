//! Which of many inputs are worked on, by what they declare.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use crate::error::Error;
use crate::file::Value;
use crate::netcdf::Header;

/// A condition on what an input declares, as text: `dim:NAME=9866` or `attr:NAME=VALUE`, with `=`, `!=`, `<`, `<=`, `>` or `>=`.
///
/// A dimension is one of the root group, or of the groups where the root has none of the name; `/group/NAME` is that of a group. An
/// attribute is the root group's; `/path/NAME` is that of another object. Numbers are compared as numbers, texts by their
/// characters. What an input lacks satisfies no condition.
///
/// ```
/// use h5refs::batch::Condition;
///
/// let header = h5refs::header(&h5refs::Input::open("testdata/netcdf/cf.nc")?, h5refs::Limits::default())?;
/// let fits = |condition: &str| Ok::<_, h5refs::Error>(condition.parse::<Condition>()?.judge(&header));
/// assert_eq!(fits("attr:title=a small CF file")?, Ok(()));
/// assert_eq!(fits("dim:num_lines=9866")?, Err("it has no dimension num_lines".to_owned()));
/// # Ok::<(), h5refs::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    kind: Kind,
    name: String,
    relation: Relation,
    value: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Dimension,
    Attribute,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Relation {
    Equal,
    Unequal,
    Less,
    AtMost,
    Greater,
    AtLeast,
}

impl Relation {
    /// Longer ones before those that they begin with.
    const ALL: [(&'static str, Self); 6] = [
        ("!=", Self::Unequal),
        ("<=", Self::AtMost),
        (">=", Self::AtLeast),
        ("=", Self::Equal),
        ("<", Self::Less),
        (">", Self::Greater),
    ];

    fn holds(self, order: Option<Ordering>) -> bool {
        match self {
            Self::Equal => order == Some(Ordering::Equal),
            Self::Unequal => order != Some(Ordering::Equal),
            Self::Less => order == Some(Ordering::Less),
            Self::AtMost => matches!(order, Some(Ordering::Less | Ordering::Equal)),
            Self::Greater => order == Some(Ordering::Greater),
            Self::AtLeast => matches!(order, Some(Ordering::Greater | Ordering::Equal)),
        }
    }
}

impl FromStr for Condition {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let wrong = |problem: &str| Error::Pattern { pattern: text.to_owned(), problem: problem.to_owned() };
        let (kind, rest) = match text.split_once(':') {
            Some(("dim", rest)) => (Kind::Dimension, rest),
            Some(("attr", rest)) => (Kind::Attribute, rest),
            _ => return Err(wrong("it is neither dim:NAME=N nor attr:NAME=VALUE")),
        };
        // The first relation in the text, and of those that begin there the longest.
        let at = rest.find(['=', '!', '<', '>']).ok_or_else(|| wrong("it has no =, !=, <, <=, > or >="))?;
        let (name, from) = rest.split_at(at);
        let found = Relation::ALL.iter().find_map(|(sign, relation)| Some((*relation, from.strip_prefix(sign)?)));
        let (relation, value) = found.ok_or_else(|| wrong("it has no =, !=, <, <=, > or >="))?;
        if name.is_empty() {
            return Err(wrong("it names nothing"));
        }
        if kind == Kind::Dimension && value.parse::<u64>().is_err() {
            return Err(wrong("the length of a dimension is a whole number"));
        }
        Ok(Self { kind, name: name.to_owned(), relation, value: value.to_owned() })
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = if self.kind == Kind::Dimension { "dim" } else { "attr" };
        let sign = Relation::ALL.iter().find(|(_, relation)| *relation == self.relation).map_or("", |(sign, _)| sign);
        write!(f, "{kind}:{}{sign}{}", self.name, self.value)
    }
}

impl Condition {
    /// Whether an input satisfies it; if not, why not.
    ///
    /// # Errors
    /// The reason, in words.
    pub fn judge(&self, header: &Header) -> Result<(), String> {
        match self.kind {
            Kind::Dimension => self.dimension(header),
            Kind::Attribute => self.attribute(header),
        }
    }

    fn dimension(&self, header: &Header) -> Result<(), String> {
        let (name, lengths) = (&self.name, header.lengths(&self.name));
        if lengths.is_empty() {
            return Err(format!("it has no dimension {name}"));
        }
        let wanted: u64 = self.value.parse().unwrap_or(0);
        if lengths.iter().all(|length| self.relation.holds(Some(length.cmp(&wanted)))) {
            return Ok(());
        }
        let lengths: Vec<String> = lengths.iter().map(u64::to_string).collect();
        Err(format!("dimension {name} is {}", lengths.join(" and ")))
    }

    fn attribute(&self, header: &Header) -> Result<(), String> {
        let name = &self.name;
        let attribute = header.attribute(name).ok_or_else(|| format!("it has no attribute {name}"))?;
        let value = match attribute.values.as_deref() {
            Ok([value]) => value,
            Ok(values) => return Err(format!("attribute {name} has {} values", values.len())),
            Err(error) => return Err(format!("attribute {name}: {error}")),
        };
        let (order, told) = match value {
            Value::Signed(n) => (self.whole((*n).into()), n.to_string()),
            Value::Unsigned(n) => (self.whole((*n).into()), n.to_string()),
            Value::Boolean(b) => (self.whole((*b).into()), b.to_string()),
            Value::Float(x) => (self.value.trim().parse().ok().and_then(|y| x.partial_cmp(&y)), x.to_string()),
            Value::Text(text) => (Some(text.as_str().cmp(&self.value)), format!("\"{text}\"")),
            _ => return Err(format!("attribute {name} is neither a number nor text")),
        };
        if self.relation.holds(order) { Ok(()) } else { Err(format!("attribute {name} is {told}")) }
    }

    /// A whole number beside the value, which may be another number.
    fn whole(&self, n: i128) -> Option<Ordering> {
        let value = self.value.trim();
        if let Ok(wanted) = value.parse::<i128>() {
            return Some(n.cmp(&wanted));
        }
        let wanted: f64 = value.parse().ok()?;
        // Those that doubles do not hold exactly are far from any that are written with a point.
        #[expect(clippy::cast_precision_loss, reason = "only the order is wanted")]
        (n as f64).partial_cmp(&wanted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Bytes, Input, Limits};

    fn judge(file: &'static [u8], condition: &str) -> Result<(), String> {
        let header = crate::header(&Input::from(Bytes::from_static(file)), Limits::default()).unwrap();
        condition.parse::<Condition>().unwrap().judge(&header)
    }

    /// Dimensions `x` of 4 in the root and of 2 in `/g/h`, `y` of 3 in `/g`, and the attribute `level` of `/g`.
    const GROUPS: &[u8] = include_bytes!("../../testdata/netcdf/groups.nc");
    const CF: &[u8] = include_bytes!("../../testdata/netcdf/cf.nc");

    #[test]
    fn dimensions_are_compared_with_numbers() {
        for condition in
            ["dim:x=4", "dim:x!=5", "dim:x<5", "dim:x<=4", "dim:x>3", "dim:x>=4", "dim:y=3", "dim:/g/h/x=2"]
        {
            assert_eq!(judge(GROUPS, condition), Ok(()), "{condition}");
        }
        assert_eq!(judge(GROUPS, "dim:x=2"), Err("dimension x is 4".to_owned()));
        assert_eq!(judge(GROUPS, "dim:/g/h/x>2"), Err("dimension /g/h/x is 2".to_owned()));
        // Without it not even one of another length.
        assert_eq!(judge(GROUPS, "dim:z!=1"), Err("it has no dimension z".to_owned()));
    }

    #[test]
    fn attributes_are_compared_as_what_they_are() {
        assert_eq!(judge(GROUPS, "attr:/g/level=1"), Ok(()));
        assert_eq!(judge(GROUPS, "attr:/g/level<1.5"), Ok(()));
        assert_eq!(judge(GROUPS, "attr:/g/level=2"), Err("attribute /g/level is 1".to_owned()));
        assert_eq!(judge(GROUPS, "attr:/g/level=one"), Err("attribute /g/level is 1".to_owned()));
        assert_eq!(judge(CF, "attr:Conventions>=CF-1.6"), Ok(()));
        assert_eq!(judge(CF, "attr:title=x=y"), Err("attribute title is \"a small CF file\"".to_owned()));
        assert_eq!(judge(CF, "attr:none=1"), Err("it has no attribute none".to_owned()));
    }

    #[test]
    fn conditions_are_told_as_they_are_written_and_others_are_refused() {
        for text in ["dim:x=4", "dim:/g/x!=4", "attr:a<=b=c", "attr:/v/units=K", "attr:t>"] {
            assert_eq!(text.parse::<Condition>().unwrap().to_string(), text);
        }
        let wrong = ["x=4", "dim:x", "dim:=4", "dim:x=four", "dim:x=-1", "attr:a!b", "size:x=1", ""];
        for text in wrong {
            assert!(text.parse::<Condition>().is_err(), "{text}");
        }
        let told = "x=4".parse::<Condition>().unwrap_err().to_string();
        assert_eq!(told, "x=4: it is neither dim:NAME=N nor attr:NAME=VALUE");
    }
}
