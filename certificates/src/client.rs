//! TLS for who connects.

use std::{path::PathBuf, sync::Arc};

use rustls::{
    ClientConfig, RootCertStore,
    client::Resumption,
    sign::SingleCertAndKey,
    version::{TLS12, TLS13},
};
use settings::ConfigError;

use crate::{
    anybody::Anybody,
    authorities::{Authorities, of_the_system},
    kept::Source,
    pair::Pair,
    provider::{check_processor, provider},
    set::Expiry,
};

/// Whom a client believes, and what it shows of itself.
pub struct ClientSource {
    authorities: Vec<Authorities>,
    believes_anybody: bool,
    pair: Option<Pair>,
    protocols: Vec<Vec<u8>>,
    resumes: bool,
}

impl ClientSource {
    /// One that believes servers with a certificate of these authorities, or, without any, of those
    /// that the system trusts. `flag` asks for TLS.
    ///
    /// # Errors
    /// The processor cannot do it.
    pub fn new(
        flag: &str,
        authorities: impl IntoIterator<Item = Authorities>,
    ) -> Result<Self, ConfigError> {
        check_processor(flag)?;
        let (authorities, protocols) = (authorities.into_iter().collect(), Vec::new());
        Ok(Self { authorities, believes_anybody: false, pair: None, protocols, resumes: true })
    }

    /// Takes any certificate whose key the server has, whoever signed it and for whatever name.
    pub fn believing_anybody(self) -> Self {
        Self { believes_anybody: true, ..self }
    }

    /// Makes each handshake a whole one, even where the server has given something to resume from.
    pub fn without_resumption(self) -> Self {
        Self { resumes: false, ..self }
    }

    /// Shows a certificate to servers that ask for one (mutual TLS).
    pub fn showing(self, pair: Pair) -> Self {
        Self { pair: Some(pair), ..self }
    }

    fn roots(&self) -> Result<RootCertStore, ConfigError> {
        if self.authorities.is_empty() {
            return Ok(of_the_system());
        }
        let mut roots = RootCertStore::empty();
        for authorities in &self.authorities {
            roots.extend(authorities.read()?.roots);
        }
        Ok(roots)
    }

    /// Says that HTTP/1.1 is meant (ALPN).
    pub fn speaking_http(self) -> Self {
        Self { protocols: vec![b"http/1.1".to_vec()], ..self }
    }
}

/// What a client takes part in handshakes with.
#[derive(Debug, Clone)]
pub struct Client {
    /// The configuration.
    pub config: Arc<ClientConfig>,
    /// Until when the certificate is valid that it shows, if it shows one.
    pub shown: Option<Expiry>,
}

impl Source for ClientSource {
    type Read = Client;

    fn read(&self) -> Result<Client, ConfigError> {
        let builder = ClientConfig::builder_with_provider(provider())
            .with_protocol_versions(&[&TLS13, &TLS12])
            .map_err(|why| ConfigError::new("TLS", why.to_string(), "report this"))?;
        let builder = match self.believes_anybody {
            true => builder.dangerous().with_custom_certificate_verifier(Arc::new(Anybody)),
            false => builder.with_root_certificates(self.roots()?),
        };
        let (mut config, shown) = match &self.pair {
            Some(pair) => {
                let key = pair.read()?;
                let expiry = key.cert.first().and_then(|first| Expiry::of(pair, first));
                let resolver = Arc::new(SingleCertAndKey::from(key));
                (builder.with_client_cert_resolver(resolver), expiry)
            }
            None => (builder.with_no_client_auth(), None),
        };
        config.alpn_protocols.clone_from(&self.protocols);
        if !self.resumes {
            config.resumption = Resumption::disabled();
        }
        Ok(Client { config: Arc::new(config), shown })
    }

    fn paths(&self) -> Vec<PathBuf> {
        let pair = self.pair.iter().flat_map(|pair| [&pair.cert, &pair.key]);
        pair.chain(self.authorities.iter().map(|authorities| &authorities.file)).cloned().collect()
    }
}
