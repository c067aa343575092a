//! Output files appear whole or not at all.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use h5refs::output::Placing;

use crate::load;

/// When the name of a file that is written is on the disk, as its bytes are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Named {
    /// Before the file counts as written.
    Now,
    /// With [`sync_folder`], once for many files; what is replaced is replaced at once.
    Later,
}

/// Writes a file beside its place and then puts it there, where its name leads; `-` is standard output, and what is no file is written to as
/// it is.
pub(crate) fn write(path: &Path, content: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<(), String> {
    try_write(path, Named::Now, content, |place| place()).map_err(|error| error.to_string())
}

/// The same, where what puts the file in its place, or writes to what is no file, is given to `around`, which does it. The error names the
/// file, and is of the kind that the system told.
pub(crate) fn try_write(
    path: &Path,
    named: Named,
    content: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    around: impl FnOnce(Placing<'_>) -> io::Result<()>,
) -> io::Result<()> {
    write_file(path, named, content, around).map_err(|error| of(path, &error))
}

/// An error with the name of a file.
pub(crate) fn of(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}

fn write_file(
    path: &Path,
    named: Named,
    content: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    around: impl FnOnce(Placing<'_>) -> io::Result<()>,
) -> io::Result<()> {
    if path == Path::new("-") {
        let mut out = BufWriter::with_capacity(1 << 16, io::stdout().lock());
        return around(Box::new(|| content(&mut out).and_then(|()| out.flush())));
    }
    // A device or a pipe is written to; a file put in its place would end it for everyone.
    if std::fs::metadata(path).is_ok_and(|found| !found.is_file() && !found.is_dir()) {
        let mut out = BufWriter::with_capacity(1 << 16, File::options().write(true).open(path)?);
        return around(Box::new(|| content(&mut out).and_then(|()| out.flush())));
    }
    let path = &real(path);
    refuse_data(path)?;
    let beside = beside(path, "part").ok_or_else(|| io::Error::other("not the name of a file"))?;
    let written = create(&beside).and_then(|file| {
        let mut out = BufWriter::with_capacity(1 << 16, file);
        content(&mut out)?;
        out.flush()?;
        out.get_ref().sync_all()?;
        place(&beside, path, named, around)
    });
    written.inspect_err(|_| {
        // What cannot be removed was not written either, or is told by the error itself.
        let _removed = std::fs::remove_file(&beside);
    })
}

/// What a name leads to, through symbolic links: that is replaced, not the link, as where the output is a folder.
pub(crate) fn real(path: &Path) -> PathBuf {
    /// More than any system follows.
    const LINKS: usize = 64;
    if let Ok(path) = path.canonicalize() {
        return path;
    }
    // Where nothing is there yet, or for a moment, a link leads there all the same.
    let mut path = path.to_owned();
    for _ in 0..LINKS {
        let Ok(target) = std::fs::read_link(&path) else { break };
        path = path.parent().unwrap_or(Path::new("")).join(target);
    }
    path
}

/// Refuses to put anything in the place of a file of data, an input or not: nothing that is written here can be meant to.
pub(crate) fn refuse_data(path: &Path) -> io::Result<()> {
    let is_data = std::fs::metadata(path).is_ok_and(|found| found.is_file()) && load::is_file_of_data(path);
    let told = "is there, and is an HDF5 or netCDF file: it is not replaced";
    if is_data { Err(io::Error::new(io::ErrorKind::AlreadyExists, told)) } else { Ok(()) }
}

/// Whether a file is one of others, whatever they are called.
pub(crate) fn is_one_of<'p>(path: &Path, others: impl IntoIterator<Item = &'p Path>) -> bool {
    let real = |path: &Path| path.canonicalize().or_else(|_| std::path::absolute(path)).ok();
    let own = real(path);
    others.into_iter().any(|other| real(other) == own)
}

/// A new file of this name: one of a process that was killed and had the same number is none of ours.
pub(crate) fn create(beside: &Path) -> io::Result<File> {
    match std::fs::remove_file(beside) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    File::options().write(true).create_new(true).open(beside)
}

/// Puts a file that is on the disk in its place. It is there whole, also after a failure of power, but for a new name that is to be on the disk
/// later: that may be gone then.
fn place(
    beside: &Path,
    path: &Path,
    named: Named,
    around: impl FnOnce(Placing<'_>) -> io::Result<()>,
) -> io::Result<()> {
    let is_later = named == Named::Later && !path.exists();
    around(Box::new(|| std::fs::rename(beside, path)))?;
    if is_later { Ok(()) } else { sync_folder(path.parent().unwrap_or(Path::new(""))) }
}

/// Sees to it that the names in a folder are on the disk.
pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    let folder = if folder == Path::new("") { Path::new(".") } else { folder };
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}

/// Whether an error would meet every other file, too: the disk is full, or takes no more.
pub(crate) fn is_of_the_disk(error: &io::Error) -> bool {
    use io::ErrorKind::{FileTooLarge, QuotaExceeded, ReadOnlyFilesystem, StorageFull};
    matches!(error.kind(), StorageFull | QuotaExceeded | ReadOnlyFilesystem | FileTooLarge)
}

/// A name of its own in the same folder, for what is a `part` of it yet, or the `old` one.
pub(crate) fn beside(path: &Path, what: &str) -> Option<PathBuf> {
    let mut name = OsString::from(".");
    name.push(path.file_name()?);
    name.push(format!(".{}.{what}", std::process::id()));
    Some(path.with_file_name(name))
}
