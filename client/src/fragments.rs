//! Messages that come in several frames (RFC 6455 section 5.4).

use protocol::websocket::Opcode;

use crate::websocket::{Frame, MAX_MESSAGE_BYTES};

/// Adds a frame to the message that has begun, if one has; the message once it is whole.
///
/// # Errors
/// Names the rule that the server broke.
pub(crate) fn join(
    begun: &mut Option<Vec<u8>>,
    frame: &Frame<'_>,
) -> Result<Option<Vec<u8>>, &'static str> {
    match (frame.opcode, begun.is_some()) {
        (Opcode::Continuation, false) => return Err("a continuation of nothing"),
        (Opcode::Text | Opcode::Binary, true) => return Err("a message within a message"),
        _ => begun.get_or_insert_default().extend_from_slice(frame.payload),
    }
    if begun.as_ref().is_some_and(|message| message.len() > MAX_MESSAGE_BYTES) {
        return Err("a message larger than 1 MiB");
    }
    Ok(if frame.last { begun.take() } else { None })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(opcode: Opcode, last: bool, payload: &[u8]) -> Frame<'_> {
        Frame { last, opcode, payload, length: payload.len() + 2 }
    }

    #[test]
    fn frames_of_a_message_are_joined() {
        let mut begun = None;
        assert_eq!(join(&mut begun, &frame(Opcode::Text, false, b"a")), Ok(None));
        assert_eq!(join(&mut begun, &frame(Opcode::Continuation, false, b"b")), Ok(None));
        let whole = join(&mut begun, &frame(Opcode::Continuation, true, b"c"));
        assert_eq!((whole, begun), (Ok(Some(b"abc".to_vec())), None));
    }

    #[test]
    fn frames_out_of_place_are_refused() {
        let (mut none, mut one) = (None, Some(Vec::new()));
        assert!(join(&mut none, &frame(Opcode::Continuation, true, b"")).is_err());
        assert!(join(&mut one, &frame(Opcode::Text, false, b"")).is_err());
        let more = vec![0; MAX_MESSAGE_BYTES + 1];
        assert!(join(&mut one, &frame(Opcode::Continuation, false, &more)).is_err());
    }
}
