//! Buckets of Google Cloud Storage.

use std::io::{Error as Io, ErrorKind};
use std::sync::Arc;

use ::object_store::gcp::{GoogleCloudStorageBuilder, GoogleConfigKey as Key};

use super::crypto::Crypto;
use super::opened::Opened;
use super::settings::{Settings, no_retries};
use super::transport::Line;
use crate::error::Error;

/// A bucket as a store.
pub(super) fn open(bucket: &str, settings: &Settings, line: Line) -> Result<Opened, Error> {
    let failed = |why: &str| Error::io(format!("gs://{bucket}"), Io::new(ErrorKind::PermissionDenied, why));
    let options = &settings.options;
    let mut builder = GoogleCloudStorageBuilder::from_env();
    for (key, value) in settings.of::<Key>() {
        builder = builder.with_config(key, value);
    }
    // gcsfs says `token`: the word `anon`, or a file of credentials.
    let token = options.storage.get("token").map(String::as_str);
    let is_anonymous = options.anonymous || token == Some("anon");
    if let Some(path) = token.filter(|token| *token != "anon") {
        builder = builder.with_application_credentials(path);
    }
    let keys = [Key::ServiceAccount, Key::ServiceAccountKey, Key::ApplicationCredentials, Key::BearerToken];
    let has_any = keys.iter().any(|key| builder.get_config_value(key).is_some()) || has_default_file();
    if is_anonymous {
        builder = builder.with_skip_signature(true);
    } else if !has_any && !options.instance_credentials {
        return Err(failed(
            "there are no credentials; say --anon for public data, or give them: GOOGLE_APPLICATION_CREDENTIALS, \
             GOOGLE_SERVICE_ACCOUNT, or what gcloud auth application-default login leaves",
        ));
    }
    if let Some(endpoint) = &options.endpoint {
        builder = builder.with_base_url(endpoint);
    }
    let builder = builder
        .with_bucket_name(bucket)
        .with_crypto_provider(Arc::new(Crypto))
        .with_retry(no_retries())
        .with_http_connector(line);
    Ok(Opened::of(builder.build().map_err(|_| failed("the credentials are none that are known"))?))
}

/// Whether gcloud has left credentials.
fn has_default_file() -> bool {
    let folder = std::env::home_dir().map(|home| home.join(".config/gcloud/application_default_credentials.json"));
    folder.is_some_and(|file| file.is_file())
}
