//! The certificates that are shown, and kept up to date: to clients, and on links.

use std::sync::Arc;

use ::settings::ConfigError;
use certificates::{Kept, LINK_SOURCE, ReadAgain, ServerSource};

use crate::{metrics::Metrics, settings::Settings};

/// What is shown where.
pub(crate) struct Shown {
    /// To clients.
    pub(crate) to_clients: Option<Arc<Kept<ServerSource>>>,
    /// To pusher-apis and operators.
    pub(crate) on_links: Option<Arc<Kept<ServerSource>>>,
}

impl Shown {
    /// Reads what was set.
    ///
    /// # Errors
    /// Names the flag, and the file.
    pub(crate) fn load(settings: &Settings) -> Result<Self, ConfigError> {
        Ok(Self {
            to_clients: settings.shown()?.map(Kept::load).transpose()?,
            on_links: settings.link_tls.server()?.map(Kept::load).transpose()?,
        })
    }

    /// Has them read again when their files change, as long as what comes back lives; what is open goes on with what it
    /// began with.
    pub(crate) fn keep(&self, metrics: &Arc<Metrics>) -> Vec<ReadAgain> {
        let to_clients = self.to_clients.iter().map(|kept| {
            metrics.tls.show(&kept.now().certificates);
            let metrics = Arc::clone(metrics);
            kept.keep(move |server, is_good| {
                metrics.key_reloads.count("certificates", is_good);
                metrics.tls.show(&server.certificates);
            })
        });
        let on_links = self.on_links.iter().map(|kept| {
            metrics.operators.show_certificates(&kept.now());
            let metrics = Arc::clone(metrics);
            kept.keep(move |server, is_good| {
                metrics.key_reloads.count(LINK_SOURCE, is_good);
                metrics.operators.show_certificates(server);
            })
        });
        to_clients.chain(on_links).collect()
    }
}
