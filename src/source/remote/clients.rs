//! Connections, encrypted with rustls and graviola: no C.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use reqwest::redirect::Policy;
use reqwest::{Client, Url};
use rustls::{ClientConfig, RootCertStore};

use super::address::{OnlyOutside, is_inside};
use super::patience::Patience;

/// The pools of connections, by where they lead to. Each is made when it is first used: most commands use one, and the certificates of the
/// system, which take longer to read than a small file, only where something is encrypted.
#[derive(Debug)]
pub(super) struct Clients {
    connect_timeout: Duration,
    connections: usize,
    pools: [OnceLock<Result<Client, String>>; 6],
}

/// Where a pool of connections leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum To {
    /// Through the proxies that the environment names.
    Outside,
    /// To this machine and its network, past all proxies.
    Inside,
    /// To where others sent a request: never inside.
    Redirected,
}

impl Clients {
    pub(super) fn new(patience: &Patience, connections: usize) -> Self {
        Self { connect_timeout: patience.connect, connections, pools: Default::default() }
    }

    /// The pool for a URL; `is_redirected` if another host named it. An error is what keeps it from being made, in words.
    pub(super) fn to(&self, url: &Url, is_redirected: bool) -> Result<&Client, String> {
        let to = match (is_inside(url), is_redirected) {
            (true, _) => To::Inside,
            (false, true) => To::Redirected,
            (false, false) => To::Outside,
        };
        let encrypts = url.scheme() == "https" || to != To::Inside && has_proxy();
        let pool = &self.pools[to as usize * 2 + usize::from(encrypts)];
        pool.get_or_init(|| self.client(to, encrypts)).as_ref().map_err(Clone::clone)
    }

    /// Connections to one kind of places; without certificates, all that is encrypted is refused.
    fn client(&self, to: To, encrypts: bool) -> Result<Client, String> {
        let builder = Client::builder()
            .tls_backend_preconfigured(tls(encrypts)?)
            .redirect(Policy::none())
            .referer(false)
            .connect_timeout(self.connect_timeout)
            .pool_max_idle_per_host(self.connections)
            .user_agent(concat!("h5refs/", env!("CARGO_PKG_VERSION")));
        let builder = match to {
            To::Inside => builder.no_proxy(),
            To::Redirected if !has_proxy() => builder.dns_resolver(Arc::new(OnlyOutside)),
            To::Outside | To::Redirected => builder,
        };
        builder.build().map_err(|error| error.to_string())
    }
}

/// Whether a proxy looks names up: its own may well be inside.
fn has_proxy() -> bool {
    let names = ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];
    names.into_iter().any(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty()))
}

/// TLS with the certificates that the system trusts, or with none.
fn tls(trusts: bool) -> Result<ClientConfig, String> {
    let mut roots = RootCertStore::empty();
    if trusts {
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    }
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
