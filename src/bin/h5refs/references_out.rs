//! How every command writes references: kerchunk JSON, compressed or not, and Parquet.

use std::ffi::OsStr;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use h5refs::output::{Compression, JsonVersion, Made, Placing, ZarrFormat};
use h5refs::zarr::NanPolicy;
use h5refs::{JsonOptions, ParquetOptions, ReferenceSet};

use crate::output::{self, Named};
use crate::sidecar::{Part, Placed};
use crate::{parts, signals};

/// Where references are written, and how.
#[derive(Args)]
pub(crate) struct Destination {
    /// Output file, or folder of Parquet (OUT.parq); - is standard output.
    #[arg(short, long, value_name = "OUT", default_value = "-")]
    pub(crate) output: PathBuf,
    #[command(flatten)]
    pub(crate) form: Form,
}

impl Destination {
    /// How to write to it.
    pub(crate) fn references(&self) -> Result<References, String> {
        self.form.references(Some(&self.output))
    }
}

/// How references are written.
#[derive(Args, Debug)]
pub(crate) struct Form {
    /// How references are written (default: parquet where OUT ends in .parq or .parquet, else json; .json.gz and .json.zst are compressed).
    #[arg(long, value_enum)]
    format: Option<Format>,
    /// The version of kerchunk JSON. Version 0 has no templates, and does not tell what files were.
    #[arg(long, value_name = "0|1", default_value_t = 1, value_parser = clap::value_parser!(u8).range(0..=1))]
    json_version: u8,
    /// The version of Zarr of the documents, of JSON only: 3 is for zarr-python 3 and those that read through it, and no command here reads
    /// it back.
    #[arg(long, value_name = "2|3", default_value_t = 2, value_parser = clap::value_parser!(u8).range(2..=3))]
    zarr_format: u8,
    /// Write URLs that begin with PREFIX as {{NAME}} and the rest; without PREFIX it is what all URLs begin with. Not every reader knows
    /// templates.
    #[arg(long, value_name = "NAME[=PREFIX]")]
    template: Vec<String>,
    /// Write all documents into the key .zmetadata too (of Zarr v3 into that of the root), for readers that are told consolidated=True. Parquet always has it.
    #[arg(long)]
    zmetadata: bool,
    /// References of one record file of Parquet.
    #[arg(long, value_name = "ROWS", default_value_t = 100_000, value_parser = clap::value_parser!(u64).range(1..=100_000_000))]
    record_size: u64,
    /// How to write NaN and infinity inside .zarray and .zattrs.
    #[arg(long, value_enum, default_value_t = Nan::String)]
    nan: Nan,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// kerchunk JSON.
    Json,
    /// kerchunk's Parquet: a folder.
    Parquet,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Nan {
    /// As the strings "NaN", "Infinity", "-Infinity": strict JSON.
    String,
    /// As the bare tokens that Python reads and writes; the outer document stays strict JSON.
    Python,
}

impl Nan {
    pub(crate) fn policy(self) -> NanPolicy {
        match self {
            Self::String => NanPolicy::String,
            Self::Python => NanPolicy::Python,
        }
    }
}

/// References being written, as arguments and the name of the output say.
#[derive(Clone)]
pub(crate) enum References {
    Json(JsonOptions, Vec<Template>),
    Parquet(ParquetOptions),
}

/// A name, and the beginning of URLs that it stands for, if that is told.
#[derive(Clone)]
pub(crate) struct Template(String, Option<String>);

impl Form {
    /// How to write to an output; without one it is standard output. One that would not be replaced is refused before anything is read.
    pub(crate) fn references(&self, output: Option<&Path>) -> Result<References, String> {
        let output = output.filter(|output| *output != Path::new("-"));
        if let Some(output) = output {
            output::refuse_data(output).map_err(|error| output::of(output, &error).to_string())?;
        }
        let extension = output.and_then(Path::extension);
        let is_parquet = extension.is_some_and(|extension| extension == "parq" || extension == "parquet");
        match self.format.unwrap_or(if is_parquet { Format::Parquet } else { Format::Json }) {
            Format::Json => Ok(self.json()),
            Format::Parquet if output.is_none() => Err("references in Parquet are a folder: -o OUT.parq".to_owned()),
            Format::Parquet => self.parquet(),
        }
    }

    fn json(&self) -> References {
        let mut options = JsonOptions::default();
        options.version = if self.json_version == 0 { JsonVersion::Zero } else { JsonVersion::One };
        options.nan = self.nan.policy();
        options.consolidated = self.zmetadata;
        options.zarr_format = if self.zarr_format == 3 { ZarrFormat::Three } else { ZarrFormat::Two };
        let template = |text: &String| match text.split_once('=') {
            Some((name, prefix)) => Template(name.to_owned(), Some(prefix.to_owned())),
            None => Template(text.clone(), None),
        };
        References::Json(options, self.template.iter().map(template).collect())
    }

    fn parquet(&self) -> Result<References, String> {
        if self.nan == Nan::Python {
            return Err("--nan python is for JSON: Parquet has its documents in strict JSON".to_owned());
        }
        if self.json_version == 0 || self.zarr_format == 3 || !self.template.is_empty() {
            return Err("--json-version, --zarr-format 3 and --template are for JSON".to_owned());
        }
        let mut options = ParquetOptions::default();
        options.record_size = self.record_size;
        Ok(References::Parquet(options))
    }
}

impl References {
    /// The extension of a name.
    pub(crate) fn extension(&self) -> &'static str {
        match self {
            Self::Json(..) => ".json",
            Self::Parquet(_) => ".parq",
        }
    }

    /// The same, with a record of how the set was made.
    pub(crate) fn of_made(&self, made: Made) -> Self {
        let mut form = self.clone();
        match &mut form {
            Self::Json(options, _) => options.made = Some(made),
            Self::Parquet(options) => options.made = Some(made),
        }
        form
    }

    /// Writes a set, whole or not at all; `-` is standard output.
    pub(crate) fn write(&self, set: &ReferenceSet, output: &Path) -> Result<(), String> {
        self.write_around(set, output, Named::Now, |place| place()).map_err(|error| error.to_string())
    }

    /// The same of a command that does nothing else then: what a killed run left of the output is removed, and a signal leaves nothing.
    pub(crate) fn write_alone(&self, set: &ReferenceSet, output: &Path) -> Result<(), String> {
        parts::remove_dead(output);
        if output == Path::new("-") {
            return self.write(set, output);
        }
        signals::cleared(|| parts::remove_own(output), || self.write(set, output))
    }

    /// The same, with the file that some of its references lead to: that is in its place just before they are in theirs, or before they
    /// are written to what is no file. Where they cannot be, what was there is there again.
    pub(crate) fn write_with_sidecar(
        &self,
        set: &ReferenceSet,
        output: &Path,
        named: Named,
        sidecar: Option<Part>,
    ) -> io::Result<()> {
        self.write_around(set, output, named, |place| {
            let placed = sidecar.map(Part::place).transpose()?;
            place()?;
            placed.map_or(Ok(()), Placed::keep)
        })
    }

    /// The same, where `around` puts what is written in its place. A folder of Parquet has its name at once.
    fn write_around(
        &self,
        set: &ReferenceSet,
        output: &Path,
        named: Named,
        around: impl FnOnce(Placing<'_>) -> io::Result<()>,
    ) -> io::Result<()> {
        match self {
            Self::Parquet(options) => h5refs::output::write_parquet_with(set, output, options, around)
                .map_err(|error| output::of(output, &error)),
            Self::Json(options, templates) => {
                let mut options = options.clone();
                options.templates = templates.iter().filter_map(|template| template.of(set)).collect();
                let content = |out: &mut dyn Write| h5refs::write_json_as(set, &options, out);
                output::try_write(output, named, |out| Compression::of_name(output).write(&mut *out, content), around)
            }
        }
    }
}

impl Template {
    /// The template for a set; none where its URLs have nothing in common.
    fn of(&self, set: &ReferenceSet) -> Option<(String, String)> {
        let Self(name, prefix) = self;
        let prefix = prefix.clone().unwrap_or_else(|| common_beginning(&set.urls).to_owned());
        (!prefix.is_empty()).then(|| (name.clone(), prefix))
    }
}

/// Whether a name is that of a set: it has one of their extensions.
pub(crate) fn is_name(output: &Path) -> bool {
    let extension = output.extension().and_then(OsStr::to_str).unwrap_or("");
    ["json", "gz", "zst", "parq", "parquet"].contains(&extension)
}

/// What all texts begin with.
fn common_beginning(texts: &[String]) -> &str {
    let Some((first, rest)) = texts.split_first() else { return "" };
    let same = |text: &str, length: usize| {
        let differs = first.char_indices().zip(text.chars()).find(|((_, one), other)| one != other);
        differs.map_or(first.len().min(text.len()), |((at, _), _)| at).min(length)
    };
    let length = rest.iter().fold(first.len(), |length, text| same(text, length));
    first.get(..length).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_begin_with_what_all_of_them_begin_with() {
        let of = |texts: &[&str]| {
            common_beginning(&texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>()).to_owned()
        };
        assert_eq!(
            (of(&[]), of(&["s3://b/1.nc"]), of(&["a", "b"])),
            (String::new(), "s3://b/1.nc".to_owned(), String::new())
        );
        assert_eq!(of(&["s3://b/2020", "s3://b/21", "s3://b/2"]), "s3://b/2");
        assert_eq!(of(&["dé1", "dè1"]), "d");
    }
}
