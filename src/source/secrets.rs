//! URLs as they may be told.

/// A text with the URLs in it as they may be told: without queries, which may be signatures, and without names and passwords.
pub fn without_secrets(text: &str) -> String {
    let is_border = |c: char| c.is_whitespace() || "\"'()<>,;".contains(c);
    text.split_inclusive(is_border).map(|word| told(word, is_border)).collect()
}

/// A URL of references as it may be told, as [`without_secrets`] has it; paths are told as they are.
pub fn told_url(url: &str) -> String {
    if url.contains("://") { without_secrets(url) } else { url.to_owned() }
}

fn told(word: &str, is_border: impl Fn(char) -> bool) -> String {
    let (url, border) = match word.char_indices().next_back() {
        Some((at, last)) if is_border(last) => word.split_at(at),
        _ => (word, ""),
    };
    let (plain, query) = url.split_once('?').map_or((url, ""), |(plain, _)| (plain, "?.."));
    let Some((scheme, rest)) = plain.split_once("://") else { return format!("{plain}{query}{border}") };
    let (authority, path) = rest.find('/').map_or((rest, ""), |at| rest.split_at(at));
    let host = match authority.rsplit_once('@') {
        Some((_, host)) if !names_container(scheme) => format!("..@{host}"),
        _ => authority.to_owned(),
    };
    format!("{scheme}://{host}{path}{query}{border}")
}

/// Whether what comes before `@` is a container, as in Azure's `abfs://container@account.dfs.core.windows.net/`.
pub(super) fn names_container(scheme: &str) -> bool {
    ["abfs", "abfss"].contains(&scheme)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_told_without_queries_and_passwords() {
        let text = "error for (https://u:p@h/a?sig=s), \"https://h/b?X-Amz-Signature=t\"; /c?sv=1 s3://b/k what?";
        let told = "error for (https://..@h/a?..), \"https://h/b?..\"; /c?.. s3://b/k what?..";
        assert_eq!(without_secrets(text), told);
        assert_eq!(without_secrets("https://name@h"), "https://..@h");
        assert_eq!(without_secrets("abfs://container@h/k"), "abfs://container@h/k");
    }
}
