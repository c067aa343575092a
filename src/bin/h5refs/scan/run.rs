//! The run over all inputs of a scan: what is done already, what is told, and what is kept for a run after this one.

use std::collections::HashSet;
use std::io::{self, IsTerminal};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use h5refs::batch::{Batch, Ended, Failure, Finished, Kind, Place, Tally};
use h5refs::output::MadeOf;
use h5refs::{Report, Status};

use super::cost::Cost;
use super::state::{Record, State};
use super::translate::Translated;
use super::view::{self, Counts, Refusal, Telling, Told, View};
use super::{Arguments, Job, OnError, report};
use crate::location::Location;
use crate::signals::{Over, Signals};
use crate::{Ending, output, remote};

/// How long files in work may take to end once the run shall.
const PATIENCE: Duration = Duration::from_secs(5);

/// What came of an input that did not fail.
enum Became {
    Translated(Translated),
    /// The output was there; the place of its record, if a run before this one left it.
    Existing(Option<Place>, MadeOf),
    /// It does not satisfy the conditions, and why.
    LeftOut(String),
}

/// What is written to while inputs end.
struct Kept {
    state: State,
    tally: Tally,
    /// Inputs that are done with, and their records.
    places: Vec<(u64, Place)>,
    /// Inputs that failed.
    failed: Vec<u64>,
    registers: bool,
    cost: Cost,
}

impl Job<'_> {
    /// Scans all inputs.
    pub(super) fn run(&self) -> Ending {
        self.try_run().unwrap_or_else(|error| {
            view::error(self.arguments.json, &error);
            Ending::Failed
        })
    }

    fn try_run(&self) -> Result<Ending, String> {
        let (state, was_there) = self.state()?;
        self.outputs.remove_parts(&self.names)?;
        let signals = Signals::catch().map_err(|error| format!("signals: {error}"))?;
        let files = u64::try_from(self.paths.len()).unwrap_or(u64::MAX);
        let output = self.arguments.output.as_ref().map(|output| output.display().to_string());
        let view = View::start(self.telling(), files, self.jobs(), output);
        if let Some(path) = state.path().filter(|_| was_there && !self.arguments.several.resume) {
            view.note(&format!(
                "{}: a run that did not end left it; this one begins anew (--resume goes on)",
                path.display()
            ));
        }
        let kept = Kept {
            state,
            tally: Tally::default(),
            places: Vec::new(),
            failed: Vec::new(),
            registers: false,
            cost: Cost::default(),
        };
        let (kept, view) = (Mutex::new(kept), Mutex::new(view));
        tell_of_panics(self.arguments.json);
        let over = AtomicBool::new(false);
        let ended = std::thread::scope(|scope| {
            let watch = || self.watch(&signals, &over, &kept, &view);
            // Where the system gives no thread, what is in work is finished however long it takes.
            let watch = std::thread::Builder::new().spawn_scoped(scope, watch).ok();
            let _over = Over::new(&over, watch);
            self.work(&signals, &kept, &view)
        });
        let kept = kept.into_inner().unwrap_or_else(PoisonError::into_inner);
        let view = view.into_inner().unwrap_or_else(PoisonError::into_inner);
        Ok(self.end(&ended, kept, &view, &signals))
    }

    /// The state of a run over several inputs, and whether one that did not end left it.
    fn state(&self) -> Result<(State, bool), String> {
        let several = &self.arguments.several;
        let Some(path) = self.outputs.beside(several.shard, "h5refs-state") else {
            return Ok((State::in_memory(), false));
        };
        State::open(several.state.as_deref().unwrap_or(&path), several.resume)
    }

    fn telling(&self) -> Telling {
        let (arguments, several) = (self.arguments, self.outputs.is_folder());
        let ignore = arguments.error == OnError::Ignore;
        let Arguments { json, quiet, verbose, stats, color, .. } = *arguments;
        Telling { json, quiet, verbose, stats, ignore, several, color }
    }

    fn jobs(&self) -> usize {
        // The system is asked for its processors only where that matters.
        match self.paths.len() {
            0 | 1 => 1,
            several => remote::jobs(self.arguments.jobs, &self.paths).min(several),
        }
    }

    fn work(&self, signals: &Signals, kept: &Mutex<Kept>, view: &Mutex<View>) -> io::Result<Ended> {
        let mut batch = Batch::new(self.jobs()).stopped_by(signals.stop());
        if let Some(failures) = self.arguments.several.max_failures {
            batch = batch.most_failures(failures);
        }
        let work = |location: &&Location| self.become_of(location, kept);
        batch.run(self.paths.iter(), work, |finished| self.keep(finished, &mut held(kept), &held(view)))
    }

    fn become_of(&self, location: &Location, kept: &Mutex<Kept>) -> Result<Became, Failure> {
        let output = self.outputs.of(location)?;
        if self.arguments.several.resume && output != Path::new("-") {
            let before = held(kept).state.before(&output);
            if let Some(made) = self.existing(location, &output, before.as_ref().map(|(_, record)| record)) {
                let place = before.filter(|(_, record)| record.made.as_ref() == Some(&made)).map(|(place, _)| place);
                return Ok(Became::Existing(place, made));
            }
        }
        Ok(match self.translate(location, &output)? {
            Ok(translated) => Became::Translated(translated),
            Err(left_out) => Became::LeftOut(left_out),
        })
    }

    /// Records what came of an input, and tells it.
    fn keep(&self, finished: Finished<'_, &Location, Became>, kept: &mut Kept, view: &View) -> io::Result<()> {
        let Finished { number, input, outcome, elapsed } = finished;
        let file = input.to_string();
        let output = self.outputs.of(input).map_err(io::Error::other)?;
        let (record, place) = record(&file, &output, &outcome)?;
        let place = place.map_or_else(|| kept.state.add(&record), Ok)?;
        kept.places.push((number, place));
        kept.registers |= record.registers;
        match &outcome {
            Err(failure) => {
                kept.failed.push(number);
                kept.tally.fail(&failure.reason);
            }
            Ok(became) => {
                let refused = became.refused();
                kept.tally.add(became.kind(), refused);
                if let Became::Translated(translated) = became {
                    kept.cost.add(&translated.cost);
                }
            }
        }
        let mut told = told(&file, &output, &outcome, elapsed);
        told.cost = told.cost.filter(|_| self.arguments.stats);
        view.finished(&told);
        Ok(())
    }

    /// What is left to do once no more inputs are worked on.
    fn end(&self, ended: &io::Result<Ended>, mut kept: Kept, view: &View, signals: &Signals) -> Ending {
        let interrupted = signals.code();
        let mut ending = match ended {
            Ok(Ended::All) => kept.ending(),
            _ => Ending::Failed,
        };
        kept.places.sort_unstable_by_key(|(number, _)| *number);
        let failed = ended.as_ref().err().map(ToString::to_string);
        let is_all = matches!(ended, Ok(Ended::All));
        let named = self.outputs.sync().err();
        let errors = [failed, named, self.write_report(&mut kept), self.list_failures(&kept, view, is_all)];
        for error in errors.into_iter().flatten() {
            view.error(&error);
            ending = Ending::Failed;
        }
        view.end(told_end(ended, interrupted), &kept.tally, &kept.cost);
        if ending != Ending::Failed && interrupted.is_none() {
            self.hint(&kept, view);
        }
        let is_over = is_all && kept.failed.is_empty() && ending != Ending::Failed;
        let removed = if is_over { kept.state.remove() } else { Ok(()) };
        if let Err(error) = removed {
            view.error(&format!("the state: {error}"));
        }
        interrupted.map_or(ending, Ending::Interrupted)
    }

    fn write_report(&self, kept: &mut Kept) -> Option<String> {
        let path = self.arguments.report.as_ref()?;
        let places: Vec<Place> = kept.places.iter().map(|(_, place)| *place).collect();
        output::write(path, |out| report::write(&mut kept.state, &places, out)).err()
    }

    /// Lists the inputs that failed in a file; where the run did not come to its end also those that it left, which may have been given
    /// by this very list. Gives why it cannot.
    fn list_failures(&self, kept: &Kept, view: &View, is_all: bool) -> Option<String> {
        let several = &self.arguments.several;
        let beside = self.outputs.beside(several.shard, "h5refs-failures");
        let path = several.failures.as_ref().or(beside.as_ref())?;
        let (failed, done): (HashSet<u64>, HashSet<u64>) =
            (kept.failed.iter().copied().collect(), kept.places.iter().map(|(number, _)| *number).collect());
        let is_listed = |number| failed.contains(&number) || (!is_all && !done.contains(&number));
        let inputs: Vec<&Location> =
            (0..).zip(&self.paths).filter(|(number, _)| is_listed(*number)).map(|(_, input)| input).collect();
        if inputs.is_empty() && several.failures.is_none() {
            return report::remove_failures(path).err();
        }
        let which = if is_all { "that failed" } else { "that failed or were left" };
        match report::write_failures(inputs.iter().copied(), path) {
            Err(error) => return Some(error),
            Ok(0) => {}
            Ok(left) => {
                return Some(format!("{left} inputs {which} cannot be listed: their names are no lines, or secret"));
            }
        }
        if !inputs.is_empty() {
            view.note(&format!("the inputs {which} are listed in {0}: scan @{0}", path.display()));
        }
        None
    }

    /// Waits for a signal. Files in work that are not done with some time after it are dropped, with what is written of them.
    fn watch(&self, signals: &Signals, over: &AtomicBool, kept: &Mutex<Kept>, view: &Mutex<View>) {
        let mut asked: Option<Instant> = None;
        while !over.load(Ordering::Relaxed) {
            std::thread::park_timeout(Duration::from_millis(50));
            let Some(code) = signals.code() else { continue };
            if asked.get_or_insert_with(Instant::now).elapsed() < PATIENCE {
                continue;
            }
            // Nothing is recorded from here on.
            let kept = held(kept);
            if over.load(Ordering::Relaxed) {
                return;
            }
            let view = held(view);
            if let Some(error) = self.list_failures(&kept, &view, false) {
                view.error(&error);
            }
            view.end("interrupted, files in work were dropped", &kept.tally, &kept.cost);
            self.outputs.remove_own_parts(&self.names);
            std::process::exit(code.into());
        }
    }

    /// How the result is opened, for people.
    fn hint(&self, kept: &Kept, view: &View) {
        if kept.registers {
            view.note(
                "register the codecs before reading: import imagecodecs.numcodecs; imagecodecs.numcodecs.register_codecs()",
            );
        }
        let Some(output) = self.arguments.output.as_ref().filter(|_| !self.outputs.is_folder()) else { return };
        if io::stderr().is_terminal() && output != Path::new("-") {
            view.hint(&format!(
                "open it in Python: xarray.open_dataset({:?}, engine=\"kerchunk\")",
                output.display().to_string()
            ));
        }
    }
}

impl Kept {
    /// How a run ends that worked on all inputs.
    fn ending(&self) -> Ending {
        let Tally { failed, objects_refused, .. } = self.tally;
        match self.tally.inputs() {
            inputs if failed == inputs && failed > 0 => Ending::Failed,
            _ if failed > 0 || objects_refused > 0 => Ending::Refused,
            _ => Ending::Well,
        }
    }
}

impl Became {
    /// Refusals of objects.
    fn refused(&self) -> u64 {
        match self {
            Self::Translated(translated) => translated.made.made.refused,
            Self::Existing(_, made) => made.made.refused,
            Self::LeftOut(_) => 0,
        }
    }

    fn kind(&self) -> Kind {
        match self {
            Self::Existing(..) => Kind::Existing,
            Self::LeftOut(_) => Kind::LeftOut,
            Self::Translated(_) if self.refused() > 0 => Kind::Refused,
            Self::Translated(_) => Kind::Done,
        }
    }
}

/// The record of an input, and its place if it stands somewhere already.
fn record(file: &str, output: &Path, outcome: &Result<Became, Failure>) -> io::Result<(Record, Option<Place>)> {
    let (mut made, mut sidecar, mut registers, mut place) = (None, None, false, None);
    let told = match outcome {
        Err(failure) => report::Told::Error(&failure.reason),
        Ok(Became::LeftOut(reason)) => report::Told::LeftOut(reason),
        Ok(Became::Existing(at, existing)) => {
            (made, place) = (Some(existing.clone()), *at);
            report::Told::Existing { output: output.display().to_string(), refused: existing.made.refused }
        }
        Ok(Became::Translated(translated)) => {
            (made, sidecar, registers) =
                (Some(translated.made.clone()), translated.sidecar.as_ref(), translated.registers);
            report::Told::Report(&translated.report)
        }
    };
    let bytes = std::fs::metadata(output).ok().filter(std::fs::Metadata::is_file).map(|found| found.len());
    let name = output.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let entry = report::entry(file, sidecar, told)?;
    Ok((Record { input: file.to_owned(), output: name, made, bytes, registers, entry }, place))
}

/// What is told of an input.
fn told<'a>(file: &'a str, output: &Path, outcome: &'a Result<Became, Failure>, elapsed: Duration) -> Told<'a> {
    let refusal = |(path, reason): (&str, String)| Refusal { path: path.to_owned(), reason };
    let mut told = Told {
        event: outcome.as_ref().map_or(Kind::Failed, Became::kind),
        file,
        output: outcome
            .as_ref()
            .is_ok_and(|became| !matches!(became, Became::LeftOut(_)))
            .then(|| output.display().to_string()),
        seconds: elapsed.as_secs_f64(),
        counts: None,
        cost: None,
        error: outcome.as_ref().err().map(|failure| failure.reason.as_str()),
        left_out: match outcome {
            Ok(Became::LeftOut(reason)) => Some(reason),
            _ => None,
        },
        refusals: Vec::new(),
        renamed: Vec::new(),
        sidecar: None,
    };
    match outcome {
        Ok(Became::Translated(Translated { report, sidecar, cost, .. })) => {
            told.cost = Some(*cost);
            told.counts = Some(counts(report));
            told.refusals = report.refused().map(refusal).collect();
            told.renamed = report.renamed().chain(report.whole()).chain(report.assumed()).map(refusal).collect();
            told.sidecar = sidecar.as_ref().map(|(path, bytes)| {
                format!("{}: {bytes} bytes of {}", path.display(), report.in_sidecar().collect::<Vec<_>>().join(", "))
            });
        }
        Ok(Became::Existing(_, made)) if made.made.refused > 0 => {
            let reason = format!("{} objects were refused when the output that is there was made", made.made.refused);
            told.refusals = vec![Refusal { path: "/".to_owned(), reason }];
        }
        _ => {}
    }
    told
}

fn counts(report: &Report) -> Counts {
    let mut counts =
        Counts { refused: u64::try_from(report.refused().count()).unwrap_or(u64::MAX), ..Counts::default() };
    for outcome in &report.outcomes {
        if let Status::Array { referenced, inline } = outcome.status {
            counts.arrays = counts.arrays.saturating_add(1);
            counts.referenced = counts.referenced.saturating_add(referenced);
            counts.inline = counts.inline.saturating_add(inline);
        }
    }
    counts
}

/// How a run ended, in a word or two.
fn told_end(ended: &io::Result<Ended>, interrupted: Option<u8>) -> &'static str {
    match ended {
        _ if interrupted.is_some() => "interrupted",
        Ok(Ended::All) => "finished",
        Ok(Ended::TooManyFailures) => "stopped at --max-failures",
        _ => "stopped",
    }
}

/// Tells where a panic was; what it means for the input is told as every failure is.
fn tell_of_panics(json: bool) {
    std::panic::set_hook(Box::new(move |panic| {
        view::error(json, &format!("a bug in h5refs: {panic}"));
    }));
}

/// What a lock guards is whole whenever it is let go.
fn held<T>(guarded: &Mutex<T>) -> MutexGuard<'_, T> {
    guarded.lock().unwrap_or_else(PoisonError::into_inner)
}
