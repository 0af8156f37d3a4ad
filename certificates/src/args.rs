//! The flags that name certificates and keys.

use std::path::PathBuf;

use clap::Args;
use settings::ConfigError;

use crate::{
    pair::{CERT_FLAG, KEY_FLAG, Pair},
    server::ServerSource,
};

/// What TLS listeners show.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
pub struct CertificateArgs {
    /// Certificate (PEM) that TLS listeners show, those it is signed with behind it; of several the one
    /// whose name a client asks for is taken, and the first where none is
    #[arg(long, value_name = "FILE", value_delimiter = ',')]
    pub tls_cert: Vec<PathBuf>,

    /// Private key (PEM) of each --tls-cert, in the same order
    #[arg(long, value_name = "FILE", value_delimiter = ',')]
    pub tls_key: Vec<PathBuf>,
}

impl CertificateArgs {
    /// Whether there is a certificate.
    pub fn is_given(&self) -> bool {
        !self.tls_cert.is_empty()
    }

    /// Certificates with their keys. Files are not looked at yet.
    ///
    /// # Errors
    /// There are not as many keys as certificates.
    pub fn pairs(&self) -> Result<Vec<Pair>, ConfigError> {
        let (certificates, keys) = (self.tls_cert.len(), self.tls_key.len());
        if certificates != keys {
            let (flag, other) = match certificates > keys {
                true => (KEY_FLAG, CERT_FLAG),
                false => (CERT_FLAG, KEY_FLAG),
            };
            let problem = format!("{certificates} certificates and {keys} keys are named");
            let expected = format!("give {flag} as often as {other}, in the same order");
            return Err(ConfigError::new(flag, problem, expected));
        }
        let pair = |(cert, key): (&PathBuf, &PathBuf)| Pair::new(cert.clone(), key.clone());
        Ok(self.tls_cert.iter().zip(&self.tls_key).map(pair).collect())
    }

    /// What listeners that speak TLS show; nothing where there is no such listener. `listeners` are
    /// pairs of a flag and whether it names one.
    ///
    /// # Errors
    /// A listener has nothing to show, or there are not as many keys as certificates.
    pub fn for_listeners(
        &self,
        listeners: &[(&str, bool)],
    ) -> Result<Option<ServerSource>, ConfigError> {
        let pairs = self.pairs()?;
        let Some((listener, _)) = listeners.iter().find(|(_, is_named)| *is_named) else {
            return Ok(None);
        };
        if pairs.is_empty() {
            let problem = format!("missing, although {listener} names a listener");
            let expected = format!("give {CERT_FLAG} and {KEY_FLAG}");
            return Err(ConfigError::new(CERT_FLAG, problem, expected));
        }
        ServerSource::new(pairs).map(Some)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_together_is_refused() {
        let (none, one, two): (&[&str], &[&str], &[&str]) = (&[], &["a"], &["a", "b"]);
        let cases = [
            (none, none, false, Ok(false)),
            (one, one, false, Ok(false)),
            (one, one, true, Ok(true)),
            (two, two, true, Ok(true)),
            (none, none, true, Err("--tls-cert")),
            (one, none, true, Err("--tls-key")),
            (none, one, false, Err("--tls-cert")),
            (two, one, true, Err("--tls-key")),
        ];
        for (certificates, keys, is_named, expected) in cases {
            let paths = |texts: &[&str]| texts.iter().map(PathBuf::from).collect();
            let args = CertificateArgs { tls_cert: paths(certificates), tls_key: paths(keys) };
            let found = args.for_listeners(&[("--tls-listen", is_named)]);
            let found = found.map(|source| source.is_some()).map_err(|error| error.key);
            assert_eq!(found, expected.map_err(str::to_owned), "{certificates:?} {keys:?}");
        }
    }
}
