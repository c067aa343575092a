//! Sets from anyone: no panic, no blow-up, and no values that are wrong without a word.

use h5refs::combine::{Check, Combine, CombineOptions, Plan, Policy, Selector};
use h5refs::{Error, Limits, ReferenceSet, Store, read_json};
use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::{Value as Json, json};

use super::world::{Files, World, case};

/// An array: its name, `.zarray`, `.zattrs`, chunks.
type Array<'a> = (&'a str, Json, Json, &'a [(&'a str, Json)]);

fn set(arrays: &[Array<'_>]) -> ReferenceSet {
    let mut refs = serde_json::Map::new();
    refs.insert(".zgroup".to_owned(), json!({"zarr_format": 2}).to_string().into());
    for (name, array, attributes, chunks) in arrays {
        refs.insert(format!("{name}/.zarray"), array.to_string().into());
        refs.insert(format!("{name}/.zattrs"), attributes.to_string().into());
        refs.extend(chunks.iter().map(|(key, chunk)| (format!("{name}/{key}"), chunk.clone())));
    }
    read_json(Json::Object(refs).to_string().as_bytes(), &Limits::default()).unwrap().0
}

fn array(shape: &[u64], chunks: &[u64], dtype: &str, more: &Json) -> Json {
    let mut array = json!({"zarr_format": 2, "shape": shape, "chunks": chunks, "dtype": dtype, "order": "C", "fill_value": null,
        "compressor": null, "filters": null});
    array.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap_or_default());
    array
}

fn along(names: &[&str]) -> Json {
    json!({"_ARRAY_DIMENSIONS": names})
}

/// The coordinates of a set, of one byte each.
fn coordinates(name: &'static str, values: &str) -> (&'static str, Json, Json, Vec<(&'static str, Json)>) {
    let count = values.len() as u64;
    (name, array(&[count], &[count], "|u1", &Json::Null), along(&[name]), vec![("0", values.into())])
}

fn planned(options: CombineOptions, sets: &[ReferenceSet]) -> Result<Plan, Error> {
    let mut combine = Combine::new(options);
    for (n, set) in sets.iter().enumerate() {
        combine.add(format!("f{n}"), set.clone())?;
    }
    combine.plan(None)
}

/// What is said of a combination along `t` that must not be made.
fn refused(sets: &[ReferenceSet]) -> String {
    planned(CombineOptions::new(["t"]), sets).and_then(Plan::merge).unwrap_err().to_string()
}

fn with_t(values: &str, other: Array<'_>) -> ReferenceSet {
    let (name, array, attributes, chunks) = coordinates("t", values);
    set(&[(name, array, attributes, &chunks), other])
}

fn elements(set: &ReferenceSet, path: &str) -> Vec<u8> {
    Store::new(set.clone(), Files::default()).array(path).unwrap().read_all().unwrap().bytes().unwrap().to_vec()
}

#[test]
fn elements_that_differ_at_the_same_coordinates_are_refused_where_arrays_are_stored_anew() {
    let v = |chunk: u64, values: &str| {
        let array = array(&[2], &[chunk], "|u1", &json!({"filters": null}));
        let chunks = if chunk == 2 {
            vec![("0", values.into())]
        } else {
            vec![("0", values[..1].into()), ("1", values[1..].into())]
        };
        with_t("12", ("v", array, along(&["t"]), &chunks))
    };
    let zlib = || {
        let bytes = "base64:eAFzdAQAAMUAgw=="; // "AA"
        with_t(
            "12",
            (
                "v",
                array(&[2], &[2], "|u1", &json!({"filters": [{"id": "zlib", "level": 1}]})),
                along(&["t"]),
                &[("0", bytes.into())],
            ),
        )
    };
    assert!(refused(&[v(2, "AB"), zlib()]).contains("whose elements differ"));
    let same = planned(CombineOptions::new(["t"]), &[v(1, "AA"), zlib()]).and_then(Plan::merge).unwrap();
    assert_eq!(elements(&same, "v"), b"AA");
}

#[test]
fn chunks_in_order_f_are_not_cut_though_the_first_set_could_be() {
    let f = json!({"order": "F"});
    let first = set(&[
        ("t", array(&[1], &[1], "|u1", &Json::Null), along(&["t"]), &[("0", "0".into())]),
        ("v", array(&[2], &[2], "|u1", &f), along(&["x"]), &[("0", "ab".into())]),
    ]);
    let second = set(&[
        ("t", array(&[2], &[2], "|u1", &Json::Null), along(&["t"]), &[("0", "12".into())]),
        ("v", array(&[2, 2], &[2, 2], "|u1", &f), along(&["t", "x"]), &[("0.0", "cedf".into())]),
    ]);
    let combined = planned(CombineOptions::new(["t"]), &[first, second]).and_then(Plan::merge).unwrap();
    assert_eq!(elements(&combined, "v"), b"abcdef");
}

#[test]
fn a_chunk_of_another_length_is_not_cut() {
    let v = |t: &str, length: u64| {
        let chunk = json!(["u", 0, length]);
        with_t(t, ("v", array(&[t.len() as u64], &[4], "<i4", &Json::Null), along(&["t"]), &[("0", chunk)]))
    };
    assert!(refused(&[v("12", 16), v("3", 8)]).contains("a chunk that is to be cut has 8 bytes instead of 16"));
    assert!(planned(CombineOptions::new(["t"]), &[v("12", 16), v("3", 16)]).and_then(Plan::merge).is_ok());
}

#[test]
fn times_of_types_with_other_units_are_not_mixed_and_no_time_is_no_coordinate() {
    let t = |dtype: &str, bytes: &str| {
        set(&[("t", array(&[1], &[1], dtype, &Json::Null), along(&["t"]), &[("0", bytes.into())])])
    };
    let (one, two) = ("base64:AQAAAAAAAAA=", "base64:AgAAAAAAAAA=");
    assert!(refused(&[t("<M8[s]", one), t("<M8[ns]", two)]).contains("are of type <M8[ns] instead of <M8[s]"));
    assert!(planned(CombineOptions::new(["t"]), &[t("<M8[s]", one), t("<M8[s]", two)]).is_ok());
    assert!(refused(&[t("<M8[s]", one), t("<M8[s]", "base64:AAAAAAAAAIA=")]).contains("NaT"));
}

#[test]
fn numbers_that_are_masked_or_scaled_are_not_taken_for_times() {
    let t = |units: &str, value: &str, more: &Json, fill: &Json| {
        let mut attributes = json!({"_ARRAY_DIMENSIONS": ["t"], "units": units});
        attributes.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap_or_default());
        set(&[("t", array(&[1], &[1], "|u1", &json!({"fill_value": fill})), attributes, &[("0", value.into())])])
    };
    let (days, hours) = ("days since 2000-01-01", "hours since 2000-01-01");
    let (none, scaled, missing) = (Json::Null, json!({"scale_factor": 2.0}), json!({"missing_value": 49}));
    assert!(planned(CombineOptions::new(["t"]), &[t(days, "1", &none, &none), t(hours, "2", &none, &none)]).is_ok());
    assert!(refused(&[t(days, "1", &scaled, &none), t(hours, "2", &scaled, &none)]).contains("there is scale_factor"));
    assert!(refused(&[t(days, "1", &missing, &none), t(hours, "2", &missing, &none)]).contains("49 is the fill value"));
    let fill = json!(50);
    assert!(refused(&[t(days, "1", &none, &fill), t(hours, "2", &none, &fill)]).contains("one is the fill value, 50"));
    let fill = json!(255);
    let combined = planned(CombineOptions::new(["t"]), &[t(days, "1", &none, &fill), t(hours, "2", &none, &fill)]);
    let combined = combined.and_then(Plan::merge).unwrap();
    assert_eq!(combined.arrays().find(|(path, _)| *path == "t").unwrap().1.metadata.fill_value, None);
}

#[test]
fn times_that_cannot_be_stored_anew_are_not_left_out_without_a_word() {
    let sets = ["days since 2000-01-01", "hours since 2000-01-01"].map(|units| {
        let t = if units.starts_with('d') { "1" } else { "2" };
        with_t(
            t,
            (
                "v",
                array(&[1], &[1], "|u1", &Json::Null),
                json!({"_ARRAY_DIMENSIONS": ["t"], "units": units}),
                &[("0", "a".into())],
            ),
        )
    });
    assert!(planned(CombineOptions::new(["t"]), &sets).and_then(Plan::merge).is_ok());
    let mut options = CombineOptions::new(["t"]);
    options.inline_array_bytes = 1;
    let error = planned(options, &sets).and_then(Plan::merge).unwrap_err().to_string();
    assert!(
        error.contains("v: units: times are in different units, and the array has more than the 1 bytes"),
        "{error}"
    );
}

#[test]
fn coordinates_take_the_place_of_no_other_array() {
    let sets = ["1", "2"].map(|n| {
        set(&[(
            "m",
            array(&[2, 1], &[2, 1], "|u1", &Json::Null),
            along(&["y", "x"]),
            &[("0.0", format!("a{n}").into())],
        )])
    });
    let mut options = CombineOptions::new(["m"]);
    options.selectors.insert("m".to_owned(), Selector::Index);
    let error = planned(options, &sets).unwrap_err().to_string();
    assert!(error.contains("the coordinates along it would take its place"), "{error}");
    let other =
        |values: &str| set(&[("t", array(&[2], &[2], "|u1", &Json::Null), along(&["n"]), &[("0", values.into())])]);
    assert!(refused(&[other("12"), other("34")]).contains("t is along n, and not along t"));
}

#[test]
fn what_only_a_set_has_that_is_left_out_is_no_group() {
    let sets = [
        with_t("1", ("u", array(&[1], &[1], "|u1", &Json::Null), along(&["t"]), &[("0", "a".into())])),
        with_t("1", ("v", array(&[1], &[1], "|u1", &Json::Null), along(&["t"]), &[("0", "b".into())])),
    ];
    let mut options = CombineOptions::new(["t"]);
    options.policies.set(Check::Duplicate, Policy::First);
    let plan = planned(options, &sets).unwrap();
    let told: Vec<String> = plan.findings().iter().map(ToString::to_string).collect();
    assert!(told.contains(&"v: missing: is only in sets that are left out [f1]".to_owned()), "{told:?}");
    let combined = plan.merge().unwrap();
    assert!(combined.node("u").is_some() && combined.node("v").is_none());
}

#[test]
fn an_array_that_is_a_group_elsewhere_is_refused() {
    let group = with_t("1", ("g/v", array(&[1], &[1], "|u1", &Json::Null), along(&["t"]), &[("0", "a".into())]));
    let other = with_t("2", ("g", array(&[1], &[1], "|u1", &Json::Null), along(&["t"]), &[("0", "b".into())]));
    let mut options = CombineOptions::new(["t"]);
    options.policies.set(Check::Missing, Policy::Fill);
    options.policies.set(Check::Gaps, Policy::Fill);
    let error = planned(options, &[group, other]).unwrap_err().to_string();
    assert!(error.contains("g/v lies in g"), "{error}");
}

#[test]
fn small_sets_that_would_become_large_are_refused() {
    let huge = |shape: &[u64]| {
        set(&[("t", array(shape, &vec![1; shape.len()], "|u1", &Json::Null), along(&["t", "x"][..shape.len()]), &[])])
    };
    assert!(refused(&[huge(&[1 << 40, 1 << 40])]).contains("coordinates along t"));
    assert!(refused(&[huge(&[1 << 40])]).contains("coordinates along t"));
    // 2^13 coordinates along each of two dimensions.
    let list = |n: usize| Json::from((0..n).collect::<Vec<_>>());
    let attributes = set(&[(
        "v",
        array(&[1], &[1], "|u1", &Json::Null),
        json!({"_ARRAY_DIMENSIONS": ["y"], "l": list(1 << 13)}),
        &[("0", "a".into())],
    )]);
    let mut options = CombineOptions::new(["p", "q"]);
    for name in ["p", "q"] {
        let selector = Selector::VariableAttribute { variable: "v".to_owned(), attribute: "l".to_owned() };
        options.selectors.insert(name.to_owned(), selector);
    }
    let error = planned(options.clone(), std::slice::from_ref(&attributes)).unwrap_err().to_string();
    assert!(error.contains("combinations of coordinates"), "{error}");
    // A chunk at each of many places.
    options.concat_dims.pop();
    options.limits.chunks = 100;
    let error = planned(options, &[attributes]).and_then(Plan::merge).unwrap_err().to_string();
    assert!(error.contains("8192 exceeds Limits::chunks = 100"), "{error}");
}

#[test]
fn one_long_text_does_not_make_all_others_as_long() {
    let mut texts: Vec<String> = (0..70_000).map(|n| format!("{n:06}")).collect();
    texts.push("x".repeat(1 << 20));
    let set = set(&[(
        "v",
        array(&[1], &[1], "|u1", &Json::Null),
        json!({"_ARRAY_DIMENSIONS": ["y"], "l": texts}),
        &[("0", "a".into())],
    )]);
    let mut options = CombineOptions::new(["p"]);
    let selector = Selector::VariableAttribute { variable: "v".to_owned(), attribute: "l".to_owned() };
    options.selectors.insert("p".to_owned(), selector);
    let error = planned(options, &[set]).unwrap_err().to_string();
    assert!(error.contains("one of 1048576 characters"), "{error}");
}

/// Numbers that overflow, and words that mean something.
const PIECES: [&str; 16] = [
    "0",
    "1",
    "2",
    "3",
    "18446744073709551615",
    "9223372036854775807",
    "1152921504606846976",
    "4294967296",
    "<i8",
    "<M8[s]",
    "|O",
    "F",
    "NaN",
    "null",
    "time",
    "x",
];

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_text_makes_a_combination_panic(
        case in case(),
        changes in prop::collection::vec((any::<Index>(), any::<Index>(), any::<Index>()), 1..4),
        policies in prop::collection::vec(any::<Index>(), 16),
    ) {
        let mut world = World::of(&case);
        for (set, at, piece) in &changes {
            let text = set.get(&world.texts).clone();
            let number = set.index(world.texts.len());
            world.texts[number] = changed(&text, *at, PIECES[piece.index(PIECES.len())]);
        }
        let sets: Vec<ReferenceSet> = world.texts.iter().filter_map(|text| Some(read_json(text.as_bytes(), &Limits::default()).ok()?.0)).collect();
        for dimensions in [&["time"][..], &["member"], &["member", "time"], &["x"]] {
            let mut options = CombineOptions::new(dimensions.iter().copied());
            options.selectors.insert("member".to_owned(), Selector::Attribute("member".to_owned()));
            options.inline_array_bytes = 1 << 16;
            for (check, policy) in h5refs::combine::Policies::checks().zip(&policies) {
                let can = h5refs::combine::Policies::of(check);
                options.policies.set(check, *policy.get(can));
            }
            let mut combine = Combine::new(options);
            for (n, set) in sets.iter().enumerate() {
                combine.add(format!("f{n}"), set.clone()).unwrap();
            }
            if let Ok(plan) = combine.plan(Some(&Short)) {
                prop_assert!(plan.arrays().count() > 0);
                if let Ok(set) = plan.merge() {
                    // What is written can be read again.
                    let text = super::written(&set);
                    let again = read_json(text.as_bytes(), &Limits::default());
                    prop_assert!(again.is_ok(), "{:?}: {}", again.err(), text);
                }
            }
        }
    }
}

/// Another word or number in the place of one.
fn changed(text: &str, at: Index, piece: &str) -> String {
    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '<' | '>' | '|' | '-');
    let start = at.index(text.len());
    let start = text[start..].find(is_part).map_or(0, |n| start + n);
    let end = text[start..].find(|c| !is_part(c)).map_or(text.len(), |n| start + n);
    format!("{}{piece}{}", &text[..start], &text[end..])
}

/// Gives bytes of what length is asked for, while that is small.
struct Short;

impl h5refs::combine::Supply for Short {
    fn supply(&self, needs: &[h5refs::combine::Need]) -> Vec<Result<h5refs::Bytes, Error>> {
        let one = |need: &h5refs::combine::Need| {
            let length = need.range.as_ref().map_or(0, |range| range.end - range.start);
            Ok(vec![1; usize::try_from(length.min(4096)).unwrap()].into())
        };
        needs.iter().map(one).collect()
    }
}
