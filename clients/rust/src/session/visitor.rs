//! Who opens sessions, and what they are to be.

use client::opening::Credentials;

use super::{
    parting::{Explain, explain},
    places::Subscription,
    server::Server,
};

/// Who connects where, and what is subscribed to.
pub(super) struct Visitor {
    pub(super) server: Server,
    /// The server's host as requests name it.
    pub(super) host: String,
    pub(super) user: Option<String>,
    /// The token in force, if there is one.
    pub(super) token: Option<String>,
    pub(super) device: Option<String>,
    pub(super) topics: Vec<Subscription>,
    pub(super) explain: Explain,
}

impl Visitor {
    /// Nobody yet.
    pub(super) fn new(server: Server) -> Self {
        let (host, topics) = (server.bracketed_host(), Vec::new());
        Self { server, host, user: None, token: None, device: None, topics, explain }
    }

    /// Who comes.
    pub(super) fn credentials(&self) -> Credentials<'_> {
        let who = Credentials::new(self.token.as_deref(), self.user.as_deref());
        Credentials { device: self.device.as_deref(), ..who }
    }
}
