//! How these commands ask a server over HTTP.

use std::{sync::Arc, time::Duration};

use ureq::{Agent, tls::TlsConfig};

/// Asks the server that is named, without a proxy of the environment and without a redirect elsewhere; every
/// status is an answer, and all of it has to come within this time. Inside TLS any certificate will do.
pub(crate) fn agent(within: Duration) -> Agent {
    let provider = Arc::new(rustls_graviola::default_provider());
    let tls = TlsConfig::builder().disable_verification(true);
    let tls = tls.unversioned_rustls_crypto_provider(provider).build();
    let settings = Agent::config_builder().http_status_as_error(false).tls_config(tls);
    settings.timeout_global(Some(within)).proxy(None).max_redirects(0).build().into()
}
