//! The first message of a WebSocket whose request did not say who comes: a `connect` frame, so that a
//! browser need not put its token into an address.

use bytes::BytesMut;
use protocol::{CloseReason, Transport, client_frame::Connect};

use super::{
    handshake::{Doorway, Refused, Unidentified},
    tcp::{MAX_FIRST_BYTES, connect},
};
use crate::{
    access::auth::Credentials,
    session::{Cursors, Runner},
    tls::Socket,
    transports::{
        inbound::Inbound,
        websocket::{WebSocket, message::next_frame},
        wire::Wire,
    },
};

/// What a client has said first.
#[derive(Debug, PartialEq, Eq)]
pub enum First {
    /// Who it is; in so many bytes, and with what it asked before that has to be answered.
    Connect {
        /// The frame.
        connect: Connect,
        /// How many bytes it took, with what stood in front of it.
        used: usize,
        /// The payload of the last ping before it: the others need no answer (RFC 6455 section 5.5.3).
        ping: Option<Vec<u8>>,
    },
    /// That it goes, with this code.
    Close(Option<u16>),
}

/// What `words` begin with, in frames; none while it is incomplete. `limit` is that of any frame.
///
/// # Errors
/// It is something else, or too long: more bytes would not change that.
pub fn first_message(words: &[u8], limit: usize) -> Result<Option<First>, CloseReason> {
    // Unmasked in place, which the next look must not do again.
    let mut bytes = words[..words.len().min(MAX_FIRST_BYTES)].to_vec();
    let (mut assembly, mut used, mut ping) = (None, 0, None);
    loop {
        let mut said = None;
        let sink = |inbound: Inbound<'_>| {
            match inbound {
                Inbound::Frame(json) => said = Some(connect(json).map(Ok)?),
                Inbound::Close(code) => said = Some(Err(code)),
                Inbound::Binary(_) => return Err(CloseReason::Unsupported),
                Inbound::Ping(payload) => ping = Some(payload.to_vec()),
                Inbound::Pong | Inbound::Nothing => {}
            }
            Ok(())
        };
        match next_frame(&mut bytes[used..], &mut assembly, limit, sink)? {
            Some(taken) => used += taken,
            None if bytes.len() < MAX_FIRST_BYTES => return Ok(None),
            None => return Err(CloseReason::FrameTooLarge),
        }
        match said {
            Some(Ok(connect)) => return Ok(Some(First::Connect { connect, used, ping })),
            Some(Err(code)) => return Ok(Some(First::Close(code))),
            None => {}
        }
    }
}

/// Turns the connection in a seat into a session. `read` came behind the message.
///
/// # Errors
/// Hands the connection back with the reason.
pub(super) fn join(
    doorway: &Doorway,
    first: (&Connect, Option<&[u8]>),
    device: Option<&str>,
    socket: Socket,
    read: BytesMut,
    seat: u32,
) -> Result<Runner, Box<Refused>> {
    let (Connect { token, user, device: own, after }, ping) = first;
    let mut greeting = Vec::new();
    if let Some(payload) = ping {
        WebSocket.pong(payload, &mut greeting);
    }
    let client = Unidentified {
        socket: Some(socket),
        seat,
        transport: Transport::WebSocket,
        read,
        greeting,
        after: Cursors::new(after),
    };
    let (token, user, device) = (token.as_deref(), user.as_deref(), own.as_deref().or(device));
    client.identify(doorway, Credentials { token, user, device })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use protocol::websocket::{FIN, Opcode, masked_frame};

    use super::*;

    fn frame(opcode: Opcode, payload: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::new();
        masked_frame(opcode, payload, [1, 2, 3, 4], &mut bytes);
        bytes
    }

    const CONNECT: &[u8] = br#"{"type":"connect","token":"t"}"#;

    fn found(used: usize, ping: Option<&[u8]>) -> Result<Option<First>, CloseReason> {
        let connect = Connect { token: Some("t".into()), ..Connect::default() };
        Ok(Some(First::Connect { connect, used, ping: ping.map(<[u8]>::to_vec) }))
    }

    #[test]
    fn the_first_message_says_who_connects() {
        let whole = frame(Opcode::Text, CONNECT);
        assert_eq!(first_message(&[&whole[..], b"rest"].concat(), 1000), found(whole.len(), None));
        let pings =
            [frame(Opcode::Ping, b"a"), frame(Opcode::Pong, b""), frame(Opcode::Ping, b"b")];
        let behind = [pings.concat(), whole.clone()].concat();
        assert_eq!(first_message(&behind, 1000), found(behind.len(), Some(b"b")));
        let (one, two) = CONNECT.split_at(9);
        let mut begun = frame(Opcode::Text, one);
        begun[0] &= !FIN;
        let parts = [begun, frame(Opcode::Ping, b"c"), frame(Opcode::Continuation, two)].concat();
        assert_eq!(first_message(&parts, 1000), found(parts.len(), Some(b"c")));
        for (bytes, expected) in [
            (frame(Opcode::Text, b"{}"), Err(CloseReason::InvalidFrame)),
            (frame(Opcode::Binary, CONNECT), Err(CloseReason::Unsupported)),
            (frame(Opcode::Text, &[b' '; 1001]), Err(CloseReason::FrameTooLarge)),
            (frame(Opcode::Ping, b"").repeat(MAX_FIRST_BYTES), Err(CloseReason::FrameTooLarge)),
            (frame(Opcode::Close, &1000_u16.to_be_bytes()), Ok(Some(First::Close(Some(1000))))),
            (b"GET / HTTP/1.1".to_vec(), Err(CloseReason::ProtocolError)),
        ] {
            assert_eq!(first_message(&bytes, 1000), expected);
        }
    }

    proptest! {
        #[test]
        fn pieces_say_the_same_as_the_whole(kinds in prop::collection::vec(0_usize..5, 0..5), step in 1_usize..9) {
            let frames = [
                frame(Opcode::Ping, b"p"), frame(Opcode::Text, CONNECT), frame(Opcode::Text, b"x"),
                frame(Opcode::Close, b""), frame(Opcode::Pong, b""),
            ];
            let bytes: Vec<u8> = kinds.iter().flat_map(|kind| frames[*kind].clone()).collect();
            let whole = first_message(&bytes, 100);
            let ends = (0..bytes.len() + step).step_by(step).map(|end| end.min(bytes.len()));
            let mut in_pieces = ends.map(|end| first_message(&bytes[..end], 100));
            prop_assert_eq!(in_pieces.find(|it| *it != Ok(None)).unwrap_or(Ok(None)), whole);
        }
    }
}
