//! TLS of a worker's sessions. Those that have none cost nothing here.

use std::{io, sync::Arc};

use certificates::{Cause, rustls::ClientConfig, server_name};
use protocol::Transport;

use crate::{
    fleet::assignment::Assignment,
    session::tls::Tls,
    settings::{targets::Target, tls::Peer},
};

/// What TLS of the sessions is.
pub(super) struct Secured {
    /// What sessions over HTTP are opened with, and those over lines.
    configs: [Option<Arc<ClientConfig>>; 2],
    /// By their place in the slab.
    pub(super) sessions: Vec<Option<Box<Tls>>>,
    /// What was said inside what came last, for a moment.
    pub(super) plain: Vec<u8>,
    /// What is to be sent, for a moment.
    pub(super) out: Vec<u8>,
}

/// Why a session cannot be opened whose target is inside TLS.
pub(super) const NO_TLS: Cause = Cause::Other;

impl Secured {
    /// No session has any yet.
    ///
    /// # Errors
    /// A file has changed since it was looked at before the run.
    pub(super) fn new(assignment: &Assignment) -> io::Result<Self> {
        let config = |transport: &Transport| {
            let mut targets = assignment.targets.iter().filter(|target| target.tls_name.is_some());
            let is_lines = *transport == Transport::Tcp;
            let is_meant = targets.any(|target| (target.transport == Transport::Tcp) == is_lines);
            is_meant.then(|| assignment.tls.config(*transport)).transpose()
        };
        let [http, lines] = [Transport::WebSocket, Transport::Tcp].map(|it| config(&it));
        let configs = [http.map_err(io::Error::other)?, lines.map_err(io::Error::other)?];
        Ok(Self { configs, sessions: Vec::new(), plain: Vec::new(), out: Vec::new() })
    }

    /// What a target is inside TLS; nothing where it is not.
    ///
    /// # Errors
    /// There is no TLS for it.
    pub(super) fn peer(&self, target: &Target) -> Result<Option<Peer>, Cause> {
        let Some(name) = &target.tls_name else { return Ok(None) };
        let name = server_name("--target", name).map_err(|_| NO_TLS)?;
        let config = &self.configs[usize::from(target.transport == Transport::Tcp)];
        Ok(Some(Peer { config: config.clone().ok_or(NO_TLS)?, name }))
    }

    /// TLS for one more session at a target; nothing where it is not inside TLS.
    ///
    /// # Errors
    /// Why there is none.
    pub(super) fn connection(&self, target: &Target) -> Result<Option<Box<Tls>>, Cause> {
        let peer = self.peer(target)?;
        peer.map(|peer| Tls::to(&peer).map(Box::new)).transpose()
    }

    /// Whether the session in this place has begun with TLS.
    pub(super) fn has(&self, place: usize) -> bool {
        self.sessions.get(place).is_some_and(Option::is_some)
    }

    /// Nothing is known of the session in this place any more.
    pub(super) fn forget(&mut self, place: usize) {
        self.sessions.get_mut(place).into_iter().for_each(|tls| drop(tls.take()));
    }

    /// The session in this place begins with this.
    pub(super) fn learn(&mut self, place: usize, tls: Box<Tls>) -> &mut Tls {
        if self.sessions.len() <= place {
            self.sessions.resize_with(place + 1, || None);
        }
        self.sessions[place].insert(tls)
    }
}
