//! A few small sets of references that look alike.

use arbitrary::Arbitrary;
use h5refs::combine::{CombineOptions, Policies, Policy, Selector};
use h5refs::{ReferenceSet, read_json};
use serde_json::{Map, Value, json};

use crate::limits;

/// Sets, and how they are combined.
#[derive(Debug, Arbitrary)]
pub struct World {
    first: Set,
    second: Set,
    third: Option<Set>,
    /// Dimensions along which they are combined: bit 0 `t`, bit 1 `y`, bit 2 `new`.
    along: u8,
    /// How `new` has its coordinates: 0 numbered, 1 by name, 2 an attribute of the root.
    new_by: u8,
    /// For each check, which of its policies.
    policies: [u8; 15],
    inline_array_bytes: u16,
}

#[derive(Debug, Arbitrary)]
struct Set {
    attribute: i16,
    t: Coordinate,
    y: Coordinate,
    v: Field,
    w: Option<Field>,
}

/// A coordinate whose values are inline.
#[derive(Debug, Arbitrary)]
struct Coordinate {
    /// Values of one byte, at most eight.
    values: Vec<u8>,
    units: u8,
}

/// An array over `t` and `y`, or one of them.
#[derive(Debug, Arbitrary)]
struct Field {
    dimensions: u8,
    chunk: [u8; 2],
    dtype: u8,
    codec: u8,
    fill: Option<i8>,
    scale: Option<u8>,
    chunks: Vec<Chunk>,
}

#[derive(Debug, Arbitrary)]
enum Chunk {
    Missing,
    Inline(u8),
    Whole(u8),
    Range(u8, u8, u8),
    /// As many bytes as the chunk has without codecs.
    Exact(u8, u8),
}

const DTYPES: [(&str, u64); 4] = [("|u1", 1), ("<i2", 2), ("<f4", 4), (">f8", 8)];
const UNITS: [&str; 4] = ["", "days since 2000-01-01", "hours since 2000-01-02", "months since 1999-12-30"];

impl World {
    /// The sets, where all of them are sets.
    pub fn sets(&self) -> Option<Vec<ReferenceSet>> {
        let sets = [Some(&self.first), Some(&self.second), self.third.as_ref()];
        sets.into_iter().flatten().map(|set| Some(read_json(set.json().as_bytes(), &limits()).ok()?.0)).collect()
    }

    /// How they are combined.
    pub fn options(&self) -> CombineOptions {
        let along = ["t", "y", "new"].into_iter().enumerate().filter(|(bit, _)| self.along & (1 << bit) != 0);
        let mut options = CombineOptions::new(along.map(|(_, name)| name));
        let new = ["INDEX", "re:([0-9]+)", "attr:a"][usize::from(self.new_by % 3)];
        options.selectors.insert("new".to_owned(), Selector::parse(new).expect("a selector"));
        for (check, policy) in Policies::checks().zip(self.policies) {
            let of: &[Policy] = Policies::of(check);
            if let Some(policy) = of.get(usize::from(policy) % of.len().max(1)) {
                options.policies.set(check, *policy);
            }
        }
        options.inline_array_bytes = self.inline_array_bytes.into();
        options.limits = limits();
        options
    }
}

impl Set {
    fn json(&self) -> String {
        let mut refs = Map::new();
        refs.insert(".zgroup".to_owned(), json!({"zarr_format": 2}).to_string().into());
        refs.insert(".zattrs".to_owned(), json!({"a": self.attribute}).to_string().into());
        self.t.add("t", &mut refs);
        self.y.add("y", &mut refs);
        let lengths = [self.t.values().len() as u64, self.y.values().len() as u64];
        self.v.add("v", lengths, &mut refs);
        if let Some(w) = &self.w {
            w.add("g/w", lengths, &mut refs);
        }
        Value::Object(refs).to_string()
    }
}

impl Coordinate {
    fn values(&self) -> String {
        self.values.iter().take(8).map(|value| char::from(value % 0x60 + 0x20)).collect()
    }

    fn add(&self, name: &str, refs: &mut Map<String, Value>) {
        let values = self.values();
        let array = array(&[values.len() as u64], &[values.len().max(1) as u64], "|u1", 0, None);
        refs.insert(format!("{name}/.zarray"), array.into());
        let mut attributes = json!({"_ARRAY_DIMENSIONS": [name]});
        match UNITS[usize::from(self.units) % UNITS.len()] {
            "" => {}
            units => attributes["units"] = units.into(),
        }
        refs.insert(format!("{name}/.zattrs"), attributes.to_string().into());
        if !values.is_empty() {
            refs.insert(format!("{name}/0"), values.into());
        }
    }
}

impl Field {
    fn add(&self, name: &str, lengths: [u64; 2], refs: &mut Map<String, Value>) {
        let over: &[usize] = [[0, 1].as_slice(), &[0], &[1], &[]][usize::from(self.dimensions % 4)];
        let shape: Vec<u64> = over.iter().map(|n| lengths[*n]).collect();
        let chunk: Vec<u64> = over.iter().map(|n| u64::from(self.chunk[*n] % 8) + 1).collect();
        let (dtype, size) = DTYPES[usize::from(self.dtype) % DTYPES.len()];
        refs.insert(format!("{name}/.zarray"), array(&shape, &chunk, dtype, self.codec, self.fill).into());
        let names: Vec<&str> = over.iter().map(|n| ["t", "y"][*n]).collect();
        let mut attributes = json!({"_ARRAY_DIMENSIONS": names});
        if let Some(scale) = self.scale {
            attributes["scale_factor"] = scale.into();
        }
        refs.insert(format!("{name}/.zattrs"), attributes.to_string().into());
        let bytes = chunk.iter().product::<u64>() * size;
        for (key, chunk) in keys(&shape, &chunk).into_iter().zip(&self.chunks) {
            if let Some(chunk) = chunk.json(bytes) {
                refs.insert(format!("{name}/{key}"), chunk);
            }
        }
    }
}

impl Chunk {
    fn json(&self, bytes: u64) -> Option<Value> {
        let url = |n: u8| format!("s3://bucket/{}", n % 3);
        Some(match self {
            Self::Missing => return None,
            Self::Inline(byte) => char::from(byte % 0x80).to_string().repeat(usize::try_from(bytes).ok()?).into(),
            Self::Whole(file) => json!([url(*file)]),
            Self::Range(file, offset, length) => json!([url(*file), offset, length]),
            Self::Exact(file, offset) => json!([url(*file), offset, bytes]),
        })
    }
}

fn array(shape: &[u64], chunks: &[u64], dtype: &str, codec: u8, fill: Option<i8>) -> String {
    let filters = match codec % 3 {
        0 => Value::Null,
        1 => json!([{"id": "zlib", "level": 1}]),
        _ => json!([{"id": "shuffle", "elementsize": 2}]),
    };
    let fill = fill.filter(|fill| dtype != "|u1" || *fill >= 0);
    json!({"zarr_format": 2, "shape": shape, "chunks": chunks, "dtype": dtype, "order": "C", "fill_value": fill,
        "compressor": null, "filters": filters})
    .to_string()
}

/// The keys of the chunks.
fn keys(shape: &[u64], chunk: &[u64]) -> Vec<String> {
    let mut keys = vec![String::new()];
    for (length, chunk) in shape.iter().zip(chunk) {
        let next = |key: &String| (0..length.div_ceil(*chunk)).map(|n| format!("{key}.{n}")).collect::<Vec<_>>();
        keys = keys.iter().flat_map(next).collect();
    }
    keys.iter().map(|key| if key.is_empty() { "0".to_owned() } else { key[1..].to_owned() }).collect()
}
