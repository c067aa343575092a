//! The arrays of a combined set that hold the coordinates of an axis.

use std::borrow::Cow;

use super::axis::Axis;
use super::combined::{Chunks, Combined};
use super::conflicts::only_along;
use super::evaluate::fill_of;
use super::findings::{Findings, Weight};
use super::inputs::{Input, Inputs};
use super::restore::one_chunk;
use super::{Check, CombineOptions, attributes};
use crate::error::Error;
use crate::reference::Manifest;
use crate::zarr::{ArrayMetadata, Attributes};

/// The coordinates of an axis that the sets have an array of.
pub(super) fn existing(
    inputs: &Inputs,
    order: &[usize],
    path: usize,
    axis: &Axis,
    options: &CombineOptions,
    findings: &mut Findings,
) -> Result<Combined, Error> {
    let name = inputs.paths.get(path).map(String::as_str).unwrap_or_default();
    let all = attributes_of(inputs, order, path, axis, findings);
    let all: Vec<(&str, &Attributes)> = all.iter().map(|(input, attributes)| (*input, &**attributes)).collect();
    let (mut merged, _) =
        attributes::merged(name, &all, &options.policies, axis.time.is_some() || axis.is_datetime(), findings);
    let first = order.iter().find_map(|set| Some(inputs.sets.get(*set)?.member(path)?.array()?.0));
    set_time(&mut merged, axis, name, findings);
    only_along(inputs, order, path, axis)?;
    let (mut metadata, chunks) = coordinates(axis)?;
    // Another set may have the first's fill value as a coordinate.
    let keeps = |first: &&ArrayMetadata| {
        let fill = fill_of(first);
        axis.source == Some(path)
            && axis.time.is_none()
            && first.dtype == metadata.dtype
            && !axis.coordinates.values.iter().any(|value| Some(value) == fill.as_ref())
    };
    metadata.fill_value = first.filter(keeps).and_then(|first| first.fill_value.clone());
    if axis.time.is_some() {
        merged.retain(|name| !matches!(name, "_FillValue" | "missing_value"));
    }
    merged.set_dimensions(std::slice::from_ref(&axis.name));
    Ok(Combined { metadata, attributes: merged, chunks: Chunks::Held(chunks) })
}

/// The attributes of the arrays that the coordinates of an axis are from. Where they are from no array, what those of its name say of
/// their own numbers is not true of them.
fn attributes_of<'a>(
    inputs: &'a Inputs,
    order: &[usize],
    path: usize,
    axis: &Axis,
    findings: &mut Findings,
) -> Vec<(&'a str, Cow<'a, Attributes>)> {
    let of = |set: &usize| {
        let input = inputs.sets.get(*set)?;
        let from = axis.source.filter(|_| !input.is_combined).unwrap_or(path);
        Some((input, input.member(from)?.documents.attributes()))
    };
    let all: Vec<(&Input, &Attributes)> = order.iter().filter_map(of).collect();
    let is_any_combined = all.iter().any(|(input, _)| input.is_combined);
    let mut kept = Vec::with_capacity(all.len());
    for (input, attributes) in all {
        let attributes = match axis.source {
            Some(_) => Cow::Borrowed(attributes),
            None if input.is_combined => Cow::Borrowed(attributes),
            None if is_any_combined => continue,
            None => {
                let others = attributes::of_other_numbers(attributes);
                if attributes.iter().count() != others.iter().count() {
                    let what = || {
                        "units and other attributes that say what numbers mean are left out: the coordinates are not from the array".to_owned()
                    };
                    findings.add(Weight::Note, Check::Attributes, &axis.path(inputs), Some(&input.name), what);
                }
                Cow::Owned(others)
            }
        };
        kept.push((input.name.as_str(), attributes));
    }
    kept
}

/// The units in which coordinates are now.
fn set_time(attributes: &mut Attributes, axis: &Axis, name: &str, findings: &mut Findings) {
    if axis.is_datetime() {
        attributes.retain(|name| name != "units" && name != "calendar");
    }
    if let Some((units, calendar)) = &axis.time {
        attributes.insert("units", units.clone());
        attributes.insert("calendar", calendar.clone());
        findings.add(Weight::Note, Check::Units, name, None, || format!("times are now in {units:?}"));
    }
}

/// All coordinates in one inline chunk.
fn coordinates(axis: &Axis) -> Result<(ArrayMetadata, Manifest), Error> {
    let wrong =
        |problem| Error::Combine { input: String::new(), problem: format!("coordinates {}: {problem}", axis.name) };
    let (dtype, elements) = axis.coordinates.encoded().map_err(wrong)?;
    let shape = vec![axis.length()];
    Ok(one_chunk(ArrayMetadata::new(shape.clone(), shape, dtype, None, Vec::new()), elements))
}

/// Coordinates of which no set has an array; those that were read from one have its attributes.
pub(super) fn new(inputs: &Inputs, axes: &[Axis], order: &[usize]) -> Result<Vec<(String, Combined)>, Error> {
    let mut new = Vec::new();
    for axis in axes.iter().filter(|axis| !axis.is_positional) {
        let path = axis.path(inputs);
        if inputs.find(&path).is_some() {
            continue;
        }
        let first = order.iter().find_map(|set| inputs.sets.get(*set)?.member(axis.source?)?.array());
        let mut attributes = first.map(|(_, attributes)| attributes.clone()).unwrap_or_default();
        attributes.set_dimensions(std::slice::from_ref(&axis.name));
        set_time(&mut attributes, axis, &path, &mut Findings::default());
        let (metadata, chunks) = coordinates(axis)?;
        new.push((path, Combined { metadata, attributes, chunks: Chunks::Held(chunks) }));
    }
    Ok(new)
}
