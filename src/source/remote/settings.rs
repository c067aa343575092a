//! What options say of stores, in one set of words.

use std::collections::BTreeMap;
use std::io::{Error as Io, ErrorKind};
use std::str::FromStr;

use ::object_store::RetryConfig;
use ::object_store::aws::AmazonS3ConfigKey;
use ::object_store::azure::AzureConfigKey;
use ::object_store::gcp::GoogleConfigKey;

use super::options::RemoteOptions;
use crate::error::Error;

/// The words of `storage` that are told when another is given; others of `object_store` are taken as well.
const KNOWN: [&str; 27] = [
    "access_key_id",
    "account_key",
    "account_name",
    "anon",
    "application_credentials",
    "bearer_token",
    "client_id",
    "client_secret",
    "credentials_command",
    "endpoint",
    "endpoint_url",
    "key",
    "profile",
    "region",
    "requester_pays",
    "role_arn",
    "sas_token",
    "secret",
    "secret_access_key",
    "service_account",
    "service_account_key",
    "session_token",
    "skip_signature",
    "tenant_id",
    "token",
    "virtual_hosted_style_request",
    "web_identity_token_file",
];

/// Options with those of `storage` that this crate has words of its own for taken out of it.
#[derive(Clone)]
pub(super) struct Settings {
    pub(super) options: RemoteOptions,
    pub(super) profile: Option<String>,
}

impl Settings {
    /// # Errors
    /// [`Error::Io`] when a word is not known, or has a value that it does not take.
    pub(super) fn new(mut options: RemoteOptions) -> Result<Self, Error> {
        let mut profile = None;
        for (name, value) in std::mem::take(&mut options.storage) {
            let word = name.to_ascii_lowercase();
            match word.strip_prefix("aws_").unwrap_or(&word) {
                "anon" | "skip_signature" => options.anonymous |= truth(&name, &value)?,
                "requester_pays" | "request_payer" => options.requester_pays |= truth(&name, &value)?,
                "region" | "region_name" | "default_region" => options.region = Some(value),
                "endpoint" | "endpoint_url" | "endpoint_url_s3" => options.endpoint = Some(value),
                "profile" => profile = Some(value),
                "credentials_command" | "credential_process" => options.credentials_command = Some(value),
                "allow_http" => _ = truth(&name, &value)?,
                "key" => _ = options.storage.insert("access_key_id".to_owned(), value),
                "secret" => _ = options.storage.insert("secret_access_key".to_owned(), value),
                _ if is_known(&word) => _ = options.storage.insert(word, value),
                _ => return Err(wrong(&name, &format!("is not known; known are {}", KNOWN.join(", ")))),
            }
        }
        if let Some(endpoint) = &options.endpoint {
            let is_plain = reqwest::Url::parse(endpoint).is_ok_and(|url| {
                ["http", "https"].contains(&url.scheme()) && url.username().is_empty() && url.query().is_none()
            });
            if !is_plain {
                return Err(wrong("endpoint", "is no URL of http or https without a name, password or query"));
            }
        }
        Ok(Self { options, profile })
    }

    /// Settings that a kind of store has a word for.
    pub(super) fn of<K: FromStr>(&self) -> impl Iterator<Item = (K, &str)> {
        let storage: &BTreeMap<String, String> = &self.options.storage;
        storage.iter().filter_map(|(word, value)| Some((word.parse().ok()?, value.as_str())))
    }
}

fn is_known(word: &str) -> bool {
    let s3 = word.parse().is_ok_and(|key| !matches!(key, AmazonS3ConfigKey::Client(_) | AmazonS3ConfigKey::Bucket));
    let google = word.parse().is_ok_and(|key| !matches!(key, GoogleConfigKey::Client(_) | GoogleConfigKey::Bucket));
    let azure = word.parse().is_ok_and(|key| !matches!(key, AzureConfigKey::Client(_) | AzureConfigKey::ContainerName));
    s3 || google || azure
}

fn truth(name: &str, value: &str) -> Result<bool, Error> {
    match value.to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" | "on" => Ok(true),
        "false" | "0" | "no" | "off" => Ok(false),
        _ => Err(wrong(name, "is neither true nor false")),
    }
}

fn wrong(name: &str, why: &str) -> Error {
    // A name may be a value by mistake, and that a secret.
    let name: String = if name.len() > 60 { "of more than 60 characters".to_owned() } else { format!("\"{name}\"") };
    Error::io(format!("storage option {name}"), Io::new(ErrorKind::InvalidInput, why))
}

/// Requests are repeated where they are made, not where they are asked for.
pub(super) fn no_retries() -> RetryConfig {
    RetryConfig { max_retries: 0, ..RetryConfig::default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(words: &[(&str, &str)]) -> Result<Settings, String> {
        let storage = words.iter().map(|(word, value)| ((*word).to_owned(), (*value).to_owned())).collect();
        Settings::new(RemoteOptions { storage, ..RemoteOptions::default() }).map_err(|error| error.to_string())
    }

    #[test]
    fn words_of_fsspec_and_of_object_store_mean_the_same() {
        let fsspec = [
            ("key", "k"),
            ("secret", "s"),
            ("token", "t"),
            ("anon", "True"),
            ("endpoint_url", "http://h:1"),
            ("requester_pays", "yes"),
            ("profile", "p"),
        ];
        let settings_of = |words: &[(&str, &str)]| settings(words).unwrap();
        let fsspec = settings_of(&fsspec);
        let own = settings_of(&[
            ("AWS_ACCESS_KEY_ID", "k"),
            ("aws_secret_access_key", "s"),
            ("aws_session_token", "t"),
            ("aws_skip_signature", "1"),
            ("aws_endpoint", "http://h:1"),
            ("aws_request_payer", "on"),
        ]);
        for settings in [&fsspec, &own] {
            let s3: BTreeMap<String, &str> =
                settings.of::<AmazonS3ConfigKey>().map(|(key, value)| (key.as_ref().to_owned(), value)).collect();
            let expected = [("aws_access_key_id", "k"), ("aws_secret_access_key", "s"), ("aws_session_token", "t")];
            assert_eq!(s3, expected.map(|(key, value)| (key.to_owned(), value)).into());
            assert!(settings.options.anonymous && settings.options.requester_pays);
            assert_eq!(settings.options.endpoint.as_deref(), Some("http://h:1"));
        }
        assert_eq!(fsspec.profile.as_deref(), Some("p"));
    }

    #[test]
    fn words_that_are_not_known_are_errors_that_list_those_that_are() {
        for word in ["acces_key_id", "timeout", "bucket", "client_kwargs", "container_name"] {
            let error = settings(&[(word, "canary")]).err().unwrap();
            let start = format!("storage option \"{word}\": is not known; known are access_key_id, account_key, ");
            assert!(error.starts_with(&start) && !error.contains("canary"), "{error}");
        }
        for word in KNOWN {
            let value = if word.starts_with("endpoint") { "http://h" } else { "true" };
            assert!(settings(&[(word, value)]).is_ok(), "{word}");
        }
        let table = [
            ("anon", "canary", "storage option \"anon\": is neither true nor false"),
            (
                "endpoint",
                "canary",
                "storage option \"endpoint\": is no URL of http or https without a name, password or query",
            ),
            (
                "endpoint",
                "http://u:canary@h",
                "storage option \"endpoint\": is no URL of http or https without a name, password or query",
            ),
        ];
        for (word, value, told) in table {
            assert_eq!(settings(&[(word, value)]).err().unwrap(), told);
        }
    }

    #[test]
    fn values_are_not_told() {
        let storage = BTreeMap::from([("secret".to_owned(), "canary".to_owned())]);
        let command = Some("print canary".to_owned());
        let options = RemoteOptions { storage, credentials_command: command, ..RemoteOptions::default() };
        assert!(!format!("{options:?}").contains("canary"));
    }
}
