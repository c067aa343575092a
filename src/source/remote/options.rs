//! How remote files are reached.

use std::collections::BTreeMap;

use super::patience::Patience;

/// How stores are opened and read.
#[derive(Clone)]
#[expect(clippy::struct_excessive_bools, reason = "each is an option of its own")]
pub struct RemoteOptions {
    /// Whether requests carry no credentials (default: no).
    pub anonymous: bool,
    /// The region of S3's buckets; `None` takes the environment's, else asks where each bucket lies.
    pub region: Option<String>,
    /// Where the store answers, as `http://127.0.0.1:9000`, if it is not the provider's own.
    pub endpoint: Option<String>,
    /// Whether the reader pays for requests (S3).
    pub requester_pays: bool,
    /// Settings by their names in the crate `object_store`, with or without `aws_`, `google_`, `azure_`, or in fsspec: `key`, `secret`,
    /// `token`, `anon`, `endpoint_url`, `requester_pays`, `profile`.
    pub storage: BTreeMap<String, String>,
    /// A command that prints credentials of AWS as JSON, like `credential_process` of a profile. It is run again before they expire.
    pub credentials_command: Option<String>,
    /// Whether the machine is asked for credentials, as those of clouds have them.
    pub instance_credentials: bool,
    /// Whether URLs of http and https may have queries, which are sent and never told.
    pub keep_query: bool,
    /// How many requests may be on their way at once, for all files together (default 64).
    pub connections: usize,
    /// Over how many bytes that are not asked for a request may reach between two that are (default 4096).
    pub gap: u64,
    /// How long is waited, and how often it is tried again.
    pub patience: Patience,
}

impl Default for RemoteOptions {
    fn default() -> Self {
        Self {
            anonymous: false,
            region: None,
            endpoint: None,
            requester_pays: false,
            storage: BTreeMap::new(),
            credentials_command: None,
            instance_credentials: false,
            keep_query: false,
            connections: 64,
            gap: 4096,
            patience: Patience::default(),
        }
    }
}

impl std::fmt::Debug for RemoteOptions {
    /// Without the values of settings and without the command, which may be or hold secrets.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RemoteOptions")
            .field("anonymous", &self.anonymous)
            .field("region", &self.region)
            .field("endpoint", &self.endpoint.as_deref().map(crate::source::secrets::without_secrets))
            .field("requester_pays", &self.requester_pays)
            .field("storage", &self.storage.keys())
            .field("has_credentials_command", &self.credentials_command.is_some())
            .field("instance_credentials", &self.instance_credentials)
            .field("keep_query", &self.keep_query)
            .field("connections", &self.connections)
            .field("gap", &self.gap)
            .field("patience", &self.patience)
            .finish()
    }
}
