//! `h5refs scan`: files as references.

use std::collections::BTreeSet;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use clap::error::ErrorKind;
use clap::{Args, CommandFactory, ValueEnum};
use h5refs::reference::Recorded;
use h5refs::zarr::Codec;
use h5refs::{CodecPolicy, CutOff, FillPolicy, LinkPolicy, Options, ReferenceSet, Report, Sidecar, UnsupportedPolicy};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::family::Pattern;
use crate::found::{self, Takes};
use crate::inputs::Given;
use crate::location::Location;
use crate::opening::{self, Opened};
use crate::references_out::{self, References};
use crate::remote::{self, Remote};
use crate::selection::Selection;
use crate::sidecar::{Part, Target};
use crate::{Ending, external, inputs, output, say, without_name};

/// Translate HDF5 and netCDF-4 files into kerchunk references.
///
/// One input goes to the file that -o names, or to standard output; several go to the folder that -o names, one
/// "<file name>.json" each, or "<file name>.parq". Whatever cannot be referenced is a line on standard error, and the exit code is 3.
#[derive(Args)]
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
    /// Only these datasets: names or globs, of the dataset or of its whole path.
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    variables: Vec<String>,
    /// All but these datasets: names or globs, of the dataset or of its whole path.
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    drop: Vec<String>,
    /// What references call the file (default: its absolute path); of a family the pattern of its names.
    #[arg(long, value_name = "URL", conflicts_with = "rename")]
    url: Option<String>,
    /// Replace the beginning OLD of the file's absolute path by NEW.
    #[arg(long, value_name = "OLD=NEW", value_parser = inputs::rename)]
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
    /// Read what is sound of a file that is cut off; the rest is refused object by object.
    #[arg(long)]
    salvage: bool,
    /// Files to work on at once (default: the number of processors).
    #[arg(long, value_name = "N")]
    jobs: Option<usize>,
    #[command(flatten)]
    remote: remote::Reading,
    /// No progress, no hints.
    #[arg(short, long)]
    quiet: bool,
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

#[derive(Clone, Copy, ValueEnum)]
enum Fill {
    /// Hold the exact values inline, or refuse the array.
    Exact,
    /// Declare the value as `fill_value`; readers mask it.
    Declare,
}

#[derive(Clone, Copy, ValueEnum)]
enum OnUnsupported {
    /// Hold small ones inline, decoded; refuse the others.
    Inline,
    /// The same, and write the others to a file beside the output, as chunks that every reader knows.
    Sidecar,
    /// Refuse them.
    Refuse,
}

#[derive(Clone, Copy, ValueEnum)]
enum Codecs {
    /// Those of numcodecs, which every reader has.
    Standard,
    /// Also those of imagecodecs, which a reader has to register.
    Imagecodecs,
}

#[derive(Clone, Copy, ValueEnum)]
enum Links {
    /// Every path by hard links, and soft links to datasets.
    All,
    /// The first path only.
    Once,
}

/// What became of one input.
enum Outcome {
    Translated(Translated),
    Failed(String),
}

struct Translated {
    report: Report,
    /// The sidecar file, if there is one, and its bytes.
    sidecar: Option<(PathBuf, u64)>,
    /// Whether arrays have codecs that a reader has to register.
    registers: bool,
}

pub(crate) fn run(arguments: &Arguments) -> Ending {
    if let Err(error) = usage(arguments) {
        error.exit();
    }
    match prepare(arguments) {
        Ok(job) => job.run(),
        Err(error) => {
            say(&format!("h5refs: {error}"));
            Ending::Failed
        }
    }
}

/// What clap itself cannot tell of arguments that do not go together.
fn usage(arguments: &Arguments) -> Result<(), clap::Error> {
    let is_sidecar = matches!(arguments.unsupported, OnUnsupported::Sidecar);
    let to_stdout = arguments.output.as_deref().is_none_or(|output| output == Path::new("-"));
    let wrong = |kind, told: &str| Err(crate::Arguments::command().error(kind, told));
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

fn prepare(arguments: &Arguments) -> Result<Job<'_>, String> {
    let Given { locations: paths, is_open } =
        inputs::given(&arguments.inputs, &arguments.dates, Some(&arguments.remote), Takes::Files)?;
    if paths.len() > 1 && arguments.url.is_some() {
        return Err("--url names one file; several inputs take --rename OLD=NEW".to_owned());
    }
    if paths.len() > 1 && (arguments.sidecar.is_some() || arguments.sidecar_url.is_some()) {
        return Err("--sidecar and --sidecar-url name one file; several inputs have one beside each output".to_owned());
    }
    let form = arguments.form.references(arguments.output.as_deref())?;
    let outputs = outputs(&paths, is_open, arguments.output.as_deref(), &form)?;
    let remote = arguments.remote.for_inputs(&paths)?;
    Ok(Job {
        arguments,
        remote,
        selection: Selection::new(&arguments.variables, &arguments.drop)?,
        paths,
        outputs,
        form,
    })
}

/// Where each input's references go.
fn outputs(
    paths: &[Location],
    is_open: bool,
    output: Option<&Path>,
    form: &References,
) -> Result<Vec<PathBuf>, String> {
    // One file that a list or a pattern happens to have goes where several would, unless the output has the name of a set.
    let is_folder =
        output.is_some_and(|output| is_open && output != Path::new("-") && !references_out::is_name(output));
    if let [_] = paths
        && !is_folder
    {
        return Ok(vec![output.unwrap_or(Path::new("-")).to_owned()]);
    }
    let folder = output.ok_or("several inputs need a folder: -o FOLDER")?;
    std::fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let mut names = BTreeSet::new();
    let outputs = paths.iter().map(|path| {
        let mut name = path.file_name().ok_or_else(|| format!("{path}: not the name of a file"))?.to_owned();
        name.push(form.extension());
        if names.insert(name.clone()) {
            Ok(folder.join(name))
        } else {
            Err(format!("{path}: two inputs have this name, and their outputs would"))
        }
    });
    outputs.collect()
}

struct Job<'a> {
    arguments: &'a Arguments,
    remote: Remote,
    selection: Selection,
    paths: Vec<Location>,
    outputs: Vec<PathBuf>,
    form: References,
}

impl Job<'_> {
    fn run(&self) -> Ending {
        let outcomes = self.outcomes();
        let mut ending = Ending::Well;
        let failed = outcomes.iter().filter(|outcome| matches!(outcome, Outcome::Failed(_))).count();
        for (path, outcome) in self.paths.iter().zip(&outcomes) {
            match outcome {
                Outcome::Failed(error) => say(&format!("h5refs: {path}: {error}")),
                Outcome::Translated(translated) => self.tell(translated),
            }
        }
        let refused =
            |outcome: &Outcome| matches!(outcome, Outcome::Translated(one) if one.report.refused().next().is_some());
        if failed > 0 || outcomes.iter().any(refused) {
            ending = Ending::Refused;
        }
        if failed == outcomes.len() {
            ending = Ending::Failed;
        }
        if let Some(report) = &self.arguments.report
            && let Err(error) = output::write(report, |out| self.write_report(&outcomes, out))
        {
            say(&format!("h5refs: {error}"));
            return Ending::Failed;
        }
        if ending != Ending::Failed {
            self.hint(&outcomes);
        }
        ending
    }

    /// Works on the inputs, several at a time where there are several.
    fn outcomes(&self) -> Vec<Outcome> {
        let progress = self.progress();
        let jobs = self.arguments.jobs.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from));
        let (next, outcomes) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
        let work = || {
            loop {
                let n = next.fetch_add(1, Ordering::Relaxed);
                let (Some(path), Some(output)) = (self.paths.get(n), self.outputs.get(n)) else { return };
                let outcome = self.translate(path, output).map_or_else(Outcome::Failed, Outcome::Translated);
                outcomes.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push((n, outcome));
                progress.inc(1);
            }
        };
        if self.paths.len() == 1 || jobs <= 1 {
            work();
        } else {
            std::thread::scope(|scope| {
                for _ in 0..jobs.min(self.paths.len()) {
                    scope.spawn(work);
                }
            });
        }
        progress.finish_and_clear();
        let mut outcomes = outcomes.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
        outcomes.sort_by_key(|(n, _)| *n);
        outcomes.into_iter().map(|(_, outcome)| outcome).collect()
    }

    fn progress(&self) -> ProgressBar {
        if self.arguments.quiet || !std::io::stderr().is_terminal() {
            return ProgressBar::hidden();
        }
        let files = u64::try_from(self.paths.len()).unwrap_or(u64::MAX);
        let bar = ProgressBar::with_draw_target(Some(files), ProgressDrawTarget::stderr());
        let style = ProgressStyle::with_template("{spinner} {pos}/{len} files, {elapsed} elapsed, {eta} left");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        bar.enable_steady_tick(std::time::Duration::from_millis(200));
        bar
    }

    fn translate(&self, location: &Location, output: &Path) -> Result<Translated, String> {
        let name = location.to_string();
        let Opened { input, members } =
            opening::open(location, &self.remote).map_err(|error| without_name(&name, &error))?;
        let mut options = self.options(location, &members)?;
        options.own_name = location.file_name().and_then(|name| name.to_str()).map(str::to_owned);
        options.external = self.arguments.external_root.as_deref().map(|root| {
            external::under(
                root,
                location.path().and_then(Path::parent).unwrap_or(Path::new("")),
                &self.arguments.rename,
            )
        });
        let target = self.target(location, &members, output)?;
        let mut part = target.as_ref().map(|target| Part::new(&target.path)).transpose()?;
        let (mut set, report, bytes) = match (&target, &mut part) {
            (Some(target), Some(part)) => {
                let mut sidecar = Sidecar::new(target.url.as_str(), part);
                let made = h5refs::references_with_sidecar(&input, &options, &mut sidecar);
                let bytes = if sidecar.referenced() > 0 { sidecar.bytes() } else { 0 };
                made.map(|(set, report)| (set, report, bytes))
            }
            _ => h5refs::references(&input, &options).map(|(set, report)| (set, report, 0)),
        }
        .map_err(|error| without_name(&name, &error))?;
        if let Some(state) = input.state() {
            set.recorded.insert(options.url.clone(), Recorded::from_state(state.size, state.modified, state.etag));
        }
        if let Some(name) = self.selection.unmatched(&report) {
            return Err(format!("no dataset is called {name}"));
        }
        if self.arguments.error == OnError::Raise
            && let Some((object, reason)) = report.refused().next()
        {
            return Err(format!("{object}: {reason}"));
        }
        // A part that nothing refers to is removed where it is dropped.
        let part = part.filter(|_| bytes > 0);
        let sidecar = target.filter(|_| bytes > 0).map(|target| (target.path, bytes));
        self.write(&set, output, part, sidecar.as_ref().map(|(path, _)| path.as_path()))?;
        let registers = set.arrays().any(|(_, array)| array.metadata.filters.iter().any(Codec::is_of_imagecodecs));
        Ok(Translated { report, sidecar, registers })
    }

    /// Writes references, and puts the sidecar file in its place just before they are in theirs.
    fn write(
        &self,
        set: &ReferenceSet,
        output: &Path,
        mut part: Option<Part>,
        sidecar: Option<&Path>,
    ) -> Result<(), String> {
        let mut placed = None;
        let place = || {
            part.take().map_or(Ok(()), Part::place)?;
            placed = sidecar;
            Ok(())
        };
        let written = self.form.write_after(set, output, place);
        written.inspect_err(|_| {
            if let Some(path) = placed {
                // References that are not there do not need it; what cannot be removed is told by the error itself.
                let _removed = std::fs::remove_file(path);
            }
        })
    }

    /// Where the sidecar file goes, if there may be one.
    fn target(&self, location: &Location, members: &[PathBuf], output: &Path) -> Result<Option<Target>, String> {
        let Arguments { unsupported, sidecar, sidecar_url, rename, .. } = self.arguments;
        if !matches!(unsupported, OnUnsupported::Sidecar) {
            return Ok(None);
        }
        let target = Target::new(output, sidecar.as_deref(), sidecar_url.as_deref(), rename)?;
        let others = location.path().into_iter().chain([output]);
        target.refuse_other_files(others.chain(members.iter().map(PathBuf::as_path)))?;
        Ok(Some(target))
    }

    fn options(&self, location: &Location, members: &[PathBuf]) -> Result<Options, String> {
        let mut options = Options::new(match &self.arguments.url {
            Some(url) => url.clone(),
            None => location.url(&self.arguments.rename, self.remote.keeps_query())?,
        });
        options.members = self.member_urls(members)?;
        options.inline_threshold = self.arguments.inline_threshold;
        options.inline_coordinates = self.arguments.inline_coordinates;
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
        if let Some(bytes) = self.arguments.repair_bytes {
            options.limits.repair_bytes = bytes;
        }
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
            _ => members.iter().map(|member| inputs::url(member, &self.arguments.rename)).collect(),
        }
    }

    /// A line for each refusal, and for each name that is not that of the file; one for the sidecar file.
    fn tell(&self, Translated { report, sidecar, .. }: &Translated) {
        if self.arguments.error != OnError::Ignore {
            let told = report.refused().chain(report.renamed());
            told.for_each(|(path, reason)| say(&format!("{path}: {reason}")));
        }
        if let Some((path, bytes)) = sidecar.as_ref().filter(|_| !self.arguments.quiet) {
            let arrays: Vec<&str> = report.in_sidecar().collect();
            say(&format!("h5refs: {}: {bytes} bytes of {}", path.display(), arrays.join(", ")));
        }
    }

    /// `{"files": [{"file", "report" | "error"}]}`.
    fn write_report(&self, outcomes: &[Outcome], out: &mut dyn std::io::Write) -> std::io::Result<()> {
        let files: Vec<_> = self.paths.iter().zip(outcomes).map(|(path, outcome)| Entry::new(path, outcome)).collect();
        serde_json::to_writer_pretty(&mut *out, &std::collections::BTreeMap::from([("files", files)]))?;
        writeln!(out)
    }

    /// How the result is opened, for people.
    fn hint(&self, outcomes: &[Outcome]) {
        let registers = |outcome: &Outcome| matches!(outcome, Outcome::Translated(one) if one.registers);
        if !self.arguments.quiet && outcomes.iter().any(registers) {
            say(
                "h5refs: register the codecs before reading: import imagecodecs.numcodecs; imagecodecs.numcodecs.register_codecs()",
            );
        }
        let [output] = self.outputs.as_slice() else { return };
        if !self.arguments.quiet && std::io::stderr().is_terminal() && output != Path::new("-") {
            say(&format!(
                "open it in Python: xarray.open_dataset({:?}, engine=\"kerchunk\")",
                output.display().to_string()
            ));
        }
    }
}

/// One input in the report.
#[derive(serde::Serialize)]
struct Entry<'a> {
    file: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    sidecar: Option<SidecarFile>,
    #[serde(flatten)]
    told: Told<'a>,
}

#[derive(serde::Serialize)]
struct SidecarFile {
    file: String,
    bytes: u64,
}

#[derive(serde::Serialize)]
#[serde(rename_all = "lowercase")]
enum Told<'a> {
    Report(&'a Report),
    Error(&'a str),
}

impl<'a> Entry<'a> {
    fn new(input: &Location, outcome: &'a Outcome) -> Self {
        let (told, sidecar) = match outcome {
            Outcome::Translated(one) => (Told::Report(&one.report), one.sidecar.as_ref()),
            Outcome::Failed(error) => (Told::Error(error), None),
        };
        let sidecar = sidecar.map(|(path, bytes)| SidecarFile { file: path.display().to_string(), bytes: *bytes });
        Self { file: input.to_string(), sidecar, told }
    }
}
