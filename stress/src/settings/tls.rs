//! How servers inside TLS are connected to.

use std::{path::PathBuf, sync::Arc};

use certificates::{Inside, TargetTlsArgs, rustls::ClientConfig};
use protocol::Transport;
use serde::{Deserialize, Serialize};
use settings::ConfigError;

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

impl TlsChoice {
    /// The flags that say so.
    pub(crate) fn trust(&self) -> TargetTlsArgs {
        TargetTlsArgs {
            tls_ca: self.authorities.clone(),
            tls_name: self.name.clone(),
            tls_insecure: self.believes_anybody,
        }
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
