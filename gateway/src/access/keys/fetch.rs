//! Fetches a key set from its URL.

use std::{sync::Arc, time::Duration};

use tokens::{Ring, jwks::MAX_SET_BYTES};
use ureq::{
    Agent, Body,
    http::{Response, header::LOCATION},
    tls::{Certificate, RootCerts, TlsConfig},
};

use super::{
    files::{Unusable, usable},
    url::{InvalidUrl, KeyUrl},
};

/// How long it may take, redirects included.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Redirects that are followed, all at the same host.
const MOST_REDIRECTS: usize = 3;

/// Why there are no keys.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FetchError {
    /// No connection, no TLS, no answer in time, or a longer one than is read.
    #[error("{0}")]
    Request(#[from] ureq::Error),
    /// Another status than 200.
    #[error("the answer's status is {0}")]
    Status(u16),
    /// A redirect to where keys are not taken from.
    #[error("{0}")]
    Redirect(#[from] InvalidUrl),
    /// More of them than are followed.
    #[error("it redirects more than {MOST_REDIRECTS} times")]
    Redirects,
    /// It answered something else.
    #[error("{0}")]
    Keys(#[from] Unusable),
}

/// Fetches the keys; blocks for up to 10 s.
///
/// # Errors
/// Says why there are none.
pub(crate) fn fetch(url: &KeyUrl) -> Result<Ring, FetchError> {
    let agent = agent(url);
    let mut at = url.clone();
    for _ in 0..=MOST_REDIRECTS {
        let mut answer = agent.get(at.uri()).header("accept", "application/json").call()?;
        match answer.status().as_u16() {
            200 => {
                let body = answer.body_mut().with_config().limit(MAX_SET_BYTES as u64 + 1);
                let keys = usable(&body.read_to_vec()?, &at.to_string())?;
                return Ok(keys.into_iter().collect());
            }
            301 | 302 | 303 | 307 | 308 => at = at.redirected(location(&answer))?,
            status => return Err(FetchError::Status(status)),
        }
    }
    Err(FetchError::Redirects)
}

fn location(answer: &Response<Body>) -> &str {
    let location = answer.headers().get(LOCATION);
    location.and_then(|location| location.to_str().ok()).unwrap_or_default()
}

/// Where it connects to is up to the URL alone, but for a proxy that the environment names.
fn agent(url: &KeyUrl) -> Agent {
    let mut config = Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .timeout_global(Some(TIMEOUT));
    if url.is_plain() {
        config = config.proxy(None);
    } else {
        config = config.https_only(true).tls_config(tls());
    }
    config.build().into()
}

/// TLS with the cryptography that tokens are checked with, trusting whom the system trusts (or the
/// file that `SSL_CERT_FILE` names).
fn tls() -> TlsConfig {
    let roots = rustls_native_certs::load_native_certs();
    for error in roots.errors {
        tracing::warn!(%error, "a certificate of the system cannot be read");
    }
    let roots: Vec<_> =
        roots.certs.iter().map(|root| Certificate::from_der(root).to_owned()).collect();
    TlsConfig::builder()
        .root_certs(RootCerts::from(roots))
        .unversioned_rustls_crypto_provider(Arc::new(rustls_graviola::default_provider()))
        .build()
}
