//! `h5refs rename`: files of references, called otherwise.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::Args;
use h5refs::edit::{longest_prefix, rename};
use regex::Regex;

use crate::{Ending, finish, naming, references_in, references_out, say};

/// Call the files of references by other URLs.
///
/// For each URL the map counts, else the longest prefix that fits, else the first regular expression that is found in it. How many URLs
/// were changed is a line on standard error. Where there is none the references are written all the same, and the exit code is 3.
#[derive(Args)]
#[command(group = clap::ArgGroup::new("renames").required(true).multiple(true))]
pub(crate) struct Arguments {
    /// The references: JSON, compressed or not, or a folder of Parquet.
    references: PathBuf,
    /// Replace the beginning OLD of URLs by NEW; of several that fit the longest.
    #[arg(long, value_name = "OLD=NEW", value_parser = naming::rename, group = "renames")]
    prefix: Vec<(String, String)>,
    /// Replace what PATTERN finds in URLs by REPLACEMENT, in which $1 and ${name} are groups of the pattern and $$ is a dollar sign.
    #[arg(long, num_args = 2, value_names = ["PATTERN", "REPLACEMENT"], group = "renames", allow_hyphen_values = true)]
    regex: Vec<String>,
    /// A JSON object: URLs, and what they are called instead.
    #[arg(long, value_name = "FILE", group = "renames")]
    map: Option<PathBuf>,
    /// Only the number of changed URLs where there is none.
    #[arg(short, long)]
    quiet: bool,
    #[command(flatten)]
    opening: references_in::Opening,
    #[command(flatten)]
    to: references_out::Destination,
}

pub(crate) fn run(arguments: &Arguments) -> Ending {
    finish(change(arguments))
}

fn change(arguments: &Arguments) -> Result<Ending, String> {
    let form = arguments.to.references()?;
    let map = arguments.map.as_deref().map(read_map).transpose()?.unwrap_or_default();
    let patterns = patterns(&arguments.regex)?;
    let name = |url: &str| {
        let by_pattern = || {
            let fitting = patterns.iter().find(|(pattern, _)| pattern.is_match(url));
            fitting.map(|(pattern, replacement)| pattern.replace_all(url, *replacement).into_owned())
        };
        map.get(url).cloned().or_else(|| longest_prefix(&arguments.prefix, url)).or_else(by_pattern)
    };
    let (mut set, ending) = arguments.opening.open(&arguments.references)?;
    let urls = set.urls.len();
    let renamed = rename(&mut set, name).map_err(|error| error.to_string())?;
    form.write_alone(&set, &arguments.to.output)?;
    if !arguments.quiet || renamed.changed == 0 {
        let merged =
            if renamed.merged > 0 { format!(", {} the same as others", renamed.merged) } else { String::new() };
        say(&format!("h5refs: {} of {urls} URLs changed{merged}", renamed.changed));
    }
    Ok(if renamed.changed == 0 { ending.max(Ending::Refused) } else { ending })
}

fn read_map(path: &Path) -> Result<BTreeMap<String, String>, String> {
    let told = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
    let text = std::fs::read(path).map_err(|error| told(&error))?;
    serde_json::from_slice(&text).map_err(|error| told(&error))
}

/// Pairs of a pattern and a replacement, whose groups are all there.
fn patterns(arguments: &[String]) -> Result<Vec<(Regex, &str)>, String> {
    let pairs = arguments.chunks_exact(2).filter_map(|pair| pair.split_first());
    let pairs = pairs.map(|(pattern, replacement)| {
        let pattern = Regex::new(pattern).map_err(|error| error.to_string())?;
        let replacement = replacement.first().map_or("", String::as_str);
        match groups(replacement).find(|group| !has_group(&pattern, group)) {
            Some(group) => Err(format!("--regex {pattern}: {replacement} names the group {group:?}, which it has not")),
            None => Ok((pattern, replacement)),
        }
    });
    pairs.collect()
}

/// The groups that a replacement names, as the crate regex reads them.
fn groups(replacement: &str) -> impl Iterator<Item = &str> {
    let mut rest = replacement;
    std::iter::from_fn(move || {
        loop {
            let (_, after) = rest.split_once('$')?;
            rest = after;
            if let Some(after) = rest.strip_prefix('$') {
                rest = after;
                continue;
            }
            if let Some((name, after)) = rest.strip_prefix('{').and_then(|rest| rest.split_once('}')) {
                rest = after;
                return Some(name);
            }
            let letter = |c: char| c.is_ascii_alphanumeric() || c == '_';
            let (name, after) = rest.split_at_checked(rest.find(|c| !letter(c)).unwrap_or(rest.len()))?;
            rest = after;
            if !name.is_empty() {
                return Some(name);
            }
        }
    })
}

fn has_group(pattern: &Regex, group: &str) -> bool {
    match group.parse::<usize>() {
        Ok(number) => number < pattern.captures_len(),
        Err(_) => pattern.capture_names().flatten().any(|name| name == group),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_replacement_names_groups_that_the_pattern_has() {
        let told =
            |pattern: &str, replacement: &str| patterns(&[pattern.to_owned(), replacement.to_owned()]).map(|_| ());
        for (pattern, replacement) in
            [("a", "b"), ("(a)", "$1"), ("(?<x>a)", "${x}y$$z"), ("(a)", "${1}a$0"), ("a", "$ $"), ("a", "")]
        {
            assert_eq!(told(pattern, replacement), Ok(()), "{pattern} {replacement}");
        }
        for (pattern, replacement) in [("(a)", "$1a"), ("a", "$1"), ("(?<x>a)", "$y"), ("(a)", "${}")] {
            assert!(told(pattern, replacement).unwrap_err().contains("which it has not"), "{pattern} {replacement}");
        }
        assert!(told("(", "").is_err());
    }
}
