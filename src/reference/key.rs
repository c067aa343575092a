//! Keys of a Zarr store: paths, documents and chunks.

use super::grid;
use crate::zarr::Separator;

/// The part of a key before its last slash, without it, and the rest.
pub(crate) fn split(key: &str) -> (&str, &str) {
    key.rsplit_once('/').unwrap_or(("", key))
}

/// The key of something in a group or array.
pub(crate) fn joined(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}/{name}") }
}

/// Why a text cannot be a key.
pub(crate) fn problem(key: &str) -> Option<&'static str> {
    let parts = || key.split('/');
    if key.is_empty() {
        Some("is empty")
    } else if key.contains('\0') {
        Some("has a NUL")
    } else if parts().any(str::is_empty) {
        Some("has an empty part")
    } else if parts().any(|part| matches!(part, "." | "..")) {
        Some("has a part that leads elsewhere")
    } else {
        None
    }
}

/// The number of the chunk that a key names in its array: decimal numbers without leading zeros, inside the grid.
pub(crate) fn chunk_number(name: &str, separator: Separator, chunks: &[u64]) -> Option<u64> {
    let separator = match separator {
        Separator::Dot => '.',
        Separator::Slash => '/',
    };
    if chunks.is_empty() {
        return (name == "0").then_some(0);
    }
    let mut number = 0_u64;
    let mut sizes = chunks.iter();
    for part in name.split(separator) {
        let is_canonical = part.bytes().all(|digit| digit.is_ascii_digit()) && (part == "0" || !part.starts_with('0'));
        let place: u64 = part.parse().ok().filter(|_| is_canonical)?;
        let size = sizes.next().filter(|size| place < **size)?;
        number = number.checked_mul(*size)?.checked_add(place)?;
    }
    sizes.next().is_none().then_some(number)
}

/// The name of a chunk: its position, with dots.
pub(crate) fn chunk_name(number: u64, chunks: &[u64]) -> String {
    let position: Vec<String> = grid::position(number, chunks).iter().map(u64::to_string).collect();
    if position.is_empty() { "0".to_owned() } else { position.join(".") }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_chunk_has_one_name() {
        let number = |name: &str| chunk_number(name, Separator::Dot, &[2, 3]);
        assert_eq!((number("0.0"), number("1.2")), (Some(0), Some(5)));
        for wrong in [
            "",
            "0",
            "0.3",
            "2.0",
            "0.0.0",
            "00.0",
            "-1.0",
            "+1.0",
            "0x1.0",
            "1e0.0",
            "0/0",
            "0.",
            "0.18446744073709551616",
        ] {
            assert_eq!(number(wrong), None, "{wrong}");
        }
        assert_eq!(chunk_number("1/2", Separator::Slash, &[2, 3]), Some(5));
        assert_eq!((chunk_number("0", Separator::Dot, &[]), chunk_number("1", Separator::Dot, &[])), (Some(0), None));
        assert_eq!(chunk_number("1.1", Separator::Dot, &[u64::MAX, u64::MAX]), None);
        assert_eq!(chunk_name(0, &[]), "0");
    }

    #[test]
    fn a_key_leads_nowhere_else() {
        for wrong in ["", "/", "/a/0", "../x", "a/../b", "./a", "a//0", "a/", "a\0b"] {
            assert!(problem(wrong).is_some(), "{wrong:?}");
        }
        for right in [".zgroup", "a/0.0", "té/0", "C:/x", "a\\0"] {
            assert_eq!(problem(right), None, "{right:?}");
        }
    }

    proptest! {
        #[test]
        fn a_name_is_read_back(sizes in prop::collection::vec(1_u64..9, 0..5), n in any::<u64>()) {
            let n = n % sizes.iter().product::<u64>();
            prop_assert_eq!(chunk_number(&chunk_name(n, &sizes), Separator::Dot, &sizes), Some(n));
        }
    }
}
