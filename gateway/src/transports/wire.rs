//! What every transport answers for its sessions.

use std::ops::Range;

use protocol::{CloseReason, server_frame::ServerFrame};

use super::inbound::{Assembly, Sink};

/// The bytes of a transport. What one has no form for leaves `out` as it is.
pub trait Wire: Sync {
    /// Hands the frame that stands first in `bytes` to `sink`, if it is whole, and returns how many
    /// bytes it took. Each frame is one call of `sink`, so that all can be counted. Payloads may be changed in place; a part of a message goes into `assembly`.
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

    /// Whether its clients are given the place of a frame beside the frame.
    fn has_ids(&self) -> bool {
        false
    }

    /// Appends a JSON frame that stands at these cursors.
    fn encode_at(&self, json: &[u8], _cursors: &[u8], out: &mut Vec<u8>) {
        self.encode(json, out);
    }

    /// Which of the bytes made by [`enclose`](super::table::enclose) are this transport's; `json` is where the JSON text
    /// stands.
    fn slice(&self, json: Range<usize>) -> Range<usize>;

    /// Appends what a client must answer: one that is gone without a word does not.
    fn ping(&self, out: &mut Vec<u8>);

    /// Whether every client answers pings; one that need not is asked in vain until it has answered once.
    fn answers_pings(&self) -> bool {
        true
    }

    /// Appends the `bye` frame, with the pause in it; without one the client shall not come back.
    fn bye(&self, json: &[u8], _retry_ms: Option<u32>, out: &mut Vec<u8>) {
        self.encode(json, out);
    }

    /// Appends a goodbye: the `bye`, with this pause where the client shall come back, and the close where there
    /// is one.
    fn goodbye(&self, reason: CloseReason, retry_ms: u32, out: &mut Vec<u8>) {
        let bye = ServerFrame::bye(reason, retry_ms).encode();
        self.bye(&bye, reason.reconnect().then_some(retry_ms), out);
        self.close(reason, out);
    }

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
