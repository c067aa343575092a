//! What is taken for the same when sets are combined, and what is not. Small sets; `.ci/interop/with_combined.py` has real files.

use std::collections::HashMap;

use bytes::Bytes;
use h5refs::combine::{Check, Combine, CombineOptions, Need, Plan, Policy, Selector, Weight};
use h5refs::zarr::Dtype;
use h5refs::{Error, Limits, ReferenceSet, Store};
use serde_json::{Map, Value, json};

/// An array of 32-bit integers in one inline chunk: path, dimensions, shape, the chunk as it is stored, and what else `.zarray` and
/// `.zattrs` say.
type Ints<'a> = (&'a str, &'a [&'a str], &'a [u64], &'a [i32], Value, Value);

fn with(base: &Value, more: &Value) -> Value {
    let mut base = base.as_object().unwrap().clone();
    base.extend(more.as_object().unwrap().clone());
    Value::Object(base)
}

fn set(arrays: &[Ints<'_>]) -> ReferenceSet {
    let mut refs = Map::new();
    refs.insert(".zgroup".into(), json!({"zarr_format": 2}).to_string().into());
    for (path, dimensions, shape, chunk, metadata, attributes) in arrays {
        let base = json!({
            "zarr_format": 2, "shape": shape, "chunks": shape, "dtype": "<i4", "compressor": null, "filters": null,
            "fill_value": null, "order": "C",
        });
        refs.insert(format!("{path}/.zarray"), with(&base, metadata).to_string().into());
        let base = json!({"_ARRAY_DIMENSIONS": dimensions});
        refs.insert(format!("{path}/.zattrs"), with(&base, attributes).to_string().into());
        let text: String = chunk.iter().flat_map(|n| n.to_le_bytes()).map(|byte| char::from(byte & 0x7f)).collect();
        refs.insert(format!("{path}/{}", vec!["0"; dimensions.len().max(1)].join(".")), text.into());
    }
    let text = json!({"version": 1, "refs": refs}).to_string();
    h5refs::read_json(text.as_bytes(), &Limits::default()).unwrap().0
}

fn time(values: &[i32], metadata: Value, attributes: Value) -> Ints<'_> {
    const LENGTHS: [u64; 3] = [1, 2, 3];
    ("time", &["time"], &LENGTHS[values.len() - 1..values.len()], values, metadata, attributes)
}

fn plan(options: CombineOptions, sets: impl IntoIterator<Item = ReferenceSet>) -> Result<Plan, Error> {
    let mut combine = Combine::new(options);
    for (n, set) in sets.into_iter().enumerate() {
        combine.add(format!("f{n}"), set).unwrap();
    }
    combine.plan(None)
}

fn along_time(sets: impl IntoIterator<Item = ReferenceSet>) -> Result<Plan, Error> {
    plan(CombineOptions::new(["time"]), sets)
}

fn errors(plan: &Plan) -> Vec<String> {
    plan.findings().iter().filter(|one| one.weight == Weight::Error).map(ToString::to_string).collect()
}

/// A document of a combined set.
fn document(set: &ReferenceSet, key: &str) -> Value {
    let mut text = Vec::new();
    h5refs::write_json(set, &mut text).unwrap();
    let all: Value = serde_json::from_slice(&text).unwrap();
    serde_json::from_str(all["refs"][key].as_str().unwrap()).unwrap()
}

#[test]
fn elements_that_two_sets_have_differently_are_refused_where_they_are_stored_anew() {
    // In order F chunks that are longer than the array are not cut, but stored anew.
    let of = |times: &[i32], chunk: &[i32]| {
        let v = ("v", &["time", "x"][..], &[2, 2][..], chunk, json!({"chunks": [4, 2], "order": "F"}), json!({}));
        set(&[time(times, json!({}), json!({})), v])
    };
    let first = || of(&[0, 1], &[1, 2, 0, 0, 3, 4, 0, 0]);
    let same = along_time([first(), of(&[1, 2], &[2, 5, 0, 0, 4, 6, 0, 0])]).unwrap();
    assert_eq!(document(&same.merge().unwrap(), "v/.zarray")["shape"], json!([3, 2]));
    let other = along_time([first(), of(&[1, 2], &[2, 5, 0, 0, 9, 6, 0, 0])]).unwrap();
    let expected = "v: duplicate: time=1 is in 2 sets, whose elements differ [f0, f1] \
                    (--policy duplicate=first takes the set with the first name)";
    assert_eq!(errors(&other), [expected]);
    assert!(other.merge().is_err());
}

#[test]
fn a_fill_value_is_no_coordinate_and_masks_none_of_another_set() {
    let of = |values: &[i32], fill: Value| set(&[time(values, json!({"fill_value": fill}), json!({}))]);
    let refused = along_time([of(&[0, 3], json!(3)), of(&[5], json!(null))]).unwrap_err().to_string();
    assert!(
        refused.contains("f0") && refused.contains("one is the fill value, 3, which is no coordinate"),
        "{refused}"
    );
    let fill = |sets: [ReferenceSet; 2]| document(&along_time(sets).unwrap().merge().unwrap(), "time/.zarray");
    assert_eq!(fill([of(&[0, 1], json!(3)), of(&[3], json!(null))])["fill_value"], json!(null));
    assert_eq!(fill([of(&[0, 1], json!(3)), of(&[4], json!(null))])["fill_value"], json!(3));
}

#[test]
fn a_type_of_times_has_no_units_and_its_bounds_have_them() {
    let of = |day: i32, units: &str, calendar: &str| {
        let attributes = json!({"units": units, "calendar": calendar, "bounds": "b"});
        set(&[
            time(&[day], json!({}), attributes),
            ("b", &["time", "nv"], &[1, 2], &[day, day + 1], json!({}), json!({})),
        ])
    };
    let as_datetimes = |sets: [ReferenceSet; 2]| {
        let mut options = CombineOptions::new(["time"]);
        options.dtypes.insert("time".to_owned(), Dtype::Simple("<M8[s]".to_owned()));
        plan(options, sets)
    };
    let days = "days since 2000-01-01";
    let merged = as_datetimes([of(1, days, "standard"), of(2, days, "standard")]).unwrap().merge().unwrap();
    assert_eq!(document(&merged, "time/.zattrs"), json!({"_ARRAY_DIMENSIONS": ["time"], "bounds": "b"}));
    let bounds = document(&merged, "b/.zattrs");
    assert_eq!((&bounds["units"], &bounds["calendar"]), (&json!(days), &json!("standard")));
    let refused = |sets| as_datetimes(sets).unwrap_err().to_string();
    let noleap = refused([of(1, days, "noleap"), of(2, days, "noleap")]);
    assert!(noleap.contains("the calendar is noleap, and a type of times has only that of Gregory"), "{noleap}");
    let units = refused([of(1, days, "standard"), of(72, "hours since 2000-01-01", "standard")]);
    assert!(units.contains("b has the units of time, which differ between sets"), "{units}");
}

#[test]
fn numbers_that_are_scaled_before_they_are_times_get_no_other_units() {
    let of = |day: i32, year: u32| {
        let attributes = || json!({"units": format!("days since {year}-01-01"), "scale_factor": 0.5});
        let since = ("since", &["time"][..], &[1][..], &[day][..], json!({}), attributes());
        (set(&[time(&[day], json!({}), attributes())]), set(&[time(&[day], json!({}), json!({})), since]))
    };
    let (one, two) = (of(1, 2000), of(2, 2001));
    let refused = along_time([one.0, two.0]).unwrap_err().to_string();
    assert!(refused.contains("coordinates time: units differ, and there is scale_factor"), "{refused}");
    let expected = "since/units: units: units is \"days since 2001-01-01\" instead of \"days since 2000-01-01\" [f1]";
    assert_eq!(errors(&along_time([one.1, two.1]).unwrap()), [expected]);
}

#[test]
fn inline_arrays_without_the_dimension_are_the_same_by_their_values_and_fill_values() {
    let of = |n: i32, chunk: &[i32], fill: Value| {
        let mask = ("mask", &["x"][..], &[2][..], chunk, json!({"chunks": [4], "fill_value": fill}), json!({}));
        set(&[time(&[n], json!({}), json!({})), mask])
    };
    let shape = |second: ReferenceSet| {
        let merged = along_time([of(0, &[1, 2, 0, 0], json!(null)), second]).unwrap().merge();
        merged.map(|set| document(&set, "mask/.zarray")["shape"].clone())
    };
    // Behind the end of the array chunks may have anything.
    assert_eq!(shape(of(1, &[1, 2, 7, 7], json!(null))).unwrap(), json!([2]));
    assert_eq!(shape(of(1, &[1, 3, 0, 0], json!(null))).unwrap(), json!([2, 2]));
    let refused = shape(of(1, &[1, 2, 0, 0], json!(2))).unwrap_err().to_string();
    assert!(refused.contains("mask: fill-value: has fill value 2 instead of null"), "{refused}");
}

/// The elements of an array.
fn values(set: &ReferenceSet, path: &str) -> String {
    let store = Store::new(set.clone(), HashMap::<String, Bytes>::new());
    format!("{:?}", store.array(path).unwrap().read_all().unwrap().elements())
}

#[test]
fn bounds_follow_the_times_that_have_them_also_where_these_are_no_axis() {
    const DAYS: &str = "days since 2000-01-01";
    const HOURS: &str = "hours since 2000-01-01";
    let of = |step: i32, at: i32, units: &str, more: Value| {
        let attributes = || json!({"units": units, "bounds": "b"});
        let valid = ("valid", &["step"][..], &[1][..], &[at][..], json!({}), attributes());
        let bounds = ("b", &["step", "nv"][..], &[1, 2][..], &[at, at + 24][..], json!({}), more.clone());
        let scalar = (
            "since",
            &[][..],
            &[][..],
            &[0][..],
            json!({}),
            json!({"units": if units == HOURS { HOURS } else { DAYS }, "climatology": "c"}),
        );
        let climatology = ("c", &["nv"][..], &[2][..], &[0, 24][..], json!({}), json!({}));
        set(&[("step", &["step"], &[1], &[step], json!({}), json!({})), valid, bounds, scalar, climatology])
    };
    let along_step = |second| plan(CombineOptions::new(["step"]), [of(0, 0, DAYS, json!({})), second]);
    let merged = along_step(of(1, 48, HOURS, json!({}))).unwrap().merge().unwrap();
    assert_eq!(document(&merged, "valid/.zattrs")["units"], json!(DAYS));
    assert_eq!(
        (values(&merged, "valid"), values(&merged, "b")),
        ("Int64([0, 2])".into(), "Int64([0, 24, 2, 3])".into())
    );
    assert_eq!(values(&merged, "since"), "Int64([0, 0])");
    assert_eq!(values(&merged, "c"), "Int64([0, 24, 0, 1])");
    // Equal numbers in units that are only spelled otherwise stay as they are.
    let spelled = along_step(of(1, 2, "days since 2000-1-1", json!({}))).unwrap().merge().unwrap();
    assert_eq!(
        (values(&spelled, "b"), values(&spelled, "c")),
        ("Int32([0, 24, 2, 26])".into(), "Int32([0, 24])".into())
    );
    let packed = along_step(of(1, 48, HOURS, json!({"scale_factor": 1.0}))).unwrap();
    assert!(
        errors(&packed)
            .iter()
            .any(|error| error.starts_with("b: units: it is the bounds of valid, whose times are now in"))
    );
}

#[test]
fn coordinates_from_elsewhere_have_not_the_units_of_the_array_of_their_name() {
    let of = |n: i32| {
        let lev = (
            "lev",
            &["lev"][..],
            &[1][..],
            &[n][..],
            json!({}),
            json!({"units": "hPa", "scale_factor": 0.1, "axis": "Z"}),
        );
        let height = ("height", &["lev"][..], &[1][..], &[10 * n][..], json!({}), json!({"units": "m"}));
        set(&[lev, height])
    };
    let along = |selector: Selector| {
        let mut options = CombineOptions::new(["lev"]);
        options.selectors.insert("lev".to_owned(), selector);
        plan(options, [of(1), of(2)]).unwrap().merge().unwrap()
    };
    let heights = along(Selector::Data("height".to_owned()));
    assert_eq!(document(&heights, "lev/.zattrs"), json!({"_ARRAY_DIMENSIONS": ["lev"], "units": "m"}));
    assert_eq!(values(&heights, "lev"), "Int32([10, 20])");
    let numbers = along(Selector::List(vec![7.into(), 8.into()]));
    assert_eq!(document(&numbers, "lev/.zattrs"), json!({"_ARRAY_DIMENSIONS": ["lev"], "axis": "Z"}));
    let own = along(Selector::Data("lev".to_owned()));
    assert_eq!(document(&own, "lev/.zattrs")["units"], json!("hPa"));
}

#[test]
fn arrays_along_other_dimensions_are_not_the_same() {
    let of = |n: i32, names: &'static [&str]| {
        set(&[time(&[n], json!({}), json!({})), ("a", names, &[2, 2], &[1, 2, 3, 4], json!({}), json!({}))])
    };
    let plan = along_time([of(0, &["x", "y"]), of(1, &["y", "x"])]).unwrap();
    assert_eq!(errors(&plan), ["a: shape: has dimensions [\"y\", \"x\"] instead of [\"x\", \"y\"] [f1]"]);
}

#[test]
fn sets_that_are_added_to_a_combined_one_are_counted_from_it_on() {
    let one = |n: i32| set(&[("v", &["x"], &[1], &[n], json!({}), json!({}))]);
    let added = |selector: Selector| {
        let mut options = CombineOptions::new(["run"]);
        options.selectors.insert("run".to_owned(), Selector::Index);
        let first = plan(options.clone(), [one(0), one(1)]).unwrap().merge().unwrap();
        options.selectors.insert("run".to_owned(), selector);
        let mut combine = Combine::new(options);
        combine.add_combined("all", first).unwrap();
        combine.add("new", one(2)).unwrap();
        values(&combine.plan(None).unwrap().merge().unwrap(), "run")
    };
    assert_eq!(added(Selector::Index), "Int64([0, 1, 2])");
    assert_eq!(added(Selector::List(vec![30.into()])), "Int64([0, 1, 30])");
}

#[test]
fn a_list_of_more_coordinates_than_sets_is_of_others() {
    let mut options = CombineOptions::new(["run"]);
    options.selectors.insert("run".to_owned(), Selector::List(vec![1.into(), 2.into(), 3.into()]));
    let one = |n: i32| set(&[("v", &["x"], &[1], &[n], json!({}), json!({}))]);
    let refused = plan(options, [one(0), one(1)]).unwrap_err().to_string();
    assert!(refused.contains("coordinates run: the list has 3 values for 2 sets"), "{refused}");
}

#[test]
fn an_array_that_is_left_out_needs_no_fill_value() {
    let of = |n: i32, path: &'static str| {
        set(&[time(&[n], json!({}), json!({})), (path, &["time"], &[1], &[n], json!({}), json!({}))])
    };
    let mut options = CombineOptions::new(["time"]);
    options.policies.set(Check::Missing, Policy::Drop);
    let plan = plan(options, [of(0, "a"), of(1, "b")]).unwrap();
    assert_eq!(errors(&plan), [""; 0]);
    let paths: Vec<String> = plan.arrays().map(|array| array.path).collect();
    assert_eq!(paths, ["time"]);
}

#[test]
fn dimensions_of_groups_are_their_own() {
    let of = |path: &'static str, length: u64| {
        set(&[(
            path,
            &["x"],
            if length == 3 { &[3] } else { &[4] },
            &[1, 2, 3, 4][..usize::try_from(length).unwrap()],
            json!({}),
            json!({}),
        )])
    };
    let merged = |sets| plan(CombineOptions::new(Vec::<String>::new()), sets).unwrap();
    assert_eq!(errors(&merged([of("a", 3), of("g/b", 4)])), [""; 0]);
    assert_eq!(errors(&merged([of("a", 3), of("b", 4)])), ["x: shape: the dimension has length 4 instead of 3 [f1]"]);
}

#[test]
fn a_type_that_is_asked_for_is_also_that_of_times_in_new_units() {
    let of = |at: i32, units: &str| set(&[time(&[at], json!({}), json!({"units": units}))]);
    let as_type = |dtype: &str, hour: i32| {
        let mut options = CombineOptions::new(["time"]);
        options.dtypes.insert("time".to_owned(), Dtype::Simple(dtype.to_owned()));
        let merged =
            plan(options, [of(0, "days since 2000-01-01"), of(hour, "hours since 2000-01-01")]).and_then(Plan::merge);
        merged.map(|merged| values(&merged, "time"))
    };
    assert_eq!(as_type("<f4", 48).unwrap(), "Float32([0.0, 2.0])");
    assert_eq!(as_type("<i2", 30).unwrap(), "Int16([0, 30])");
}

#[test]
fn a_policy_of_what_is_the_same_holds_for_what_is_inline() {
    let of = |n: i32| set(&[time(&[n], json!({}), json!({})), ("mask", &["x"], &[1], &[n], json!({}), json!({}))]);
    let by = |policy: Policy| {
        let mut options = CombineOptions::new(["time"]);
        options.policies.set(Check::Static, policy);
        plan(options, [of(0), of(1)]).unwrap()
    };
    assert_eq!(errors(&by(Policy::Error)).len(), 1);
    let first = by(Policy::First).merge().unwrap();
    assert_eq!(document(&first, "mask/.zarray")["shape"], json!([1]));
    let told: Vec<String> = along_time([of(0), of(1)]).unwrap().findings().iter().map(ToString::to_string).collect();
    assert_eq!(told, ["mask: static: it differs between sets, and is along time now"]);
}

#[test]
fn sets_combined_along_two_dimensions_are_combined_again_though_each_has_holes() {
    let one = |n: i32| set(&[("v", &["x"], &[2], &[n, n + 1], json!({"fill_value": 9}), json!({}))]);
    let at = |places: &[(i32, i32)], sets: Vec<ReferenceSet>| {
        let mut options = CombineOptions::new(["a", "b"]);
        let list = |values: Vec<i32>| Selector::List(values.into_iter().map(Into::into).collect());
        options.selectors.insert("a".to_owned(), list(places.iter().map(|(a, _)| *a).collect()));
        options.selectors.insert("b".to_owned(), list(places.iter().map(|(_, b)| *b).collect()));
        plan(options, sets).unwrap().merge().unwrap()
    };
    let again = |sets: [ReferenceSet; 2]| plan(CombineOptions::new(["a", "b"]), sets).unwrap().merge();
    let flat = at(&[(1, 1), (2, 2), (1, 2), (2, 1)], vec![one(10), one(20), one(30), one(40)]);
    let diagonal = || at(&[(1, 1), (2, 2)], vec![one(10), one(20)]);
    let rest = at(&[(1, 2), (2, 1)], vec![one(30), one(40)]);
    assert_eq!(again([diagonal(), rest]).unwrap(), flat);
    // What both have is still compared.
    let clash = at(&[(1, 2), (2, 1), (2, 2)], vec![one(30), one(40), one(50)]);
    let refused = again([diagonal(), clash]).unwrap_err().to_string();
    assert!(refused.contains("a=2, b=2 is in 2 sets, whose chunks differ"), "{refused}");
}

/// Sets with an array that no dimension of times has, of 100 bytes in a file of each set; and what was asked for at once.
fn compared_where_little_is_read(room: u64, differs: Option<usize>) -> (Result<Plan, Error>, Vec<usize>) {
    let asked = std::cell::RefCell::new(Vec::new());
    let supply = |needs: &[Need]| {
        asked.borrow_mut().push(needs.len());
        let bytes = |need: &Need| {
            let is_other = differs.is_some_and(|set| need.url == format!("u{set}"));
            Ok(Bytes::from(vec![u8::from(is_other); 100]))
        };
        needs.iter().map(bytes).collect()
    };
    let mut options = CombineOptions::new(["time"]);
    options.limits.read_bytes = room;
    let mut combine = Combine::new(options);
    for n in 0..6 {
        let text = json!({
            ".zgroup": "{\"zarr_format\":2}",
            "time/.zarray": json!({"zarr_format": 2, "shape": [1], "chunks": [1], "dtype": "|u1", "compressor": null,
                "filters": null, "fill_value": null, "order": "C"}).to_string(),
            "time/.zattrs": json!({"_ARRAY_DIMENSIONS": ["time"]}).to_string(),
            "time/0": n.to_string(),
            "s/.zarray": json!({"zarr_format": 2, "shape": [10, 10], "chunks": [10, 10], "dtype": "|u1",
                "compressor": null, "filters": null, "fill_value": null, "order": "C"}).to_string(),
            "s/.zattrs": json!({"_ARRAY_DIMENSIONS": ["y", "x"]}).to_string(),
            "s/0.0": [json!(format!("u{n}")), json!(n), json!(100)],
        });
        let set = h5refs::read_json(text.to_string().as_bytes(), &Limits::default()).unwrap().0;
        combine.add(format!("f{n}"), set).unwrap();
    }
    let plan = combine.plan(Some(&supply));
    (plan, asked.into_inner())
}

#[test]
fn what_is_compared_is_fetched_at_once_where_there_is_room_and_else_some_sets_after_others() {
    // All at once; two sets beside the first; one.
    for (room, expected) in [(2_400, vec![6]), (800, vec![3, 2, 1]), (200, vec![2, 1, 1, 1, 1])] {
        let (plan, asked) = compared_where_little_is_read(room, None);
        assert_eq!(asked, expected, "{room}");
        let set = plan.unwrap().merge().unwrap();
        assert_eq!(set.arrays().find(|(path, _)| *path == "s").unwrap().1.metadata.shape, [10, 10]);
        for other in 1..6 {
            let told = errors(&compared_where_little_is_read(room, Some(other)).0.unwrap());
            assert!(
                told[0].contains("its values are not those of f0") && told[0].contains(&format!("[f{other}]")),
                "{told:?}"
            );
        }
    }
    let (plan, _) = compared_where_little_is_read(199, None);
    assert!(matches!(plan.unwrap_err(), Error::Limit(_)));
}
