//! TLS for a listener.

use std::{path::PathBuf, sync::Arc};

use rustls::{
    ServerConfig,
    server::{
        NoClientAuth, NoServerSessionStorage, ProducesTickets, WebPkiClientVerifier,
        danger::ClientCertVerifier,
    },
    version::{TLS12, TLS13},
};
use rustls_graviola::Ticketer;
use settings::ConfigError;

use crate::{
    authorities::Authorities,
    kept::Source,
    pair::{CERT_FLAG, Pair},
    provider::{check_processor, provider},
    set::CertificateSet,
};

/// What a listener shows, and whom it lets in.
pub struct ServerSource {
    pairs: Vec<Pair>,
    clients: Option<Authorities>,
    /// Whether a client may show no certificate.
    lets_in_unnamed: bool,
    /// Outlives what is read, so that clients resume what they began before.
    ticketer: Arc<dyn ProducesTickets>,
}

/// What a listener takes part in handshakes with.
#[derive(Debug, Clone)]
pub struct Server {
    /// Where HTTP/1.1 is spoken (ALPN `http/1.1`, for who asks).
    pub http: Arc<ServerConfig>,
    /// Where something is spoken that has no name: what a client offers is passed over.
    pub unnamed: Arc<ServerConfig>,
    /// The certificates.
    pub certificates: Arc<CertificateSet>,
}

impl ServerSource {
    /// One that shows these certificates to everybody.
    ///
    /// # Errors
    /// The processor cannot do it, or there is no randomness.
    pub fn new(pairs: Vec<Pair>) -> Result<Self, ConfigError> {
        check_processor(CERT_FLAG)?;
        let ticketer = Ticketer::new().map_err(|error| {
            let problem = format!("no keys for resumption: {error}");
            ConfigError::new(CERT_FLAG, problem, "the system has to give random bytes")
        })?;
        Ok(Self { pairs, clients: None, lets_in_unnamed: false, ticketer })
    }

    /// Takes only clients that prove by a certificate of these authorities who they are (mutual TLS).
    /// They cannot resume: each handshake is checked by the authorities that are in force.
    pub fn clients_signed_by(self, authorities: Authorities) -> Self {
        Self { clients: Some(authorities), ..self }
    }

    /// Asks clients for a certificate of these authorities, and takes those that have none, too: what
    /// such a client may do is decided later. One that shows another certificate is not let in.
    pub fn clients_asked_for(self, authorities: Authorities) -> Self {
        Self { clients: Some(authorities), lets_in_unnamed: true, ..self }
    }

    fn verifier(&self) -> Result<Arc<dyn ClientCertVerifier>, ConfigError> {
        let Some(authorities) = &self.clients else {
            return Ok(Arc::new(NoClientAuth));
        };
        let roots = Arc::new(authorities.read()?);
        let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider());
        let verifier = match self.lets_in_unnamed {
            true => verifier.allow_unauthenticated(),
            false => verifier,
        };
        verifier.build().map_err(|why| {
            let problem = format!("{}: {why}", authorities.file.display());
            ConfigError::new(authorities.flag, problem, "give certificates of authorities")
        })
    }
}

impl Source for ServerSource {
    type Read = Server;

    fn read(&self) -> Result<Server, ConfigError> {
        let certificates = Arc::new(CertificateSet::read(&self.pairs)?);
        let mut config = ServerConfig::builder_with_provider(provider())
            .with_protocol_versions(&[&TLS13, &TLS12])
            .map_err(|why| ConfigError::new(CERT_FLAG, why.to_string(), "report this"))?
            .with_client_cert_verifier(self.verifier()?)
            .with_cert_resolver(Arc::clone(&certificates) as Arc<_>);
        // What a client resumes with it brings along: nothing is kept of sessions that have ended.
        config.session_storage = Arc::new(NoServerSessionStorage {});
        match self.clients {
            Some(_) => config.send_tls13_tickets = 0,
            None => {
                config.ticketer = Arc::clone(&self.ticketer);
                // A client of ours has one connection, and so needs one.
                config.send_tls13_tickets = 1;
            }
        }
        // What comes before the handshake's end could be sent again by somebody else.
        config.max_early_data_size = 0;
        let unnamed = Arc::new(config.clone());
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Server { http: Arc::new(config), unnamed, certificates })
    }

    fn paths(&self) -> Vec<PathBuf> {
        let pairs = self.pairs.iter().flat_map(|pair| [&pair.cert, &pair.key]);
        pairs.chain(self.clients.iter().map(|authorities| &authorities.file)).cloned().collect()
    }
}
