//! What a session asks of whoever owns its socket.

use super::failure::Failure;

/// One thing to do, or to know.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Effect<'a> {
    /// The session is open.
    Held,
    /// A message has arrived.
    Message(&'a [u8]),
    /// The server refused something and the session lives on.
    Refusal,
    /// These bytes are to be sent.
    Reply(Vec<u8>),
    /// The session is over.
    Ended(Failure),
}
