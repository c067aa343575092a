//! Numbers of bytes with their units.

/// A number of bytes with a unit.
pub(crate) fn bytes(text: &str) -> Option<u64> {
    let (number, unit) = text.split_at_checked(text.find(|c: char| !c.is_ascii_digit())?)?;
    let unit = match unit {
        "B" => 1,
        "kB" => 1_000,
        "MB" => 1_000_000,
        "GB" => 1_000_000_000,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(unit)
}

/// The same, or a number of bytes without a unit, as an argument.
pub(crate) fn argument(text: &str) -> Result<u64, String> {
    let number = text.parse().ok().filter(|_| text.bytes().all(|digit| digit.is_ascii_digit()));
    number.or_else(|| bytes(text)).ok_or_else(|| format!("{text} is no size as 500MB, 64MiB or 1000"))
}

/// Bytes as they are told: with a unit, and three digits.
pub(crate) fn told(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["B", "kB", "MB", "GB", "TB"];
    let (mut whole, mut tenths, mut unit) = (bytes, 0, 0);
    while whole >= 1000 && unit + 1 < UNITS.len() {
        (whole, tenths, unit) = (whole / 1000, whole % 1000 / 100, unit + 1);
    }
    let unit = UNITS.get(unit).unwrap_or(&"");
    if whole < 100 && *unit != "B" { format!("{whole}.{tenths} {unit}") } else { format!("{whole} {unit}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_has_a_unit_or_none() {
        for (text, size) in [("0", 0), ("1000", 1000), ("5B", 5), ("10MB", 10_000_000), ("2GiB", 2 << 30)] {
            assert_eq!(argument(text), Ok(size));
        }
        for wrong in ["", "MB", "-1", "+1", "1.5MB", "1mb", "1 MB", "99999999999GiB"] {
            assert!(argument(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_size_is_told_in_three_digits() {
        for (size, text) in
            [(0, "0 B"), (999, "999 B"), (4_048, "4.0 kB"), (36_091_008, "36.0 MB"), (120_000_000, "120 MB")]
        {
            assert_eq!(told(size), text);
        }
        assert_eq!(told(u64::MAX), "18446744 TB");
    }
}
