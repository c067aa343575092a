//! What checks find in the sets that are to be combined.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use super::Check;

/// How much a finding weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Weight {
    /// Said for information: the values are right.
    Note,
    /// A policy other than the default's decided; the combined set has what the policy says.
    Decided,
    /// Nothing is combined until it is decided.
    Error,
}

/// One difference between sets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// How much it weighs.
    pub weight: Weight,
    /// Which check found it.
    pub check: Check,
    /// The array, group, dimension or file that it is about.
    pub path: String,
    /// The sets that differ from the first, by their names: at most [`Finding::NAMED`] of them.
    pub inputs: Vec<String>,
    /// How many sets differ.
    pub count: usize,
    /// What is different, with the values.
    pub what: String,
}

impl Finding {
    /// Most sets that are named.
    pub const NAMED: usize = 5;
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: {}", self.path, self.check, self.what)?;
        if !self.inputs.is_empty() {
            write!(f, " [{}", self.inputs.join(", "))?;
            let more = self.count.saturating_sub(self.inputs.len());
            if more > 0 {
                write!(f, " and {more} more")?;
            }
            f.write_str("]")?;
        }
        Ok(())
    }
}

/// Findings, those of one check about one path together.
#[derive(Debug, Default)]
pub(super) struct Findings(BTreeMap<(String, Check, Weight), Finding>);

impl Findings {
    /// Adds what one set, if it is one's fault, has.
    pub(super) fn add(
        &mut self,
        weight: Weight,
        check: Check,
        path: &str,
        input: Option<&str>,
        what: impl FnOnce() -> String,
    ) {
        let finding = self.0.entry((path.to_owned(), check, weight)).or_insert_with(|| Finding {
            weight,
            check,
            path: if path.is_empty() { "/".to_owned() } else { path.to_owned() },
            inputs: Vec::new(),
            count: 0,
            what: what(),
        });
        if let Some(input) = input {
            finding.count += 1;
            if finding.inputs.len() < Finding::NAMED {
                finding.inputs.push(input.to_owned());
            }
        }
    }

    /// The findings, ordered by path.
    pub(super) fn into_vec(self) -> Vec<Finding> {
        self.0.into_values().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_with_the_same_fault_are_told_together() {
        let mut findings = Findings::default();
        for n in 0..7 {
            let name = format!("f{n}");
            findings.add(Weight::Error, Check::Dtype, "sst", Some(&name), || format!("<i{n} instead of <f4"));
        }
        let findings = findings.into_vec();
        assert_eq!(findings.len(), 1);
        assert_eq!(findings[0].to_string(), "sst: dtype: <i0 instead of <f4 [f0, f1, f2, f3, f4 and 2 more]");
    }
}
