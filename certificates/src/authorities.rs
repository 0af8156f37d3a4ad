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
    /// Its certificates, as whose signatures are believed.
    ///
    /// # Errors
    /// It cannot be read, or holds no certificate that can be used.
    pub(crate) fn read(&self) -> Result<RootCertStore, ConfigError> {
        let mut roots = RootCertStore::empty();
        for certificate in self.certificates()? {
            roots.add(certificate).map_err(|why| self.wrong(why.to_string()))?;
        }
        Ok(roots)
    }

    /// Its certificates, of which there is one at least.
    ///
    /// # Errors
    /// It cannot be read, or holds none.
    pub(crate) fn certificates(&self) -> Result<Vec<CertificateDer<'static>>, ConfigError> {
        let text = read(self.flag, &self.file)?;
        let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
        let found = found.map_err(|why| self.wrong(format!("it is damaged: {why}")))?;
        match found.is_empty() {
            true => Err(self.wrong("it holds no certificate".to_owned())),
            false => Ok(found),
        }
    }

    fn wrong(&self, problem: String) -> ConfigError {
        let problem = format!("{}: {problem}", self.file.display());
        ConfigError::new(self.flag, problem, "give a PEM file with certificates of authorities")
    }
}

/// Those that the system trusts, or those of the file that `SSL_CERT_FILE` names.
pub(crate) fn of_the_system() -> RootCertStore {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(certificates_of_the_system());
    roots
}

/// The certificates of those.
pub(crate) fn certificates_of_the_system() -> Vec<CertificateDer<'static>> {
    let found = rustls_native_certs::load_native_certs();
    for error in found.errors {
        warn!(%error, "a certificate of the system cannot be read");
    }
    found.certs
}
