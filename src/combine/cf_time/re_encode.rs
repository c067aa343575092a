//! Times of several files in units that are exact for all of them.

use super::{Problem, TimeUnits};

/// Times in units that they share.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ReEncoded {
    pub(crate) units: TimeUnits,
    pub(crate) values: Values,
}

/// Numbers that stand for times, one for each instant.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Values {
    Integers(Vec<i64>),
    Floats(Vec<f64>),
}

/// Instants in the units of the first of them, or since the same date in the coarsest finer unit that is exact for all.
///
/// Integers where they are asked for. Floats stay floats in any unit that is exact for all, and become integers where none is.
/// Each form is one of a fixed sequence, and the first that all instants have is taken: neither their order nor having
/// re-encoded some of them before, with the same first, changes which it is.
///
/// # Errors
///
/// [`Problem::NoUnit`] if the instants have no form in common.
pub(crate) fn re_encode(first: &TimeUnits, integers: bool, instants: &[i128]) -> Result<ReEncoded, Problem> {
    let floats = first.and_finer().filter(|_| !integers).find_map(|units| {
        let values = instants.iter().map(|instant| units.encode_float(*instant)).collect::<Option<_>>()?;
        Some(ReEncoded { units, values: Values::Floats(values) })
    });
    let whole = || {
        first.and_finer().find_map(|units| {
            let values = instants.iter().map(|instant| units.encode_integer(*instant)).collect::<Option<_>>()?;
            Some(ReEncoded { units, values: Values::Integers(values) })
        })
    };
    floats.or_else(whole).ok_or_else(|| Problem::NoUnit(first.date().to_owned()))
}
