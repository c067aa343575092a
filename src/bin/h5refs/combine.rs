//! `h5refs combine`: many reference sets as one.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc;

use clap::Args;
use h5refs::combine::{
    Check, Combine, CombineOptions, Finding, NamePart, Names, Plan, Policies, Policy, Selector, Supply, Weight,
};
use h5refs::listing::Mask;
use h5refs::zarr::{Dtype, Scalar};
use h5refs::{Limits, OpenReferences, ReferenceSet};
use regex::Regex;

use crate::daily::{self, Daily};
use crate::found::{self, Takes};
use crate::location::Location;
use crate::remote::{self, Remote};
use crate::selection::Names as Globs;
use crate::supply::Files;
use crate::{Ending, finish, inputs, load, output, parts, references_out, say, signals, without_name};

/// Combine reference sets along dimensions, new ones and ones that they have.
///
/// Everything is checked before anything is written: types, codecs, chunks, shapes, fill values, packing, units and calendars,
/// coordinates that are there twice, arrays that are missing. What changes values is an error that names the inputs, unless --policy
/// decides it; then nothing is written, and the exit code is 1. Chunks that do not line up are cut where they are uncompressed, and small
/// arrays are stored anew.
///
/// An output with {year}, {month} and {day} (or {doy}), and masks as inputs, make one combination a day of --dates, several days at once. A
/// day is "written", "existing" (--resume), "no files" or "failed"; where some failed the exit code is 3.
#[derive(Args)]
pub(crate) struct Arguments {
    /// Reference sets (kerchunk JSON, compressed or not, and Parquet), and HDF5 and netCDF-4 files; @LIST and - (standard input) name one
    /// a line. Patterns ('a/*.json', ?, [..], **, {a,b}), masks ({year}/{month}/{day}, {doy}, {hour}; with --dates) and folders stand for
    /// what is found.
    #[arg(required = true)]
    inputs: Vec<String>,
    #[command(flatten)]
    dates: found::Dates,
    #[command(flatten)]
    options: Options,
    /// Print the plan and what the checks find, and write nothing; the exit code is 4 where an error is found.
    #[arg(long)]
    check: bool,
    /// With an output a day: leave those that are there and were made by this version with these options of the files and sets that
    /// their days have now, as far as that was recorded.
    #[arg(long)]
    resume: bool,
    /// With --check: print JSON.
    #[arg(long, requires = "check")]
    json: bool,
    #[command(flatten)]
    to: references_out::Destination,
}

/// Along which dimensions sets are combined, and how.
#[derive(Args)]
pub(crate) struct Options {
    /// Dimensions along which to combine (default: those of --coo-map).
    #[arg(long, value_name = "DIM", value_delimiter = ',')]
    concat_dims: Vec<String>,
    /// Where a dimension has its coordinates from (default: data:DIM): attr:NAME, vattr:VARIABLE:NAME, data:VARIABLE, cf:VARIABLE, VARNAME,
    /// INDEX, re:PATTERN (of the input's name; its first group), list:[VALUE,...], or a constant.
    #[arg(long, value_name = "DIM=SELECTOR", value_parser = pair)]
    coo_map: Vec<(String, String)>,
    /// The type of a dimension's coordinates: i4, f8, M8[s], U.
    #[arg(long, value_name = "DIM=DTYPE", value_parser = pair)]
    coo_dtypes: Vec<(String, String)>,
    /// Arrays that are the same in all inputs, by names or globs: the first is taken, and nothing is compared. Others are found by value.
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    identical_dims: Vec<String>,
    /// Leave out inputs in which dimension DIM has another length, and name them.
    #[arg(long = "where", value_name = "dim:DIM=N", value_parser = size)]
    sizes: Vec<(String, u64)>,
    #[command(flatten)]
    checks: Checks,
}

/// What is combined, and what is done about differences.
#[derive(Args)]
pub(crate) struct Checks {
    /// Only these arrays: names or globs, of the array or of its whole path.
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    variables: Vec<String>,
    /// All but these arrays: names or globs, of the array or of its whole path.
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    drop: Vec<String>,
    /// Combine this group, and make it the root.
    #[arg(long, value_name = "PATH", default_value = "/")]
    group: String,
    /// What to do about a difference: CHECK is chunks, dtype, codecs, shape (error, drop), fill-value, packing, units, calendar (error, drop,
    /// first), duplicate (error, first, last), coordinate, source (error, first), static (error, drop, first, expand), missing, gaps (error,
    /// drop, fill), attributes (first, drop, error).
    #[arg(long, value_name = "CHECK=POLICY", value_delimiter = ',', value_parser = policy)]
    policy: Vec<(Check, Policy)>,
    /// Store arrays of at most so many bytes anew in one inline chunk, where their chunks do not line up (default: 8 MiB).
    #[arg(long, value_name = "BYTES")]
    inline_array_bytes: Option<u64>,
    /// Read arrays of at most so many stored bytes to compare them between inputs (default: 64 MiB).
    #[arg(long, value_name = "BYTES")]
    compare_bytes: Option<u64>,
    /// Read nothing but the inputs: refuse what needs bytes that are not inline.
    #[arg(long)]
    no_fetch: bool,
    /// Read referenced files only under this folder (default: wherever they are), symbolic links followed, and under this URL (default:
    /// none), which names a bucket or host and perhaps folders.
    #[arg(long, value_name = "PREFIX", conflicts_with = "no_fetch")]
    allow: Vec<Location>,
    #[command(flatten)]
    remote: remote::Reading,
    /// Inputs to read at once (default: the number of processors).
    #[arg(long, value_name = "N")]
    jobs: Option<usize>,
    /// Write what the checks found to FILE, as JSON.
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// Only errors.
    #[arg(short, long)]
    quiet: bool,
}

pub(crate) fn run(arguments: &Arguments) -> Ending {
    finish(combine(arguments))
}

fn combine(arguments: &Arguments) -> Result<Ending, String> {
    if let Some(output) = daily::mask(&arguments.to.output)? {
        return day_by_day(arguments, output);
    }
    if arguments.resume {
        return Err("--resume goes with an output a day: -o '{year}{month}{day}.json'".to_owned());
    }
    let references = if arguments.check { None } else { Some(arguments.to.references()?) };
    let options = &arguments.options;
    let paths = inputs::given(&arguments.inputs, &arguments.dates, Some(options.checks.reading()), Takes::SetsOrFiles)?
        .locations;
    let plan = options.checks.plan(options.combine()?, &paths, None)?;
    if arguments.check {
        output::write(
            Path::new("-"),
            |out| if arguments.json { write_json(&plan, out) } else { write_plan(&plan, out) },
        )?;
        return Ok(if plan.is_refused() { Ending::Wrong } else { Ending::Well });
    }
    let (set, ending) = options.checks.merged(plan)?;
    if let Some(references) = references {
        let output = &arguments.to.output;
        parts::remove_dead(output);
        signals::cleared(|| parts::remove_own(output), || references.write(&set, output))?;
    }
    Ok(ending)
}

fn day_by_day(arguments: &Arguments, output: Mask) -> Result<Ending, String> {
    if arguments.check {
        return Err("--check looks at one combination: give an output without {year}, {month} and {day}".to_owned());
    }
    let (options, reading) = (&arguments.options, arguments.options.checks.reading());
    let days = inputs::by_day(&arguments.inputs, &arguments.dates, Some(reading))?;
    let files: Vec<Location> = days.values().flatten().cloned().collect();
    let remote = options.checks.remote(&files)?;
    let form = arguments.to.references()?;
    // What is wrong with the options is wrong on every day.
    options.combine()?;
    let fingerprint = arguments.fingerprint();
    Daily {
        options,
        form,
        output,
        days,
        resume: arguments.resume,
        remote,
        fingerprint,
        is_interrupted: AtomicBool::new(false),
    }
    .run()
}

impl Arguments {
    /// What tells combinations of the same inputs apart.
    fn fingerprint(&self) -> String {
        let Options { concat_dims, coo_map, coo_dtypes, identical_dims, sizes, checks } = &self.options;
        let Checks {
            variables,
            drop,
            group,
            policy,
            inline_array_bytes,
            compare_bytes,
            no_fetch,
            allow,
            remote: _,
            jobs: _,
            report: _,
            quiet: _,
        } = checks;
        let first = (&self.to.form, concat_dims, coo_map, coo_dtypes, identical_dims, sizes, variables, drop, group);
        let second = (policy, inline_array_bytes, compare_bytes, no_fetch, allow);
        h5refs::batch::fingerprint(format!("{first:?} {second:?}"))
    }
}

impl Options {
    /// What the library is asked for.
    pub(crate) fn combine(&self) -> Result<CombineOptions, String> {
        let dims = if self.concat_dims.is_empty() {
            self.coo_map.iter().map(|(name, _)| name.clone()).collect()
        } else {
            self.concat_dims.clone()
        };
        if dims.is_empty() {
            return Err("name the dimensions along which to combine: --concat-dims DIM".to_owned());
        }
        if let Some((name, _)) = self.coo_map.iter().chain(&self.coo_dtypes).find(|(name, _)| !dims.contains(name)) {
            return Err(format!("{name} is not among --concat-dims {}", dims.join(",")));
        }
        let mut options = self.checks.options(dims)?;
        for (name, text) in &self.coo_map {
            options.selectors.insert(name.clone(), selector(text)?);
        }
        for (name, text) in &self.coo_dtypes {
            options.dtypes.insert(name.clone(), dtype(text)?);
        }
        let identical = Globs::new(&self.identical_dims)?;
        options.identical = Names::new(move |path| identical.have(path));
        options.sizes = self.sizes.iter().cloned().collect();
        Ok(options)
    }

    pub(crate) fn checks(&self) -> &Checks {
        &self.checks
    }
}

impl Checks {
    /// What the library is asked for, along some dimensions.
    pub(crate) fn options(&self, dims: Vec<String>) -> Result<CombineOptions, String> {
        let mut options = CombineOptions::new(dims);
        let (wanted, unwanted) = (Globs::new(&self.variables)?, Globs::new(&self.drop)?);
        options.select = Names::new(move |path| (wanted.is_empty() || wanted.have(path)) && !unwanted.have(path));
        options.group.clone_from(&self.group);
        for (check, policy) in &self.policy {
            options.policies.set(*check, *policy);
        }
        options.inline_array_bytes = self.inline_array_bytes.unwrap_or(options.inline_array_bytes);
        options.compare_bytes = self.compare_bytes.unwrap_or(options.compare_bytes);
        Ok(options)
    }

    /// Reads the inputs and plans their combination, with a set that was combined before where there is one.
    pub(crate) fn plan(
        &self,
        options: CombineOptions,
        paths: &[Location],
        combined: Option<&Path>,
    ) -> Result<Plan, String> {
        let plan = self.plan_of(options, paths, combined, self.jobs(paths), &self.remote(paths)?)?;
        if let Some(report) = &self.report {
            output::write(report, |out| write_json(&plan, out))?;
        }
        Ok(plan)
    }

    /// The same without a report, so many inputs read at once.
    pub(crate) fn plan_of(
        &self,
        options: CombineOptions,
        paths: &[Location],
        combined: Option<&Path>,
        jobs: usize,
        remote: &Remote,
    ) -> Result<Plan, String> {
        let mut combine = Combine::new(options);
        if let Some(path) = combined {
            let name = path.display().to_string();
            let set = load::set(&Location::Path(path.to_owned()), &OpenReferences::new(Limits::default()), remote)
                .map_err(|error| format!("{name}: {error}"))?;
            combine.add_combined(name.clone(), set).map_err(|error| without_name(&name, &error))?;
        }
        each_loaded(paths, jobs, remote, |location, set| {
            let name = location.to_string();
            combine.add(name.clone(), set).map_err(|error| without_name(&name, &error))
        })?;
        let files = Files::new(&self.allow, [remote, &self.remote.for_inputs(&self.allow)?])?;
        let supply: Option<&dyn Supply> = if self.no_fetch { None } else { Some(&files) };
        combine.plan(supply).map_err(|error| error.to_string())
    }

    /// How many inputs, or days, are worked on at once.
    pub(crate) fn jobs(&self, locations: &[Location]) -> usize {
        remote::jobs(self.jobs, locations, 1)
    }

    pub(crate) fn report(&self) -> Option<&Path> {
        self.report.as_deref()
    }

    pub(crate) fn is_quiet(&self) -> bool {
        self.quiet
    }

    /// How URLs are read.
    pub(crate) fn reading(&self) -> &remote::Reading {
        &self.remote
    }

    /// What reads the inputs that are URLs.
    pub(crate) fn remote(&self, inputs: &[Location]) -> Result<Remote, String> {
        self.remote.for_inputs(inputs)
    }

    /// Tells what the checks found, and merges.
    pub(crate) fn merged(&self, plan: Plan) -> Result<(ReferenceSet, Ending), String> {
        self.merged_telling(plan, &mut |line| say(line))
    }

    pub(crate) fn merged_telling(
        &self,
        plan: Plan,
        tell: &mut dyn FnMut(&str),
    ) -> Result<(ReferenceSet, Ending), String> {
        let mut ending = Ending::Well;
        let is_attribute = |finding: &&Finding| finding.check == Check::Attributes && finding.weight == Weight::Note;
        for finding in plan.findings().iter().filter(|finding| !is_attribute(finding)) {
            if finding.weight > Weight::Note || !self.quiet {
                tell(&line(finding));
            }
            if finding.weight == Weight::Decided {
                ending = Ending::Refused;
            }
        }
        let attributes: Vec<&Finding> = plan.findings().iter().filter(is_attribute).collect();
        if let Some(told) = summary(&attributes).filter(|_| !self.quiet) {
            tell(&told);
        }
        if plan.is_refused() {
            let errors = plan.findings().iter().filter(|finding| finding.weight == Weight::Error).count();
            return Err(format!(
                "nothing is combined: {errors} differences change values (--policy CHECK=POLICY decides them)"
            ));
        }
        Ok((plan.merge().map_err(|error| error.to_string())?, ending))
    }
}

/// Reads inputs, several at once, and gives them in their order.
fn each_loaded(
    paths: &[Location],
    jobs: usize,
    remote: &Remote,
    mut takes: impl FnMut(&Location, ReferenceSet) -> Result<(), String>,
) -> Result<(), String> {
    let jobs = jobs.clamp(1, paths.len().max(1));
    let (next, stop) = (AtomicUsize::new(0), Mutex::new(false));
    let references = OpenReferences::new(Limits::default());
    std::thread::scope(|scope| {
        // Few are on their way at once: sets that wait for an earlier one are in memory.
        let (sender, receiver) = mpsc::sync_channel(jobs);
        let mut threads = 0;
        while threads < jobs {
            let sender = sender.clone();
            let (next, stop, references) = (&next, &stop, &references);
            let load = move || {
                loop {
                    let n = next.fetch_add(1, Ordering::Relaxed);
                    let is_stopped = *stop.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                    let Some(path) = paths.get(n).filter(|_| !is_stopped) else { return };
                    if sender.send((n, load::set(path, references, remote))).is_err() {
                        return;
                    }
                }
            };
            if std::thread::Builder::new().spawn_scoped(scope, load).is_err() {
                break;
            }
            threads += 1;
        }
        drop(sender);
        // The system may give fewer threads, or none.
        if threads == 0 {
            let mut in_order = paths.iter().map(|path| (path, load::set(path, &references, remote)));
            return in_order.try_for_each(|(path, set)| taken(path, set, &mut takes));
        }
        let (mut waiting, mut due) = (BTreeMap::new(), 0);
        for (n, set) in receiver {
            waiting.insert(n, set);
            while let Some(set) = waiting.remove(&due) {
                let Some(location) = paths.get(due) else { break };
                let taken = taken(location, set, &mut takes);
                if taken.is_err() {
                    *stop.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = true;
                    return taken;
                }
                due += 1;
            }
        }
        Ok(())
    })
}

/// Gives an input that is read; an error names it.
fn taken(
    location: &Location,
    set: Result<ReferenceSet, String>,
    takes: &mut impl FnMut(&Location, ReferenceSet) -> Result<(), String>,
) -> Result<(), String> {
    set.and_then(|set| takes(location, set)).map_err(|error| format!("{location}: {error}"))
}

/// `NAME=VALUE`.
fn pair(argument: &str) -> Result<(String, String), String> {
    let (name, value) = argument.split_once('=').ok_or("it is not NAME=VALUE")?;
    if name.is_empty() { Err("NAME is empty".to_owned()) } else { Ok((name.to_owned(), value.to_owned())) }
}

/// `dim:NAME=N`.
fn size(argument: &str) -> Result<(String, u64), String> {
    let wrong = || "it is not dim:NAME=N".to_owned();
    let (name, length) = argument.strip_prefix("dim:").and_then(|rest| rest.split_once('=')).ok_or_else(wrong)?;
    Ok((name.to_owned(), length.parse().map_err(|_| wrong())?))
}

/// `CHECK=POLICY`.
fn policy(argument: &str) -> Result<(Check, Policy), String> {
    let (check, policy) = argument.split_once('=').ok_or("it is not CHECK=POLICY")?;
    let name = |policy: &Policy| {
        serde_json::to_value(policy).ok().and_then(|name| name.as_str().map(str::to_owned)).unwrap_or_default()
    };
    let checks = || Policies::checks().map(|check| check.to_string()).collect::<Vec<_>>().join(", ");
    let check = Policies::checks()
        .find(|known| known.to_string() == check)
        .ok_or_else(|| format!("the checks are {}", checks()))?;
    let policies = Policies::of(check);
    let found = policies.iter().find(|known| name(known) == policy);
    let names = || policies.iter().map(name).collect::<Vec<_>>().join(", ");
    found.map(|policy| (check, *policy)).ok_or_else(|| format!("the policies of {check} are {}", names()))
}

/// kerchunk's words, and `re:PATTERN`.
fn selector(text: &str) -> Result<Selector, String> {
    let Some(pattern) = text.strip_prefix("re:") else { return Selector::parse(text) };
    let pattern = Regex::new(pattern).map_err(|error| format!("{text}: {error}"))?;
    let find = move |name: &str| {
        let found = pattern.captures(name)?;
        found.get(1).or_else(|| found.get(0)).map(|part| part.as_str().to_owned())
    };
    Ok(Selector::Name(NamePart::new(find)))
}

/// NumPy's type, with or without a byte order.
fn dtype(text: &str) -> Result<Dtype, String> {
    let has_order = text.starts_with(['<', '>', '|']);
    let order = if matches!(text, "i1" | "u1" | "b1") || text.starts_with('S') { '|' } else { '<' };
    let text = if has_order { text.to_owned() } else { format!("{order}{text}") };
    let text = if text.ends_with('U') { format!("{text}1") } else { text };
    Scalar::parse(&text).map_err(|error| error.to_string())?;
    Ok(Dtype::Simple(text))
}

/// A finding as a line.
fn line(finding: &Finding) -> String {
    match finding.weight {
        Weight::Error => format!("error: {finding}"),
        _ => finding.to_string(),
    }
}

/// The attributes that differ, in one line.
fn summary(attributes: &[&Finding]) -> Option<String> {
    const NAMED: usize = 6;
    let named: Vec<&str> = attributes.iter().take(NAMED).map(|finding| finding.path.as_str()).collect();
    let more = attributes.len().saturating_sub(named.len());
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    (!named.is_empty()).then(|| {
        format!("attributes that differ are those of the first: {}{more} (--report FILE has all)", named.join(", "))
    })
}

fn write_json(plan: &Plan, out: &mut dyn Write) -> std::io::Result<()> {
    let dimensions: BTreeMap<&str, u64> = plan.dimensions().collect();
    let document = serde_json::json!({
        "inputs": plan.sets(),
        "dimensions": dimensions,
        "arrays": plan.arrays().collect::<Vec<_>>(),
        "findings": plan.findings(),
    });
    serde_json::to_writer_pretty(&mut *out, &document)?;
    writeln!(out)
}

fn write_plan(plan: &Plan, out: &mut dyn Write) -> std::io::Result<()> {
    let dimensions: Vec<String> = plan.dimensions().map(|(name, length)| format!("{name}={length}")).collect();
    writeln!(out, "{} inputs, {}", plan.sets(), dimensions.join(", "))?;
    for array in plan.arrays() {
        let sizes = array.dimensions.iter().zip(&array.shape).map(|(name, length)| format!("{name}={length}"));
        let sizes: Vec<String> = sizes.collect();
        writeln!(out, "{} ({}) chunks {:?}: {}", array.path, sizes.join(", "), array.chunks, array.from)?;
    }
    for finding in plan.findings() {
        writeln!(out, "{}: {finding}", serde_json::to_value(finding.weight)?.as_str().unwrap_or_default())?;
    }
    Ok(())
}
