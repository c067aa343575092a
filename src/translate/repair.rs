//! Datasets that references cannot express as they lie: decoded, and held inline while they are small.

use super::boxes::{opened, read_options};
use super::decoded::decoded;
use super::form::Form;
use super::options::{Options, UnsupportedPolicy};
use super::sidecar::may_hold;
use super::subject::{Parts, Subject};
use crate::error::{Error, LimitError, Unsupported};
use crate::file::{ChunkTable, File};
use crate::source::{Halt, attempt};

/// The array of a dataset that is refused otherwise; if it cannot be held either, that refusal stands.
pub(crate) fn repaired(
    file: &File<'_>,
    subject: Subject<'_>,
    chunks: Option<&ChunkTable>,
    options: &Options,
    refusal: Unsupported,
) -> Result<Parts, Halt> {
    let dataset = subject.dataset;
    let bytes = dataset.dataspace.elements().and_then(|n| n.checked_mul(dataset.datatype.size.into()));
    let small = bytes.is_some_and(|bytes| bytes <= file.limits().repair_bytes);
    // What lies past the end of a variable that is to be longer is not its fill value.
    let wanted = options.unsupported != UnsupportedPolicy::Refuse && may_hold(dataset);
    if !wanted || !small || subject.longer.is_some() {
        return Err(refusal.into());
    }
    let form = Form::of(&dataset.datatype)?;
    match attempt(decoded(file, subject, chunks, &form, options))? {
        Ok((metadata, chunks)) => Ok(Parts { metadata, chunks, urls: Vec::new() }),
        // A little of a source may take much to read.
        Err(Error::Unsupported(_) | Error::Limit(LimitError { which: "read_bytes", .. })) => Err(refusal.into()),
        Err(error) => Err(error.into()),
    }
}

/// The array of a dataset whose elements lie in others or in other files, if references cannot lead to them.
pub(crate) fn or_read(
    made: Result<Parts, Halt>,
    file: &File<'_>,
    subject: Subject<'_>,
    options: &Options,
) -> Result<Parts, Halt> {
    let refusal = match attempt(made)? {
        Err(Error::Unsupported(refusal)) => refusal,
        made => return Ok(made?),
    };
    if options.unsupported == UnsupportedPolicy::Refuse || !may_hold(subject.dataset) {
        return Err(refusal.into());
    }
    let refused = match attempt(repaired(file, subject, None, options, refusal))? {
        Err(Error::Unsupported(refusal)) => refusal,
        made => return Ok(made?),
    };
    let read_options = read_options(options, *file.limits());
    let is_read = attempt(opened(file, subject, &read_options))?.is_ok();
    Err(if is_read { Unsupported::Sidecar(Box::new(refused)) } else { refused }.into())
}

#[cfg(test)]
mod tests {
    use super::super::proofs::{array, refused, translated, within};
    use super::*;
    use crate::limits::Limits;

    /// Integers, compressed and then shuffled: bytes that are no whole number of elements, which numcodecs refuses.
    const GZIP_SHUFFLE: &[u8] = include_bytes!("../../testdata/filter/gzip_shuffle.h5");
    const HINT: &str = "; --unsupported sidecar writes the values to a file beside the references";
    const REFUSAL: &str = "/d: shuffle of bytes that are no whole number of elements is not supported";

    #[test]
    fn small_datasets_are_held_decoded_without_codecs() {
        let (set, report) = within(GZIP_SHUFFLE, Limits::default());
        assert_eq!(report.refused().count(), 0);
        let array = array(&set, "d");
        assert!(array.metadata.filters.is_empty() && array.chunks.number.is_empty());
        let sizes: Vec<usize> = array.chunks.inline.values().map(bytes::Bytes::len).collect();
        let chunk: u64 = array.metadata.chunks.iter().product();
        assert!(sizes.iter().all(|size| *size == usize::try_from(chunk * 4).unwrap()), "{sizes:?}");
    }

    #[test]
    fn large_ones_and_all_where_that_is_wanted_are_refused() {
        assert_eq!(
            refused(GZIP_SHUFFLE, Limits { repair_bytes: 100, ..Limits::default() }),
            [format!("{REFUSAL}{HINT}")]
        );
        let wanted = |options: &mut Options| options.unsupported = UnsupportedPolicy::Refuse;
        let (_, report) = translated(GZIP_SHUFFLE, wanted).unwrap();
        assert_eq!(report.refused().map(|(path, why)| format!("{path}: {why}")).collect::<Vec<_>>(), [REFUSAL]);
    }
}
