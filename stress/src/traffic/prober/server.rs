//! A server that is probed by connections of their own.

use std::net::SocketAddr;

use crate::settings::tls::Peer;

/// A server that is probed.
pub(super) struct Server {
    pub(super) address: SocketAddr,
    /// What it is inside TLS, where it is asked there.
    pub(super) peer: Option<Peer>,
    /// What it is asked; none if connecting is enough.
    pub(super) request: Option<String>,
}
