//! The flags of TLS between gateways and pusher-apis.
//!
//! Both sides have the same flags, and may have the same files. On a gateway a certificate has the
//! operators' port speak TLS, and an authority has links show a certificate of its own; pusher-api
//! checks gateways by the authority, and shows the certificate.

use std::path::PathBuf;

use clap::Args;
use settings::ConfigError;

use crate::{authorities::Authorities, client::ClientSource, pair::Pair, server::ServerSource};

/// What readings of these files are counted as.
pub const LINK_SOURCE: &str = "link_certificates";

const CA_FLAG: &str = "--link-tls-ca";
const CERT_FLAG: &str = "--link-tls-cert";
const KEY_FLAG: &str = "--link-tls-key";

/// Certificates of the link.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
pub struct LinkTlsArgs {
    /// File (PEM) with the authorities that sign the certificates of links: a gateway takes only links
    /// that show one of theirs, and pusher-api only gateways [default: a gateway asks for no
    /// certificate, and pusher-api believes whom the system does]
    #[arg(long, value_name = "FILE")]
    pub link_tls_ca: Option<PathBuf>,

    /// Certificate (PEM) that this process shows on links, those it is signed with behind it; with one the
    /// operators' port of a gateway speaks TLS, and nothing else
    #[arg(long, value_name = "FILE")]
    pub link_tls_cert: Option<PathBuf>,

    /// Private key (PEM) of --link-tls-cert
    #[arg(long, value_name = "FILE")]
    pub link_tls_key: Option<PathBuf>,
}

impl LinkTlsArgs {
    /// Whether any of them is given.
    pub fn is_given(&self) -> bool {
        self.link_tls_ca.is_some() || self.link_tls_cert.is_some() || self.link_tls_key.is_some()
    }

    /// Whether a gateway takes only links that show a certificate.
    pub fn asks_for_certificates(&self) -> bool {
        self.link_tls_ca.is_some()
    }

    /// What a gateway's operators' port shows, and asks for; nothing where it does not speak TLS.
    ///
    /// # Errors
    /// A flag is missing beside another, or the processor cannot do it.
    pub fn server(&self) -> Result<Option<ServerSource>, ConfigError> {
        let Some(pair) = self.pair()? else {
            return match self.authorities() {
                Some(_) => Err(missing(CERT_FLAG, CA_FLAG)),
                None => Ok(None),
            };
        };
        let source = ServerSource::new(vec![pair])?;
        Ok(Some(match self.authorities() {
            Some(authorities) => source.clients_asked_for(authorities),
            None => source,
        }))
    }

    /// What pusher-api connects to gateways with, whose URLs `flag` gives.
    ///
    /// # Errors
    /// A flag is missing beside another, or the processor cannot do it.
    pub fn client(&self, flag: &str) -> Result<ClientSource, ConfigError> {
        let source = ClientSource::new(flag, self.authorities())?.speaking_http();
        Ok(match self.pair()? {
            Some(pair) => source.showing(pair),
            None => source,
        })
    }

    fn authorities(&self) -> Option<Authorities> {
        self.link_tls_ca.clone().map(|file| Authorities { file, flag: CA_FLAG })
    }

    /// Certificate and key: both or none.
    fn pair(&self) -> Result<Option<Pair>, ConfigError> {
        match (&self.link_tls_cert, &self.link_tls_key) {
            (Some(certificate), Some(key)) => {
                let pair = Pair::new(certificate.clone(), key.clone());
                Ok(Some(pair.named(CERT_FLAG, KEY_FLAG)))
            }
            (None, None) => Ok(None),
            (Some(_), None) => Err(missing(KEY_FLAG, CERT_FLAG)),
            (None, Some(_)) => Err(missing(CERT_FLAG, KEY_FLAG)),
        }
    }
}

fn missing(flag: &str, beside: &str) -> ConfigError {
    let problem = format!("missing, although {beside} is given");
    ConfigError::new(flag, problem, "name a file in PEM")
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::kept::Source as _;

    const OURS: (Option<&str>, Option<&str>) = (Some("tls.certificate.pem"), Some("tls.key.pem"));

    fn args(ca: Option<&str>, certificate: Option<&str>, key: Option<&str>) -> LinkTlsArgs {
        let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/keys"));
        LinkTlsArgs {
            link_tls_ca: ca.map(|name| folder.join(name)),
            link_tls_cert: certificate.map(|name| folder.join(name)),
            link_tls_key: key.map(|name| folder.join(name)),
        }
    }

    #[test]
    fn a_gateway_speaks_tls_where_it_has_a_certificate() {
        assert!(args(None, None, None).server().expect("plain").is_none());
        for ca in [None, OURS.0] {
            let source = args(ca, OURS.0, OURS.1).server().expect("flags");
            source.expect("TLS").read().expect("files");
        }
    }

    #[test]
    fn what_is_missing_or_wrong_is_named() {
        let server = |args: LinkTlsArgs| {
            args.server().and_then(|source| source.map(|source| source.read()).transpose())
        };
        for (given, flag) in [
            (args(None, OURS.0, None), KEY_FLAG),
            (args(None, None, OURS.1), CERT_FLAG),
            (args(OURS.0, None, None), CERT_FLAG),
            (args(None, OURS.1, OURS.1), CERT_FLAG),
            (args(None, OURS.0, OURS.0), KEY_FLAG),
            (args(Some("README.md"), OURS.0, OURS.1), CA_FLAG),
            (args(Some("none.pem"), OURS.0, OURS.1), CA_FLAG),
        ] {
            let error = server(given).map(|_| ()).expect_err(flag);
            assert_eq!(error.key, flag, "{error}");
        }
    }

    #[test]
    fn pusher_api_needs_no_certificate_of_its_own() {
        for args in [args(OURS.0, None, None), args(OURS.0, OURS.0, OURS.1)] {
            args.client("--gateway").expect("flags").read().expect("files");
        }
        let expiry = |args: LinkTlsArgs| {
            let read = args.client("--gateway").expect("flags").read().expect("files");
            read.shown.map(|expiry| (expiry.file, expiry.not_after.as_secs() > 1_600_000_000))
        };
        assert_eq!(expiry(args(OURS.0, None, None)), None);
        let ours = args(OURS.0, OURS.0, OURS.1);
        assert_eq!(expiry(ours.clone()), ours.link_tls_cert.map(|file| (file, true)));
        let error = args(Some("none.pem"), None, None).client("--gateway").expect("flags");
        assert_eq!(error.read().map(|_| ()).expect_err("no file").key, CA_FLAG);
    }
}
