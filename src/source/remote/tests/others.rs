//! Google's and Azure's stores, as far as a server sees that is asked as one.

use std::collections::BTreeMap;

use super::*;

fn read(server: &Server, url: &str, words: &[(&str, &str)]) -> Request {
    let storage: BTreeMap<String, String> =
        words.iter().map(|(word, value)| ((*word).to_owned(), (*value).to_owned())).collect();
    let options = RemoteOptions { anonymous: false, endpoint: Some(server.address.clone()), storage, ..quick() };
    let sources = RemoteSources::new(options).unwrap().allow(url).unwrap();
    assert_eq!(sources.first(url, 3).unwrap().1, &bytes()[..3]);
    assert!(!format!("{sources:?}").contains("canary"));
    server.last()
}

#[test]
fn a_bucket_of_google_is_read_with_a_token_or_without() {
    let server = Server::new(|request, _| Reply::Send(file(request, &bytes())));
    let asked = read(&server, "gs://bucket/a b/k", &[("bearer_token", "canary")]);
    assert_eq!((asked.target.as_str(), &*asked.headers["authorization"]), ("/bucket/a%20b%2Fk", "Bearer canary"));
    for words in [[("anon", "true")], [("token", "anon")]] {
        assert!(!read(&server, "gcs://bucket/k", &words).headers.contains_key("authorization"));
    }
}

#[test]
fn a_container_of_azure_is_read_with_a_key_a_signature_or_neither() {
    let server = Server::new(|request, _| Reply::Send(file(request, &bytes())));
    let asked = read(&server, "abfs://c@acc.dfs.core.windows.net/a/k", &[("account_key", "Y2FuYXJ5")]);
    assert!(asked.target.ends_with("/c/a/k"), "{}", asked.target);
    assert!(asked.headers["authorization"].starts_with("SharedKey acc:"), "{asked:?}");
    let asked = read(&server, "az://c/k", &[("account_name", "acc"), ("sas_token", "sv=1&sig=canary")]);
    assert!(asked.target.contains("sig=canary"), "{}", asked.target);
    let asked = read(&server, "az://c/k", &[("account_name", "acc"), ("anon", "1")]);
    assert!(!asked.headers.contains_key("authorization") && !asked.target.contains('?'), "{asked:?}");
}

#[test]
fn a_refused_signature_of_azure_is_not_told() {
    let server = Server::new(|_, _| {
        Reply::Send(answer("403 Forbidden", &[], b"<Error><Code>AuthenticationFailed</Code></Error>"))
    });
    let storage = [("account_name", "acc"), ("sas_token", "sv=1&sig=canary")];
    let storage = storage.into_iter().map(|(word, value)| (word.to_owned(), value.to_owned())).collect();
    let options = RemoteOptions { anonymous: false, endpoint: Some(server.address.clone()), storage, ..quick() };
    let sources = RemoteSources::new(options).unwrap().allow("az://c").unwrap();
    for error in [sources.state("az://c/k").unwrap_err(), sources.list("az://c/").unwrap_err()] {
        let told = format!("{error}{error:?}");
        assert!(told.contains("403 Forbidden (AuthenticationFailed)") && !told.contains("canary"), "{told}");
    }
}
