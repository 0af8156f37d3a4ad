//! Connections and requests that proxies pass on: whom they are believed, and where the client is then.

use std::{
    net::TcpStream,
    time::{Duration, Instant},
};

use bytes::{Buf, BytesMut};
use protocol::foreign::Foreign;
use tracing::warn;

use super::{
    arrivals::Arrivals,
    proxy_header::{Begun, NoHeader, PassedOn, proxy_header},
};
use crate::{
    http::{client_address::ClientAddress, forwarded, request::Request},
    seats::Arrival,
};

/// How often at most a thread says that it has refused such a connection; each is counted.
const BETWEEN_WORDS: Duration = Duration::from_secs(10);

/// Why a connection is refused at a listener for proxies.
#[derive(Debug, Clone, Copy, thiserror::Error)]
enum Refused {
    #[error("it does not come from a network of --trusted-proxy")]
    Untrusted,
    #[error("{0}")]
    Header(#[from] NoHeader),
    #[error("{0}")]
    Foreign(#[from] Foreign),
}

impl Refused {
    /// The label of the metric.
    fn as_str(self) -> &'static str {
        match self {
            Self::Untrusted => "untrusted",
            Self::Header(why) => why.as_str(),
            Self::Foreign(_) => "foreign",
        }
    }
}

impl Arrivals {
    /// Whether a connection at a listener for proxies is a trusted one's. Others go without a word.
    pub(crate) fn is_trusted(&self, socket: &TcpStream) -> bool {
        let proxies = &self.doorway.seats.local.settings.proxies;
        match socket.peer_addr() {
            Ok(peer) if proxies.trusts(peer.ip()) => true,
            Ok(_) => {
                self.turn_away(socket, Refused::Untrusted);
                false
            }
            // It is gone already, as proxies' checks are that only look whether they are let in.
            Err(_) => false,
        }
    }

    /// Takes the header off the words of a connection in a seat, once it has come whole.
    pub(super) fn take_header(
        &self,
        arrival: &mut Arrival,
        words: &mut BytesMut,
        seat: u32,
    ) -> Begun {
        let read = proxy_header(words).map_err(Refused::from);
        let checked = read.and_then(|header| match header {
            Some((passed_on, _)) => self.check(passed_on).map(|()| header).map_err(Refused::from),
            None => Ok(None),
        });
        match checked {
            Ok(None) => Begun::Part,
            Ok(Some((passed_on, used))) => {
                words.advance(used);
                arrival.is_proxied = false;
                let local = &self.doorway.seats.local;
                local.metrics.proxies.passed_on.inc();
                if let PassedOn::For(client) = passed_on {
                    local.addresses.borrow_mut().note(seat, client);
                }
                Begun::Whole
            }
            Err(why) => {
                self.turn_away(&arrival.socket, why);
                Begun::Wrong
            }
        }
    }

    /// In development only who is on this machine is let in, whoever passes them on.
    fn check(&self, passed_on: PassedOn) -> Result<(), Foreign> {
        let is_development = self.doorway.seats.local.settings.development.development;
        match passed_on {
            PassedOn::For(client) if is_development && !client.ip.is_loopback() => {
                Err(Foreign::Forwarded)
            }
            PassedOn::Unknown if is_development => Err(Foreign::Forwarded),
            _ => Ok(()),
        }
    }

    fn turn_away(&self, socket: &TcpStream, why: Refused) {
        self.doorway.seats.local.metrics.proxies.refused(why.as_str());
        let now = Instant::now();
        if self.told_at.get().is_none_or(|told| now - told >= BETWEEN_WORDS) {
            self.told_at.set(Some(now));
            let peer = socket.peer_addr().ok();
            warn!(?peer, reason = %why, "a connection was refused that no proxy passes on");
        }
    }

    /// Where a connection comes from, as the proxy says that passes it on, if one does.
    fn peer(&self, socket: &TcpStream, seat: u32) -> Option<ClientAddress> {
        let told = self.doorway.seats.local.addresses.borrow().get(seat);
        told.or_else(|| socket.peer_addr().ok().map(ClientAddress::from))
    }

    /// Where the client of a request is.
    pub(super) fn client_of(
        &self,
        request: &Request<'_>,
        socket: &TcpStream,
        seat: u32,
    ) -> Option<ClientAddress> {
        let proxies = &self.doorway.seats.local.settings.proxies;
        let peer = self.peer(socket, seat)?;
        let named = match proxies.trusts(peer.ip) {
            true => forwarded::client(request, |ip| proxies.trusts(ip)),
            false => None,
        };
        named.or(Some(peer))
    }

    /// Takes note of where the client of a request is that is to become a session in a seat.
    pub(super) fn note_client(&self, request: &Request<'_>, socket: &TcpStream, seat: u32) {
        let local = &self.doorway.seats.local;
        if local.settings.proxies.trusted_proxy.is_empty() {
            return;
        }
        if let Some(client) = self.client_of(request, socket, seat) {
            local.addresses.borrow_mut().note(seat, client);
        }
    }
}
