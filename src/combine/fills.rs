//! The value of what no set has.

use super::cells::Cells;
use super::findings::Findings;
use super::sets::Sets;
use super::{Check, CombineOptions, Policy};
use crate::zarr::{ArrayMetadata, FillValue, Kind};

/// The fill value of the combined array, if it has one.
pub(super) struct Fill(pub(super) Option<FillValue>);

/// The fill value of the combined array; `None` where the array is left out.
pub(super) fn combined<'n>(
    sets: &Sets<'_>,
    cells: &Cells,
    options: &CombineOptions,
    name: impl Fn(usize) -> &'n str,
    findings: &mut Findings,
) -> Option<Fill> {
    let all: Vec<(usize, &ArrayMetadata)> = sets.metadata().collect();
    let (_, first) = all.first()?;
    let is_float = first.dtype.scalar().is_some_and(|scalar| scalar.kind == Kind::Float);
    // Floats without a fill value can have NaN: what is masked by it is NaN already.
    let may_be_nan = is_float && sets.members.iter().all(|(_, member, _)| is_nan_or_whole(member));
    let any_nan = all.iter().any(|(_, one)| one.fill_value.as_ref().is_some_and(FillValue::is_nan));
    let of = |one: &ArrayMetadata| match &one.fill_value {
        None if may_be_nan && any_nan => Some(FillValue::Float(f64::NAN)),
        own => own.clone(),
    };
    let fill = of(first);
    let mut fits = true;
    for (set, other) in &all {
        let theirs = of(other);
        if !is_same(fill.as_ref(), theirs.as_ref()) {
            let what = || format!("has fill value {} instead of {}", show(theirs.as_ref()), show(fill.as_ref()));
            findings.add(
                options.policies.weight(Check::FillValue),
                Check::FillValue,
                sets.name,
                Some(name(*set)),
                what,
            );
            fits &= options.policies.get(Check::FillValue) != Policy::Drop;
        }
    }
    if !fits {
        return None;
    }
    let gaps = cells.count.saturating_sub(cells.covered(&sets.numbers()));
    let is_text =
        first.dtype.scalar().is_some_and(|scalar| matches!(scalar.kind, Kind::Text | Kind::Bytes | Kind::Object));
    if gaps == 0 || fill.is_some() || is_text {
        return Some(Fill(fill));
    }
    if may_be_nan {
        return Some(Fill(Some(FillValue::Float(f64::NAN))));
    }
    let what = || {
        format!(
            "{gaps} of {} combinations of coordinates are in no set, and there is no fill value: they would read as 0",
            cells.count
        )
    };
    findings.add(options.policies.weight(Check::Gaps), Check::Gaps, sets.name, None, what);
    (options.policies.get(Check::Gaps) != Policy::Drop).then_some(Fill(fill))
}

/// Whether NaN is what missing chunks read as, or none is missing.
fn is_nan_or_whole(member: &super::inputs::Member) -> bool {
    let Some((metadata, _)) = member.array() else { return false };
    let due = member.grid.iter().try_fold(1_u64, |count, size| count.checked_mul(*size));
    match &metadata.fill_value {
        None => due == Some(crate::convert::wide(member.rows.len() + member.inline.len())),
        Some(value) => value.is_nan(),
    }
}

/// Whether fill values are the same.
pub(super) fn is_same(a: Option<&FillValue>, b: Option<&FillValue>) -> bool {
    let is_nan = |value: Option<&FillValue>| value.is_some_and(FillValue::is_nan);
    a == b || (is_nan(a) && is_nan(b))
}

/// A fill value as it is written.
pub(super) fn show(value: Option<&FillValue>) -> String {
    serde_json::to_string(&value).unwrap_or_default()
}
