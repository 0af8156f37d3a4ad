//! Certificates: what backends are shown, and what gateways are.

use std::sync::Arc;

use certificates::{
    ClientSource, Kept, LINK_SOURCE, ReadAgain, ServerSource, rustls::ClientConfig,
};
use settings::ConfigError;

use crate::{
    metrics::{LISTENER_SOURCE, Metrics},
    settings::Settings,
};

/// Those in force, where TLS is spoken.
#[derive(Default)]
pub(crate) struct Tls {
    listeners: Option<Arc<Kept<ServerSource>>>,
    links: Option<Arc<Kept<ClientSource>>>,
}

impl Tls {
    /// Reads them for the first time.
    ///
    /// # Errors
    /// Names the flag, and the file, that is wrong.
    pub(crate) fn load(settings: &Settings) -> Result<Self, ConfigError> {
        let listeners = settings.shown_to_backends()?.map(Kept::load).transpose()?;
        let links = settings.shown_to_gateways()?.map(Kept::load).transpose()?;
        Ok(Self { listeners, links })
    }

    /// Keeps them up to date as long as what is returned lives.
    pub(crate) fn keep(&self, metrics: &Arc<Metrics>) -> Vec<ReadAgain> {
        let listeners = self.listeners.iter().map(|kept| {
            let metrics = Arc::clone(metrics);
            metrics.http.show_certificates(&kept.now());
            kept.keep(move |shown, is_good| {
                metrics.key_reloads.count(LISTENER_SOURCE, is_good);
                metrics.http.show_certificates(shown);
            })
        });
        let links = self.links.iter().map(|kept| {
            let metrics = Arc::clone(metrics);
            metrics.links.show_certificate(kept.now().shown.as_ref());
            kept.keep(move |client, is_good| {
                metrics.key_reloads.count(LINK_SOURCE, is_good);
                metrics.links.show_certificate(client.shown.as_ref());
            })
        });
        listeners.chain(links).collect()
    }

    /// What connections of backends are taken with.
    pub(crate) fn listeners(&self) -> Option<Arc<Kept<ServerSource>>> {
        self.listeners.clone()
    }

    /// What gateways are connected to with, as it is in force now.
    pub(crate) fn links(&self) -> Option<Arc<ClientConfig>> {
        self.links.as_ref().map(|kept| Arc::clone(&kept.now().config))
    }
}
