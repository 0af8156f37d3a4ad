//! How servers inside TLS are connected to.

use std::{path::PathBuf, sync::Arc};

use certificates::{
    Inside, TargetTlsArgs, provider,
    rustls::{ClientConfig, pki_types::ServerName},
    server_name,
};
use protocol::Transport;
use serde::{Deserialize, Serialize};
use settings::ConfigError;
use ureq::tls::{Certificate, RootCerts, TlsConfig};

/// Whom sessions believe, and whether they go on from earlier handshakes.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "TLS")]
pub struct SessionsTls {
    /// Which servers are believed.
    #[command(flatten)]
    pub trust: TargetTlsArgs,
    /// Resume what came of earlier handshakes in the same process, where the server lets it; without it each
    /// handshake is a whole one, as of clients that come for the first time
    #[arg(long)]
    pub tls_resume: bool,
}

/// The same, as a worker is told.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TlsChoice {
    authorities: Vec<PathBuf>,
    name: Option<String>,
    believes_anybody: bool,
    resumes: bool,
}

impl From<&SessionsTls> for TlsChoice {
    fn from(given: &SessionsTls) -> Self {
        let TargetTlsArgs { tls_ca, tls_name, tls_insecure } = given.trust.clone();
        let resumes = given.tls_resume;
        Self { authorities: tls_ca, name: tls_name, believes_anybody: tls_insecure, resumes }
    }
}

/// A server inside TLS.
#[derive(Debug, Clone)]
pub(crate) struct Peer {
    /// What it is connected to with.
    pub config: Arc<ClientConfig>,
    /// What its certificate has to be for.
    pub name: ServerName<'static>,
}

impl TlsChoice {
    /// A server that is no target and speaks HTTP: its certificate has to be for its host, whatever those of the
    /// targets are for.
    ///
    /// # Errors
    /// A file is wrong, or no certificate could be for the host.
    pub(crate) fn peer(&self, flag: &str, host: &str) -> Result<Peer, ConfigError> {
        let config = self.trust().config(Inside::Http, self.resumes)?;
        Ok(Peer { config, name: server_name(flag, host)? })
    }

    /// A target of this transport, whose certificate has to be for this name.
    ///
    /// # Errors
    /// A file is wrong.
    pub(crate) fn target(&self, transport: Transport, name: &str) -> Result<Peer, ConfigError> {
        Ok(Peer { config: self.config(transport)?, name: server_name("--target", name)? })
    }

    /// The flags that say so.
    pub(crate) fn trust(&self) -> TargetTlsArgs {
        TargetTlsArgs {
            tls_ca: self.authorities.clone(),
            tls_name: self.name.clone(),
            tls_insecure: self.believes_anybody,
        }
    }

    /// How servers are believed that are asked by `ureq`.
    ///
    /// # Errors
    /// A file cannot be read, or holds something else.
    pub(crate) fn for_requests(&self) -> Result<TlsConfig, ConfigError> {
        let authorities = self.trust().authorities()?;
        let roots: Vec<_> =
            authorities.iter().map(|root| Certificate::from_der(root).to_owned()).collect();
        Ok(TlsConfig::builder()
            .root_certs(RootCerts::new_with_certs(&roots))
            .disable_verification(self.believes_anybody)
            .unversioned_rustls_crypto_provider(provider())
            .build())
    }

    /// What sessions over this transport are opened with.
    ///
    /// # Errors
    /// A file cannot be read, or holds something else.
    pub(crate) fn config(&self, transport: Transport) -> Result<Arc<ClientConfig>, ConfigError> {
        let inside = if transport == Transport::Tcp { Inside::Lines } else { Inside::Http };
        self.trust().config(inside, self.resumes)
    }
}
