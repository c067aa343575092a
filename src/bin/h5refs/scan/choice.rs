//! Which inputs a scan works on, by what they declare: `--where` and `--list-only`.

use std::collections::BTreeMap;
use std::io::Write;

use h5refs::batch::{Batch, Condition, Failure};
use h5refs::{Input, Limits};

use super::Arguments;
use crate::location::Location;
use crate::opening;
use crate::remote::{self, Remote};
use crate::{Ending, escaped, print_error, without_name};

/// `dim:NAME=N`, `attr:NAME=VALUE`.
pub(super) fn condition(argument: &str) -> Result<Condition, h5refs::Error> {
    argument.parse()
}

/// Why an input is left out, if it is: the first condition that it does not satisfy.
pub(super) fn left_out(
    input: &Input,
    conditions: &[Condition],
    limits: Limits,
) -> Result<Option<String>, h5refs::Error> {
    if conditions.is_empty() {
        return Ok(None);
    }
    let header = h5refs::header(input, limits)?;
    Ok(conditions.iter().find_map(|condition| condition.judge(&header).err()))
}

/// Prints the inputs that satisfy all conditions, in their order, and translates none.
pub(super) fn list(arguments: &Arguments, inputs: &[Location], remote: &Remote) -> Ending {
    let judge = |location: &&Location| -> Result<bool, Failure> {
        let told = |error: h5refs::Error| Failure::new(without_name(&location.to_string(), &error));
        let input = opening::open(location, remote).map_err(told)?.input;
        let left_out = left_out(&input, &arguments.conditions, arguments.limits()).map_err(told)?;
        Ok(left_out.is_none())
    };
    let (mut waiting, mut next, mut listed, mut failed) = (BTreeMap::new(), 0_u64, 0_u64, 0_u64);
    let batch = Batch::new(remote::jobs(arguments.jobs, inputs));
    let ended = batch.run(inputs.iter(), judge, |finished| {
        waiting.insert(finished.number, (*finished.input, finished.outcome));
        while let Some((location, outcome)) = waiting.remove(&next) {
            next = next.saturating_add(1);
            match outcome {
                Ok(true) => {
                    listed = listed.saturating_add(1);
                    writeln!(std::io::stdout(), "{location}")?;
                }
                Ok(false) => {}
                Err(failure) => {
                    failed = failed.saturating_add(1);
                    print_error(&escaped(&format!("h5refs: {location}: {}", failure.reason)));
                }
            }
        }
        Ok::<(), std::io::Error>(())
    });
    if !arguments.quiet {
        let files = inputs.len();
        print_error(&format!("h5refs: {listed} of {files} files fit"));
    }
    match ended {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ending::Well,
        Err(error) => {
            print_error(&format!("h5refs: standard output: {error}"));
            Ending::Failed
        }
        Ok(_) if failed > 0 && listed == 0 && failed == next => Ending::Failed,
        Ok(_) if failed > 0 => Ending::Refused,
        Ok(_) => Ending::Well,
    }
}
