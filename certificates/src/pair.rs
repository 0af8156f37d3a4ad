//! A certificate with its key.

use std::path::PathBuf;

use rustls::{
    Error, InconsistentKeys,
    pki_types::{
        CertificateDer, PrivateKeyDer,
        pem::{self, PemObject},
    },
    sign::CertifiedKey,
};
use settings::ConfigError;

use crate::{files::read, provider::provider};

/// The flag that names a certificate that listeners show.
pub const CERT_FLAG: &str = "--tls-cert";
/// The flag that names its key.
pub const KEY_FLAG: &str = "--tls-key";

/// The files of a certificate (with what it is signed with behind it) and of its private key, both PEM;
/// one file may hold both.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pair {
    /// File with the certificate.
    pub cert: PathBuf,
    /// File with its private key.
    pub key: PathBuf,
    flags: [&'static str; 2],
}

impl Pair {
    /// One that `--tls-cert` and `--tls-key` name.
    pub fn new(cert: PathBuf, key: PathBuf) -> Self {
        Self { cert, key, flags: [CERT_FLAG, KEY_FLAG] }
    }

    /// One that other flags name, which errors speak of.
    pub fn named(self, cert_flag: &'static str, key_flag: &'static str) -> Self {
        Self { flags: [cert_flag, key_flag], ..self }
    }

    /// The certificate and its key, read anew.
    ///
    /// # Errors
    /// A file cannot be read or holds something else, or the key is another certificate's.
    pub fn read(&self) -> Result<CertifiedKey, ConfigError> {
        let [cert_flag, key_flag] = self.flags;
        let wrong = |flag: &str, problem: &str, expected: &str| {
            let file = if flag == cert_flag { &self.cert } else { &self.key };
            ConfigError::new(flag, format!("{}: {problem}", file.display()), expected)
        };
        let chain = CertificateDer::pem_slice_iter(&read(cert_flag, &self.cert)?)
            .collect::<Result<Vec<_>, _>>()
            .map_err(|why| wrong(cert_flag, &damaged(&why), PEM_EXPECTED))?;
        let Some(first) = chain.first() else {
            return Err(wrong(cert_flag, "it holds no certificate", PEM_EXPECTED));
        };
        webpki::EndEntityCert::try_from(first).map_err(|why| {
            let problem = format!("its first certificate cannot be used: {why}");
            wrong(cert_flag, &problem, "give an X.509 certificate of version 3 for a server")
        })?;
        let key = self.read_key().map_err(|why| wrong(key_flag, &why, KEY_EXPECTED))?;
        CertifiedKey::from_der(chain, key, &provider()).map_err(|why| match why {
            Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => {
                let problem = format!("it is not the key of {}", self.cert.display());
                wrong(key_flag, &problem, "give the key that the certificate was made for")
            }
            why => wrong(key_flag, &why.to_string(), KEY_EXPECTED),
        })
    }

    fn read_key(&self) -> Result<PrivateKeyDer<'static>, String> {
        let text = read(self.flags[1], &self.key).map_err(|error| error.problem)?;
        let mut keys = PrivateKeyDer::pem_slice_iter(&text);
        match (keys.next(), keys.next()) {
            (Some(Ok(key)), None) => Ok(key),
            (Some(Err(why)), _) => Err(damaged(&why)),
            (Some(Ok(_)), Some(_)) => Err("it holds more than one key".to_owned()),
            (None, _) if holds(&text, b"ENCRYPTED PRIVATE KEY") => {
                Err("its key is encrypted, and nobody is there to give the passphrase".to_owned())
            }
            (None, _) => Err("it holds no private key".to_owned()),
        }
    }
}

const PEM_EXPECTED: &str = "give a PEM file with the certificate, and those it is signed with";
const KEY_EXPECTED: &str = "give a PEM file with one private key: ECDSA P-256 or P-384, Ed25519, or RSA of 2048 bits or more";

fn damaged(why: &pem::Error) -> String {
    format!("it is damaged: {why}")
}

fn holds(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}
