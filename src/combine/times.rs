//! CF times of sets whose units differ, in units that all have exactly.

use serde_json::Value;

use super::cf_time::{self, Calendar, TimeUnits, re_encode};
use super::coordinate::{Coordinate, Coordinates};
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
pub(super) fn first<'u>(all: impl Iterator<Item = (Option<i128>, &'u TimeUnits)>) -> Option<&'u TimeUnits> {
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

pub(super) fn is_float(dtype: &Dtype) -> bool {
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
pub(super) fn numbers(values: cf_time::Values) -> (Dtype, Vec<Coordinate>) {
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

pub(super) fn time_units((units, calendar): &(String, Option<String>)) -> Result<TimeUnits, String> {
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
