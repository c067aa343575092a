//! The sidecar file of a scan: made when the first chunk is written to it, and put in its place whole or not at all.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use crate::output::Named;
use crate::{naming, output};

/// Where the sidecar file of an input goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) path: PathBuf,
    /// What references call it.
    pub(crate) url: String,
}

impl Target {
    /// `<output>.sidecar`, unless another file and another URL are named.
    pub(crate) fn new(
        output: &Path,
        file: Option<&Path>,
        url: Option<&str>,
        renames: &[(String, String)],
    ) -> Result<Self, String> {
        let path = file.map_or_else(
            || {
                let mut name = output.as_os_str().to_owned();
                name.push(".sidecar");
                PathBuf::from(name)
            },
            Path::to_owned,
        );
        let url = match url {
            Some(url) => url.to_owned(),
            None => naming::url(&path, renames)?,
        };
        Ok(Self { path, url })
    }

    /// Refuses to take the place of a file that is read or written otherwise.
    pub(crate) fn refuse_other_files<'p>(&self, others: impl IntoIterator<Item = &'p Path>) -> Result<(), String> {
        let real = |path: &Path| path.canonicalize().or_else(|_| std::path::absolute(path)).ok();
        let own = real(&self.path);
        match others.into_iter().find(|other| real(other) == own) {
            Some(_) => Err(format!("--sidecar {}: the file is an input or the output", self.path.display())),
            None => Ok(()),
        }
    }
}

/// A sidecar file that is being written beside its place.
pub(crate) struct Part {
    path: PathBuf,
    beside: PathBuf,
    out: Option<BufWriter<File>>,
}

impl Part {
    pub(crate) fn new(path: &Path) -> Result<Self, String> {
        let beside = output::beside(path).ok_or_else(|| format!("{}: not the name of a file", path.display()))?;
        Ok(Self { path: path.to_owned(), beside, out: None })
    }

    /// Puts the file in its place.
    pub(crate) fn place(mut self) -> io::Result<()> {
        let told = |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", self.path.display()));
        if let Some(mut out) = self.out.take() {
            out.flush().and_then(|()| output::place(out.get_ref(), &self.beside, &self.path, Named::Now)).map_err(
                |error| {
                    // What cannot be removed is told by the error itself.
                    let _removed = std::fs::remove_file(&self.beside);
                    told(error)
                },
            )?;
        }
        Ok(())
    }
}

impl Write for Part {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let out = match &mut self.out {
            Some(out) => out,
            none => none.insert(BufWriter::with_capacity(1 << 18, output::create(&self.beside)?)),
        };
        out.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.as_mut().map_or(Ok(()), BufWriter::flush)
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        if self.out.take().is_some() {
            // Nobody is left to tell.
            let _removed = std::fs::remove_file(&self.beside);
        }
    }
}
