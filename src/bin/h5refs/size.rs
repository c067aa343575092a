//! Sizes in bytes.

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

/// The same for an option, for which a number without a unit counts bytes.
pub(crate) fn option(text: &str) -> Result<u64, String> {
    text.parse().ok().or_else(|| bytes(text)).ok_or_else(|| format!("{text} is no number of bytes, as 100MB or 64KiB"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_unit_is_a_power_of_ten_or_of_two() {
        assert_eq!(
            ["1B", "2kB", "3MiB", "4GB", "5", "6mb", "1.5MB"].map(bytes),
            [Some(1), Some(2_000), Some(3 << 20), Some(4_000_000_000), None, None, None]
        );
        assert_eq!((option("5"), option("5KiB")), (Ok(5), Ok(5 << 10)));
        assert!(option("five").unwrap_err().starts_with("five is no number of bytes"));
    }
}
