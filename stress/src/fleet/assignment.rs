//! A worker's share of the sessions.

use std::{net::IpAddr, time::Duration};

use serde::{Deserialize, Serialize};

use crate::{
    session::{identity::Identity, ports::Ports},
    settings::{targets::Targets, tls::TlsChoice, waits::Waits},
};

/// How sessions come back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Returns {
    /// How long one may try, once it is time to.
    pub within: Duration,
    /// Whether messages are sent to it meanwhile, which it misses.
    pub misses: bool,
}

/// Which sessions they are, and how to open them. It holds a secret, so it travels through a pipe
/// only and cannot be printed.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Assignment {
    /// The number of the first session.
    pub first: u32,
    /// How many sessions.
    pub count: u32,
    /// How many of them, from the first on, are never dropped.
    pub kept: u32,
    /// Servers.
    pub targets: Targets,
    /// Of how many sessions every server gets its part in one piece; none takes servers in turn.
    pub pieces_of: Option<u32>,
    /// Addresses to connect from, taken in turn; none leaves it to the system.
    pub sources: Vec<IpAddr>,
    /// Handshakes under way at once.
    pub concurrency: u32,
    /// How long a session may take to open.
    pub connect_timeout: Duration,
    /// Whether a session counts as held only after the server's `hello`.
    pub needs_hello: bool,
    /// Whether a session counts as held only after a message of its own has come back.
    pub echo_once: bool,
    /// Whether pings are answered where an answer has to be posted.
    pub posts_pongs: bool,
    /// How sessions come back that their server asks to; without it they are lost.
    pub returns: Option<Returns>,
    /// How long requests of long polls wait.
    pub poll_wait: Waits,
    /// Who the sessions are.
    pub identity: Identity,
    /// The run, as it stands in its messages.
    pub run: u32,
    /// How servers inside TLS are connected to.
    pub tls: TlsChoice,
    /// Local ports that are not left to the kernel.
    pub ports: Option<Ports>,
}

impl Assignment {
    /// The place among the targets of the server that a session connects to at first.
    pub(crate) fn place(&self, number: u32) -> usize {
        let (number, count) = (number as usize, self.targets.count());
        self.pieces_of.map_or(number % count, |total| number * count / total as usize)
    }

    /// The local port that a session connects from; nothing leaves it to the kernel.
    pub(crate) fn port(&self, number: u32) -> Option<u16> {
        let servers = self.targets.count() as u64;
        let place = match self.pieces_of.map(u64::from) {
            // A piece begins with the first number that falls to its server.
            Some(total) => {
                let server = u64::from(number) * servers / total;
                u64::from(number) - (server * total).div_ceil(servers)
            }
            None => u64::from(number) / servers,
        };
        let turn = place / self.sources.len().max(1) as u64;
        self.ports.as_ref()?.of_turn(u32::try_from(turn).ok()?)
    }

    /// The address that a session connects from. Every source meets every target before a pair
    /// comes again.
    pub(crate) fn source(&self, number: u32) -> Option<IpAddr> {
        let turn = match self.pieces_of {
            Some(_) => number as usize,
            None => number as usize / self.targets.count(),
        };
        (!self.sources.is_empty()).then(|| self.sources[turn % self.sources.len()])
    }
}
