//! What commands are asked to combine, and how: options, checks, and the plan that these make of inputs.

use std::path::{Path, PathBuf};

use clap::Args;
use h5refs::ReferenceSet;
use h5refs::combine::{
    Check, Combine, CombineOptions, Finding, NamePart, Names, Plan, Policies, Policy, Selector, Supply, Weight,
};
use h5refs::zarr::{Dtype, Scalar};
use regex::Regex;

use crate::found::{Finder, Takes};
use crate::limiting::Limiting;
use crate::load::{Loading, each_loaded};
use crate::location::Location;
use crate::plan_view::{line, summary, write_json};
use crate::remote::{self, Remote};
use crate::selection::Names as Globs;
use crate::supply::{Files, Told};
use crate::{Ending, load, output, references_out, say, without_name};

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
    #[command(flatten)]
    limiting: Limiting,
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

    /// What tells combinations of the same inputs apart, written in a form.
    pub(crate) fn fingerprint(&self, form: &references_out::Form) -> String {
        let Self { concat_dims, coo_map, coo_dtypes, identical_dims, sizes, checks } = self;
        let Checks {
            variables,
            drop,
            group,
            policy,
            inline_array_bytes,
            compare_bytes,
            no_fetch,
            allow,
            limiting,
            remote: _,
            jobs: _,
            report: _,
            quiet: _,
        } = checks;
        let first = (form, concat_dims, coo_map, coo_dtypes, identical_dims, sizes, variables, drop, group);
        let second = (policy, inline_array_bytes, compare_bytes, no_fetch, allow, limiting.limits());
        h5refs::batch::fingerprint(format!("{first:?} {second:?}"))
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
        options.limits = self.limiting.limits();
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
        let (mut combine, mut told) = (Combine::new(options), Told::default());
        if let Some(path) = combined {
            let name = path.display().to_string();
            let set = load::set(&Location::Path(path.to_owned()), &self.loading(remote))
                .map_err(|error| format!("{name}: {error}"))?;
            told.add(&set);
            combine.add_combined(name.clone(), set).map_err(|error| without_name(&name, &error))?;
        }
        each_loaded(paths, jobs, &self.loading(remote), |location, set| {
            let name = location.to_string();
            told.add(&set);
            combine.add(name.clone(), set).map_err(|error| without_name(&name, &error))
        })?;
        let remotes = [remote, &self.remote.for_inputs(&self.allow)?];
        let files = Files::new(&self.allow, remotes, self.limiting.limits().read_bytes, told)?;
        let supply: Option<&dyn Supply> = if self.no_fetch { None } else { Some(&files) };
        combine.plan(supply).map_err(|error| error.to_string())
    }

    /// How many inputs, or days, are worked on at once.
    pub(crate) fn jobs(&self, locations: &[Location]) -> usize {
        remote::jobs(self.jobs, locations)
    }

    pub(crate) fn report(&self) -> Option<&Path> {
        self.report.as_deref()
    }

    pub(crate) fn is_quiet(&self) -> bool {
        self.quiet
    }

    /// What finds the inputs.
    pub(crate) fn finder(&self) -> Finder<'_> {
        Finder { takes: Takes::SetsOrFiles, reading: Some(&self.remote), limits: self.limiting.limits() }
    }

    /// How the inputs are read.
    pub(crate) fn loading<'r>(&self, remote: &'r Remote) -> Loading<'r> {
        Loading::new(self.limiting.limits(), remote)
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
