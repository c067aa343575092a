//! One input of a scan.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use h5refs::batch::Failure;
use h5refs::output::{Made, MadeOf, made_of};
use h5refs::reference::Recorded;
use h5refs::zarr::Codec;
use h5refs::{Error, Options, ReferenceSet, Report, Sidecar};

use super::choice;
use super::cost::{Clock, Cost};
use super::state::Record;
use super::{Arguments, Job, OnError, OnUnsupported};
use crate::location::Location;
use crate::opening::{self, Opened};
use crate::sidecar::{Part, Target};
use crate::{external, output, without_name};

/// What came of an input.
pub(super) struct Translated {
    pub(super) report: Report,
    /// The sidecar file, if there is one, and its bytes.
    pub(super) sidecar: Option<(PathBuf, u64)>,
    /// Whether arrays have codecs that a reader has to register.
    pub(super) registers: bool,
    pub(super) made: MadeOf,
    pub(super) cost: Cost,
}

/// Why an input has no references.
enum Stop {
    /// What the library says of it.
    Error(Error),
    Failure(Failure),
    /// It does not satisfy the conditions on inputs.
    LeftOut(String),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Self::Failure(failure)
    }
}

impl From<&str> for Stop {
    fn from(reason: &str) -> Self {
        Self::Failure(Failure::new(reason))
    }
}

impl From<String> for Stop {
    fn from(reason: String) -> Self {
        Self::Failure(reason.into())
    }
}

impl Job<'_> {
    /// How the output of an input was made, if it is there and nothing would be different if it was made again: as it says itself, or
    /// where it does not as a run before this one recorded it.
    pub(super) fn existing(&self, location: &Location, output: &Path, before: Option<&Record>) -> Option<MadeOf> {
        let url = self.url(location).ok()?;
        let now = opening::state(location, &self.remote)?;
        let metadata = std::fs::metadata(output).ok()?;
        // Of a folder the record proves nothing.
        let recorded = before.filter(|record| metadata.is_file() && record.bytes == Some(metadata.len()));
        let recorded = || recorded.and_then(|record| record.made.clone());
        let made = made_of(output).ok().flatten().or_else(recorded);
        let made = made.filter(|made| made.is_of(&url, &now, &self.fingerprint))?;
        let accepted = made.made.refused == 0 || self.arguments.error != OnError::Raise;
        (accepted && self.has_sidecar(output, &made)).then_some(made)
    }

    /// Whether the file beside an output is there that some of its references lead to.
    fn has_sidecar(&self, output: &Path, made: &MadeOf) -> bool {
        let Some(bytes) = made.made.sidecar else { return true };
        let Arguments { sidecar, sidecar_url, rename, .. } = self.arguments;
        let target = Target::new(output, sidecar.as_deref(), sidecar_url.as_deref(), rename);
        let found = target.ok().and_then(|target| std::fs::metadata(target.path).ok());
        found.is_some_and(|found| found.len() == bytes)
    }

    /// Translates an input and writes its references, or says why it is left out. One that changes while it is read is read once more.
    pub(super) fn translate(&self, location: &Location, output: &Path) -> Result<Result<Translated, String>, Failure> {
        let translated = match self.try_translate(location, output) {
            Err(Stop::Error(Error::Changed { .. })) => self.try_translate(location, output),
            translated => translated,
        };
        match translated {
            Ok(translated) => Ok(Ok(translated)),
            Err(Stop::LeftOut(reason)) => Ok(Err(reason)),
            Err(Stop::Error(error)) => Err(failure(&location.to_string(), &error)),
            Err(Stop::Failure(failure)) => Err(failure),
        }
    }

    fn try_translate(&self, location: &Location, output: &Path) -> Result<Translated, Stop> {
        let clock = Clock::start();
        let Opened { input, members } = opening::open(location, &self.remote)?;
        if let Some(reason) = choice::left_out(&input, &self.arguments.conditions, self.arguments.limits())? {
            return Err(Stop::LeftOut(reason));
        }
        if output::is_one_of(output, location.path().into_iter().chain(members.iter().map(PathBuf::as_path))) {
            return Err(format!("{}: the output is the input", output.display()).into());
        }
        let dmrpp = input.dmrpp(self.arguments.limits())?;
        let mut options = self.options(location, &members)?;
        options.own_name = location.file_name().and_then(|name| name.to_str()).map(str::to_owned);
        let looked = Arc::default();
        options.external = self.arguments.external_root.as_deref().map(|root| {
            let folder = location.path().and_then(Path::parent).unwrap_or(Path::new(""));
            external::under(root, folder, &self.arguments.rename, &looked)
        });
        let target = self.target(location, &members, output)?;
        let mut part = target.as_ref().map(|target| Part::new(&target.path)).transpose()?;
        let (mut set, report, bytes) = match (&target, &mut part) {
            _ if dmrpp.is_some() => self.of_dmrpp(location, dmrpp.as_deref().unwrap_or_default(), &options)?,
            (Some(target), Some(part)) => {
                let mut sidecar = Sidecar::new(target.url.as_str(), part);
                let made = h5refs::references_with_sidecar(&input, &options, &mut sidecar);
                let bytes = if sidecar.referenced() > 0 { sidecar.bytes() } else { 0 };
                made.map(|(set, report)| (set, report, bytes))?
            }
            _ => h5refs::references(&input, &options).map(|(set, report)| (set, report, 0))?,
        };
        let cost = clock.translated(&input);
        if let Some(state) = input.state() {
            // Of a sidecar the state is its own, and not that of the file that references lead to.
            let of = if dmrpp.is_some() { location.url(&[], true)? } else { options.url.clone() };
            set.recorded.insert(of, Recorded::from_state(state.size, state.modified, state.etag));
        }
        if let Some(name) = self.selection.unmatched(&report) {
            return Err(Failure::new(format!("no dataset is called {name}")).into());
        }
        if self.arguments.error == OnError::Raise
            && let Some((object, reason)) = report.refused().next()
        {
            return Err(Failure::new(format!("{object}: {reason}")).into());
        }
        if self.outputs.is_folder() && set.arrays().next().is_none() && report.refused().next().is_none() {
            return Err(Failure::new("it has no arrays").into());
        }
        // A part that nothing refers to is removed where it is dropped.
        let part = part.filter(|_| bytes > 0);
        let sidecar = target.filter(|_| bytes > 0).map(|target| (target.path, bytes));
        let made = Made {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            options: self.fingerprint.clone(),
            refused: u64::try_from(report.refused().count()).unwrap_or(u64::MAX),
            sidecar: sidecar.as_ref().map(|(_, bytes)| *bytes),
            others: looked.load(Ordering::Relaxed),
            sets: None,
        };
        self.write(&set, &made, output, part)?;
        let registers = set.arrays().any(|(_, array)| array.metadata.filters.iter().any(Codec::is_of_imagecodecs));
        let (made, cost) = (MadeOf { made, sources: set.recorded }, clock.written(cost));
        Ok(Translated { report, sidecar, registers, made, cost })
    }

    /// References of a DMR++ sidecar, to the file that it says, or that lies beside it.
    fn of_dmrpp(
        &self,
        location: &Location,
        bytes: &[u8],
        options: &Options,
    ) -> Result<(ReferenceSet, Report, u64), Stop> {
        let called = |location: &Location| location.url(&self.arguments.rename, self.remote.keeps_query());
        let url = match (&self.arguments.url, h5refs::dmrpp_url(bytes)?) {
            (Some(url), _) => url.clone(),
            (None, Some(url)) => called(&Location::from(url.as_str()))?,
            (None, None) => {
                let beside = location.without_dmrpp();
                called(&beside.ok_or("its name does not end in .dmrpp: --url says where its file lies")?)?
            }
        };
        let mut options = options.clone();
        options.url = url;
        let (mut set, report) = h5refs::dmrpp_references(bytes, &options)?;
        // Chunks may lie in other files, which it calls by URLs of their own.
        for url in set.urls.iter_mut().skip(1) {
            *url = called(&Location::from(url.as_str()))?;
        }
        Ok((set, report, 0))
    }

    /// Writes references, and the sidecar file that goes with them.
    fn write(&self, set: &ReferenceSet, made: &Made, output: &Path, part: Option<Part>) -> Result<(), Failure> {
        let form = self.form.of_made(made.clone());
        let written = form.write_with_sidecar(set, output, self.outputs.named(), part);
        written.map_err(|error| Failure { ends_run: output::is_of_the_disk(&error), reason: error.to_string() })
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
}

/// An error without the input's name. One of the disk is of the sidecar file, which is written while the input is read.
fn failure(name: &str, error: &Error) -> Failure {
    let ends_run = matches!(error, Error::Io { error, .. } if output::is_of_the_disk(error));
    Failure { reason: without_name(name, error), ends_run }
}
