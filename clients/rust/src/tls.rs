//! What TLS is spoken with where nothing else was given.

use std::sync::Arc;

use rustls::{ClientConfig, Error, RootCertStore};

/// What HTTP/1.1 is called inside TLS (ALPN).
pub(crate) const HTTP: &[u8] = b"http/1.1";

/// Believes the authorities that this machine believes; with graviola's cryptography. `protocol` is what is
/// spoken inside, where that has a name.
///
/// # Errors
/// The machine has no authorities, or its processor lacks what the cryptography needs.
pub(crate) fn of_this_machine(protocol: Option<&[u8]>) -> Result<Arc<ClientConfig>, Error> {
    if !graviola::util::is_cpu_supported() {
        return Err(Error::General(
            "this processor lacks instructions that TLS is done with".into(),
        ));
    }
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if roots.is_empty() {
        return Err(Error::General("this machine has no authorities to believe".into()));
    }
    let provider = Arc::new(rustls_graviola::default_provider());
    let config =
        ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    let mut config = config.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols.extend(protocol.map(<[u8]>::to_vec));
    Ok(Arc::new(config))
}
