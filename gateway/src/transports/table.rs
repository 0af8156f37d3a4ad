//! Every transport, and what they make of one frame together.

use std::ops::Range;

use protocol::Transport;

use super::{tcp::Tcp, websocket::WebSocket, wire::Wire};

/// The bytes of a transport: a line for each.
pub(crate) fn wire(transport: Transport) -> &'static dyn Wire {
    match transport {
        Transport::WebSocket => &WebSocket,
        Transport::Tcp => &Tcp,
    }
}

/// Appends a JSON frame so that every transport finds its own bytes in one piece of it, and returns
/// where the JSON text stands.
pub(crate) fn enclose(json: &[u8], out: &mut Vec<u8>) -> Range<usize> {
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
