//! `h5refs outline`: inline chunks written to a file.

use std::path::{Path, PathBuf};

use clap::Args;
use h5refs::edit::outline;

use crate::output::Named;
use crate::sidecar::{Part, Target};
use crate::{Ending, finish, parts, references_in, references_out, say, signals};

/// Write the chunks that references hold to a file, and refer to them there, for readers that read nothing inline (VirtualiZarr).
///
/// A file that some of the references lead to already is not replaced.
#[derive(Args)]
pub(crate) struct Arguments {
    /// The references: JSON, compressed or not, or a folder of Parquet.
    references: PathBuf,
    /// The file for the chunks (default: the output's name and ".sidecar").
    #[arg(long, value_name = "FILE")]
    sidecar: Option<PathBuf>,
    /// What references call that file (default: its absolute path).
    #[arg(long, value_name = "URL")]
    sidecar_url: Option<String>,
    /// Output file, or folder of Parquet; - is standard output.
    #[arg(short, long, value_name = "OUT")]
    output: PathBuf,
    /// Nothing but errors.
    #[arg(short, long)]
    quiet: bool,
    #[command(flatten)]
    opening: references_in::Opening,
    #[command(flatten)]
    form: references_out::Form,
}

pub(crate) fn run(arguments: &Arguments) -> Ending {
    finish(write(arguments))
}

fn write(arguments: &Arguments) -> Result<Ending, String> {
    let form = arguments.form.references(Some(&arguments.output))?;
    if arguments.output == Path::new("-") && arguments.sidecar.is_none() {
        return Err("references on standard output have no file beside them: name one with --sidecar FILE".to_owned());
    }
    let target = Target::new(&arguments.output, arguments.sidecar.as_deref(), arguments.sidecar_url.as_deref(), &[])?;
    target.refuse_other_files([arguments.references.as_path(), arguments.output.as_path()])?;
    let (mut set, ending) = arguments.opening.open(&arguments.references)?;
    let leads_there = set.urls.contains(&target.url);
    let work = || {
        let mut part = Part::new(&target.path)?;
        let bytes =
            outline(&mut set, &target.url, &mut part).map_err(|error| format!("{}: {error}", target.path.display()))?;
        if leads_there && bytes > 0 {
            let told =
                "references lead to it already, and it would be another file: name a new one with --sidecar FILE";
            return Err(format!("{}: {told}", target.path.display()));
        }
        let written = form.write_with_sidecar(&set, &arguments.output, Named::Now, Some(part));
        written.map(|()| bytes).map_err(|error| error.to_string())
    };
    parts::remove_dead(&arguments.output);
    let clear = || [&arguments.output, &target.path].into_iter().for_each(|path| parts::remove_own(path));
    let bytes = signals::cleared(clear, work)?;
    if !arguments.quiet {
        say(&format!("h5refs: {}: {bytes} bytes", target.path.display()));
    }
    Ok(ending)
}
