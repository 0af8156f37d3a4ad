//! What transports find in the bytes from their peers.

use protocol::{CloseReason, websocket::Opcode};

/// One thing that a peer said.
#[derive(Debug, PartialEq, Eq)]
pub enum Inbound<'a> {
    /// A JSON frame, not yet looked into.
    Frame(&'a [u8]),
    /// A message that is not text.
    Binary(&'a [u8]),
    /// To be answered with the same payload.
    Ping(&'a [u8]),
    /// An answer to our ping.
    Pong,
    /// A frame that says nothing by itself: a fragment of a message that is not whole yet, an empty
    /// line.
    Nothing,
    /// The peer closes, with the code it gave.
    Close(Option<u16>),
}

/// Who acts on what was found.
pub(crate) type Sink<'a> = &'a mut dyn FnMut(Inbound<'_>) -> Result<(), CloseReason>;

/// A message of which some fragments have come.
#[derive(Debug)]
pub struct Assembly {
    /// What the first fragment said it is.
    pub(super) opcode: Opcode,
    /// What has come.
    pub(crate) bytes: Vec<u8>,
}

impl Assembly {
    /// What the first fragment said it is, as a number that other processes know.
    pub(crate) fn kind(&self) -> u8 {
        self.opcode as u8
    }

    /// A message of which some fragments have come to another process; nothing if its kind means nothing here.
    pub(crate) fn resumed(kind: u8, bytes: Vec<u8>) -> Option<Self> {
        let opcode = [Opcode::Text, Opcode::Binary].into_iter().find(|it| *it as u8 == kind)?;
        Some(Self { opcode, bytes })
    }
}
