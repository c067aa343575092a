//! The sidecar file of a scan: made when the first chunk is written to it, and put in its place whole or not at all.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

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
        if output::is_one_of(&self.path, others) {
            return Err(format!("--sidecar {}: the file is an input or the output", self.path.display()));
        }
        Ok(())
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
        let path = output::real(path);
        let beside =
            output::beside(&path, "part").ok_or_else(|| format!("{}: not the name of a file", path.display()))?;
        Ok(Self { path, beside, out: None })
    }

    /// Puts the file in its place, if there is one.
    pub(crate) fn place(mut self) -> io::Result<Placed> {
        let Some(out) = &mut self.out else { return Ok(Placed::default()) };
        let placed = out
            .flush()
            .and_then(|()| out.get_ref().sync_all())
            .and_then(|()| Placed::instead(&self.beside, &self.path))
            .map_err(|error| output::of(&self.path, &error))?;
        // It has its own name now.
        self.out = None;
        Ok(placed)
    }
}

/// Whether something has a name that a file can take over.
fn is_there(path: &Path) -> bool {
    std::fs::symlink_metadata(path).is_ok_and(|found| !found.is_dir())
}

/// A sidecar file in its place. Until it is kept, it goes again where it is dropped, and what was there before comes back.
#[derive(Default)]
pub(crate) struct Placed {
    path: Option<PathBuf>,
    /// Where that is which was there before.
    former: Option<PathBuf>,
}

impl Placed {
    /// Puts a file that is on the disk in the place of another, if there is one.
    fn instead(beside: &Path, path: &Path) -> io::Result<Self> {
        let former = output::beside(path, "old").filter(|_| is_there(path));
        if let Some(former) = &former {
            std::fs::rename(path, former)?;
        }
        let placed = Self { path: Some(path.to_owned()), former };
        std::fs::rename(beside, path)?;
        output::sync_folder(path.parent().unwrap_or(Path::new("")))?;
        Ok(placed)
    }

    /// The references that lead to it are in their place.
    pub(crate) fn keep(mut self) -> io::Result<()> {
        self.path = None;
        self.former
            .take()
            .map_or(Ok(()), |former| std::fs::remove_file(&former).map_err(|error| output::of(&former, &error)))
    }
}

impl Drop for Placed {
    fn drop(&mut self) {
        let Some(path) = &self.path else { return };
        // What cannot be done is told by the error that led here.
        let _restored = match &self.former {
            Some(former) => std::fs::rename(former, path),
            None => std::fs::remove_file(path),
        };
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
