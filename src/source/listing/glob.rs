//! Patterns of paths, expanded a level at a time.

use std::collections::{BTreeMap, HashSet};

use super::local::is_absent;
use super::part::{Part, has_wildcard};
use super::{Entry, Kind, Listing, State, braces, wrong};
use crate::error::{Error, LimitError};
use crate::limits::Limits;

/// A pattern of paths or URLs: `*`, `?` and `[a-z]` in names, `**` for folders in folders, `{a,b}` for alternatives. A slash at the
/// end says nothing.
///
/// Names that begin with a dot fit only where the pattern has the dot. A pattern has no way to escape a wildcard but brackets: `[*]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Glob(Vec<Pattern>);

/// What a pattern stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Match {
    /// Its path or URL, without a slash at its end.
    pub path: String,
    /// Whether it is a folder.
    pub is_folder: bool,
    /// The state of a file, where the listing told it.
    pub state: Option<State>,
}

/// A pattern without alternatives.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Pattern {
    /// The scheme and the bucket or host of a URL, with the slash.
    root: String,
    steps: Vec<Step>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    /// Parts without wildcards: nothing is listed for them.
    Literal(String),
    /// A part with wildcards.
    Names(Part),
    /// `**`: no folder, or folders in folders.
    Folders,
}

/// Folders listed, and paths looked for, at once.
const AT_ONCE: usize = 256;

impl Glob {
    /// Whether a text has a wildcard or a brace, so that it may be a pattern.
    pub fn may_be(text: &str) -> bool {
        has_wildcard(text) || text.contains(['{', '}'])
    }

    /// A pattern.
    ///
    /// # Errors
    /// [`Error::Pattern`] when brackets or braces are not closed, or the bucket of a URL has wildcards; [`Error::Limit`] when it has too
    /// many alternatives.
    pub fn new(text: &str, limits: &Limits) -> Result<Self, Error> {
        let patterns = braces::expand(text, limits.inputs)?;
        let parsed = patterns.iter().map(|pattern| Pattern::parse(pattern).map_err(|problem| wrong(text, problem)));
        parsed.collect::<Result<_, _>>().map(Self)
    }

    /// What a pattern stands for, each once and in the order of the paths.
    ///
    /// # Errors
    /// As [`expand_all`](Self::expand_all).
    pub fn expand(&self, listing: &dyn Listing, limits: &Limits) -> Result<Vec<Match>, Error> {
        Ok(Self::expand_all(std::slice::from_ref(self), listing, limits)?.pop().unwrap_or_default())
    }

    /// What each of several patterns stands for. Folders that several need at one time are listed once, and together.
    ///
    /// # Errors
    /// Those of the listing, but that a folder is not there; [`Error::Limit`]; and a name that is not UTF-8 and seems to fit.
    pub fn expand_all(globs: &[Self], listing: &dyn Listing, limits: &Limits) -> Result<Vec<Vec<Match>>, Error> {
        let mut walk =
            Walk { globs, limits, lists: BTreeMap::new(), named: Vec::new(), seen: HashSet::new(), found: 0 };
        let mut found = vec![BTreeMap::new(); globs.len()];
        for (glob, patterns) in globs.iter().enumerate() {
            for (pattern, of) in patterns.0.iter().enumerate() {
                walk.place(Place { glob, pattern, step: 0 }, of.root.clone())?;
            }
        }
        while !walk.lists.is_empty() || !walk.named.is_empty() {
            walk.look(listing, &mut found)?;
            walk.level(listing, &mut found)?;
        }
        Ok(found.into_iter().map(|matches| matches.into_values().collect()).collect())
    }
}

impl Pattern {
    fn parse(text: &str) -> Result<Self, &'static str> {
        let (root, rest) = split_root(text)?;
        let mut steps: Vec<Step> = Vec::new();
        for part in rest.trim_end_matches('/').split('/') {
            match (part, steps.last_mut()) {
                ("**", Some(Step::Folders)) => {}
                ("**", _) => steps.push(Step::Folders),
                (part, _) if has_wildcard(part) => steps.push(Step::Names(Part::parse(part)?)),
                (part, Some(Step::Literal(literal))) => {
                    literal.push('/');
                    literal.push_str(part);
                }
                (part, _) => steps.push(Step::Literal(part.to_owned())),
            }
        }
        if steps.last() == Some(&Step::Folders) {
            steps.push(Step::Names(Part::parse("*")?));
        }
        Ok(Self { root: root.to_owned(), steps })
    }
}

/// The scheme and authority of a URL, and the rest.
fn split_root(text: &str) -> Result<(&str, &str), &'static str> {
    let Some((scheme, rest)) = text.split_once("://") else { return Ok(("", text)) };
    let (authority, _) = rest.split_once('/').unwrap_or((rest, ""));
    if has_wildcard(scheme) || has_wildcard(authority) {
        return Err("a bucket or host is named, not found by a pattern");
    }
    let root = (scheme.len() + "://".len() + authority.len() + 1).min(text.len());
    text.split_at_checked(root).ok_or("not a URL")
}

/// How far a pattern has been followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Place {
    glob: usize,
    pattern: usize,
    step: usize,
}

struct Walk<'a> {
    globs: &'a [Glob],
    limits: &'a Limits,
    /// Folders to list, and what waits for each.
    lists: BTreeMap<String, Vec<Place>>,
    /// Paths of which it is not known whether they are there.
    named: Vec<(usize, String)>,
    seen: HashSet<(Place, String)>,
    found: u64,
}

/// What each pattern stands for, by path.
type Found = [BTreeMap<String, Match>];

impl Walk<'_> {
    fn step(&self, place: Place) -> Option<&Step> {
        self.globs.get(place.glob)?.0.get(place.pattern)?.steps.get(place.step)
    }

    fn is_last(&self, place: Place) -> bool {
        self.step(Place { step: place.step + 1, ..place }).is_none()
    }

    /// Follows a pattern from a folder as far as that needs no listing.
    fn place(&mut self, mut place: Place, mut folder: String) -> Result<(), Error> {
        while let Some(step) = self.step(place) {
            match step {
                Step::Literal(literal) => {
                    folder.push_str(literal);
                    if self.is_last(place) {
                        self.named.push((place.glob, folder));
                        return self.count();
                    }
                    folder.push('/');
                }
                Step::Names(_) | Step::Folders => {
                    let goes_on = *step == Step::Folders;
                    if !self.seen.insert((place, folder.clone())) {
                        return Ok(());
                    }
                    self.lists.entry(folder.clone()).or_default().push(place);
                    self.count()?;
                    if !goes_on {
                        return Ok(());
                    }
                }
            }
            place.step += 1;
        }
        Ok(())
    }

    /// One more path: found, looked for, or listed.
    fn count(&mut self) -> Result<(), Error> {
        self.found += 1;
        let limit = self.limits.inputs;
        if self.found <= limit { Ok(()) } else { Err(LimitError { which: "inputs", limit, value: self.found }.into()) }
    }

    /// Looks for paths that end with a literal part.
    fn look(&mut self, listing: &dyn Listing, found: &mut Found) -> Result<(), Error> {
        let named = std::mem::take(&mut self.named);
        for some in named.chunks(AT_ONCE) {
            let paths: Vec<&str> = some.iter().map(|(_, path)| path.as_str()).collect();
            for ((glob, path), entry) in some.iter().zip(listing.find_many(&paths)) {
                if let (Some(entry), Some(matches)) = (entry?, found.get_mut(*glob)) {
                    matches.insert(path.clone(), Match::new(path.clone(), &entry));
                }
            }
        }
        Ok(())
    }

    /// Lists what the next level of every pattern needs.
    fn level(&mut self, listing: &dyn Listing, found: &mut Found) -> Result<(), Error> {
        let lists: Vec<(String, Vec<Place>)> = std::mem::take(&mut self.lists).into_iter().collect();
        // In batches: what lies in a folder is held only until it is compared.
        for some in lists.chunks(AT_ONCE) {
            let folders: Vec<&str> = some.iter().map(|(folder, _)| folder.as_str()).collect();
            for ((folder, places), listed) in some.iter().zip(listing.list_many(&folders)) {
                let entries = match listed {
                    Err(Error::Io { error, .. }) if is_absent(&error) => continue,
                    listed => listed?,
                };
                for place in places {
                    for entry in &entries {
                        self.compare(*place, folder, entry, found)?;
                    }
                }
            }
        }
        Ok(())
    }

    /// Follows a pattern to what lies in a folder, if it fits.
    fn compare(&mut self, place: Place, folder: &str, entry: &Entry, found: &mut Found) -> Result<(), Error> {
        let (fits, next) = match self.step(place) {
            Some(Step::Folders) => (entry.kind == Kind::Folder && !entry.name.starts_with('.'), place),
            Some(Step::Names(part)) => (part.fits(&entry.name), Place { step: place.step + 1, ..place }),
            _ => return Ok(()),
        };
        if !fits {
            return Ok(());
        }
        let path = format!("{folder}{}", entry.name);
        if entry.kind == Kind::NotUtf8 {
            return Err(wrong(&path, "the name of this file is not UTF-8"));
        }
        if next != place && self.is_last(place) {
            self.count()?;
            if let Some(matches) = found.get_mut(place.glob) {
                matches.insert(path.clone(), Match::new(path, entry));
            }
            return Ok(());
        }
        if matches!(entry.kind, Kind::Folder | Kind::LinkedFolder) { self.place(next, path + "/") } else { Ok(()) }
    }
}

impl Match {
    fn new(path: String, entry: &Entry) -> Self {
        Self { path, is_folder: entry.kind != Kind::File, state: entry.state.clone() }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::sync::Mutex;

    use super::*;
    use crate::source::LocalSources;

    /// Files by their paths, and what was asked of them.
    #[derive(Default)]
    struct Told {
        files: BTreeSet<String>,
        asked: Mutex<Vec<Vec<String>>>,
    }

    impl Told {
        fn new(files: &[&str]) -> Self {
            Self { files: files.iter().map(|file| (*file).to_owned()).collect(), asked: Mutex::default() }
        }

        fn asks(&self, what: &str, of: &[&str]) {
            self.asked.lock().unwrap().push(of.iter().map(|path| format!("{what} {path}")).collect());
        }

        fn expand(&self, pattern: &str) -> Vec<String> {
            let glob = Glob::new(pattern, &Limits::default()).unwrap();
            let matches = glob.expand(self, &Limits::default()).unwrap();
            matches.into_iter().map(|found| if found.is_folder { found.path + "/" } else { found.path }).collect()
        }
    }

    impl Listing for Told {
        fn list(&self, folder: &str) -> Result<Vec<Entry>, Error> {
            let below = self.files.iter().filter_map(|file| file.strip_prefix(folder));
            let entry = |rest: &str| match rest.split_once('/') {
                Some((name, _)) => (name.to_owned(), Kind::Folder),
                None => (rest.to_owned(), Kind::File),
            };
            let entries: BTreeSet<(String, Kind)> = below.map(entry).collect();
            Ok(entries.into_iter().map(|(name, kind)| Entry { name, kind, state: None }).collect())
        }

        fn find(&self, path: &str) -> Result<Option<Entry>, Error> {
            let entry = |kind| Entry { name: path.rsplit('/').next().unwrap().to_owned(), kind, state: None };
            let is_folder = self.files.iter().any(|file| file.starts_with(&format!("{path}/")));
            Ok(if self.files.contains(path) { Some(entry(Kind::File)) } else { is_folder.then(|| entry(Kind::Folder)) })
        }

        fn list_many(&self, folders: &[&str]) -> Vec<Result<Vec<Entry>, Error>> {
            self.asks("list", folders);
            folders.iter().map(|folder| self.list(folder)).collect()
        }

        fn find_many(&self, paths: &[&str]) -> Vec<Result<Option<Entry>, Error>> {
            self.asks("find", paths);
            paths.iter().map(|path| self.find(path)).collect()
        }
    }

    #[test]
    fn literal_parts_are_never_listed_and_levels_are_listed_together() {
        let told = Told::new(&[
            "s3://b/2020/210/00/a.nc",
            "s3://b/2020/210/01/b.nc",
            "s3://b/2020/210/01/c.txt",
            "s3://b/2020/211/x.nc",
        ]);
        assert_eq!(told.expand("s3://b/2020/210/*/*.nc"), ["s3://b/2020/210/00/a.nc", "s3://b/2020/210/01/b.nc"]);
        let asked: [&[&str]; 2] =
            [&["list s3://b/2020/210/"], &["list s3://b/2020/210/00/", "list s3://b/2020/210/01/"]];
        assert_eq!(*told.asked.lock().unwrap(), asked);
    }

    #[test]
    fn a_literal_end_is_looked_for_in_every_folder_at_once() {
        let told = Told::new(&[
            "output000/ocean/month.nc",
            "output001/ocean/month.nc",
            "output002/ice/x",
            "other/ocean/month.nc",
        ]);
        assert_eq!(told.expand("output*/ocean/month.nc"), ["output000/ocean/month.nc", "output001/ocean/month.nc"]);
        let found = ["000", "001", "002"].map(|n| format!("find output{n}/ocean/month.nc"));
        assert_eq!(*told.asked.lock().unwrap(), [vec!["list ".to_owned()], found.to_vec()]);
    }

    #[test]
    fn every_form_of_pattern_finds_what_it_means() {
        let told = Told::new(&[
            "/r/a.nc",
            "/r/b.h5",
            "/r/.h/c.nc",
            "/r/s/a.nc",
            "/r/s/t/a.nc",
            "/r/s/t/u.parq/.zmetadata",
            "/r/z",
        ]);
        let expected: [(&str, &[&str]); 11] = [
            ("/r/*.nc", &["/r/a.nc"]),
            ("/r/{*.nc,b.h5,none}", &["/r/a.nc", "/r/b.h5"]),
            ("/r/**/a.nc", &["/r/a.nc", "/r/s/a.nc", "/r/s/t/a.nc"]),
            (
                "/r/**",
                &["/r/a.nc", "/r/b.h5", "/r/s/", "/r/s/a.nc", "/r/s/t/", "/r/s/t/a.nc", "/r/s/t/u.parq/", "/r/z"],
            ),
            ("/r/**/t/**/*.nc", &["/r/s/t/a.nc"]),
            ("/r/**/*.parq", &["/r/s/t/u.parq/"]),
            ("/r/.h/*", &["/r/.h/c.nc"]),
            ("/r/{s,z}/", &["/r/s/", "/r/z"]),
            ("/*/[yz]", &["/r/z"]),
            ("/r/?.nc/x", &[]),
            ("/nothing/*", &[]),
        ];
        for (pattern, found) in expected {
            assert_eq!(told.expand(pattern), found, "{pattern}");
        }
    }

    #[test]
    fn patterns_that_need_one_folder_have_it_listed_once() {
        let told = Told::new(&["r/2020-01-01.nc", "r/2020-01-02.nc"]);
        let globs = ["r/2020-01-01*", "r/2020-01-02*", "r/2020-01-03*"]
            .map(|text| Glob::new(text, &Limits::default()).unwrap());
        let found = Glob::expand_all(&globs, &told, &Limits::default()).unwrap();
        assert_eq!(found.iter().map(Vec::len).collect::<Vec<_>>(), [1, 1, 0]);
        assert_eq!(*told.asked.lock().unwrap(), [["list r/"]]);
    }

    #[test]
    fn a_limit_ends_what_has_no_end() {
        let told = Told::new(&["r/1", "r/2", "r/3", "r/s/t/u/v/w"]);
        let limits = Limits { inputs: 3, ..Limits::default() };
        for pattern in ["r/*", "r/**/x", "{a,b,c,d}"] {
            let error = Glob::new(pattern, &limits).and_then(|glob| glob.expand(&told, &limits)).unwrap_err();
            assert!(
                matches!(error, Error::Limit(LimitError { which: "inputs", limit: 3, value: 4 })),
                "{pattern}: {error}"
            );
        }
    }

    #[test]
    fn a_pattern_that_says_nothing_is_an_error() {
        for (pattern, problem) in [
            ("a/[b/c", "a bracket is not closed"),
            ("s3://b*/x", "a bucket or host is named, not found by a pattern"),
            ("s3://*", "a bucket or host is named, not found by a pattern"),
            ("{a", "a brace is not closed"),
        ] {
            let error = Glob::new(pattern, &Limits::default()).unwrap_err();
            assert_eq!(error.to_string(), format!("{pattern}: {problem}"));
        }
    }

    #[test]
    fn local_folders_are_listed_where_that_is_allowed() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("in");
        for path in ["a/1.nc", "a/b/2.nc", "c/3.txt"] {
            std::fs::create_dir_all(root.join(path).parent().unwrap()).unwrap();
            std::fs::write(root.join(path), b"").unwrap();
        }
        let sources = LocalSources::new().allow(&root).unwrap().relative_to(&root);
        let expand = |pattern: &str| {
            let glob = Glob::new(pattern, &Limits::default()).unwrap();
            let found = glob.expand(&sources, &Limits::default());
            found.map(|found| found.into_iter().map(|found| found.path).collect::<Vec<_>>())
        };
        let absolute = root.to_str().unwrap();
        assert_eq!(expand("**/*.nc").unwrap(), ["a/1.nc", "a/b/2.nc"]);
        assert_eq!(expand("*/b").unwrap(), ["a/b"]);
        assert_eq!(expand("a/1.nc/*").unwrap(), [""; 0]);
        assert_eq!(expand(&format!("{absolute}/?/1.nc")).unwrap(), [format!("{absolute}/a/1.nc")]);
        assert_eq!(expand(&format!("file://{absolute}/c/*")).unwrap(), [format!("file://{absolute}/c/3.txt")]);
        assert!(matches!(expand("../*"), Err(Error::NotAllowed { .. })));
    }

    #[cfg(unix)]
    #[test]
    fn folders_in_folders_are_not_followed_through_links() {
        use std::os::unix::ffi::OsStrExt;
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        std::fs::create_dir(root.join("a")).unwrap();
        std::fs::write(root.join("a/1.nc"), b"").unwrap();
        std::os::unix::fs::symlink("..", root.join("a/up")).unwrap();
        std::os::unix::fs::symlink("nowhere", root.join("a/2.nc")).unwrap();
        let sources = LocalSources::new().allow(root).unwrap().relative_to(root);
        let expand = |pattern: &str| {
            let glob = Glob::new(pattern, &Limits::default()).unwrap();
            let found = glob.expand(&sources, &Limits::default());
            found.map(|found| found.into_iter().map(|found| found.path).collect::<Vec<_>>())
        };
        assert_eq!(expand("**/*.nc").unwrap(), ["a/1.nc", "a/2.nc"]);
        assert_eq!(expand("*/*/a/1.nc").unwrap(), ["a/up/a/1.nc"]);
        std::fs::write(root.join(std::ffi::OsStr::from_bytes(b"a/\xff.nc")), b"").unwrap();
        let error = expand("a/*.nc").unwrap_err();
        assert_eq!(error.to_string(), "a/\u{fffd}.nc: the name of this file is not UTF-8");
        assert_eq!(expand("a/?.txt").unwrap(), [""; 0]);
    }
}
