//! CF times of sets whose units differ, in units that all have exactly.

use std::collections::BTreeMap;

use serde_json::Value;

use super::axis::Axis;
use super::cf_time::{self, Calendar, TimeUnits, re_encode};
use super::coordinate::{Coordinate, Coordinates};
use super::dimensions::resolved;
use super::inputs::{Inputs, Member};
use super::sets::Sets;
use crate::error::Error;
use crate::reference::key::split;
use crate::zarr::{Attributes, Dtype, Kind};

/// 1582-10-15, from which on the standard calendar is that of Gregory, in nanoseconds since 1970.
const GREGORIAN_FROM: i128 = -12_219_292_800_000_000_000;

/// Coordinates of all sets in one unit.
pub(super) struct Common {
    pub(super) dtype: Dtype,
    pub(super) values: Vec<Vec<Coordinate>>,
    pub(super) units: String,
    pub(super) calendar: String,
}

/// `units` and `calendar` of an array of a set.
pub(super) type Units = Option<(String, Option<String>)>;

/// `units` and `calendar` in attributes.
pub(super) fn units_in(attributes: &Attributes) -> Units {
    let text = |name: &str| attributes.get(name).and_then(Value::as_str).map(str::to_owned);
    Some((text("units")?, text("calendar")))
}

/// Coordinates in common units, or as times of a type that has its own; the set and the words where there are none.
pub(super) fn common(
    found: &[Coordinates],
    units: &[Units],
    datetime: Option<&Dtype>,
) -> Result<Common, (usize, String)> {
    let mut parsed = Vec::with_capacity(units.len());
    for (set, units) in units.iter().enumerate() {
        let known = units.as_ref().ok_or_else(|| (set, "there are no units, and other sets have them".to_owned()))?;
        parsed.push(time_units(known).map_err(|problem| (set, problem))?);
        same_calendar(&parsed).map_err(|problem| (set, problem))?;
    }
    let mut instants = Vec::with_capacity(found.len());
    for (set, (units, found)) in parsed.iter().zip(found).enumerate() {
        let own: Option<Vec<i128>> = found.values.iter().map(|value| instant(units, value)).collect();
        instants.push(own.ok_or_else(|| (set, "one is no time".to_owned()))?);
    }
    if let Some(dtype) = datetime {
        for (set, (units, own)) in parsed.iter().zip(&instants).enumerate() {
            has_type_of_times(units.calendar(), own).map_err(|problem| (set, problem))?;
        }
        let of = |own: &Vec<i128>| own.iter().map(|at| Coordinate::Integer(*at)).collect();
        return datetimes(dtype, instants.iter().map(of).collect()).map_err(|problem| (0, problem));
    }
    let first = first(instants.iter().zip(&parsed).map(|(own, units)| (own.iter().min().copied(), units)));
    let first = first.ok_or_else(|| (0, "there are no times".to_owned()))?;
    let integers = found.iter().flat_map(|one| &one.values).all(|value| matches!(value, Coordinate::Integer(_)));
    let all: Vec<i128> = instants.iter().flatten().copied().collect();
    let encoded = re_encode(first, integers, &all).map_err(|problem| (0, problem.to_string()))?;
    let (dtype, values) = numbers(encoded.values);
    let mut values = values.into_iter();
    let values = instants.iter().map(|own| values.by_ref().take(own.len()).collect()).collect();
    Ok(Common { dtype, values, units: encoded.units.text().to_owned(), calendar: first.calendar().name().to_owned() })
}

/// The units of the earliest time: whatever was combined before, and in whatever order, they are the same.
fn first<'u>(all: impl Iterator<Item = (Option<i128>, &'u TimeUnits)>) -> Option<&'u TimeUnits> {
    all.min_by_key(|(earliest, units)| (earliest.is_none(), *earliest, units.preference())).map(|(_, units)| units)
}

/// Whether a type of times, whose calendar is that of Gregory at all times, has these instants.
fn has_type_of_times(calendar: Calendar, instants: &[i128]) -> Result<(), String> {
    let is_gregorian = match calendar {
        Calendar::ProlepticGregorian => true,
        Calendar::Standard => instants.iter().all(|at| *at >= GREGORIAN_FROM),
        _ => false,
    };
    let problem = || format!("the calendar is {}, and a type of times has only that of Gregory", calendar.name());
    is_gregorian.then_some(()).ok_or_else(problem)
}

/// Instants as elements of a type of times.
fn datetimes(dtype: &Dtype, instants: Vec<Vec<Coordinate>>) -> Result<Common, String> {
    let unit = super::coordinate::datetime_unit(dtype).ok_or("is no type of times")?;
    let of = |at: Coordinate| match at {
        Coordinate::Integer(at) if at % unit == 0 => Ok(Coordinate::Integer(at / unit)),
        other => Err(format!("{other} nanoseconds since 1970 are no whole number of the type's unit")),
    };
    let values: Result<Vec<Vec<Coordinate>>, String> =
        instants.into_iter().map(|own| own.into_iter().map(of).collect()).collect();
    Ok(Common { dtype: dtype.clone(), values: values?, units: String::new(), calendar: String::new() })
}

fn is_float(dtype: &Dtype) -> bool {
    dtype.scalar().is_some_and(|scalar| scalar.kind == Kind::Float)
}

/// Whether the numbers of an array are times only after they have been scaled, which no unit can be changed under.
pub(super) fn packed(attributes: &Attributes) -> Option<&'static str> {
    ["scale_factor", "add_offset", "_Unsigned"].into_iter().find(|name| attributes.get(name).is_some())
}

/// The numbers that attributes say are masked.
pub(super) fn masked(attributes: &Attributes) -> Result<Vec<Coordinate>, String> {
    let mut masked = Vec::new();
    for name in ["_FillValue", "missing_value"] {
        let values = match attributes.get(name) {
            None | Some(Value::Null) => continue,
            Some(Value::Array(values)) => values.as_slice(),
            Some(value) => std::slice::from_ref(value),
        };
        // NaN is no time anyway.
        let values: Vec<Value> = values.iter().filter(|value| value.as_str() != Some("NaN")).cloned().collect();
        masked.extend(Coordinates::of_json(&values).map_err(|problem| format!("{name} {problem}"))?.values);
    }
    Ok(masked)
}

/// Numbers of 64 bits.
fn numbers(values: cf_time::Values) -> (Dtype, Vec<Coordinate>) {
    let simple = |text: &str| Dtype::Simple(text.to_owned());
    match values {
        cf_time::Values::Integers(values) => {
            (simple("<i8"), values.into_iter().map(|value| Coordinate::Integer(value.into())).collect())
        }
        cf_time::Values::Floats(values) => (simple("<f8"), values.into_iter().map(Coordinate::Float).collect()),
    }
}

/// The time that a number stands for.
pub(super) fn instant(units: &TimeUnits, value: &Coordinate) -> Option<i128> {
    match value {
        Coordinate::Integer(value) => units.decode_integer(*value),
        Coordinate::Float(value) => units.decode_float(*value),
        Coordinate::Text(_) => None,
    }
}

fn time_units((units, calendar): &(String, Option<String>)) -> Result<TimeUnits, String> {
    let parsed = TimeUnits::parse(units, calendar.as_deref()).map_err(|problem| problem.to_string())?;
    parsed.ok_or_else(|| format!("units {units:?} differ from those of other sets, and are no times"))
}

fn same_calendar(units: &[TimeUnits]) -> Result<(), String> {
    match (units.first(), units.last()) {
        (Some(first), Some(last)) if first.calendar() != last.calendar() => {
            Err(format!("the calendar is {} instead of {}", last.calendar().name(), first.calendar().name()))
        }
        _ => Ok(()),
    }
}

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
    /// The rule of an array; `None` where its numbers are no times, or are in one unit already.
    pub(super) fn of(sets: &Sets<'_>, inputs: &Inputs, axes: &[Axis]) -> Option<Self> {
        let own = |(_, member, _): &(usize, &Member, Vec<String>)| units_in(member.array()?.1);
        let all: Vec<Units> = sets.members.iter().map(own).collect();
        let (all, target) = if all.iter().all(Option::is_none) { bounds(sets, inputs, axes)? } else { (all, None) };
        if target.is_none() && all.iter().all(|one| Some(one) == all.first()) {
            return None;
        }
        if sets
            .members
            .iter()
            .any(|(_, member, _)| member.array().is_some_and(|(_, attributes)| packed(attributes).is_some()))
        {
            return None;
        }
        let parsed: Option<Vec<TimeUnits>> = all.iter().map(|one| time_units(one.as_ref()?).ok()).collect();
        let parsed = parsed?;
        let first = parsed.first()?;
        let is_one_calendar = parsed.iter().all(|units| units.calendar() == first.calendar());
        let is_spelling = target.is_none() && parsed.iter().all(|units| units.is_same(first));
        let units = sets.members.iter().map(|(set, ..)| *set).zip(parsed).collect();
        is_one_calendar.then_some(Self { units, target, is_spelling })
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

/// The units of the coordinates whose bounds an array is, where these are in new units (CF 7.1: bounds have those of their coordinates).
fn bounds(sets: &Sets<'_>, inputs: &Inputs, axes: &[Axis]) -> Option<(Vec<Units>, Option<TimeUnits>)> {
    let (axis, all) =
        axes.iter().filter(|axis| axis.time.is_some()).find_map(|axis| Some((axis, owners(sets, inputs, axis)?)))?;
    let (units, calendar) = axis.time.as_ref()?;
    Some((all, Some(TimeUnits::parse(units, Some(calendar)).ok().flatten()?)))
}

/// Gives bounds the units that their coordinates had, where these have a type of times now.
pub(super) fn keep_units(
    attributes: &mut Attributes,
    sets: &Sets<'_>,
    inputs: &Inputs,
    axes: &[Axis],
) -> Result<(), Error> {
    let mut datetimes = axes.iter().filter(|axis| axis.is_datetime() && attributes.get("units").is_none());
    let Some((axis, all)) = datetimes.find_map(|axis| Some((axis, owners(sets, inputs, axis)?))) else { return Ok(()) };
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

/// The units of the coordinates whose bounds an array is, in each set.
fn owners(sets: &Sets<'_>, inputs: &Inputs, axis: &Axis) -> Option<Vec<Units>> {
    let is_of = |attributes: &Attributes, group: &str| {
        let names =
            ["bounds", "climatology"].into_iter().filter_map(|name| attributes.get(name).and_then(Value::as_str));
        names.map(|name| resolved(group, name)).any(|path| path == sets.name)
    };
    let source = axis.source?;
    let group = inputs.paths.get(source).map_or("", |path| split(path).0);
    let owner = |set: usize| inputs.sets.get(set)?.member(source)?.array().map(|(_, attributes)| attributes);
    let is_any = sets.members.iter().any(|(set, ..)| owner(*set).is_some_and(|attributes| is_of(attributes, group)));
    is_any.then(|| sets.members.iter().map(|(set, ..)| owner(*set).and_then(units_in)).collect())
}
