//! The choice of datasets: names or globs, of the last part of a path or of all of it.

use globset::{Glob, GlobMatcher};
use h5refs::{Report, Select, Status};

/// `--variables` and `--drop`.
pub(crate) struct Selection {
    wanted: Vec<GlobMatcher>,
    unwanted: Vec<GlobMatcher>,
}

impl Selection {
    pub(crate) fn new(variables: &[String], drop: &[String]) -> Result<Self, String> {
        Ok(Self { wanted: globs(variables)?, unwanted: globs(drop)? })
    }

    /// The choice for one translation.
    pub(crate) fn select(&self) -> Select {
        let (wanted, unwanted) = (self.wanted.clone(), self.unwanted.clone());
        Select::new(move |path| {
            let chosen = wanted.is_empty() || wanted.iter().any(|glob| matches(glob, path));
            chosen && !unwanted.iter().any(|glob| matches(glob, path))
        })
    }

    /// A name that was asked for and that no dataset of the file has.
    pub(crate) fn unmatched(&self, report: &Report) -> Option<&str> {
        let datasets = || {
            let is_dataset = |status: &Status| matches!(status, Status::Array { .. } | Status::Refused(_));
            report.outcomes.iter().filter(move |outcome| is_dataset(&outcome.status))
        };
        let unmatched = |glob: &&GlobMatcher| !datasets().any(|outcome| matches(glob, &outcome.path));
        self.wanted.iter().find(unmatched).map(|glob| glob.glob().glob())
    }
}

/// Names or globs of arrays.
#[derive(Clone)]
pub(crate) struct Names(Vec<GlobMatcher>);

impl Names {
    pub(crate) fn new(names: &[String]) -> Result<Self, String> {
        globs(names).map(Self)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a path is among them.
    pub(crate) fn have(&self, path: &str) -> bool {
        self.0.iter().any(|glob| matches(glob, path))
    }

    /// A name that none of the paths has.
    pub(crate) fn unmatched<'p>(&self, paths: impl Iterator<Item = &'p str>) -> Option<&str> {
        let paths: Vec<&str> = paths.collect();
        let unmatched = |glob: &&GlobMatcher| !paths.iter().any(|path| matches(glob, path));
        self.0.iter().find(unmatched).map(|glob| glob.glob().glob())
    }
}

fn globs(names: &[String]) -> Result<Vec<GlobMatcher>, String> {
    let glob = |name: &String| Glob::new(name.trim_start_matches('/')).map(|glob| glob.compile_matcher());
    names.iter().map(glob).collect::<Result<_, _>>().map_err(|error| error.to_string())
}

fn matches(glob: &GlobMatcher, path: &str) -> bool {
    let path = path.trim_start_matches('/');
    glob.is_match(path) || glob.is_match(path.rsplit('/').next().unwrap_or(path))
}
