//! Containers of Azure's Blob Storage.

use std::io::{Error as Io, ErrorKind};
use std::sync::Arc;

use ::object_store::azure::{AzureConfigKey as Key, MicrosoftAzureBuilder};

use super::crypto::Crypto;
use super::opened::Opened;
use super::settings::{Settings, no_retries};
use super::transport::Line;
use crate::error::Error;

/// Settings that are credentials, or say where they are.
const CREDENTIALS: [Key; 8] = [
    Key::AccessKey,
    Key::SasKey,
    Key::Token,
    Key::ClientSecret,
    Key::FederatedTokenFile,
    Key::MsiEndpoint,
    Key::UseAzureCli,
    Key::UseEmulator,
];

/// A container as a store: `az://container`, with its account among the settings, or `abfs://container@account.dfs.core.windows.net`.
pub(super) fn open(root: &str, name: &str, settings: &Settings, line: Line) -> Result<Opened, Error> {
    let failed = |why: &str| Error::io(root, Io::new(ErrorKind::PermissionDenied, why));
    let options = &settings.options;
    let mut builder = MicrosoftAzureBuilder::from_env();
    for (key, value) in settings.of::<Key>() {
        builder = builder.with_config(key, value);
    }
    builder = match name.split_once('@') {
        Some((container, host)) => {
            let account = host.split('.').next().unwrap_or(host);
            builder.with_container_name(container).with_account(account)
        }
        None => builder.with_container_name(name),
    };
    if builder.get_config_value(&Key::AccountName).is_none() {
        return Err(failed("no account is named; give account_name"));
    }
    let has = |key: &Key| builder.get_config_value(key).is_some_and(|value| !value.is_empty() && value != "false");
    if options.anonymous {
        builder = builder.with_skip_signature(true);
    } else if !CREDENTIALS.iter().any(has) && !options.instance_credentials {
        return Err(failed(
            "there are no credentials; say --anon for public data, or give account_key, sas_token, or \
             client_id, client_secret and tenant_id",
        ));
    }
    if let Some(endpoint) = &options.endpoint {
        builder = builder.with_endpoint(endpoint.clone());
    }
    let builder = builder.with_crypto_provider(Arc::new(Crypto)).with_retry(no_retries()).with_http_connector(line);
    Ok(Opened::of(builder.build().map_err(|_| failed("the settings of the store contradict each other"))?))
}
