//! Limits of what an input may cost, as commands are given them.

use clap::Args;
use h5refs::Limits;

/// What an input may cost.
#[derive(Args, Clone)]
pub(crate) struct Limiting {
    /// Raise or lower a limit of what inputs may cost; K, M or G behind VALUE multiplies it by 1024, 1024^2 or 1024^3.
    #[arg(long, value_name = "NAME=VALUE", value_parser = limit, long_help = help())]
    limit: Vec<(String, u64)>,
}

impl Limiting {
    pub(crate) fn limits(&self) -> Limits {
        let mut limits = Limits::default();
        for (name, value) in &self.limit {
            // Each was tried when it was parsed.
            let _known = limits.set(name, *value);
        }
        limits
    }

    /// Whether one of them was given by name.
    pub(crate) fn sets(&self, name: &str) -> bool {
        self.limit.iter().any(|(known, _)| known == name)
    }
}

/// What `--help` says: all names, and the values that they have.
fn help() -> String {
    let defaults = format!("{:?}", Limits::default()).replace(": ", "=");
    let defaults = defaults.trim_start_matches("Limits { ").trim_end_matches(" }");
    format!(
        "Raise or lower a limit of what inputs may cost, so that one that nobody trusts costs no more; may be given several times. K, M or \
         G behind VALUE multiplies it by 1024, 1024^2 or 1024^3.\n\nThe limits are {defaults}"
    )
}

/// `NAME=VALUE`.
fn limit(argument: &str) -> Result<(String, u64), String> {
    let (name, value) = argument.split_once('=').ok_or("it is not NAME=VALUE")?;
    let parsed = number(value).ok_or_else(|| format!("{value} is no whole number, with or without K, M or G"))?;
    Limits::default().set(name, parsed).map_err(|error| error.to_string())?;
    Ok((name.to_owned(), parsed))
}

/// Digits, and a unit.
pub(crate) fn number(text: &str) -> Option<u64> {
    let digits = text.trim_end_matches(|c: char| !c.is_ascii_digit());
    let unit: u64 = match text.get(digits.len()..)? {
        "" => 1,
        "K" => 1 << 10,
        "M" => 1 << 20,
        "G" => 1 << 30,
        _ => return None,
    };
    // Rust's own numbers may begin with a plus sign.
    let digits = Some(digits).filter(|digits| digits.bytes().all(|digit| digit.is_ascii_digit()))?;
    digits.parse::<u64>().ok()?.checked_mul(unit)
}

/// What the library says, with a limit by the option that raises it.
pub(crate) fn by_option(text: &str) -> String {
    let mut parts = text.split(FIELD);
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |told, rest| told + &named(rest).unwrap_or_else(|| format!("{FIELD}{rest}")))
}

/// How the library names a limit.
const FIELD: &str = "Limits::";

/// What begins with the name of a limit: as the option, and where its value was exceeded with both.
fn named(text: &str) -> Option<String> {
    let end = text.find(|c: char| !c.is_ascii_lowercase() && c != '_').unwrap_or(text.len());
    let (name, rest) = text.split_at_checked(end)?;
    if !Limits::NAMES.contains(&name) {
        return None;
    }
    match rest.split_once("; raise it if the file is trusted") {
        Some((value, rest)) if value.strip_prefix(" = ").and_then(number).is_some() => {
            Some(format!("the limit {name}{value}; raise it with --limit {name}=VALUE if the file is trusted{rest}"))
        }
        _ => Some(format!("--limit {name}=VALUE{rest}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_a_name_and_a_number_with_or_without_a_unit() {
        for (argument, name, value) in [
            ("chunks=7", "chunks", 7),
            ("metadata_bytes=2G", "metadata_bytes", 2 << 30),
            ("header_bytes=3M", "header_bytes", 3 << 20),
            ("key_bytes=64K", "key_bytes", 64 << 10),
            ("rounds=18446744073709551615", "rounds", u64::MAX),
        ] {
            assert_eq!(limit(argument), Ok((name.to_owned(), value)), "{argument}");
        }
        for wrong in
            ["chunks", "chunks=", "chunks=K", "chunks=-1", "chunks=+1", "chunks=1.5G", "chunks=1KB", "chunks=1k"]
        {
            assert!(limit(wrong).is_err(), "{wrong}");
        }
        assert!(limit("chunks=18446744073709551615K").is_err());
        let error = limit("chunk=7").unwrap_err();
        assert!(error.starts_with("no limit is called chunk: there are metadata_bytes, structures, "), "{error}");
    }

    #[test]
    fn the_last_of_several_holds_and_others_stay() {
        let limit = vec![("chunks".to_owned(), 1), ("paths".to_owned(), 2), ("chunks".to_owned(), 3)];
        let given = Limiting { limit };
        let limits = given.limits();
        assert_eq!((limits.chunks, limits.paths, limits.rounds), (3, 2, Limits::default().rounds));
        assert!(given.sets("paths") && !given.sets("rounds"));
    }

    #[test]
    fn a_limit_is_told_by_the_option_that_raises_it() {
        let error = "/d: 9 exceeds Limits::chunk_bytes = 8; raise it if the file is trusted, and more";
        let told = "/d: 9 exceeds the limit chunk_bytes = 8; raise it with --limit chunk_bytes=VALUE if the file is trusted, and more";
        assert_eq!(by_option(error), told);
        assert_eq!(by_option("too large (Limits::repair_bytes)"), "too large (--limit repair_bytes=VALUE)");
        assert_eq!(by_option("Limits::paths"), "--limit paths=VALUE");
        for same in ["", "no limit", "Limits::", "Limits::nothing = 8; raise it if the file is trusted"] {
            assert_eq!(by_option(same), same);
        }
    }

    #[test]
    fn help_tells_each_limit_and_its_value() {
        let help = help();
        assert!(Limits::NAMES.iter().all(|name| help.contains(&format!("{name}="))), "{help}");
        assert!(help.contains("metadata_bytes=1073741824, structures=10000000"), "{help}");
    }
}
