//! Combination of random sets: in any order and in batches of any sizes the same bytes, and elements where their coordinates are.

#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    clippy::float_cmp,
    reason = "all numbers are small and whole"
)]

use std::collections::BTreeMap;

use h5refs::combine::{Combine, CombineOptions, Selector, Supply};
use h5refs::reference::{Array, Node};
use h5refs::store::Elements;
use h5refs::zarr::{ArrayMetadata, FillValue};
use h5refs::{Error, ReferenceSet, Store};
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::TestCaseError;

mod hostile;
mod world;

use world::{Axes, Case, Held, Own, World, case, constant, element, hours, indices, written};

type Named = (String, ReferenceSet);

/// Combines sets as they come from a scan, or such as were combined before.
fn combine(world: &World, sets: &[Named], are_new: bool) -> Result<ReferenceSet, Error> {
    let dimensions: &[&str] = match world.case.axes {
        Axes::Existing => &["time"],
        Axes::New => &["member"],
        Axes::Both => &["member", "time"],
    };
    let mut options = CombineOptions::new(dimensions.iter().copied());
    if are_new {
        options.selectors.insert("member".to_owned(), Selector::Attribute("member".to_owned()));
    }
    options.inline_array_bytes = world.case.room;
    let mut combine = Combine::new(options);
    for (name, set) in sets {
        combine.add(name.clone(), set.clone())?;
    }
    let supply: Option<&dyn Supply> = if world.case.is_supplied { Some(&world.files) } else { None };
    combine.plan(supply)?.merge()
}

/// A batch of sets, under the name of its first.
fn batch(world: &World, sets: &[Named]) -> Result<Named, Error> {
    let name = sets.iter().map(|(name, _)| name.clone()).min().unwrap_or_default();
    Ok((name, combine(world, sets, true)?))
}

/// Batches of some sizes, combined.
fn in_batches(world: &World, sets: &[Named], sizes: &[usize]) -> Result<ReferenceSet, Error> {
    let (mut batches, mut rest, mut sizes) = (Vec::new(), sets, sizes.iter().cycle());
    while !rest.is_empty() {
        let (now, later) = rest.split_at((*sizes.next().unwrap()).min(rest.len()));
        batches.push(batch(world, now)?);
        rest = later;
    }
    combine(world, &batches, false)
}

/// One set after another added to those before.
fn one_by_one(world: &World, sets: &[Named]) -> Result<ReferenceSet, Error> {
    let (first, rest) = sets.split_first().unwrap();
    let mut all = batch(world, std::slice::from_ref(first))?;
    for set in rest {
        // Along a dimension that arrays have, a set is what a batch of one is.
        let next =
            if world.case.axes == Axes::Existing { set.clone() } else { batch(world, std::slice::from_ref(set))? };
        let name = all.0.clone().min(next.0.clone());
        all = (name, combine(world, &[all, next], false)?);
    }
    Ok(all.1)
}

/// Whether every element is where its coordinates are; else what is wrong.
fn check(world: &World, set: &ReferenceSet) -> Result<(), String> {
    let read = |path: &str| {
        let store = Store::new(set.clone(), world.files.clone());
        let values =
            store.array(path).and_then(|array| array.read_all()).map_err(|error| format!("{path}: {error}"))?;
        Ok::<_, String>(numbers(&values.elements()))
    };
    let arrays: BTreeMap<&str, _> = set.arrays().collect();
    let units = arrays["time"].attributes.get("units").and_then(|units| units.as_str()).unwrap_or_default();
    let times: Vec<f64> = read("time")?.into_iter().map(|time| hours(time, units)).collect();
    let members = if arrays.contains_key("member") { read("member")? } else { Vec::new() };
    for (path, array) in &arrays {
        let names: Vec<&str> = array.attributes.dimensions().collect();
        let values = read(path)?;
        for (at, found) in indices(&array.metadata.shape).iter().zip(&values) {
            let along = |name: &str| names.iter().position(|known| *known == name).map(|n| at[n]);
            let day = along("time").map(|row| times[row as usize] / 24.0);
            let member = along("member").map(|row| members[row as usize]);
            let x = along("x").unwrap_or(0);
            let has = |set: &usize| {
                let own = world.own(*set);
                member.is_none_or(|member| own.member as f64 == member)
                    && day.is_none_or(|day| world.times[*set].iter().any(|time| *time as f64 == day))
            };
            let fill = array.metadata.fill_value.as_ref();
            let Some(set) = (0..world.times.len()).find(has) else {
                let Some(fill) = fill else { return Err(format!("{path} {at:?}: a gap without a fill value")) };
                if !is(*found, number(fill)) {
                    return Err(format!("{path} {at:?}: {found} in a gap"));
                }
                continue;
            };
            let row = day.and_then(|day| world.times[set].iter().position(|time| *time as f64 == day));
            let expected = match *path {
                "time" | "member" => continue,
                "x" => x as f64,
                "crs" => 7.0,
                "s" => f64::from(constant(world.case.constant == 2 && world.own(set).constant, x)),
                "bounds" => {
                    let expected = (day.unwrap_or(0.0) + along("two").unwrap_or(0) as f64) * 24.0;
                    if hours(*found, units) != expected {
                        return Err(format!("bounds {at:?}: {found} {units}, and {expected} hours are wanted"));
                    }
                    continue;
                }
                "v" if world.is_hole(set, row.unwrap_or(0) as u64, x) => world.case.hole(),
                "v" => f64::from(element(world.own(set).member, day.unwrap_or(0.0) as u64, x)),
                other => return Err(format!("an array {other}")),
            };
            if !is(*found, expected) {
                return Err(format!("{path} {at:?}: {found} instead of {expected}"));
            }
        }
    }
    Ok(())
}

fn is(found: f64, expected: f64) -> bool {
    found == expected || (found.is_nan() && expected.is_nan())
}

fn number(fill: &FillValue) -> f64 {
    match fill {
        FillValue::Signed(value) => *value as f64,
        FillValue::Unsigned(value) => *value as f64,
        FillValue::Float(value) => *value,
        other => panic!("{other:?}"),
    }
}

fn numbers(elements: &Elements) -> Vec<f64> {
    match elements {
        Elements::Uint8(values) => values.iter().copied().map(f64::from).collect(),
        Elements::Int16(values) => values.iter().copied().map(f64::from).collect(),
        Elements::Int32(values) => values.iter().copied().map(f64::from).collect(),
        Elements::Int64(values) => values.iter().map(|value| *value as f64).collect(),
        Elements::Float32(values) => values.iter().copied().map(f64::from).collect(),
        Elements::Float64(values) => values.clone(),
        other => panic!("{other:?}"),
    }
}

/// One batch for each member: along several dimensions, batches that are blocks.
fn by_member(world: &World, sets: &[Named]) -> Result<ReferenceSet, Error> {
    let mut batches: BTreeMap<u64, Vec<Named>> = BTreeMap::new();
    for set in sets {
        let at = world.sets.iter().position(|(name, _)| *name == set.0).unwrap();
        batches.entry(world.own(at).member).or_default().push(set.clone());
    }
    let batches: Result<Vec<Named>, Error> = batches.values().map(|sets| batch(world, sets)).collect();
    combine(world, &batches?, false)
}

fn shuffled(sets: &[Named], keys: &[Index]) -> Vec<Named> {
    let mut sets = sets.to_vec();
    for (n, key) in keys.iter().enumerate().take(sets.len()) {
        let with = n + key.index(sets.len() - n);
        sets.swap(n, with);
    }
    sets
}

/// Whether two sets differ only in the lengths of tiles of an array without codecs whose last chunk is not full in one of them: whether
/// a tile may go on behind the end depends on what a batch has already cut.
fn is_cut_otherwise(flat: &ReferenceSet, other: &ReferenceSet) -> bool {
    let mut differs = false;
    for (path, one) in flat.arrays() {
        let Some(Node::Array(two)) = other.node(path) else { return false };
        if one.metadata.chunks == two.metadata.chunks {
            continue;
        }
        let is_partial = |array: &Array| {
            array.metadata.shape.iter().zip(&array.metadata.chunks).any(|(length, chunk)| length % chunk != 0)
        };
        let chunks = two.metadata.chunks.clone();
        let is_plain =
            one.metadata.filters.is_empty() && ArrayMetadata { chunks, ..one.metadata.clone() } == two.metadata;
        if !is_plain || !(is_partial(one) || is_partial(two)) {
            return false;
        }
        differs = true;
    }
    differs
}

/// A case in another order, and in batches of some sizes, ends as it does all at once.
fn is_the_same(case: &Case, keys: &[Index], sizes: &[usize]) -> Result<(), TestCaseError> {
    let world = World::of(case);
    let flat = combine(&world, &world.sets, true);
    if let Ok(flat) = &flat {
        prop_assert_eq!(check(&world, flat), Ok(()));
        let due = world.sets.iter().flat_map(|(_, set)| set.arrays()).all(|(path, _)| flat.node(path).is_some());
        prop_assert!(due, "an array is left out without a word");
        prop_assert!(!case.lies || case.is_same_with_lie(&world), "two sets that differ are taken for one");
    }
    let sets = shuffled(&world.sets, keys);
    // Along several dimensions, a batch that is no block has gaps of its own: it may be refused, or have a fill value for them.
    let is_any = case.axes != Axes::Both;
    let others = [
        ("in another order", true, combine(&world, &sets, true)),
        ("in batches", is_any, in_batches(&world, &sets, sizes)),
        ("one by one", is_any, one_by_one(&world, &sets)),
        ("by member", true, by_member(&world, &sets)),
    ];
    for (how, is_due, other) in others {
        match (&flat, &other) {
            (Ok(flat), Ok(other)) if is_cut_otherwise(flat, other) => {
                prop_assert_eq!(check(&world, other), Ok(()), "{}", how);
            }
            (Ok(flat), Ok(other)) if is_due || case.fill > 0 => {
                prop_assert_eq!(written(flat), written(other), "{}", how);
            }
            (_, Ok(other)) => {
                prop_assert_eq!(check(&world, other), Ok(()), "{}, and all at once {:?}", how, flat.as_ref().err());
            }
            (Ok(_), Err(error)) => prop_assert!(!is_due, "{}: {}", how, error),
            (Err(_), Err(_)) => {}
        }
    }
    Ok(())
}

/// What is stored anew of sets that have no times is known for that when sets with times come.
#[test]
fn batches_of_sets_without_times_are_as_those_with_times() {
    let own = |times, unit| Own {
        times,
        member: 0,
        block: 0,
        chunk: 1,
        held: Held { inline: false, zlib: None },
        unit,
        holes: 0,
        title: 0,
        constant: false,
    };
    let case = |sets| Case {
        axes: Axes::Existing,
        sets,
        same: [false; 4],
        interleaved: false,
        descends: false,
        width: 1,
        chunk_x: 1,
        x_first: false,
        order_f: false,
        dtype: 0,
        fill: 0,
        float_times: false,
        has_bounds: true,
        constant: 2,
        is_twice: false,
        lies: false,
        is_supplied: false,
        room: 8 << 20,
    };
    for (first, others) in [(own(0, 0), own(0, 1)), (own(0, 1), own(0, 0)), (own(0, 0), own(0, 2))] {
        let case = case(vec![first, others, own(1, 0), own(2, 0)]);
        is_the_same(&case, &[], &[2]).unwrap();
        is_the_same(&case, &[], &[3, 1]).unwrap();
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn batches_of_any_sizes_in_any_order_give_the_same_set(
        case in case(),
        keys in prop::collection::vec(any::<Index>(), world::SETS + 1),
        sizes in prop::collection::vec(1..4_usize, 1..4),
    ) {
        is_the_same(&case, &keys, &sizes)?;
    }
}
