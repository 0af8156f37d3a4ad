//! From frames to messages: fragments are put together, control frames pass in between
//! (RFC 6455 section 5.4), text is checked to be UTF-8 (section 8.1).

use protocol::{
    CloseReason,
    websocket::{Opcode, is_sendable_close_code, mask},
};

use super::frame::{Header, parse_header};
use crate::transports::inbound::{Assembly, Inbound};

/// Reads the first frame of `bytes` and hands what it completes to `sink`; a fragment grows
/// `assembly`, and completes nothing. The payload is unmasked in place.
///
/// Returns how many bytes the frame took, or `None` while it is incomplete.
///
/// # Errors
/// Whatever makes going on impossible: a broken frame, text that is not UTF-8, or more than
/// `limit` bytes in one message.
pub fn next_frame<E: From<CloseReason>>(
    bytes: &mut [u8],
    assembly: &mut Option<Assembly>,
    limit: usize,
    sink: impl FnOnce(Inbound<'_>) -> Result<(), E>,
) -> Result<Option<usize>, E> {
    let Some(header) = parse_header(bytes, limit)? else { return Ok(None) };
    // Before the rest of the frame has come, so that a message never takes more than the limit.
    let begun = assembly.as_ref().map_or(0, |message| message.bytes.len());
    if header.opcode == Opcode::Continuation && begun + header.length > limit {
        return Err(CloseReason::FrameTooLarge.into());
    }
    let end = header.size + header.length;
    let Some(payload) = bytes.get_mut(header.size..end) else { return Ok(None) };
    mask(payload, header.mask);
    match header.opcode {
        Opcode::Ping => sink(Inbound::Ping(payload))?,
        Opcode::Pong => sink(Inbound::Pong)?,
        Opcode::Close => sink(Inbound::Close(close_code(payload)?))?,
        Opcode::Text | Opcode::Binary | Opcode::Continuation => {
            data(header, payload, assembly, sink)?;
        }
    }
    Ok(Some(end))
}

fn data<E: From<CloseReason>>(
    header: Header,
    payload: &[u8],
    assembly: &mut Option<Assembly>,
    sink: impl FnOnce(Inbound<'_>) -> Result<(), E>,
) -> Result<(), E> {
    let starts = header.opcode != Opcode::Continuation;
    if starts == assembly.is_some() {
        return Err(CloseReason::ProtocolError.into());
    }
    if starts && header.fin {
        return complete(header.opcode, payload, sink);
    }
    let message =
        assembly.get_or_insert_with(|| Assembly { opcode: header.opcode, bytes: Vec::new() });
    message.bytes.extend_from_slice(payload);
    match header.fin.then(|| assembly.take()).flatten() {
        Some(whole) => complete(whole.opcode, &whole.bytes, sink),
        None => sink(Inbound::Nothing),
    }
}

fn complete<E: From<CloseReason>>(
    opcode: Opcode,
    payload: &[u8],
    sink: impl FnOnce(Inbound<'_>) -> Result<(), E>,
) -> Result<(), E> {
    match opcode {
        Opcode::Binary => sink(Inbound::Binary(payload)),
        _ if simdutf8::basic::from_utf8(payload).is_ok() => sink(Inbound::Frame(payload)),
        _ => Err(CloseReason::InvalidFrame.into()),
    }
}

/// The code of a close frame: none, or a valid one with a reason in UTF-8 (section 5.5.1).
fn close_code(payload: &[u8]) -> Result<Option<u16>, CloseReason> {
    let [high, low, reason @ ..] = payload else {
        return match payload.is_empty() {
            true => Ok(None),
            false => Err(CloseReason::ProtocolError),
        };
    };
    let code = u16::from_be_bytes([*high, *low]);
    if !is_sendable_close_code(code) {
        Err(CloseReason::ProtocolError)
    } else if simdutf8::basic::from_utf8(reason).is_err() {
        Err(CloseReason::InvalidFrame)
    } else {
        Ok(Some(code))
    }
}

#[cfg(test)]
mod tests;
