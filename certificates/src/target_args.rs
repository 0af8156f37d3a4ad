//! The flags of commands that connect to servers: whom to believe, and by which name.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use clap::Args;
use rustls::{
    ClientConfig,
    pki_types::{CertificateDer, ServerName},
};
use settings::ConfigError;

use crate::{
    authorities::{Authorities, certificates_of_the_system},
    client::ClientSource,
    kept::Source as _,
    name::server_name,
};

/// The flag of the URL that asks for TLS.
const TARGET: &str = "--target";

/// Whom commands believe that connect to servers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
pub struct TargetTlsArgs {
    /// File (PEM) with the authorities that may have signed a server's certificate, instead of those
    /// that the system believes (repeatable)
    #[arg(long, value_name = "FILE")]
    pub tls_ca: Vec<PathBuf>,

    /// Name that a server's certificate has to be for [default: the host of the URL]
    #[arg(long, value_name = "NAME")]
    pub tls_name: Option<String>,

    /// Take any certificate: whoever stands in between may read and change everything
    #[arg(long, conflicts_with = "tls_ca")]
    pub tls_insecure: bool,
}

/// What is spoken inside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Inside {
    /// HTTP/1.1, or what it is upgraded to.
    Http,
    /// Lines.
    Lines,
}

impl TargetTlsArgs {
    /// The certificates of those that are believed, for who makes connections in another way than by
    /// [`Self::config`].
    ///
    /// # Errors
    /// A file is wrong.
    pub fn authorities(&self) -> Result<Vec<CertificateDer<'static>>, ConfigError> {
        if self.tls_ca.is_empty() {
            return Ok(certificates_of_the_system());
        }
        let files = self.tls_ca.iter();
        let read: Result<Vec<_>, _> = files.map(|file| authorities(file).certificates()).collect();
        read.map(|read| read.concat())
    }

    /// What connections are made with; each handshake is a whole one unless it may resume what came of
    /// an earlier one.
    ///
    /// # Errors
    /// A file is wrong, or the processor cannot do it.
    pub fn config(&self, inside: Inside, resumes: bool) -> Result<Arc<ClientConfig>, ConfigError> {
        let mut source =
            ClientSource::new(TARGET, self.tls_ca.iter().map(|file| authorities(file)))?;
        if self.tls_insecure {
            source = source.believing_anybody();
        }
        if inside == Inside::Http {
            source = source.speaking_http();
        }
        if !resumes {
            source = source.without_resumption();
        }
        source.read().map(|client| client.config)
    }

    /// What the certificate of a host has to be for.
    ///
    /// # Errors
    /// It is no name that a certificate could be for.
    pub fn name_of(&self, host: &str) -> Result<ServerName<'static>, ConfigError> {
        match &self.tls_name {
            Some(name) => server_name("--tls-name", name),
            None => server_name(TARGET, host),
        }
    }
}

fn authorities(file: &Path) -> Authorities {
    Authorities { file: file.to_owned(), flag: "--tls-ca" }
}
