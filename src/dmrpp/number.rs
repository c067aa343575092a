//! Numbers as sidecars write them.

/// A number of digits only.
pub(crate) fn number(text: &str) -> Option<u64> {
    let text = text.trim();
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

/// Numbers with blanks between.
pub(crate) fn numbers(text: &str, most: usize) -> Option<Vec<u64>> {
    let numbers: Option<Vec<u64>> = text.split_ascii_whitespace().take(most.saturating_add(1)).map(number).collect();
    numbers.filter(|numbers| !numbers.is_empty() && numbers.len() <= most)
}
