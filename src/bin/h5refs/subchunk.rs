//! `h5refs subchunk`: smaller chunks of data without filters.

use std::path::PathBuf;

use clap::Args;
use h5refs::edit::{Split, subchunk};

use crate::{Ending, finish, references_in, references_out, say, size};

/// Split the chunks of arrays without filters and compressor into smaller ones, along their first dimensions.
///
/// A chunk that is compressed can only be read whole, so that such arrays are refused, as are whole files. The pieces of a chunk are
/// equal, and each lies in one piece in its file.
#[derive(Args)]
pub(crate) struct Arguments {
    /// The references: JSON, compressed or not, or a folder of Parquet.
    references: PathBuf,
    /// An array, and how its chunks are split: into FACTOR pieces (as t2m=8: the first dimension, then the next), into N along a dimension
    /// (t2m=time:4 or t2m=time:4,level:2), into pieces of at most so many bytes (t2m=4MiB), or of a shape (t2m=1x180x360).
    #[arg(required = true, value_name = "VARIABLE=HOW", value_parser = how)]
    splits: Vec<(String, Split)>,
    /// Nothing but errors.
    #[arg(short, long)]
    quiet: bool,
    #[command(flatten)]
    opening: references_in::Opening,
    #[command(flatten)]
    to: references_out::Destination,
}

pub(crate) fn run(arguments: &Arguments) -> Ending {
    finish(split(arguments))
}

fn split(arguments: &Arguments) -> Result<Ending, String> {
    let form = arguments.to.references()?;
    let (mut set, ending) = arguments.opening.open(&arguments.references)?;
    for (path, how) in &arguments.splits {
        let path = path.trim_matches('/');
        let made = subchunk(&mut set, path, how, &arguments.opening.limits()).map_err(|error| error.to_string())?;
        if !arguments.quiet {
            say(&format!("h5refs: {path}: chunks {:?} are {:?} now, {} of them", made.before, made.after, made.chunks));
        }
    }
    form.write_alone(&set, &arguments.to.output)?;
    Ok(ending)
}

/// `VARIABLE=HOW`.
fn how(argument: &str) -> Result<(String, Split), String> {
    let (path, how) = argument.rsplit_once('=').ok_or("it is not VARIABLE=HOW")?;
    let split = if how.contains(':') {
        dimensions(how)
    } else if how.contains('x') {
        how.split('x').map(|size| size.parse().ok()).collect::<Option<_>>().map(Split::Shape)
    } else {
        how.parse().ok().map(Split::Factor).or_else(|| size::bytes(how).map(Split::Bytes))
    };
    let split =
        split.ok_or_else(|| format!("{how} is none of FACTOR, DIM:N, a size as 4MiB, and a shape as 1x180x360"))?;
    Ok((path.to_owned(), split))
}

/// `DIM:N`, several separated by commas.
fn dimensions(text: &str) -> Option<Split> {
    let counts = text.split(',').map(|one| {
        let (name, count) = one.rsplit_once(':')?;
        Some((name.to_owned(), count.parse().ok()?))
    });
    counts.collect::<Option<_>>().map(Split::Dimensions)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_split_is_a_factor_dimensions_bytes_or_a_shape() {
        let of = |text: &str| how(text).map(|(path, split)| (path, format!("{split:?}")));
        let expected = [
            ("a=8", "a", "Factor(8)"),
            ("g/a=b=8", "g/a=b", "Factor(8)"),
            ("a=t:4", "a", "Dimensions([(\"t\", 4)])"),
            ("a=t:4,y:2", "a", "Dimensions([(\"t\", 4), (\"y\", 2)])"),
            ("a=4MiB", "a", "Bytes(4194304)"),
            ("a=1000B", "a", "Bytes(1000)"),
            ("a=1x3x10", "a", "Shape([1, 3, 10])"),
        ];
        for (text, path, split) in expected {
            assert_eq!(of(text), Ok((path.to_owned(), split.to_owned())), "{text}");
        }
        for wrong in ["a", "a=", "a=-1", "a=t:", "a=t:x", "a=4mb", "a=1x", "a=1.5MiB", "a=99999999999GiB"] {
            assert!(of(wrong).is_err(), "{wrong}");
        }
    }
}
