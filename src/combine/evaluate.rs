//! The coordinates of each set along a dimension, by the dimension's selector.

use serde_json::Value;

use super::axis::Evaluated;
use super::cf_time::TimeUnits;
use super::coordinate::{Coordinate, Coordinates, MOST_COORDINATES, name};
use super::held::Held;
use super::inputs::{Input, Inputs, Member};
use super::times::{self, Common, Units};
use super::{CombineOptions, Selector};
use crate::error::Error;
use crate::reference::key::{joined, split};
use crate::store::fill_element;
use crate::zarr::{ArrayMetadata, Attributes, Dtype, Kind};

/// The array that a selector reads in a set, by the number of its path.
pub(super) fn array_of(selector: &Selector, inputs: &Inputs) -> Option<usize> {
    match selector {
        Selector::Data(variable) | Selector::Cf(variable) => inputs.find(variable.trim_matches('/')),
        _ => None,
    }
}

/// The array that a set's coordinates are read from; sets that were combined before have one of the dimension's name.
pub(super) fn array_in(input: &Input, dimension: &str, selector: &Selector, inputs: &Inputs) -> Option<usize> {
    let source = array_of(selector, inputs);
    if !input.is_combined {
        return source;
    }
    let group = source.and_then(|path| inputs.paths.get(path)).map_or("", |path| split(path).0);
    inputs.find(&joined(group, dimension))
}

/// Evaluates the selector of a dimension; arrays that it reads are held already.
pub(super) fn evaluate(
    dimension: &str,
    options: &CombineOptions,
    inputs: &Inputs,
    held: &Held<'_>,
) -> Result<Evaluated, Error> {
    let selector = options.selector(dimension);
    let reads = matches!(selector, Selector::Data(_) | Selector::Cf(_));
    let (mut found, mut units, mut rows) = (Vec::with_capacity(inputs.sets.len()), Vec::new(), 0);
    // Sets that are added to one that was numbered before are numbered behind it.
    let mut indexed = 0;
    for (set, input) in inputs.sets.iter().enumerate() {
        let path = array_in(input, dimension, &selector, inputs);
        let one = match &selector {
            Selector::Position => positions(inputs, input, dimension, &mut rows),
            Selector::Data(variable) | Selector::Cf(variable) if path.is_none() => Err(lacks(dimension, variable)),
            Selector::Closure(_) if !input.is_combined => match input.chosen.get(dimension) {
                Some(values) => Coordinates::of_json(values),
                None => Err("the closure was not asked".to_owned()),
            },
            Selector::Index if !input.is_combined => Coordinates::of_json(&[(indexed + input.index).into()]),
            other if !reads && !input.is_combined => constant(other, input, options, inputs),
            _ => match path.and_then(|path| Some((path, input.member(path)?.array()?))) {
                Some((path, (metadata, attributes))) if metadata.shape.len() < 2 => {
                    let name = inputs.paths.get(path).map(String::as_str).unwrap_or_default();
                    along(dimension, name, metadata, attributes)
                        .map_err(|problem| wrong(input, dimension, &problem))?;
                    let values = held.values(inputs, set, path)?;
                    Coordinates::of(&metadata.dtype, values.elements()).and_then(|found| without_fill(found, metadata))
                }
                Some(_) => Err("their array has more than one dimension".to_owned()),
                None => Err(lacks(dimension, dimension)),
            },
        };
        let one = one.map_err(|problem| wrong(input, dimension, &problem))?;
        if input.is_combined {
            indexed = one.values.iter().filter_map(Coordinate::index).map(|index| index + 1).fold(indexed, usize::max);
        }
        found.push(one);
        let attributes = path.filter(|_| reads).and_then(|path| Some(input.member(path)?.array()?.1));
        units.push(attributes.and_then(times::units_in));
    }
    let dtype = options.dtypes.get(dimension);
    let source = array_of(&selector, inputs);
    let evaluated = united(dimension, inputs, found, &units, dtype, source)?;
    Ok(Evaluated { is_positional: matches!(selector, Selector::Position), ..evaluated })
}

/// The positions of a set's rows, after those of the sets before it.
fn positions(inputs: &Inputs, input: &Input, dimension: &str, rows: &mut i128) -> Result<Coordinates, String> {
    let length = inputs.size(input, dimension).ok_or_else(|| format!("no array has a dimension {dimension}"))?;
    let first = *rows;
    *rows += i128::from(length);
    if *rows > i128::from(MOST_COORDINATES) {
        return Err(format!(
            "the sets up to it have {rows} positions along {dimension}, and {MOST_COORDINATES} are held"
        ));
    }
    Ok(Coordinates {
        dtype: Dtype::Simple("<i8".to_owned()),
        values: (first..*rows).map(Coordinate::Integer).collect(),
    })
}

/// Whether the coordinates of an array are along the dimension: several along another would each be those of the whole set.
fn along(dimension: &str, variable: &str, metadata: &ArrayMetadata, attributes: &Attributes) -> Result<(), String> {
    match (metadata.shape.as_slice(), attributes.dimensions().next()) {
        ([length], Some(other)) if *length > 1 && other != dimension => {
            Err(format!("{variable} is along {other}, and not along {dimension}"))
        }
        _ => Ok(()),
    }
}

/// The fill value of an array of numbers, as a coordinate.
pub(super) fn fill_of(metadata: &ArrayMetadata) -> Option<Coordinate> {
    metadata.fill_value.as_ref()?;
    let fill = Coordinates::of_bytes(&metadata.dtype, &fill_element(metadata));
    fill.filter(|fill| !matches!(fill, Coordinate::Text(_)))
}

/// Coordinates none of which is what the array has where there is none.
fn without_fill(found: Coordinates, metadata: &ArrayMetadata) -> Result<Coordinates, String> {
    match fill_of(metadata).filter(|fill| found.values.contains(fill)) {
        Some(fill) => Err(format!("one is the fill value, {fill}, which is no coordinate")),
        None => Ok(found),
    }
}

fn lacks(dimension: &str, variable: &str) -> String {
    format!(
        "there is no array {variable}: where {dimension} has its coordinates from can be said with --coo-map {dimension}=SELECTOR"
    )
}

/// An error about the coordinates of one set.
fn wrong(input: &Input, dimension: &str, problem: &str) -> Error {
    Error::Combine { input: input.name.clone(), problem: format!("coordinates {dimension}: {problem}") }
}

/// What a selector that reads no array says.
fn constant(
    selector: &Selector,
    input: &Input,
    options: &CombineOptions,
    inputs: &Inputs,
) -> Result<Coordinates, String> {
    let one = |value: Value| Coordinates::of_json(&[value]);
    let attribute = |attributes: &Attributes, name: &str| match attributes.get(name) {
        Some(Value::Array(values)) => Coordinates::of_json(values),
        Some(value) => one(value.clone()),
        None => Err(format!("there is no attribute {name}")),
    };
    let member = |path: &str| inputs.find(path).and_then(|path| input.member(path));
    match selector {
        Selector::Constant(value) => one(value.clone()),
        Selector::List(values) => one(values.get(input.index).cloned().ok_or("the list has no value for it")?),
        Selector::Name(part) => one(part.find(&input.name).ok_or("its name does not match")?.into()),
        Selector::Attribute(name) => {
            attribute(member("").ok_or("there is no root group")?.documents.attributes(), name)
        }
        Selector::VariableAttribute { variable, attribute: name } => {
            let member = member(variable.trim_matches('/')).ok_or_else(|| format!("there is no array {variable}"))?;
            attribute(member.documents.attributes(), name)
        }
        Selector::VariableName => one(sole_variable(input, options, inputs)?.into()),
        Selector::Closure(_) | Selector::Data(_) | Selector::Cf(_) | Selector::Position | Selector::Index => {
            Err("it is no constant".to_owned())
        }
    }
}

/// The name of the only array that is neither a coordinate nor the same in all sets.
fn sole_variable(input: &Input, options: &CombineOptions, inputs: &Inputs) -> Result<String, String> {
    let paths = input.members.iter().filter(|member| member.array().is_some());
    let paths = paths.filter_map(|member| inputs.paths.get(member.path));
    let is_data = |path: &&String| !options.concat_dims.contains(path) && !options.identical.has(path);
    let names: Vec<&String> = paths.filter(is_data).collect();
    match names.as_slice() {
        [name] => Ok((*name).clone()),
        names => Err(format!(
            "VARNAME wants one array besides coordinates and identical ones, and there are {}",
            names.len()
        )),
    }
}

/// Whether a type of times is asked for.
fn is_datetime(asked: Option<&Dtype>) -> bool {
    asked.and_then(Dtype::scalar).is_some_and(|scalar| scalar.kind == Kind::Datetime)
}

/// The coordinates of all sets in one type and one unit.
fn united(
    dimension: &str,
    inputs: &Inputs,
    found: Vec<Coordinates>,
    units: &[Units],
    asked: Option<&Dtype>,
    source: Option<usize>,
) -> Result<Evaluated, Error> {
    let whose = |set: usize, problem: String| match inputs.sets.get(set) {
        Some(input) => wrong(input, dimension, &problem),
        None => Error::Combine { input: String::new(), problem },
    };
    let is_datetime = is_datetime(asked);
    let differ = units.iter().any(|unit| Some(unit) != units.first());
    if differ || (is_datetime && units.iter().all(Option::is_some)) {
        for (set, (input, found)) in inputs.sets.iter().zip(&found).enumerate() {
            let Some(member) = source.and_then(|path| input.member(path)) else { continue };
            are_times(member, found).map_err(|problem| whose(set, problem))?;
        }
        let common = times::common(&found, units, asked.filter(|_| is_datetime))
            .map_err(|(set, problem)| whose(set, problem))?;
        let Common { dtype, values, units, calendar } = common;
        let (dtype, values) = match asked.filter(|_| !is_datetime) {
            Some(asked) => {
                (asked.clone(), converted(values, &dtype, asked).map_err(|(set, problem)| whose(set, problem))?)
            }
            None => (dtype, values),
        };
        let shown_in = TimeUnits::parse(&units, Some(&calendar)).ok().flatten().filter(|_| !is_datetime);
        let time = (!is_datetime).then_some((units, calendar));
        return Ok(Evaluated { dtype, values, source, time, shown_in, is_positional: false });
    }
    let dtype = match asked {
        Some(dtype) => dtype.clone(),
        None => one_type(&found).map_err(|(set, problem)| whose(set, problem))?,
    };
    let converted = |(set, one): (usize, Coordinates)| {
        let one = if one.dtype == dtype { Ok(one) } else { one.converted(&dtype) };
        one.map(|one| one.values).map_err(|problem| whose(set, problem))
    };
    let values: Result<Vec<Vec<Coordinate>>, Error> = found.into_iter().enumerate().map(converted).collect();
    let first = units.first().cloned().flatten();
    let shown_in = first.and_then(|(units, calendar)| TimeUnits::parse(&units, calendar.as_deref()).ok().flatten());
    Ok(Evaluated { dtype, values: values?, source, time: None, shown_in, is_positional: false })
}

/// The coordinates of each set in another type; the set and the words where one has no such number.
fn converted(values: Vec<Vec<Coordinate>>, from: &Dtype, to: &Dtype) -> Result<Vec<Vec<Coordinate>>, (usize, String)> {
    let of = |(set, values)| {
        let converted = Coordinates { dtype: from.clone(), values }.converted(to);
        converted.map(|one| one.values).map_err(|problem| (set, problem))
    };
    values.into_iter().enumerate().map(of).collect()
}

/// Whether numbers can be brought into other units: they are not scaled, and attributes mask none of them. Fill values are refused before.
fn are_times(member: &Member, found: &Coordinates) -> Result<(), String> {
    let attributes = member.documents.attributes();
    if let Some(name) = times::packed(attributes) {
        return Err(format!("units differ, and there is {name}"));
    }
    let masked = times::masked(attributes)?;
    let is_masked = |value: &&Coordinate| {
        masked.iter().any(|masked| masked == *value || (masked.float().is_some() && masked.float() == value.float()))
    };
    match found.values.iter().find(is_masked) {
        Some(value) => Err(format!("{value} is the fill value, and no time")),
        None => Ok(()),
    }
}

/// The type of all, or the widest of their kind; the set and the words where there is none.
fn one_type(found: &[Coordinates]) -> Result<Dtype, (usize, String)> {
    let simple = |text: &str| Dtype::Simple(text.to_owned());
    let Some(first) = found.first() else { return Ok(simple("<i8")) };
    let Some(other) = found.iter().position(|one| one.dtype != first.dtype) else { return Ok(first.dtype.clone()) };
    if found.iter().any(Coordinates::has_unit) {
        let types = found.get(other).map(|one| name(&one.dtype)).unwrap_or_default();
        return Err((
            other,
            format!("are of type {types} instead of {}, whose numbers mean others", name(&first.dtype)),
        ));
    }
    let kinds = || found.iter().flat_map(|one| &one.values);
    Ok(if kinds().any(|value| matches!(value, Coordinate::Text(_))) {
        simple("<U1")
    } else if kinds().any(|value| matches!(value, Coordinate::Float(_))) {
        simple("<f8")
    } else {
        simple("<i8")
    })
}
