//! Reads datasets and says what is in them, one line of JSON each: `cargo run --example values -- [OPTION...] FILE [DATASET...]`.
//!
//! Without a dataset, all of the file are read, each under one path. A line has the path, the address of the object, the shape, the
//! datatype in words, and the SHA-256 of the elements in a form that does not depend on how they are stored, in C order:
//!
//! - integers, bit fields, booleans and members of enumerations: 8 bytes, little-endian, in two's complement;
//! - floats: a little-endian double, all NaNs 0x7ff8000000000000; complex numbers: two of these;
//! - floats that a double does not hold: their bytes as below, of x87's extended precision the 10 that count, little-endian;
//! - texts without padding, opaque bytes: the length in 4 bytes, little-endian, then the bytes;
//! - references: the address of the object, or of the region's dataset, in 8 bytes; null is all ones, and one that leads nowhere one less;
//! - sequences: the number of their elements in 4 bytes, then the elements; arrays and compounds: their parts.
//!
//! `--external-root DIR` lets external raw files and sources of virtual datasets be read there; such as are not there read as libhdf5
//! reads them. `--dump` writes the form itself instead of the lines, `--no-print` only reads the stored elements, `--repeat N` times.

use std::collections::BTreeSet;
use std::error::Error;
use std::io::Write;
use std::ops::Range;
use std::path::{Path, PathBuf};

use h5refs::file::{ByteOrder, Class, Content, Datatype, Value};
use h5refs::{
    ExternalError, FindExternal, FoundExternal, Input, Limits, MissingSources, OpenDataset, ReadOptions, Reader,
};
use sha2::{Digest, Sha256};

/// Most elements of a block.
const TOGETHER: u64 = 1 << 18;

/// Most blocks of a dataset; of more, every second one is read, or every third, and so on.
const MOST_BLOCKS: u64 = 512;

/// Boxes of at most `TOGETHER` elements that follow one another in C order.
struct Blocks<'a> {
    shape: &'a [u64],
    /// The dimension that is split; those before it are taken index by index, those after it whole.
    axis: usize,
    /// Indices of it in a block.
    rows: u64,
    count: u64,
}

impl<'a> Blocks<'a> {
    fn of(shape: &'a [u64]) -> Self {
        let product = |sizes: &[u64]| sizes.iter().fold(1_u64, |n, size| n.saturating_mul(*size));
        let fits = |axis: &usize| product(&shape[axis + 1..]) <= TOGETHER;
        let axis = (0..shape.len()).find(fits).unwrap_or(0);
        let Some(size) = shape.get(axis) else { return Self { shape, axis, rows: 1, count: 1 } };
        let rows = (TOGETHER / product(&shape[axis + 1..]).max(1)).max(1);
        Self { shape, axis, rows, count: product(&shape[..axis]).saturating_mul(size.div_ceil(rows)) }
    }

    fn slice(&self, n: u64) -> Vec<Range<u64>> {
        let mut slice: Vec<Range<u64>> = self.shape.iter().map(|size| 0..*size).collect();
        let Some(size) = self.shape.get(self.axis) else { return slice };
        let per_index = size.div_ceil(self.rows);
        let start = n % per_index * self.rows;
        slice[self.axis] = start..(start + self.rows).min(*size);
        let mut rest = n / per_index;
        for (range, size) in slice.iter_mut().zip(self.shape).take(self.axis).rev() {
            *range = rest % size..rest % size + 1;
            rest /= size;
        }
        slice
    }
}

#[derive(Default)]
struct Arguments {
    root: Option<PathBuf>,
    print: bool,
    dump: bool,
    repeat: usize,
    file: PathBuf,
    datasets: Vec<String>,
}

fn arguments() -> Result<Arguments, Box<dyn Error>> {
    let mut found = Arguments { print: true, repeat: 1, ..Arguments::default() };
    let mut positional = Vec::new();
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--external-root" => found.root = arguments.next().map(PathBuf::from),
            "--repeat" => found.repeat = arguments.next().ok_or("--repeat N")?.parse()?,
            "--no-print" => found.print = false,
            "--dump" => found.dump = true,
            _ => positional.push(argument),
        }
    }
    let mut positional = positional.into_iter();
    found.file = positional.next().ok_or("usage: values [OPTION...] FILE [DATASET...]")?.into();
    found.datasets = positional.collect();
    Ok(found)
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments = arguments()?;
    let input = Input::open(&arguments.file)?;
    let mut options = ReadOptions::default();
    options.missing = MissingSources::Fill;
    options.own_name = arguments.file.file_name().map(|name| name.to_string_lossy().into_owned());
    options.external = arguments.root.as_deref().map(|root| under(root, &arguments.file));
    let reader = Reader::open(&input, options)?;
    let mut output = std::io::stdout().lock();
    if !arguments.print {
        for path in arguments.datasets.iter().cycle().take(arguments.datasets.len() * arguments.repeat) {
            writeln!(output, "{path}: {} bytes", reader.dataset(path)?.read_all()?.bytes.len())?;
        }
        return Ok(());
    }
    let tree = h5refs::tree(&input, Limits::default())?;
    let addresses: BTreeSet<u64> = tree.objects.iter().map(|object| object.address).collect();
    let mut seen = BTreeSet::new();
    for object in &tree.objects {
        let wanted = if arguments.datasets.is_empty() {
            !matches!(object.node.content, Ok(Content::Group | Content::Datatype(_))) && seen.insert(object.address)
        } else {
            arguments.datasets.contains(&object.path)
        };
        if !wanted {
            continue;
        }
        let mut form = Form { addresses: &addresses, hash: Sha256::new(), dump: arguments.dump };
        let mut line = serde_json::json!({ "path": object.path, "address": object.address });
        let read = reader.dataset(&object.path).map_err(Into::into).and_then(|dataset| {
            line["type"] = dataset.dataset().datatype.name().into();
            line["shape"] = dataset.shape().into();
            form.dataset(&dataset)
        });
        match read {
            Ok(()) => line["sha256"] = format!("{:x}", form.hash.finalize()).into(),
            Err(error) => line["error"] = error.to_string().into(),
        }
        if !arguments.dump {
            writeln!(output, "{line}")?;
        }
    }
    Ok(())
}

/// Finds files under `root`, beside the HDF5 file or in `root` itself.
fn under(root: &Path, file: &Path) -> FindExternal {
    let (root, folder) = (root.to_owned(), file.parent().unwrap_or(Path::new(".")).to_owned());
    FindExternal::new(move |name| {
        let absent = |error: std::io::Error| ExternalError::Absent(error.to_string());
        let root = root.canonicalize().map_err(absent)?;
        let beside = folder.join(name);
        let path = if beside.exists() { beside } else { root.join(name) };
        let path = path.canonicalize().map_err(absent)?;
        if !path.starts_with(&root) {
            return Err(ExternalError::Refused("it does not lie under --external-root".to_owned()));
        }
        let size = std::fs::metadata(&path).map_err(absent)?.len();
        Ok(FoundExternal::new(name, size).opened_by(move || Input::open(&path)))
    })
}

/// Elements in a form that does not depend on how they are stored.
struct Form<'a> {
    addresses: &'a BTreeSet<u64>,
    hash: Sha256,
    dump: bool,
}

impl Form<'_> {
    /// The elements block by block: all of them, or of a very large dataset as many blocks as `MOST_BLOCKS`.
    fn dataset(&mut self, dataset: &OpenDataset<'_>) -> Result<(), Box<dyn Error>> {
        let blocks = Blocks::of(dataset.shape());
        let step = blocks.count.div_ceil(MOST_BLOCKS).max(1);
        for n in (0..blocks.count).step_by(usize::try_from(step)?) {
            let mut bytes = Vec::new();
            for value in dataset.elements(&blocks.slice(n))? {
                self.value(&dataset.dataset().datatype, &value, &mut bytes);
            }
            self.write(&bytes)?;
        }
        Ok(())
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), Box<dyn Error>> {
        self.hash.update(bytes);
        if self.dump {
            std::io::stdout().write_all(bytes)?;
        }
        Ok(())
    }

    fn value(&self, datatype: &Datatype, value: &Value, bytes: &mut Vec<u8>) {
        match (value, &datatype.class) {
            (Value::Signed(n), _) => bytes.extend(n.to_le_bytes()),
            (Value::Unsigned(n), _) => bytes.extend(n.to_le_bytes()),
            (Value::Boolean(value), _) => bytes.extend(u64::from(*value).to_le_bytes()),
            (Value::Float(x), _) => bytes.extend(float(*x)),
            (Value::Complex(real, imaginary), _) => bytes.extend([float(*real), float(*imaginary)].concat()),
            (Value::Text(text), _) => counted(text.as_bytes(), bytes),
            (Value::NotUtf8(text), _) => counted(text, bytes),
            (Value::Opaque(opaque), _) => counted(opaque, bytes),
            (Value::Wide(number), Class::FloatingPoint { order, format, .. }) if format.mantissa_size == 64 => {
                let ordered: Vec<u8> = match order {
                    ByteOrder::Big => number.iter().rev().copied().collect(),
                    _ => number.clone(),
                };
                counted(ordered.get(..10).unwrap_or(&ordered), bytes);
            }
            (Value::Wide(number), _) => counted(number, bytes),
            (Value::Compound(fields), Class::Compound(members)) => {
                for ((_, value), member) in fields.iter().zip(members) {
                    self.value(&member.datatype, value, bytes);
                }
            }
            (Value::Sequence(elements), Class::Array { base, dimensions }) => {
                self.nested(base, elements, dimensions.len(), bytes);
            }
            (Value::Sequence(elements), Class::Sequence(base)) => {
                bytes.extend(count(elements.len()));
                self.nested(base, elements, 1, bytes);
            }
            (Value::Reference(address) | Value::Region(address), _) => {
                let known = |address: &u64| if self.addresses.contains(address) { *address } else { u64::MAX - 1 };
                bytes.extend(address.as_ref().map_or(u64::MAX, known).to_le_bytes());
            }
            // A value is of its datatype; this one would be seen as a difference.
            (other, _) => counted(format!("{other:?}").as_bytes(), bytes),
        }
    }

    /// The elements of an array of so many dimensions.
    fn nested(&self, base: &Datatype, elements: &[Value], rank: usize, bytes: &mut Vec<u8>) {
        for element in elements {
            match element {
                Value::Sequence(inner) if rank > 1 => self.nested(base, inner, rank - 1, bytes),
                element => self.value(base, element, bytes),
            }
        }
    }
}

fn float(x: f64) -> [u8; 8] {
    if x.is_nan() { 0x7ff8_0000_0000_0000_u64.to_le_bytes() } else { x.to_le_bytes() }
}

fn counted(part: &[u8], bytes: &mut Vec<u8>) {
    bytes.extend(count(part.len()));
    bytes.extend(part);
}

fn count(length: usize) -> [u8; 4] {
    u32::try_from(length).unwrap_or(u32::MAX).to_le_bytes()
}
