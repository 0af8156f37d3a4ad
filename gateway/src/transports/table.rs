//! Every transport, and what they make of one frame together.

use std::ops::Range;

use protocol::{
    Transport,
    websocket::{Opcode, header},
};

use super::{
    poll::Poll,
    sse::{BETWEEN, Sse},
    tcp::Tcp,
    websocket::WebSocket,
    wire::Wire,
};

/// The bytes of a transport: a line for each.
pub(crate) fn wire(transport: Transport) -> &'static dyn Wire {
    match transport {
        Transport::WebSocket => &WebSocket,
        Transport::Tcp => &Tcp,
        Transport::Sse => &Sse,
        Transport::Poll => &Poll,
    }
}

/// Appends a JSON frame so that every transport finds its own bytes in one piece of it, and returns
/// where the JSON text stands: behind the header that makes it a WebSocket's, which is unmasked
/// from a server and so the same for all (RFC 6455 section 5.1), and in front of the line break
/// that makes it a line and of what else ends an event.
pub(crate) fn enclose(json: &[u8], out: &mut Vec<u8>) -> Range<usize> {
    header(Opcode::Text, json.len(), out);
    let start = out.len();
    out.extend_from_slice(json);
    out.extend_from_slice(BETWEEN);
    start..start + json.len()
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
