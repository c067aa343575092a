//! `h5refs scan`: files as references.

mod choice;
mod cost;
mod outputs;
mod report;
mod run;
pub(crate) mod state;
mod translate;
mod view;

use std::path::{Path, PathBuf};

use clap::error::ErrorKind;
use clap::{Args, ValueEnum};
use h5refs::batch::Condition;
use h5refs::file::ByteOrder;
use h5refs::{CodecPolicy, CutOff, FillPolicy, Limits, LinkPolicy, Options, UnsupportedPolicy};

use crate::family::Pattern;
use crate::found::{self, Finder, Takes};
use crate::inputs::Given;
use crate::limiting::Limiting;
use crate::location::Location;
use crate::references_out::{self, References};
use crate::remote::{self, Remote};
use crate::selection::Selection;
use crate::{Ending, inputs, naming, say, size};

/// Translate HDF5 and netCDF files into kerchunk references.
///
/// One input goes to the file that -o names, or to standard output; several go to the folder that -o names, one
/// "<file name>.json" each, or "<file name>.parq". Whatever cannot be referenced is a line on standard error, and the exit code is 3.
/// A run of several that was ended goes on with --resume.
#[derive(Args)]
#[expect(clippy::struct_excessive_bools, reason = "switches of the command line")]
pub(crate) struct Arguments {
    /// Files, and families by the pattern of their names, as fam_%05d.h5; @LIST and - (standard input) name one a line.
    /// Patterns ('a/*.nc', ?, [..], **, {a,b}), masks ({year}/{month}/{day}, {doy}, {hour}; with --dates) and folders stand for what is
    /// found.
    #[arg(required = true)]
    inputs: Vec<String>,
    #[command(flatten)]
    dates: found::Dates,
    /// Output file, or folder for several inputs; - is standard output.
    #[arg(short, long, visible_alias = "out-dir", value_name = "OUT")]
    output: Option<PathBuf>,
    #[command(flatten)]
    form: references_out::Form,
    /// Hold chunks of fewer stored bytes inline; 0 holds none.
    #[arg(long, value_name = "BYTES", default_value_t = 500)]
    inline_threshold: u64,
    /// Hold coordinates inline (dimension scales, and arrays of at most 16 KiB stored), so that a combination need not read them.
    #[arg(long)]
    inline_coordinates: bool,
    /// What to do about objects that cannot be referenced.
    #[arg(long, value_enum, default_value_t = OnError::Warn)]
    error: OnError,
    /// Write what became of every object to FILE, as JSON.
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// Make this group the root.
    #[arg(long, value_name = "PATH", default_value = "/")]
    group: String,
    /// Split chunks that no filter encodes (netCDF-3, contiguous datasets) into equal pieces of at most SIZE, as 10MB, along their first
    /// dimensions.
    #[arg(long, value_name = "SIZE", value_parser = size::argument)]
    split_contiguous: Option<u64>,
    /// Only these datasets: names or globs, of the dataset or of its whole path.
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    variables: Vec<String>,
    /// All but these datasets: names or globs, of the dataset or of its whole path.
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    drop: Vec<String>,
    /// Leave out inputs that do not satisfy this: the length of a dimension, or the value of an attribute of the root group, with =, !=,
    /// <, <=, > or >=. Repeated, all must hold; an input without the dimension or attribute is left out.
    #[arg(long = "where", value_name = "dim:NAME=N|attr:NAME=VALUE", value_parser = choice::condition)]
    conditions: Vec<Condition>,
    /// Print the inputs that satisfy --where, one a line, and translate none.
    #[arg(long, requires = "conditions", conflicts_with_all = ["output", "report"])]
    list_only: bool,
    /// What references call the file (default: its absolute path); of a family the pattern of its names.
    #[arg(long, value_name = "URL", conflicts_with = "rename", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    url: Option<String>,
    /// Replace the beginning OLD of the file's absolute path by NEW.
    #[arg(long, value_name = "OLD=NEW", value_parser = naming::rename)]
    rename: Vec<(String, String)>,
    /// What to do about chunks that were never written and would read differently in Zarr.
    #[arg(long, value_enum, default_value_t = Fill::Exact)]
    fill: Fill,
    /// What to do about datasets whose filters have no Zarr codec.
    #[arg(long, value_enum, default_value_t = OnUnsupported::Inline)]
    unsupported: OnUnsupported,
    /// Hold at most so many bytes of a dataset inline that no reference expresses as they lie (default: 1 MiB).
    #[arg(long, value_name = "BYTES")]
    repair_bytes: Option<u64>,
    /// With --unsupported sidecar: the file for their values (default: the output's name and ".sidecar"), made only if it is needed.
    #[arg(long, value_name = "FILE")]
    sidecar: Option<PathBuf>,
    /// What references call that file (default: its absolute path).
    #[arg(long, value_name = "URL")]
    sidecar_url: Option<String>,
    /// Which codecs to name.
    #[arg(long, value_enum, default_value_t = Codecs::Standard)]
    codecs: Codecs,
    /// Which paths of an object to emit.
    #[arg(long, value_enum, default_value_t = Links::All)]
    links: Links,
    /// Reference external raw files and sources of virtual datasets that lie under this folder, symbolic links followed.
    #[arg(long, value_name = "DIR")]
    external_root: Option<PathBuf>,
    /// The order of bytes of numbers of which a DMR++ sidecar does not tell it (default: such variables are refused).
    #[arg(long, value_enum, value_name = "ORDER")]
    byte_order: Option<Order>,
    /// Take what a DMR++ sidecar does not tell exactly as Hyrax takes it that serves from it, and say so: little-endian numbers, fill
    /// values of as many digits as are written, texts with nothing behind their first NUL, no meaning of attributes that are not known.
    #[arg(long)]
    as_served: bool,
    /// Read what is sound of a file that is cut off; the rest is refused object by object.
    #[arg(long)]
    salvage: bool,
    /// Files to work on at once (default: as many as there are processors; where inputs are URLs, 16).
    #[arg(long, value_name = "N")]
    jobs: Option<usize>,
    #[command(flatten)]
    several: Several,
    #[command(flatten)]
    remote: remote::Reading,
    #[command(flatten)]
    limiting: Limiting,
    /// No progress, no hints, no summary.
    #[arg(short, long)]
    quiet: bool,
    /// A line for each file that is done with.
    #[arg(short, long, conflicts_with = "quiet")]
    verbose: bool,
    /// Tell what was read over a network, in rounds, requests and bytes, and where the time went.
    #[arg(long)]
    stats: bool,
    /// Tell what happens as JSON on standard error, an event a line.
    #[arg(long)]
    json: bool,
    /// When lines on standard error have colours.
    #[arg(long, value_enum, value_name = "WHEN", default_value_t = view::Color::Auto)]
    color: view::Color,
}

/// What is for runs over many files.
#[derive(Args)]
struct Several {
    /// Pass over inputs whose output is there, and was made of the file as it is now with these options.
    #[arg(long)]
    resume: bool,
    /// Where a run over several files keeps what it has done until all is well (default: <OUT>.h5refs-state).
    #[arg(long, value_name = "PATH")]
    state: Option<PathBuf>,
    /// Work on every N-th input, from the I-th on: I from 1 to N, one for each of N machines.
    #[arg(long, value_name = "I/N", value_parser = outputs::Shard::parse)]
    shard: Option<outputs::Shard>,
    /// Begin no more files once so many failed.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    max_failures: Option<u64>,
    /// Where the inputs that failed are listed, and where the run is stopped those that are left, to be given back as @FILE (default:
    /// <OUT>.h5refs-failures, if there are any).
    #[arg(long, value_name = "FILE")]
    failures: Option<PathBuf>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum OnError {
    /// Leave them out and say so.
    Warn,
    /// Write nothing and fail.
    Raise,
    /// Leave them out; the report and the exit code say so.
    Ignore,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Fill {
    /// Hold the exact values inline, or refuse the array.
    Exact,
    /// Declare the value as `fill_value`; readers mask it.
    Declare,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum OnUnsupported {
    /// Hold small ones inline, decoded; refuse the others.
    Inline,
    /// The same, and write the others to a file beside the output, as chunks that every reader knows.
    Sidecar,
    /// Refuse them.
    Refuse,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Codecs {
    /// Those of numcodecs, which every reader has.
    Standard,
    /// Also those of imagecodecs, which a reader has to register.
    Imagecodecs,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Order {
    /// Least significant byte first.
    Little,
    /// Most significant byte first.
    Big,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Links {
    /// Every path by hard links, and soft links to datasets.
    All,
    /// The first path only.
    Once,
}

pub(crate) fn run(arguments: &Arguments) -> Ending {
    if let Err(error) = usage(arguments) {
        error.exit();
    }
    if arguments.list_only {
        return listed(arguments).unwrap_or_else(|error| {
            view::error(arguments.json, &error);
            Ending::Failed
        });
    }
    match prepare(arguments) {
        Ok(job) => job.run(),
        Err(error) => {
            view::error(arguments.json, &error);
            Ending::Failed
        }
    }
}

/// What clap itself cannot tell of arguments that do not go together.
fn usage(arguments: &Arguments) -> Result<(), clap::Error> {
    let is_sidecar = matches!(arguments.unsupported, OnUnsupported::Sidecar);
    let to_stdout = arguments.output.as_deref().is_none_or(|output| output == Path::new("-"));
    let wrong = |kind, told: &str| Err(crate::commands::command().error(kind, told));
    if arguments.repair_bytes.is_some() && arguments.limiting.sets("repair_bytes") {
        return wrong(ErrorKind::ArgumentConflict, "--repair-bytes and --limit repair_bytes are the same");
    }
    if !is_sidecar && (arguments.sidecar.is_some() || arguments.sidecar_url.is_some()) {
        return wrong(ErrorKind::ArgumentConflict, "--sidecar and --sidecar-url go with --unsupported sidecar");
    }
    if is_sidecar && to_stdout && arguments.sidecar.is_none() {
        let told = "references on standard output have no file beside them: name one with --sidecar FILE";
        return wrong(ErrorKind::MissingRequiredArgument, told);
    }
    if arguments.sidecar.as_deref() == Some(Path::new("-")) {
        return wrong(ErrorKind::InvalidValue, "--sidecar names a file, which cannot be standard output");
    }
    Ok(())
}

/// Prints which inputs satisfy the conditions.
fn listed(arguments: &Arguments) -> Result<Ending, String> {
    let finder = Finder { takes: Takes::Files, reading: Some(&arguments.remote), limits: arguments.limiting.limits() };
    let all = inputs::given(&arguments.inputs, &arguments.dates, &finder)?.locations;
    let all = match arguments.several.shard {
        Some(shard) => shard.of(all),
        None => all,
    };
    let remote = arguments.remote.for_inputs(&all)?;
    Ok(choice::list(arguments, &all, &remote))
}

fn prepare(arguments: &Arguments) -> Result<Job<'_>, String> {
    let finder = Finder { takes: Takes::Files, reading: Some(&arguments.remote), limits: arguments.limiting.limits() };
    let Given { locations: all, is_open } = inputs::given(&arguments.inputs, &arguments.dates, &finder)?;
    let form = arguments.form.references(arguments.output.as_deref())?;
    if all.len() > 1 && arguments.url.is_some() {
        return Err("--url names one file; several inputs take --rename OLD=NEW".to_owned());
    }
    if all.len() > 1 && (arguments.sidecar.is_some() || arguments.sidecar_url.is_some()) {
        return Err("--sidecar and --sidecar-url name one file; several inputs have one beside each output".to_owned());
    }
    let outputs = outputs::Outputs::new(
        all.len(),
        is_open || arguments.several.shard.is_some(),
        arguments.output.as_deref(),
        form.extension(),
    )?;
    let all_names = outputs.names(&all)?;
    let paths = match arguments.several.shard {
        Some(shard) => shard.of(all),
        None => all,
    };
    let names = if arguments.several.shard.is_some() { outputs.names(&paths)? } else { all_names };
    outputs.make()?;
    tell_unfit(arguments, &paths);
    let remote = arguments.remote.for_inputs(&paths)?;
    let selection = Selection::new(&arguments.variables, &arguments.drop)?;
    Ok(Job { arguments, remote, selection, paths, outputs, names, form, fingerprint: arguments.fingerprint() })
}

/// Says that the beginnings that are to be replaced are those of no input.
fn tell_unfit(arguments: &Arguments, paths: &[Location]) {
    // A sidecar may tell the URL that is renamed.
    let is_renamed = |path: &Location| {
        path.without_dmrpp().is_some() || path.url(&arguments.rename, true).ok() != path.url(&[], true).ok()
    };
    if !arguments.rename.is_empty() && !arguments.quiet && !paths.iter().any(is_renamed) {
        say("h5refs: no --rename fits the absolute path of an input: references call the inputs as they do without it");
    }
}

struct Job<'a> {
    arguments: &'a Arguments,
    remote: Remote,
    selection: Selection,
    paths: Vec<Location>,
    outputs: outputs::Outputs,
    /// The names of the outputs in their folder.
    names: std::collections::HashSet<std::ffi::OsString>,
    form: References,
    /// Of all options that the references depend on.
    fingerprint: String,
}

impl Arguments {
    fn limits(&self) -> Limits {
        let mut limits = self.limiting.limits();
        limits.repair_bytes = self.repair_bytes.unwrap_or(limits.repair_bytes);
        limits
    }

    /// A fingerprint of all that the references depend on, but for the input. An argument is named here, or left out, when it is new.
    fn fingerprint(&self) -> String {
        let Self {
            inputs: _,
            dates: _,
            output: _,
            report: _,
            jobs: _,
            several: _,
            remote: _,
            quiet: _,
            stats: _,
            verbose: _,
            json: _,
            color: _,
            form,
            inline_threshold,
            inline_coordinates,
            split_contiguous,
            error,
            group,
            variables,
            drop,
            url,
            rename,
            fill,
            unsupported,
            // Both are in the limits.
            repair_bytes: _,
            limiting: _,
            sidecar,
            sidecar_url,
            codecs,
            links,
            external_root,
            byte_order,
            as_served,
            conditions,
            list_only: _,
            salvage,
        } = self;
        let first =
            (form, inline_threshold, inline_coordinates, *error == OnError::Raise, group, variables, drop, url, rename);
        let second = (fill, unsupported, self.limits(), sidecar, sidecar_url, codecs, links, external_root, salvage);
        // Of what is new nothing is told unless it is given, so that outputs made before are known.
        let mut third = byte_order.map_or(String::new(), |order| format!(" {order:?}"));
        third.extend(as_served.then_some(" as served"));
        third.extend(split_contiguous.map(|most| format!(" split {most}")));
        third.extend(conditions.iter().map(|condition| format!(" {condition}")));
        h5refs::batch::fingerprint(format!("{first:?} {second:?}{third}"))
    }
}

impl Job<'_> {
    /// What references call an input.
    fn url(&self, location: &Location) -> Result<String, String> {
        match &self.arguments.url {
            Some(url) => Ok(url.clone()),
            None => location.url(&self.arguments.rename, self.remote.keeps_query()),
        }
    }

    fn options(&self, location: &Location, members: &[PathBuf]) -> Result<Options, String> {
        let mut options = Options::new(self.url(location)?);
        options.members = self.member_urls(members)?;
        options.inline_threshold = self.arguments.inline_threshold;
        options.inline_coordinates = self.arguments.inline_coordinates;
        options.split_contiguous = self.arguments.split_contiguous;
        options.group.clone_from(&self.arguments.group);
        options.select = self.selection.select();
        options.cut_off = if self.arguments.salvage { CutOff::Salvage } else { CutOff::Refuse };
        options.fill = match self.arguments.fill {
            Fill::Exact => FillPolicy::Exact,
            Fill::Declare => FillPolicy::Declare,
        };
        options.unsupported = match self.arguments.unsupported {
            OnUnsupported::Inline => UnsupportedPolicy::Inline,
            OnUnsupported::Sidecar => UnsupportedPolicy::Sidecar,
            OnUnsupported::Refuse => UnsupportedPolicy::Refuse,
        };
        options.dmrpp_order = self.arguments.byte_order.map(|order| match order {
            Order::Little => ByteOrder::Little,
            Order::Big => ByteOrder::Big,
        });
        options.dmrpp_as_served = self.arguments.as_served;
        options.limits = self.arguments.limits();
        options.codecs = match self.arguments.codecs {
            Codecs::Standard => CodecPolicy::Standard,
            Codecs::Imagecodecs => CodecPolicy::Imagecodecs,
        };
        options.links = match self.arguments.links {
            Links::All => LinkPolicy::All,
            Links::Once => LinkPolicy::Once,
        };
        Ok(options)
    }

    /// What references call the members of a family.
    fn member_urls(&self, members: &[PathBuf]) -> Result<Vec<String>, String> {
        match &self.arguments.url {
            Some(url) if !members.is_empty() => {
                let pattern = Pattern::parse(url);
                let pattern = pattern.ok_or("--url of a family is a pattern, as s3://bucket/fam_%05d.h5")?;
                Ok((0..members.len()).map(|n| pattern.member(n)).collect())
            }
            _ => members.iter().map(|member| naming::url(member, &self.arguments.rename)).collect(),
        }
    }
}
