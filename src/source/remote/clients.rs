//! Connections, encrypted with rustls and graviola: no C.

use std::sync::Arc;

use reqwest::redirect::Policy;
use reqwest::{Client, ClientBuilder, Url};
use rustls::{ClientConfig, RootCertStore};

use super::address::{OnlyOutside, is_inside};
use super::patience::Patience;

/// The pools of connections, by where they lead to.
#[derive(Debug)]
pub(super) struct Clients {
    /// Through the proxies that the environment names.
    outward: Client,
    /// To this machine and its network, past all proxies.
    inward: Client,
    /// To where others sent a request: never inside.
    redirected: Client,
}

impl Clients {
    /// What keeps it from being made, in words.
    pub(super) fn new(patience: &Patience, connections: usize) -> Result<Self, String> {
        let tls = tls()?;
        let client = || -> ClientBuilder {
            Client::builder()
                .tls_backend_preconfigured(tls.clone())
                .redirect(Policy::none())
                .referer(false)
                .connect_timeout(patience.connect)
                .pool_max_idle_per_host(connections)
                .user_agent(concat!("h5refs/", env!("CARGO_PKG_VERSION")))
        };
        let build = |builder: ClientBuilder| builder.build().map_err(|error| error.to_string());
        Ok(Self {
            outward: build(client())?,
            inward: build(client().no_proxy())?,
            redirected: build(if has_proxy() { client() } else { client().dns_resolver(Arc::new(OnlyOutside)) })?,
        })
    }

    /// The pool for a URL; `is_redirected` if another host named it.
    pub(super) fn to(&self, url: &Url, is_redirected: bool) -> &Client {
        match (is_inside(url), is_redirected) {
            (true, _) => &self.inward,
            (false, true) => &self.redirected,
            (false, false) => &self.outward,
        }
    }
}

/// Whether a proxy looks names up: its own may well be inside.
fn has_proxy() -> bool {
    let names = ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];
    names.into_iter().any(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty()))
}

/// TLS with the certificates that the system trusts.
fn tls() -> Result<ClientConfig, String> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    let config = ClientConfig::builder_with_provider(Arc::new(rustls_graviola::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?;
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}

/// Whether the processor has the instructions that the encryption is made of: without them it would panic.
pub(super) fn can_encrypt() -> bool {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::is_x86_feature_detected as has;
        has!("aes")
            && has!("pclmulqdq")
            && has!("bmi1")
            && has!("bmi2")
            && has!("adx")
            && has!("avx")
            && has!("avx2")
            && has!("ssse3")
    }
    #[cfg(target_arch = "aarch64")]
    {
        use std::arch::is_aarch64_feature_detected as has;
        has!("neon") && has!("aes") && has!("pmull") && has!("sha2")
    }
}
