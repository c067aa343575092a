//! `h5refs dump`: the header of a file or a dataset as CDL.

use clap::Args;

use crate::opening::OneFile;
use crate::{Ending, dap, print};

/// Print dimensions, variables and attributes as CDL, like "ncdump -h".
#[derive(Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    input: OneFile,
    #[command(flatten)]
    dap: dap::Asking,
}

pub(crate) fn run(arguments: &Arguments) -> Ending {
    let mut told = Ending::Well;
    let ending = print(&arguments.input.file.to_string(), |out| {
        let name = arguments.input.file.file_stem().unwrap_or_default();
        if let Some(url) = arguments.dap.url(&arguments.input.file)? {
            told = dataset(arguments, url, &name, out)?;
            return Ok(());
        }
        let tree = h5refs::tree(&arguments.input.open()?, arguments.input.limits())?;
        h5refs::write_cdl(&tree, &name, out)?;
        Ok(())
    });
    ending.max(told)
}

#[cfg(feature = "dap")]
fn dataset(
    arguments: &Arguments,
    url: &str,
    name: &str,
    out: &mut dyn std::io::Write,
) -> Result<Ending, Box<dyn std::error::Error>> {
    let options = arguments.dap.options(arguments.input.reading(), arguments.input.limits())?;
    let dataset = dap::dap_origin(url, options)?;
    let told = dap::tell(&dataset);
    dataset.write_cdl(name, out)?;
    Ok(told)
}

#[cfg(not(feature = "dap"))]
fn dataset(_: &Arguments, _: &str, _: &str, _: &mut dyn std::io::Write) -> Result<Ending, Box<dyn std::error::Error>> {
    Err(dap::refused().into())
}
