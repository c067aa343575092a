//! Where the coordinates of a dimension come from.

use std::fmt;
use std::sync::Arc;

use serde_json::Value;

use crate::reference::ReferenceSet;

/// Where the coordinates of a dimension come from, for each set; the words are those of kerchunk's `coo_map`.
#[derive(Clone)]
#[non_exhaustive]
pub enum Selector {
    /// The same for all sets.
    Constant(Value),
    /// One for each set, in the order of the sets.
    List(Vec<Value>),
    /// A part of the set's name.
    Name(NamePart),
    /// `attr:NAME`: an attribute of the root.
    Attribute(String),
    /// `vattr:VARIABLE:NAME`: an attribute of an array.
    VariableAttribute {
        /// Path of the array.
        variable: String,
        /// Name of the attribute.
        attribute: String,
    },
    /// `VARNAME`: the name of the set's only array that is neither a coordinate nor the same in all sets.
    VariableName,
    /// `INDEX`: the position of the set, from 0.
    Index,
    /// `data:VARIABLE`: the elements of an array.
    Data(String),
    /// `cf:VARIABLE`: the elements of an array of CF times.
    Cf(String),
    /// None: rows follow each other in the order of the sets.
    Position,
    /// What a closure makes of a set.
    Closure(Closure),
}

/// What finds a part of a name.
type Finds = dyn Fn(&str) -> Option<String> + Send + Sync;

/// Finds a coordinate in the name of a set.
#[derive(Clone)]
pub struct NamePart(Arc<Finds>);

impl NamePart {
    /// The part that a closure finds.
    pub fn new(find: impl Fn(&str) -> Option<String> + Send + Sync + 'static) -> Self {
        Self(Arc::new(find))
    }

    pub(super) fn find(&self, name: &str) -> Option<String> {
        (self.0)(name)
    }
}

/// What a closure makes coordinates of: a set's position, its name, and the set.
pub type Chooses = dyn Fn(usize, &str, &ReferenceSet) -> Result<Vec<Value>, String> + Send + Sync;

impl fmt::Debug for NamePart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NamePart(..)")
    }
}

impl fmt::Debug for Closure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Closure(..)")
    }
}

/// A closure that makes coordinates.
#[derive(Clone)]
pub struct Closure(pub Arc<Chooses>);

impl Selector {
    /// A selector by kerchunk's words: `attr:NAME`, `vattr:VARIABLE:NAME`, `VARNAME`, `INDEX`, `data:VARIABLE`, `cf:VARIABLE`, and
    /// besides `list:[...]` (JSON); anything else is a constant: a number where it is one, else a text.
    pub fn parse(text: &str) -> Result<Self, String> {
        let known = match text.split_once(':') {
            Some(("attr", name)) => Self::Attribute(name.to_owned()),
            Some(("vattr", rest)) => {
                let (variable, attribute) =
                    rest.split_once(':').ok_or_else(|| format!("{text}: vattr:VARIABLE:ATTRIBUTE is wanted"))?;
                Self::VariableAttribute { variable: variable.to_owned(), attribute: attribute.to_owned() }
            }
            Some(("data", variable)) => Self::Data(variable.to_owned()),
            Some(("cf", variable)) => Self::Cf(variable.to_owned()),
            Some(("list", list)) => {
                let list: Vec<Value> = serde_json::from_str(list).map_err(|error| format!("{text}: {error}"))?;
                Self::List(list)
            }
            _ if text == "VARNAME" => Self::VariableName,
            _ if text == "INDEX" => Self::Index,
            _ => Self::Constant(constant(text)),
        };
        Ok(known)
    }
}

/// A number where a text is one, else the text.
fn constant(text: &str) -> Value {
    serde_json::from_str(text).ok().filter(Value::is_number).unwrap_or_else(|| text.into())
}

impl fmt::Debug for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Constant(value) => write!(f, "Constant({value})"),
            Self::List(values) => write!(f, "List({} values)", values.len()),
            Self::Name(_) => f.write_str("Name(..)"),
            Self::Attribute(name) => write!(f, "Attribute({name:?})"),
            Self::VariableAttribute { variable, attribute } => {
                write!(f, "VariableAttribute({variable:?}, {attribute:?})")
            }
            Self::VariableName => f.write_str("VariableName"),
            Self::Index => f.write_str("Index"),
            Self::Position => f.write_str("Position"),
            Self::Data(variable) => write!(f, "Data({variable:?})"),
            Self::Cf(variable) => write!(f, "Cf({variable:?})"),
            Self::Closure(_) => f.write_str("Closure(..)"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn selectors_are_kerchunks_words() {
        let told = |text: &str| format!("{:?}", Selector::parse(text).unwrap());
        assert_eq!(told("attr:cycle_number"), "Attribute(\"cycle_number\")");
        assert_eq!(told("vattr:a:b:c"), "VariableAttribute(\"a\", \"b:c\")");
        assert_eq!(told("data:g/time"), "Data(\"g/time\")");
        assert_eq!(told("cf:time"), "Cf(\"time\")");
        assert_eq!((told("INDEX"), told("VARNAME")), ("Index".to_owned(), "VariableName".to_owned()));
        assert_eq!((told("3"), told("a3")), ("Constant(3)".to_owned(), "Constant(\"a3\")".to_owned()));
        assert_eq!(told("list:[1,\"x\"]"), "List(2 values)");
        assert!(Selector::parse("vattr:a").is_err() && Selector::parse("list:[").is_err());
    }
}
