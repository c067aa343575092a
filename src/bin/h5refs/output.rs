//! Output files appear whole or not at all.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

/// Writes a file beside its place and then puts it there; `-` is standard output, and what is no file is written to as it is.
pub(crate) fn write(path: &Path, content: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<(), String> {
    let told = |error: io::Error| format!("{}: {error}", path.display());
    if path == Path::new("-") {
        let mut out = BufWriter::with_capacity(1 << 16, io::stdout().lock());
        return content(&mut out).and_then(|()| out.flush()).map_err(told);
    }
    // A device or a pipe is written to; a file put in its place would end it for everyone.
    if std::fs::metadata(path).is_ok_and(|found| !found.is_file() && !found.is_dir()) {
        let written = File::options().write(true).open(path).and_then(|device| {
            let mut out = BufWriter::with_capacity(1 << 16, device);
            content(&mut out).and_then(|()| out.flush())
        });
        return written.map_err(told);
    }
    let beside = beside(path).ok_or_else(|| format!("{}: not the name of a file", path.display()))?;
    let written = File::create(&beside).and_then(|file| {
        let mut out = BufWriter::with_capacity(1 << 18, file);
        content(&mut out)?;
        out.flush()?;
        std::fs::rename(&beside, path)
    });
    written.map_err(|error| {
        // What cannot be removed was not written either, or is told by the error itself.
        let _removed = std::fs::remove_file(&beside);
        told(error)
    })
}

/// A name of its own in the same folder.
pub(crate) fn beside(path: &Path) -> Option<PathBuf> {
    let mut name = OsString::from(".");
    name.push(path.file_name()?);
    name.push(format!(".{}.part", std::process::id()));
    Some(path.with_file_name(name))
}
