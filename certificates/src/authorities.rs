//! Whose signature on a certificate is believed.

use std::path::PathBuf;

use rustls::{
    RootCertStore,
    pki_types::{CertificateDer, pem::PemObject},
};
use settings::ConfigError;
use tracing::warn;

use crate::files::read;

/// A file (PEM) with the certificates of authorities, and the flag that names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authorities {
    /// The file.
    pub file: PathBuf,
    /// The flag.
    pub flag: &'static str,
}

impl Authorities {
    /// Its certificates.
    ///
    /// # Errors
    /// It cannot be read, or holds no certificate that can be used.
    pub(crate) fn read(&self) -> Result<RootCertStore, ConfigError> {
        let wrong = |problem: String| {
            let problem = format!("{}: {problem}", self.file.display());
            ConfigError::new(self.flag, problem, "give a PEM file with certificates of authorities")
        };
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(&read(self.flag, &self.file)?) {
            let certificate = certificate.map_err(|why| wrong(format!("it is damaged: {why}")))?;
            roots.add(certificate).map_err(|why| wrong(why.to_string()))?;
        }
        match roots.is_empty() {
            true => Err(wrong("it holds no certificate".to_owned())),
            false => Ok(roots),
        }
    }
}

/// Those that the system trusts, or those of the file that `SSL_CERT_FILE` names.
pub(crate) fn of_the_system() -> RootCertStore {
    let found = rustls_native_certs::load_native_certs();
    for error in found.errors {
        warn!(%error, "a certificate of the system cannot be read");
    }
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(found.certs);
    roots
}
