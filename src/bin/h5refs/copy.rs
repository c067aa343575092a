//! `h5refs copy`: a native Zarr v2 store.

mod bar;
mod folder;
mod place;
#[cfg(feature = "remote")]
mod url;

use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, ValueEnum};
use h5refs::copy::{Comparison, Compressor, Copied, Copier, CopyOptions, Target};
use h5refs::plan::{ChunkPlan, Wanted};

use crate::location::Location;
use crate::selection::{Names, Selection};
use crate::{Ending, finish, origin, references_out, say, size};

/// Write a Zarr v2 store, consolidated, in chunks of its own: what is in memory at once is bounded, and a copy that was stopped is gone on
/// with.
///
/// Arrays that no plan names keep their chunks; small ones and coordinates are one chunk. The store is written to OUT.h5refs-part, and
/// is put in its place when it is whole; in an object store it is written in place, its documents last. Chunks that are nothing but the
/// fill value are left out. The exit code is 3 where objects of the input are left out, and 4 where --verify found something different;
/// the store is not put in its place then, or loses its documents.
#[derive(Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub(crate) struct Arguments {
    #[command(flatten)]
    source: origin::Source,
    /// The folder of the store, also as the URL of one in a bucket (s3, gs, az, with the feature remote).
    #[arg(short, long, value_name = "OUT")]
    output: Location,
    /// The chunks of arrays, as JSON: {"VARIABLE": {"DIM": N}} or {"VARIABLE": [N, ..]}, as "h5refs plan -o" writes it. -1 is the whole
    /// dimension; a dimension that is not named keeps its chunks.
    #[arg(long, value_name = "FILE")]
    plan: Option<PathBuf>,
    /// The chunks of one array, also where the plan names others.
    #[arg(long, value_name = "VARIABLE=DIM:N,..", value_parser = chunks)]
    chunks: Vec<(String, Wanted)>,
    /// Only these arrays, names or globs.
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    variables: Vec<String>,
    /// Not these arrays.
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    drop: Vec<String>,
    /// What chunks are compressed with; zstd has one level, about 1.
    #[arg(long, value_enum, value_name = "NAME", default_value_t = Named::Zlib)]
    compressor: Named,
    /// The level of zlib; 1 takes a quarter less time than 2, and half as much room again.
    #[arg(long, value_name = "0-9", default_value_t = 2, value_parser = clap::value_parser!(u32).range(0..=9))]
    level: u32,
    /// Put the bytes of one significance together before.
    #[arg(long)]
    shuffle: bool,
    /// Bytes of elements and chunks that are in memory at once, at most; the references of the input come on top.
    #[arg(long, value_name = "SIZE", default_value = "1GiB", value_parser = size::argument)]
    memory: u64,
    /// Threads that read, encode and write (default: as many as there are processors; 16 for URLs).
    #[arg(long, value_name = "N")]
    jobs: Option<usize>,
    /// Go on with a copy that was stopped; one that is whole and the same is left as it is.
    #[arg(long)]
    resume: bool,
    /// What is noted of a copy that is gone on with (default: OUT.h5refs-state; of a URL its last part, in this folder).
    #[arg(long, value_name = "FILE")]
    state: Option<PathBuf>,
    /// Replace a store, or begin anew.
    #[arg(long)]
    overwrite: bool,
    /// Read back what was written, all of it or N chunks of each array, and compare it with the input bit by bit.
    #[arg(long, value_name = "all|N")]
    verify: Option<Extent>,
    /// Choose another sample.
    #[arg(long, value_name = "SEED", default_value_t = 0)]
    seed: u64,
    /// How NaN and infinity are written in documents.
    #[arg(long, value_enum, value_name = "HOW", default_value_t = references_out::Nan::String)]
    nan: references_out::Nan,
    /// What was written, as JSON on standard output.
    #[arg(long)]
    json: bool,
    /// Only what is wrong.
    #[arg(short, long)]
    quiet: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum Named {
    Zlib,
    Zstd,
    None,
}

/// How much is compared.
#[derive(Clone, Copy)]
struct Extent(Option<u64>);

impl FromStr for Extent {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "all" => Ok(Self(None)),
            number => number.parse().map(|n| Self(Some(n))).map_err(|_| format!("{text} is neither all nor a number")),
        }
    }
}

/// What came of it, as JSON.
#[derive(serde::Serialize)]
struct Told {
    #[serde(skip_serializing_if = "Option::is_none")]
    copied: Option<Copied>,
    #[serde(skip_serializing_if = "Option::is_none")]
    verified: Option<Comparison>,
}

pub(crate) fn run(arguments: &Arguments) -> Ending {
    finish(copy(arguments))
}

fn copy(arguments: &Arguments) -> Result<Ending, String> {
    let told = |error: h5refs::Error| error.to_string();
    let place = place::of(arguments)?;
    let opened = arguments.source.open()?;
    let options = options(arguments, opened.origin.as_ref())?;
    let copier = Copier::new(&*opened.origin, opened.identity()?, options).map_err(told)?;
    if place.is_finished(&copier, arguments)? {
        let verified = arguments.verify.map(|verify| compared(&copier, place.store(), verify, arguments));
        place.forget()?;
        return Ok(tell(arguments, &Told { copied: None, verified: verified.transpose()? }).max(opened.ending));
    }
    let mut progress = place.begin(arguments)?;
    let bar = bar::Bar::new(copier.chunks(), arguments.quiet || arguments.json);
    let copied = copier.write(place.target(), &mut progress, &|step| bar.step(step)).map_err(told)?;
    bar.end();
    let verified = arguments.verify.map(|verify| compared(&copier, place.target(), verify, arguments)).transpose()?;
    if verified.as_ref().is_none_or(Comparison::is_same) {
        place.publish(arguments.overwrite)?;
        drop(progress);
        place.forget()?;
    } else {
        say(&format!("h5refs: {}", place.leave()?));
    }
    if !arguments.quiet {
        tell_copied(arguments, copied, copier.memory());
    }
    Ok(tell(arguments, &Told { copied: Some(copied), verified }).max(opened.ending))
}

fn tell_copied(arguments: &Arguments, copied: Copied, memory: u64) {
    say(&format!(
        "h5refs: {}: {} chunks{}{}, {} of elements as {}, at most {} of them in memory",
        arguments.output,
        copied.chunks,
        behind(copied.before, "written before"),
        behind(copied.left_out, "nothing but fill values and left out"),
        size::told(copied.elements_bytes),
        size::told(copied.written_bytes),
        size::told(memory),
    ));
}

fn behind(n: u64, what: &str) -> String {
    if n == 0 { String::new() } else { format!(", {n} of them {what}") }
}

fn options(arguments: &Arguments, origin: &dyn h5refs::store::Origin) -> Result<CopyOptions, String> {
    let mut options = CopyOptions::default();
    if let Some(path) = &arguments.plan {
        let text = std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
        options.plan = ChunkPlan::parse(&text).map_err(|error| format!("{}: {error}", path.display()))?;
    }
    options.plan.arrays.extend(arguments.chunks.iter().cloned());
    let names = Names::new(&arguments.variables)?;
    if let Some(name) = names.unmatched(origin.set().arrays().map(|(path, _)| path)) {
        return Err(format!("{}: no array is called {name}", arguments.source.input));
    }
    options.select = Selection::new(&arguments.variables, &arguments.drop)?.select();
    options.compressor = match arguments.compressor {
        Named::Zlib => Compressor::Zlib(arguments.level),
        Named::Zstd => Compressor::Zstd,
        Named::None => Compressor::None,
    };
    let places = [arguments.source.input.clone(), arguments.output.clone()];
    options.jobs = crate::remote::jobs(arguments.jobs, &places);
    (options.shuffle, options.memory, options.nan) = (arguments.shuffle, arguments.memory, arguments.nan.policy());
    options.limits = arguments.source.limits();
    Ok(options)
}

fn compared(
    copier: &Copier<'_>,
    target: &dyn Target,
    how: Extent,
    arguments: &Arguments,
) -> Result<Comparison, String> {
    copier.compare(target, how.0, arguments.seed).map_err(|error| error.to_string())
}

/// What was found, and how the command ends by it.
fn tell(arguments: &Arguments, told: &Told) -> Ending {
    let mut ending = Ending::Well;
    if let Some(verified) = &told.verified {
        for one in &verified.differences {
            say(&format!("{}: {}: {}", arguments.output, one.key, one.what));
            ending = Ending::Wrong;
        }
        if verified.more > 0 {
            say(&format!("{}: and {} more that differ", arguments.output, verified.more));
        }
        if !arguments.quiet {
            let differences = verified.more.saturating_add(u64::try_from(verified.differences.len()).unwrap_or(0));
            say(&format!("h5refs: {} chunks compared, {differences} differences", verified.chunks));
        }
    }
    if arguments.json {
        let printed = crate::print("copy", |out| {
            serde_json::to_writer_pretty(&mut *out, told)?;
            Ok(writeln!(out)?)
        });
        ending = ending.max(printed);
    }
    ending
}

/// `VARIABLE=DIM:N,..`, or `VARIABLE=NxM`.
fn chunks(argument: &str) -> Result<(String, Wanted), String> {
    let (path, sizes) = argument.rsplit_once('=').ok_or("it is not VARIABLE=DIM:N,..")?;
    let wanted = if sizes.contains(':') {
        let named = sizes.split(',').map(|one| {
            let (name, size) = one.rsplit_once(':')?;
            Some((name.to_owned(), size.parse().ok()?))
        });
        named.collect::<Option<_>>().map(Wanted::Named)
    } else {
        sizes.split('x').map(|size| size.parse().ok()).collect::<Option<_>>().map(Wanted::Sizes)
    };
    let wanted = wanted.ok_or_else(|| format!("{sizes} is neither DIM:N,.. nor a shape as 72x354x354"))?;
    Ok((path.to_owned(), wanted))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_are_named_or_a_shape() {
        let of = |text: &str| chunks(text).map(|(path, wanted)| (path, format!("{wanted:?}")));
        assert_eq!(of("g/a=t:4,y:-1"), Ok(("g/a".to_owned(), "Named({\"t\": 4, \"y\": -1})".to_owned())));
        assert_eq!(of("a=1x20"), Ok(("a".to_owned(), "Sizes([1, 20])".to_owned())));
        for wrong in ["a", "a=", "a=t:", "a=t:x", "a=1x"] {
            assert!(of(wrong).is_err(), "{wrong}");
        }
    }
}
