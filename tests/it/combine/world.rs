//! Random reference sets of one world: what each element is follows from its coordinates alone.

use std::collections::{BTreeSet, HashMap};
use std::io::{self, Write};
use std::ops::Range;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use h5refs::combine::{Need, Supply};
use h5refs::{Error, Limits, ReferenceSet, Sources, State, read_json};
use proptest::prelude::*;
use serde_json::{Map, Value as Json, json};

/// Most sets of a case.
pub(super) const SETS: usize = 6;

/// Along what the sets of a case are combined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Axes {
    /// `time`, which the arrays have.
    Existing,
    /// `member`, which none has.
    New,
    /// Both.
    Both,
}

/// How the chunks of an array are held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Held {
    pub(super) inline: bool,
    pub(super) zlib: Option<u32>,
}

/// What a set differs by from others.
#[derive(Debug, Clone)]
pub(super) struct Own {
    /// How many times there are, of a set that is combined along them.
    pub(super) times: u64,
    pub(super) member: u64,
    pub(super) block: usize,
    pub(super) chunk: u64,
    pub(super) held: Held,
    pub(super) unit: usize,
    /// Which chunks are missing.
    pub(super) holes: u8,
    pub(super) title: u8,
    pub(super) constant: bool,
}

/// One case.
#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "each is chosen by itself")]
pub(super) struct Case {
    pub(super) axes: Axes,
    pub(super) sets: Vec<Own>,
    /// Whether all sets have the chunks, the codecs, the units of the first.
    pub(super) same: [bool; 4],
    pub(super) interleaved: bool,
    pub(super) descends: bool,
    pub(super) width: u64,
    pub(super) chunk_x: u64,
    pub(super) x_first: bool,
    pub(super) order_f: bool,
    pub(super) dtype: usize,
    pub(super) fill: usize,
    pub(super) float_times: bool,
    pub(super) has_bounds: bool,
    /// 0: equal and inline; 1: equal ranges of two files; 2: inline, and differing where [`Own::constant`] says so.
    pub(super) constant: u8,
    pub(super) is_twice: bool,
    pub(super) lies: bool,
    /// Whether bytes that are not inline can be had.
    pub(super) is_supplied: bool,
    /// Most bytes of an array that is stored anew.
    pub(super) room: u64,
}

/// Element types, with their fill values.
pub(super) const DTYPES: [&str; 4] = ["<f4", ">i2", "|u1", "<f8"];

const UNITS: [&str; 3] = ["days since 2000-01-01", "hours since 2000-01-01", "days since 2000-01-03"];

/// The sets of a case as texts, and the files that they refer to.
#[derive(Debug, Clone)]
pub(super) struct World {
    pub(super) case: Case,
    pub(super) sets: Vec<(String, ReferenceSet)>,
    pub(super) texts: Vec<String>,
    /// The times of each set, in days.
    pub(super) times: Vec<Vec<u64>>,
    pub(super) files: Files,
}

/// Files in memory.
#[derive(Debug, Clone, Default)]
pub(super) struct Files(HashMap<String, Bytes>);

impl Sources for Files {
    fn state(&self, url: &str) -> Result<State, Error> {
        let size = self.0.get(url).map_or(0, Bytes::len) as u64;
        Ok(State { size, modified: None, etag: None })
    }

    fn read(&self, url: &str, ranges: &[Range<u64>]) -> Result<Vec<Bytes>, Error> {
        let file = self.0.get(url).unwrap();
        Ok(ranges.iter().map(|range| file.slice(to_usize(range.start)..to_usize(range.end))).collect())
    }
}

impl Supply for Files {
    fn supply(&self, needs: &[Need]) -> Vec<Result<Bytes, Error>> {
        let one = |need: &Need| Ok(self.read(&need.url, std::slice::from_ref(need.range.as_ref().unwrap()))?.remove(0));
        needs.iter().map(one).collect()
    }
}

fn to_usize(n: u64) -> usize {
    usize::try_from(n).unwrap()
}

fn own() -> impl Strategy<Value = Own> {
    let held = (any::<bool>(), prop_oneof![2 => Just(None), 1 => Just(Some(4)), 1 => Just(Some(6))])
        .prop_map(|(inline, zlib)| Held { inline, zlib });
    let holes = prop_oneof![2 => Just(0), 1 => any::<u8>()];
    (0..5_u64, 0..3_u64, 0..3_usize, 1..6_u64, held, 0..3_usize, holes, 0..3_u8, any::<bool>()).prop_map(
        |(times, member, block, chunk, held, unit, holes, title, constant)| Own {
            times,
            member,
            block,
            chunk,
            held,
            unit,
            holes,
            title,
            constant,
        },
    )
}

/// Any case.
pub(super) fn case() -> impl Strategy<Value = Case> {
    let axes = prop_oneof![3 => Just(Axes::Existing), 1 => Just(Axes::New), 2 => Just(Axes::Both)];
    let shape = (1..4_u64, 1..4_u64, any::<bool>(), prop::bool::weighted(0.2), 0..4_usize, 0..3_usize);
    let sets = prop::collection::vec(own(), 1..=SETS);
    let same = [0.7, 0.6, 0.6, 0.5].map(prop::bool::weighted);
    let flags = (prop::bool::weighted(0.2), prop::bool::weighted(0.3), any::<bool>(), any::<bool>());
    let room = prop_oneof![4 => Just(8 << 20), 1 => 0..200_u64];
    let rest = (0..3_u8, prop::bool::weighted(0.2), prop::bool::weighted(0.1), prop::bool::weighted(0.8), room);
    (axes, sets, same, shape, flags, rest).prop_map(|(axes, sets, same, shape, flags, rest)| {
        let (width, chunk_x, x_first, order_f, dtype, fill) = shape;
        let (interleaved, descends, float_times, has_bounds) = flags;
        let (constant, is_twice, lies, is_supplied, room) = rest;
        let case = Case {
            axes,
            sets,
            same,
            interleaved,
            descends,
            width,
            chunk_x,
            x_first,
            order_f,
            dtype,
            fill,
            float_times,
            has_bounds,
            constant,
            is_twice,
            lies,
            is_supplied,
            room,
        };
        case.sensible()
    })
}

impl Case {
    /// The case with what it cannot have put right.
    fn sensible(mut self) -> Self {
        let first = self.sets[0].clone();
        for set in &mut self.sets {
            if self.same[0] {
                set.chunk = first.chunk;
            }
            if self.same[1] {
                set.held.zlib = first.held.zlib;
            }
            if self.same[2] {
                set.held.inline = first.held.inline;
            }
            if self.same[3] || self.axes == Axes::New {
                set.unit = first.unit;
            }
            // One or no coordinate has no direction: a batch of such sets ascends.
            if self.descends {
                set.times += 2;
            }
        }
        if self.axes == Axes::New {
            self.sets.iter_mut().zip(0..).for_each(|(set, n)| (set.times, set.member) = (first.times.max(1), n));
        }
        if self.axes == Axes::Both {
            let blocks: Vec<(u64, u64)> = self.sets.iter().map(|set| (set.times.max(1), set.chunk)).collect();
            let mut known = BTreeSet::new();
            self.sets.retain(|set| known.insert((set.member, set.block)));
            for set in &mut self.sets {
                (set.times, set.chunk) = blocks[set.block % blocks.len()];
                // Which set is the first along several dimensions is not the same in all batches.
                set.title = 0;
            }
            self.constant = if self.constant == 1 { 0 } else { self.constant };
        }
        self
    }

    /// What a missing chunk of `v` reads as.
    pub(super) fn hole(&self) -> f64 {
        match (self.fill, DTYPES[self.dtype]) {
            (1, "<f4" | "<f8") => f64::NAN,
            (1, "|u1") => 255.0,
            (1, _) => -1.0,
            _ => 0.0,
        }
    }

    /// Whether the set that is there twice has no element that could differ.
    pub(super) fn is_same_with_lie(&self, world: &World) -> bool {
        let rows = 0..world.times[0].len() as u64;
        rows.flat_map(|row| (0..self.width).map(move |x| (row, x))).all(|(row, x)| world.is_hole(0, row, x))
    }

    /// The times of each set, in days.
    fn times(&self) -> Vec<Vec<u64>> {
        let count = self.sets.len() as u64;
        let mut next = 0;
        let mut all = Vec::new();
        for (n, set) in self.sets.iter().enumerate() {
            let mut times: Vec<u64> = match self.axes {
                Axes::New => (0..set.times).collect(),
                Axes::Both => (0..set.times).map(|time| time + 10 * set.block as u64).collect(),
                Axes::Existing if self.interleaved => (0..set.times).map(|time| time * count + n as u64).collect(),
                Axes::Existing => (next..next + set.times).collect(),
            };
            next += set.times;
            if self.descends {
                times.reverse();
            }
            all.push(times);
        }
        all
    }

    pub(super) fn fill(&self) -> Json {
        match (self.fill, DTYPES[self.dtype]) {
            (0, _) => Json::Null,
            (1, "<f4" | "<f8") => json!("NaN"),
            (1, "|u1") => json!(255),
            (1, _) => json!(-1),
            _ => json!(0),
        }
    }
}

/// The element of `v` at some coordinates.
pub(super) fn element(member: u64, time: u64, x: u64) -> u8 {
    u8::try_from((member * 37 + time * 11 + x * 5) % 100 + 1).unwrap()
}

/// The element of the constant array.
pub(super) fn constant(is_other: bool, x: u64) -> u8 {
    u8::try_from(x + if is_other { 50 } else { 10 }).unwrap()
}

/// A small number as an element of a type.
fn bytes_of(dtype: &str, value: u8) -> Vec<u8> {
    match dtype {
        "<f4" => f32::from(value).to_le_bytes().to_vec(),
        "<f8" => f64::from(value).to_le_bytes().to_vec(),
        ">i2" => i16::from(value).to_be_bytes().to_vec(),
        _ => vec![value],
    }
}

impl World {
    pub(super) fn of(case: &Case) -> Self {
        let times = case.times();
        let mut world = Self {
            case: case.clone(),
            sets: Vec::new(),
            texts: Vec::new(),
            times: times.clone(),
            files: Files::default(),
        };
        let mut files: HashMap<String, Vec<u8>> = HashMap::new();
        for (n, set) in case.sets.iter().enumerate() {
            let text = Text::of(case, set, &times[n], n, 0, &mut files);
            world.texts.push(text.0);
        }
        if case.is_twice || case.lies {
            let text = if case.lies {
                Text::of(case, &case.sets[0], &times[0], SETS, 1, &mut files).0
            } else {
                world.texts[0].clone()
            };
            world.texts.push(text);
            world.times.push(times[0].clone());
        }
        world.files = Files(files.into_iter().map(|(url, bytes)| (url, bytes.into())).collect());
        for (n, text) in world.texts.iter().enumerate() {
            let (set, stray) = read_json(text.as_bytes(), &Limits::default()).unwrap();
            assert!(stray.is_empty(), "{stray:?}");
            world.sets.push((format!("f{}", (n * 5) % 7), set));
        }
        world
    }

    /// What the set with a number was made of; the last may be the first once more.
    pub(super) fn own(&self, set: usize) -> &Own {
        self.case.sets.get(set).unwrap_or(&self.case.sets[0])
    }

    /// Whether the chunk of `v` that has an element is missing in a set.
    pub(super) fn is_hole(&self, set: usize, row: u64, x: u64) -> bool {
        let own = self.own(set);
        let (at, column) = (row / own.chunk, x / self.case.chunk_x);
        is_hole(own, at, column)
    }
}

fn is_hole(own: &Own, row: u64, column: u64) -> bool {
    own.holes >> ((row * 3 + column) % 8) & 1 == 1
}

/// A set as kerchunk JSON.
struct Text(String);

impl Text {
    fn of(case: &Case, own: &Own, times: &[u64], n: usize, lie: u8, files: &mut HashMap<String, Vec<u8>>) -> Self {
        let mut set = Writing { refs: Map::new(), files, url: format!("u{n}"), salt: 0 };
        set.document(".zgroup", &json!({"zarr_format": 2}));
        set.document(".zattrs", &json!({"member": own.member, "title": format!("title {}", own.title)}));
        let count = times.len() as u64;
        let inline = Held { inline: true, zlib: None };
        let (dtype, unit) = (if case.float_times { "<f8" } else { "<i4" }, UNITS[own.unit]);
        let number = |day: u64| in_unit(day, own.unit);
        let encode = |value: i64| -> Vec<u8> {
            if case.float_times { (value as f64).to_le_bytes().to_vec() } else { (value as i32).to_le_bytes().to_vec() }
        };
        let mut attributes = json!({"_ARRAY_DIMENSIONS": ["time"], "units": unit});
        if case.has_bounds {
            attributes["bounds"] = json!("bounds");
        }
        let form = Form { shape: &[count], chunks: &[count.max(1)], dtype, fill: Json::Null, held: inline, order: "C" };
        set.array("time", &form, &attributes, |at| Some(encode(number(*times.get(at[0] as usize)?))));
        if case.has_bounds {
            let fill = if case.axes == Axes::Both { json!("NaN") } else { Json::Null };
            let form =
                Form { shape: &[count, 2], chunks: &[count.max(1), 2], dtype: "<f8", fill, held: inline, order: "C" };
            let attributes = json!({"_ARRAY_DIMENSIONS": ["time", "two"]});
            let bound = |at: &[u64]| Some((number(*times.get(at[0] as usize)? + at[1]) as f64).to_le_bytes().to_vec());
            set.array("bounds", &form, &attributes, bound);
        }
        let form = Form {
            shape: &[case.width],
            chunks: &[case.width],
            dtype: "<i4",
            fill: Json::Null,
            held: inline,
            order: "C",
        };
        set.array("x", &form, &json!({"_ARRAY_DIMENSIONS": ["x"]}), |at| Some((at[0] as i32).to_le_bytes().to_vec()));
        let held = Held { inline: case.constant != 1, zlib: None };
        let form =
            Form { shape: &[case.width], chunks: &[case.width], dtype: "|u1", fill: json!(255), held, order: "C" };
        let is_other = case.constant == 2 && own.constant;
        set.array("s", &form, &json!({"_ARRAY_DIMENSIONS": ["x"]}), |at| Some(vec![constant(is_other, at[0])]));
        let form = Form { shape: &[], chunks: &[], dtype: "|u1", fill: Json::Null, held: inline, order: "C" };
        set.array("crs", &form, &json!({"_ARRAY_DIMENSIONS": []}), |_| Some(vec![7]));
        set.salt = 3;
        let order = if case.order_f { "F" } else { "C" };
        let (shape, chunks) = ([count, case.width], [own.chunk, case.chunk_x]);
        let turn = |mut two: [u64; 2]| {
            if case.x_first {
                two.reverse();
            }
            two
        };
        let (shape, chunks) = (turn(shape), turn(chunks));
        let dtype = DTYPES[case.dtype];
        let form = Form { shape: &shape, chunks: &chunks, dtype, fill: case.fill(), held: own.held, order };
        let names = if case.x_first { ["x", "time"] } else { ["time", "x"] };
        set.array("v", &form, &json!({"_ARRAY_DIMENSIONS": names, "title": own.title}), |at| {
            let [row, x] = turn([at[0], at[1]]);
            if is_hole(own, row / own.chunk, x / case.chunk_x) {
                return None;
            }
            // What lies behind the edge is never read.
            let value = times.get(row as usize).map_or(99, |time| element(own.member, *time, x) + lie);
            Some(bytes_of(dtype, value))
        });
        Self(Json::Object(set.refs).to_string())
    }
}

/// A day as a number of a unit.
fn in_unit(day: u64, unit: usize) -> i64 {
    let day = i64::try_from(day).unwrap();
    [day, day * 24, day - 2][unit]
}

/// The hours since 2000-01-01 of a number of a unit.
pub(super) fn hours(value: f64, units: &str) -> f64 {
    let (unit, date) = units.split_once(" since ").unwrap();
    let scale = match unit {
        "days" => 24.0,
        "hours" => 1.0,
        other => panic!("{other}"),
    };
    let day: f64 = date.trim_start_matches("2000-01-").parse().unwrap();
    value * scale + (day - 1.0) * 24.0
}

/// A set that is written.
struct Writing<'a> {
    refs: Map<String, Json>,
    files: &'a mut HashMap<String, Vec<u8>>,
    url: String,
    salt: usize,
}

struct Form<'a> {
    shape: &'a [u64],
    chunks: &'a [u64],
    dtype: &'a str,
    fill: Json,
    held: Held,
    order: &'a str,
}

impl Writing<'_> {
    fn document(&mut self, key: &str, document: &Json) {
        self.refs.insert(key.to_owned(), document.to_string().into());
    }

    /// An array whose elements are told by their indices; `None` for all of a chunk that is missing.
    fn array(&mut self, name: &str, form: &Form<'_>, attributes: &Json, element: impl Fn(&[u64]) -> Option<Vec<u8>>) {
        let filters = form.held.zlib.map(|level| json!([{"id": "zlib", "level": level}]));
        let document = json!({"zarr_format": 2, "shape": form.shape, "chunks": form.chunks, "dtype": form.dtype, "order": form.order,
            "fill_value": form.fill, "compressor": null, "filters": filters});
        self.document(&format!("{name}/.zarray"), &document);
        self.document(&format!("{name}/.zattrs"), attributes);
        let grid: Vec<u64> = form.shape.iter().zip(form.chunks).map(|(size, chunk)| size.div_ceil(*chunk)).collect();
        for place in indices(&grid) {
            let mut inside = indices(form.chunks);
            if form.order == "F" {
                inside.sort_by_key(|at| at.iter().rev().copied().collect::<Vec<_>>());
            }
            let mut bytes = Vec::new();
            let mut is_there = true;
            for at in inside {
                let at: Vec<u64> =
                    at.iter().zip(&place).zip(form.chunks).map(|((at, n), chunk)| n * chunk + at).collect();
                match element(&at) {
                    Some(element) => bytes.extend(element),
                    None if name == "v" => is_there = false,
                    None => bytes.extend([0; 8].iter().take(size(form.dtype))),
                }
            }
            if is_there {
                let key: Vec<String> = place.iter().map(u64::to_string).collect();
                let key = if key.is_empty() { "0".to_owned() } else { key.join(".") };
                self.chunk(&format!("{name}/{key}"), form.held, bytes);
            }
        }
    }

    fn chunk(&mut self, key: &str, held: Held, mut bytes: Vec<u8>) {
        if let Some(level) = held.zlib {
            let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::new(level));
            encoder.write_all(&bytes).and_then(|()| encoder.try_finish()).unwrap();
            bytes = encoder.finish().unwrap();
        }
        let reference = if held.inline {
            format!("base64:{}", STANDARD.encode(bytes)).into()
        } else {
            let file = self.files.entry(self.url.clone()).or_default();
            file.resize(file.len() + self.salt, 0xee);
            let (start, length) = (file.len(), bytes.len());
            file.extend(bytes);
            json!([self.url, start, length])
        };
        self.refs.insert(key.to_owned(), reference);
    }
}

fn size(dtype: &str) -> usize {
    usize::from(dtype.as_bytes()[2] - b'0')
}

/// All indices of a shape, in C order.
pub(super) fn indices(shape: &[u64]) -> Vec<Vec<u64>> {
    let mut all = vec![Vec::new()];
    for size in shape {
        all = all.iter().flat_map(|at| (0..*size).map(move |n| [at.as_slice(), &[n]].concat())).collect();
    }
    all
}

/// A set as the JSON that is written.
pub(super) fn written(set: &ReferenceSet) -> String {
    let mut text = Vec::new();
    h5refs::write_json(set, &mut text).map_err(|error: io::Error| error.to_string()).unwrap();
    String::from_utf8(text).unwrap()
}
