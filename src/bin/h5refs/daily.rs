//! `h5refs combine` day by day: where the output's name has the words of a mask.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::Path;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use h5refs::listing::{Date, Mask};
use h5refs::output::{Made, MadeOf};

use crate::combining::Options;
use crate::location::Location;
use crate::references_out::References;
use crate::remote::Remote;
use crate::{Ending, load, output, parts, say, signals};

/// A combination for each day.
pub(crate) struct Daily<'a> {
    pub(crate) options: &'a Options,
    pub(crate) form: References,
    pub(crate) output: Mask,
    pub(crate) days: BTreeMap<Date, Vec<Location>>,
    /// Whether outputs that are there stay, if they are of the files that the days have now.
    pub(crate) resume: bool,
    pub(crate) remote: Remote,
    /// What tells the options apart.
    pub(crate) fingerprint: String,
    /// Whether a signal ends it: nothing more is written, or told.
    pub(crate) is_interrupted: AtomicBool,
}

/// What became of a day.
enum Status {
    NoFiles,
    /// Left as it is; it was written so, too.
    Existing(Ending),
    /// Written; with a difference that a policy decided or without.
    Written(Ending),
    Failed(String),
}

/// A day that is done with.
struct Done {
    output: String,
    files: usize,
    status: Status,
}

impl Daily<'_> {
    pub(crate) fn run(&self) -> Result<Ending, String> {
        let checks = self.options.checks();
        let days: Vec<(&Date, &Vec<Location>)> = self.days.iter().collect();
        let (next, done) = (AtomicUsize::new(0), Mutex::new(BTreeMap::new()));
        let first: Vec<Location> = self.days.values().flatten().take(1).cloned().collect();
        let work = || {
            while let Some((day, files)) = days.get(next.fetch_add(1, Ordering::Relaxed)) {
                let (one, told) = self.day(**day, files);
                if self.is_interrupted.load(Ordering::Relaxed) {
                    return;
                }
                for line in told {
                    say(&format!("{day}: {line}"));
                }
                if !checks.is_quiet() || matches!(one.status, Status::Failed(_)) {
                    say(&format!("{day}: {}", one.line()));
                }
                done.lock().unwrap_or_else(PoisonError::into_inner).insert(**day, one);
            }
        };
        let jobs = checks.jobs(&first).min(days.len());
        signals::cleared(|| self.remove_own_parts(), || h5refs::batch::side_by_side(jobs, work));
        let done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
        if let Some(report) = checks.report() {
            output::write(report, |out| write_report(&done, out))?;
        }
        Ok(tell(&done, checks.is_quiet()))
    }

    /// Removes what is being written.
    fn remove_own_parts(&self) {
        self.is_interrupted.store(true, Ordering::Relaxed);
        for name in self.days.keys().filter_map(|day| self.output.name(*day).ok()) {
            parts::remove_own(Path::new(&name));
        }
    }

    /// One day, and what its checks found.
    fn day(&self, day: Date, files: &[Location]) -> (Done, Vec<String>) {
        let mut told = Vec::new();
        let (output, status) = match self.output.name(day) {
            Ok(name) => {
                let status = self.combined(Path::new(&name), files, &mut told);
                (name, status.unwrap_or_else(Status::Failed))
            }
            Err(error) => (String::new(), Status::Failed(error.to_string())),
        };
        (Done { output, files: files.len(), status }, told)
    }

    fn combined(&self, output: &Path, files: &[Location], told: &mut Vec<String>) -> Result<Status, String> {
        if files.is_empty() {
            return Ok(Status::NoFiles);
        }
        // Before they are read: sets that change meanwhile are others for the next run.
        let sets = load::fingerprint(files)?;
        if let Some(ending) = self.existing(output, files, &sets) {
            return Ok(Status::Existing(ending));
        }
        let checks = self.options.checks();
        // Days are worked on at once, and the files of one after another.
        let plan = checks.plan_of(self.options.combine()?, files, None, 1, &self.remote)?;
        let (set, ending) = checks.merged_telling(plan, &mut |line| told.push(line.to_owned()))?;
        if let Some(folder) = output.parent() {
            std::fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        }
        let refused = u64::from(ending == Ending::Refused);
        let (version, options) = (env!("CARGO_PKG_VERSION").to_owned(), self.fingerprint.clone());
        let made = Made { version, options, refused, sets: Some(sets), ..Made::default() };
        parts::remove_dead(output);
        if self.is_interrupted.load(Ordering::Relaxed) {
            return Err("interrupted".to_owned());
        }
        self.form.of_made(made).write(&set, output)?;
        Ok(Status::Written(ending))
    }

    /// How an output that may stay was written: it is whole, made by this version with these options of these files and sets as they are
    /// now, of none more, and of none less.
    fn existing(&self, output: &Path, files: &[Location], sets: &str) -> Option<Ending> {
        let MadeOf { made, sources } = h5refs::output::made_of(output).ok().flatten().filter(|_| self.resume)?;
        let is_same = made.version == env!("CARGO_PKG_VERSION") && made.options == self.fingerprint;
        if !is_same || made.sets.as_deref() != Some(sets) {
            return None;
        }
        let mut found = BTreeSet::new();
        let loading = self.options.checks().loading(&self.remote);
        for file in files {
            found.extend(load::sources(file, &loading, &sources).ok().flatten()?);
        }
        found.iter().eq(sources.keys()).then_some(if made.refused > 0 { Ending::Refused } else { Ending::Well })
    }
}

impl Done {
    fn line(&self) -> String {
        match &self.status {
            Status::NoFiles => "no files".to_owned(),
            Status::Existing(_) => format!("existing {}", self.output),
            Status::Written(_) => format!("written {} ({} files)", self.output, self.files),
            Status::Failed(error) => format!("failed {}: {error}", self.output),
        }
    }
}

/// How many days ended how.
fn tell(done: &BTreeMap<Date, Done>, is_quiet: bool) -> Ending {
    let count = |is: fn(&Status) -> bool| done.values().filter(|one| is(&one.status)).count();
    let written = count(|status| matches!(status, Status::Written(_)));
    let existing = count(|status| matches!(status, Status::Existing(_)));
    let failed = count(|status| matches!(status, Status::Failed(_)));
    let without = done.len() - written - existing - failed;
    if !is_quiet || failed > 0 {
        say(&format!(
            "{} days: {written} written, {existing} existing, {without} without files, {failed} failed",
            done.len()
        ));
    }
    let is_decided = done
        .values()
        .any(|one| matches!(one.status, Status::Written(Ending::Refused) | Status::Existing(Ending::Refused)));
    match (written + existing, failed) {
        (0, _) => Ending::Failed,
        (_, 0) if !is_decided => Ending::Well,
        _ => Ending::Refused,
    }
}

fn write_report(done: &BTreeMap<Date, Done>, out: &mut dyn Write) -> std::io::Result<()> {
    let entry = |(day, one): (&Date, &Done)| {
        let (status, error) = match &one.status {
            Status::NoFiles => ("no files", None),
            Status::Existing(_) => ("existing", None),
            Status::Written(_) => ("written", None),
            Status::Failed(error) => ("failed", Some(error)),
        };
        serde_json::json!({ "day": day.to_string(), "status": status, "output": one.output, "files": one.files, "error": error })
    };
    let days: Vec<serde_json::Value> = done.iter().map(entry).collect();
    serde_json::to_writer_pretty(&mut *out, &serde_json::json!({ "days": days }))?;
    writeln!(out)
}

/// The mask that an output's name is.
pub(crate) fn mask(output: &Path) -> Result<Option<Mask>, String> {
    let text = output.to_str().unwrap_or_default();
    let mask = Mask::new(text);
    match &mask {
        Some(mask) if !mask.tells_days_apart() => Err(format!(
            "{text}: days would have the same output; it needs {{year}}, {{month}} and {{day}}, or {{year}} and {{doy}}"
        )),
        _ => Ok(mask),
    }
}
