//! What every transport answers for its sessions, and the table of transports.

use std::ops::Range;

use protocol::{CloseReason, Transport};

use super::{
    inbound::{Assembly, Sink},
    tcp::Tcp,
    websocket::WebSocket,
};

/// How it is found out that a client is gone without a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Liveness {
    /// It is pinged, and must answer.
    Ping,
    /// The kernel asks its (tcp(7), TCP_KEEPALIVE).
    Kernel,
}

/// The bytes of a transport. What one has no form for leaves `out` as it is.
pub trait Wire: Sync {
    /// Hands what stands first in `bytes` to `sink`, if it is whole, and returns how many bytes it
    /// took. Payloads may be changed in place; a part of a message goes into `assembly`.
    ///
    /// # Errors
    /// Whatever makes going on impossible, for example a frame of more than `limit` bytes.
    fn next(
        &self,
        bytes: &mut [u8],
        assembly: &mut Option<Assembly>,
        limit: usize,
        sink: Sink<'_>,
    ) -> Result<Option<usize>, CloseReason>;

    /// Appends a JSON frame.
    fn encode(&self, json: &[u8], out: &mut Vec<u8>);

    /// Which of the bytes made by [`enclose`] are this transport's; `json` is where the JSON text
    /// stands.
    fn slice(&self, json: Range<usize>) -> Range<usize>;

    /// How it is found out that a client is gone.
    fn liveness(&self) -> Liveness;

    /// Appends what a client must answer.
    fn ping(&self, _out: &mut Vec<u8>) {}

    /// Appends the answer to a client's ping.
    fn pong(&self, _payload: &[u8], _out: &mut Vec<u8>) {}

    /// Appends a message that is not text.
    fn binary(&self, _payload: &[u8], _out: &mut Vec<u8>) {}

    /// Appends what tells the peer that nothing follows.
    fn close(&self, _reason: CloseReason, _out: &mut Vec<u8>) {}

    /// Appends the answer to a peer that closes, which gets its code back.
    fn close_back(&self, _code: Option<u16>, _out: &mut Vec<u8>) {}

    /// Whether the end of the stream is what tells the peer that nothing follows.
    fn ends_by_shutdown(&self) -> bool;
}

/// The bytes of a transport: a line for each.
pub fn wire(transport: Transport) -> &'static dyn Wire {
    match transport {
        Transport::WebSocket => &WebSocket,
        Transport::Tcp => &Tcp,
    }
}

/// Appends a JSON frame so that every transport finds its own bytes in one piece of it, and returns
/// where the JSON text stands.
pub fn enclose(json: &[u8], out: &mut Vec<u8>) -> Range<usize> {
    let start = out.len();
    WebSocket.encode(json, out);
    let json = out.len() - json.len() - start..out.len() - start;
    out.push(b'\n');
    json
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_transport_finds_its_own_bytes_in_a_shared_frame() {
        for length in [2, 125, 126, 65_536] {
            let json = vec![b'x'; length];
            let mut shared = Vec::new();
            let stands = enclose(&json, &mut shared);
            for transport in Transport::ALL {
                let mut own = Vec::new();
                wire(transport).encode(&json, &mut own);
                let slice = wire(transport).slice(stands.clone());
                assert_eq!(&shared[slice], own, "{transport:?} {length}");
            }
        }
    }
}
