//! What a session asks of whoever owns its socket.

use protocol::SessionId;

use crate::{ending::Ending, scan::Kind};

/// One thing to do, or to know.
#[derive(Debug, PartialEq, Eq)]
pub enum Effect<'a> {
    /// The session is open.
    Held,
    /// A frame of the server's has arrived: a JSON frame of this kind, or whatever a server that
    /// does not speak this protocol sends.
    Frame(Kind, &'a [u8]),
    /// The server has answered the question whether it is there.
    Alive,
    /// These bytes are to be sent.
    Reply(Vec<u8>),
    /// The request of a long poll has been answered, by this session if the answer says so: the next one is
    /// to be sent, with what [`Session::ask_again`](crate::Session::ask_again) says then.
    Again(Option<SessionId>),
    /// The session is over.
    Ended(Ending),
}
