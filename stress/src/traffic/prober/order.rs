//! What to probe, and how often.

use std::{net::SocketAddr, time::Duration};

use super::{echo::Line, server::Server};
use crate::{session::identity::Identity, settings::tls::Peer};

/// Which probes to send.
pub(crate) struct Order {
    /// Probes of each kind per second.
    pub rate: f64,
    /// When a probe is lost.
    pub timeout: Duration,
    /// Kinds of probes that each need a connection of their own.
    pub sorts: Vec<Sort>,
    /// Persistent connections for echoes, taken in turn.
    pub lines: Vec<Line>,
    /// Who the echo sessions are.
    pub identity: Identity,
    /// The number in their user id.
    pub number: u32,
}

/// Probes of one kind.
pub(crate) struct Sort {
    pub(super) name: &'static str,
    /// Servers, taken in turn.
    pub(super) servers: Vec<Server>,
}

impl Sort {
    /// TCP connects.
    pub(crate) fn connect(addresses: Vec<SocketAddr>) -> Self {
        let servers =
            addresses.into_iter().map(|address| Server { address, peer: None, request: None });
        Self { name: "connect", servers: servers.collect() }
    }

    /// HTTP requests, each on a connection of its own.
    pub(crate) fn http<'a>(
        name: &'static str,
        servers: impl Iterator<Item = (SocketAddr, &'a str, Option<Peer>)>,
    ) -> Self {
        let request = |address, path: &str| {
            format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")
        };
        let servers = servers.map(|(address, path, peer)| {
            let request = Some(request(address, path));
            Server { address, peer, request }
        });
        Self { name, servers: servers.collect() }
    }

    /// Whether there is nobody to ask.
    pub(crate) fn is_empty(&self) -> bool {
        self.servers.is_empty()
    }
}
