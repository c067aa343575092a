//! Buckets of S3.

mod command;
mod profile;
mod time;

use std::io::{Error as Io, ErrorKind};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use ::object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey as Key};

use super::crypto::Crypto;
use super::opened::Opened;
use super::settings::{Settings, no_retries};
use super::transport::{Line, Transport};
use crate::error::Error;
use crate::source::object_store::Runtime;
use command::Command;
use profile::Profile;

/// Where it is asked in which region a bucket lies.
const ANYWHERE: &str = "https://s3.amazonaws.com";

/// A bucket as a store.
pub(super) fn open(
    bucket: &str,
    settings: &Settings,
    transport: &Arc<Transport>,
    runtime: &Runtime,
) -> Result<Opened, Error> {
    let failed = |why: String| Error::io(format!("s3://{bucket}"), Io::new(ErrorKind::PermissionDenied, why));
    let options = &settings.options;
    let mut line = Line { transport: Arc::clone(transport), follows: false, query: None, expired: None };
    let mut builder = environment(settings, std::env::vars());
    for (key, value) in settings.of::<Key>() {
        builder = builder.with_config(key, value);
    }
    if let Some(endpoint) = &options.endpoint {
        builder = builder.with_endpoint(endpoint);
    }
    let mut region = options.region.clone().or_else(|| builder.get_config_value(&Key::Region));
    if options.anonymous {
        builder = builder.with_skip_signature(true);
    } else {
        let profile = Profile::of(settings.profile.as_deref()).map_err(failed)?;
        region = region.or_else(|| profile.region.clone());
        builder = credentials(builder, settings, profile, &mut line).map_err(failed)?;
    }
    let has_endpoint = [Key::Endpoint, Key::S3Endpoint].iter().any(|key| builder.get_config_value(key).is_some());
    if region.is_none() && !has_endpoint {
        let (transport, url) = (Arc::clone(transport), format!("{ANYWHERE}/{bucket}"));
        region = runtime.run(async move { transport.header(&url, "x-amz-bucket-region").await }).flatten();
    }
    let builder = builder
        .with_bucket_name(bucket)
        .with_region(region.unwrap_or_else(|| "us-east-1".to_owned()))
        .with_request_payer(options.requester_pays)
        .with_crypto_provider(Arc::new(Crypto))
        .with_retry(no_retries())
        .with_http_connector(line);
    let store = builder.build().map_err(|_| failed("the settings of the store contradict each other".to_owned()))?;
    Ok(Opened::of(store))
}

/// What the environment says, with its credentials only if no others are given: a token there belongs to the key there.
fn environment(settings: &Settings, variables: impl Iterator<Item = (String, String)>) -> AmazonS3Builder {
    let is_credential = |key: &Key| matches!(key, Key::AccessKeyId | Key::SecretAccessKey | Key::Token);
    let is_given = settings.profile.is_some()
        || settings.options.credentials_command.is_some()
        || settings.of::<Key>().any(|(key, _)| is_credential(&key));
    let said = variables.filter_map(|(name, value)| {
        let name = name.starts_with("AWS_").then(|| name.to_ascii_lowercase())?;
        Some((name.parse().ok()?, value)).filter(|(_, value)| !value.is_empty())
    });
    let said: Vec<(Key, String)> = said.filter(|(key, _)| !matches!(key, Key::Client(_) | Key::Bucket)).collect();
    let has = |key: &Key| said.iter().any(|(said, _)| said == key);
    let takes = !is_given && has(&Key::AccessKeyId) && has(&Key::SecretAccessKey);
    let taken = said.iter().filter(|(key, _)| takes || !is_credential(key));
    taken.fold(AmazonS3Builder::new(), |builder, (key, value)| builder.with_config(*key, value))
}

/// The builder with credentials, from the first place that has any.
fn credentials(
    builder: AmazonS3Builder,
    settings: &Settings,
    profile: Profile,
    line: &mut Line,
) -> Result<AmazonS3Builder, String> {
    let is_given = |key| settings.of::<Key>().any(|(given, _)| given == key);
    let has = |key| builder.get_config_value(&key).is_some_and(|value| !value.is_empty());
    let has_key = has(Key::AccessKeyId) && has(Key::SecretAccessKey);
    let mut renewed = |builder: AmazonS3Builder, command: &str| {
        let expired = Arc::new(AtomicBool::new(false));
        line.expired = Some(Arc::clone(&expired));
        builder.with_credentials(Arc::new(Command::new(command, expired)))
    };
    if is_given(Key::AccessKeyId) || is_given(Key::SecretAccessKey) {
        return if has_key { Ok(builder) } else { Err("of key and secret only one is given".to_owned()) };
    }
    if let Some(command) = &settings.options.credentials_command {
        return Ok(renewed(builder, command));
    }
    let has_others = (has(Key::WebIdentityTokenFile) && has(Key::RoleArn))
        || has(Key::ContainerCredentialsRelativeUri)
        || (has(Key::ContainerCredentialsFullUri) && has(Key::ContainerAuthorizationTokenFile));
    if settings.profile.is_none() && has_key {
        return Ok(builder);
    }
    match profile {
        Profile { key: Some((id, secret)), token, .. } => {
            let builder = builder.with_access_key_id(id).with_secret_access_key(secret);
            Ok(token.into_iter().fold(builder, AmazonS3Builder::with_token))
        }
        Profile { command: Some(command), .. } => Ok(renewed(builder, &command)),
        Profile { refused: Some(why), .. } => Err(why),
        _ if has_others || settings.options.instance_credentials => Ok(builder),
        _ => Err("there are no credentials; say --anon for public data, or give them: AWS_ACCESS_KEY_ID and \
                  AWS_SECRET_ACCESS_KEY, a profile, or a command that prints them"
            .to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::RemoteOptions;

    fn chosen(
        variables: &[(&str, &str)],
        words: &[(&str, &str)],
        profile: Profile,
    ) -> Result<[Option<String>; 3], String> {
        let own = |pairs: &[(&str, &str)]| -> Vec<(String, String)> {
            pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
        };
        let storage = own(words).into_iter().collect();
        let settings = Settings::new(RemoteOptions { storage, ..RemoteOptions::default() }).unwrap();
        let mut builder = environment(&settings, own(variables).into_iter());
        for (key, value) in settings.of::<Key>() {
            builder = builder.with_config(key, value);
        }
        let transport = Arc::new(Transport::new(settings.options.patience.clone(), 1));
        let mut line = Line { transport, follows: false, query: None, expired: None };
        let builder = credentials(builder, &settings, profile, &mut line)?;
        Ok([Key::AccessKeyId, Key::SecretAccessKey, Key::Token].map(|key| builder.get_config_value(&key)))
    }

    fn key(id: &str, secret: &str, token: Option<&str>) -> [Option<String>; 3] {
        [Some(id.to_owned()), Some(secret.to_owned()), token.map(str::to_owned)]
    }

    #[test]
    fn credentials_are_those_of_the_first_place_and_never_of_two() {
        let environment =
            [("AWS_ACCESS_KEY_ID", "E"), ("AWS_SECRET_ACCESS_KEY", "F"), ("AWS_SESSION_TOKEN", "G"), ("PATH", "x")];
        let words = [("key", "K"), ("secret", "S")];
        let profile = || Profile { key: Some(("P".to_owned(), "Q".to_owned())), ..Profile::default() };
        let none = Profile::default;
        assert_eq!(chosen(&environment, &words, profile()).unwrap(), key("K", "S", None));
        assert_eq!(chosen(&environment, &[], profile()).unwrap(), key("E", "F", Some("G")));
        assert_eq!(chosen(&environment, &[("profile", "p")], profile()).unwrap(), key("P", "Q", None));
        assert_eq!(chosen(&environment[2..], &[], profile()).unwrap(), key("P", "Q", None));
        assert_eq!(chosen(&environment, &words[..1], none()).unwrap_err(), "of key and secret only one is given");
        let told = chosen(&environment[1..], &[], none()).unwrap_err();
        assert!(told.starts_with("there are no credentials; say --anon for public data, or give them"), "{told}");
        let refused = Profile { refused: Some("why".to_owned()), ..Profile::default() };
        assert_eq!(chosen(&[], &[], refused).unwrap_err(), "why");
        let container = [("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/x")];
        assert_eq!(chosen(&container, &[], none()).unwrap(), [None, None, None]);
    }
}
