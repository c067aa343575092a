//! How the numbers of an array that are times are brought into one unit.

use std::collections::BTreeMap;

use super::axis::Axis;
use super::bounds::{Bounds, units_of};
use super::cf_time::{self, TimeUnits, re_encode};
use super::coordinate::{Coordinate, Coordinates};
use super::inputs::Inputs;
use super::sets::Sets;
use super::times::{Units, first, instant, is_float, numbers, packed, time_units};
use crate::error::Error;
use crate::zarr::Attributes;

/// How the numbers of an array that are times are brought into one unit.
pub(super) struct Rule {
    /// The units of each set.
    units: BTreeMap<usize, TimeUnits>,
    /// The units that are wanted, where another array decides.
    target: Option<TimeUnits>,
    /// Whether the units of all sets are only written differently.
    is_spelling: bool,
}

impl Rule {
    /// The rule of an array; `None` where its numbers are no times, or are in one unit already. Words where it is the bounds of an
    /// array in new units, and cannot have them.
    pub(super) fn of(sets: &Sets<'_>, inputs: &Inputs, bounds: &Bounds) -> Result<Option<Self>, String> {
        let all: Vec<Units> = sets.members.iter().map(|(set, ..)| units_of(inputs, *set, sets.path)).collect();
        let owner = bounds.changed_owner(sets.path).filter(|_| all.iter().all(Option::is_none));
        let Some((owner, target)) = owner else { return Ok(Self::in_one_unit(sets, &all, None)) };
        let all: Vec<Units> = sets.members.iter().map(|(set, ..)| units_of(inputs, *set, owner)).collect();
        let name = || inputs.paths.get(owner).cloned().unwrap_or_default();
        let lacks =
            || format!("it is the bounds of {}, whose times are now in {:?}, and cannot be", name(), target.text());
        Self::in_one_unit(sets, &all, Some(target)).map(Some).ok_or_else(lacks)
    }

    /// The rule that brings numbers from the units of each set into those that are wanted, or into any that all have.
    fn in_one_unit(sets: &Sets<'_>, all: &[Units], target: Option<&TimeUnits>) -> Option<Self> {
        if target.is_none() && all.iter().all(|one| Some(one) == all.first()) {
            return None;
        }
        let is_packed = |attributes: &Attributes| packed(attributes).is_some();
        if sets.members.iter().any(|(_, member, _)| is_packed(member.documents.attributes())) {
            return None;
        }
        let parsed: Option<Vec<TimeUnits>> = all.iter().map(|one| time_units(one.as_ref()?).ok()).collect();
        let parsed = parsed?;
        let wanted = target.or(parsed.first())?;
        let is_one_calendar = parsed.iter().all(|units| units.calendar() == wanted.calendar());
        let is_spelling = parsed.iter().all(|units| units.is_same(wanted));
        let units = sets.members.iter().map(|(set, ..)| *set).zip(parsed).collect();
        is_one_calendar.then_some(Self { units, target: target.cloned(), is_spelling })
    }

    /// Whether numbers have to be changed.
    pub(super) fn changes(&self) -> bool {
        !self.is_spelling
    }

    /// The elements of all sets in one unit, and its text. Fill values and NaN stay what they are.
    pub(super) fn apply(
        &self,
        all: Vec<(usize, Coordinates)>,
        fills: &[Coordinate],
    ) -> Result<(String, Vec<Coordinates>), String> {
        let is_time =
            |value: &Coordinate| !fills.contains(value) && !matches!(value, Coordinate::Float(float) if float.is_nan());
        let (mut instants, mut earliest) = (Vec::new(), Vec::new());
        for (set, found) in &all {
            let units = self.units.get(set).ok_or("a set without units")?;
            let start = instants.len();
            for value in found.values.iter().filter(|value| is_time(value)) {
                instants.push(instant(units, value).ok_or_else(|| format!("{value} is no time"))?);
            }
            earliest.push((instants.get(start..).and_then(|own| own.iter().min()).copied(), units));
        }
        let integers = !all.iter().any(|(_, one)| is_float(&one.dtype));
        let first = first(earliest.into_iter()).ok_or("no units")?;
        let encoded = match &self.target {
            None => re_encode(first, integers, &instants).map_err(|problem| problem.to_string())?,
            Some(target) => exactly(target, integers, &instants)?,
        };
        let text = encoded.units.text().to_owned();
        let (dtype, values) = numbers(encoded.values);
        if let Some(masked) = values.iter().find(|value| fills.contains(value)) {
            return Err(format!("a time would be {masked} in {text:?}, which is a value that is masked"));
        }
        let mut values = values.into_iter();
        let mut next = |value: Coordinate| if is_time(&value) { values.next().unwrap_or(value) } else { value };
        let all = all.into_iter().map(|(_, one)| Coordinates {
            dtype: dtype.clone(),
            values: one.values.into_iter().map(&mut next).collect(),
        });
        Ok((text, all.collect()))
    }

    /// Whether the unit is the array's own attribute.
    pub(super) fn is_own(&self) -> bool {
        self.target.is_none()
    }
}

/// Times in units that another array has.
fn exactly(target: &TimeUnits, integers: bool, instants: &[i128]) -> Result<cf_time::ReEncoded, String> {
    let lacks = || format!("a time has no exact number in {}", target.text());
    let values = if integers {
        let values: Option<Vec<i64>> = instants.iter().map(|at| target.encode_integer(*at)).collect();
        cf_time::Values::Integers(values.ok_or_else(lacks)?)
    } else {
        let values: Option<Vec<f64>> = instants.iter().map(|at| target.encode_float(*at)).collect();
        cf_time::Values::Floats(values.ok_or_else(lacks)?)
    };
    Ok(cf_time::ReEncoded { units: target.clone(), values })
}

/// Gives bounds the units that their coordinates had, where these have a type of times now.
pub(super) fn keep_units(
    attributes: &mut Attributes,
    sets: &Sets<'_>,
    inputs: &Inputs,
    axes: &[Axis],
    bounds: &Bounds,
) -> Result<(), Error> {
    let mut datetimes = axes.iter().filter(|axis| axis.is_datetime() && attributes.get("units").is_none());
    let of = |axis: &Axis| axis.source.filter(|source| bounds.owners(sets.path).any(|owner| owner == *source));
    let Some((axis, owner)) = datetimes.find_map(|axis| Some((axis, of(axis)?))) else { return Ok(()) };
    let all: Vec<Units> = sets.members.iter().map(|(set, ..)| units_of(inputs, *set, owner)).collect();
    if all.iter().any(|units| Some(units) != all.first()) {
        let problem = format!(
            "{} has the units of {}, which differ between sets, and cannot have its new type",
            sets.name, axis.name
        );
        return Err(Error::Combine { input: String::new(), problem });
    }
    if let Some((units, calendar)) = all.into_iter().next().flatten() {
        attributes.insert("units", units);
        if let Some(calendar) = calendar {
            attributes.insert("calendar", calendar);
        }
    }
    Ok(())
}
