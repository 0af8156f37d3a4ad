//! What time it is at pusher-api, as NTP finds out (RFC 5905, section 8).
//!
//! The gateway says when it asks, by a clock of its own, in a heartbeat ([`super::Up::AskTime`]).
//! pusher-api gives that back in a heartbeat of its own, with the time at which the question came and
//! that at which its answer goes. With the time at which that arrives, the gateway knows how long both
//! ways took together, and from that how far the two clocks are apart, to half of it.
//!
//! Both are heartbeats with something behind, so they cost no frame that would not be sent anyway, and
//! a reader that expects nothing there passes over it.

use bytes::BufMut;

use super::wire::{LinkError, Reader};

/// The time of the question.
pub(super) const ASKED_BYTES: usize = 8;
/// All three times.
pub(super) const READING_BYTES: usize = 3 * ASKED_BYTES;

/// An answer to [`super::Up::AskTime`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClockReading {
    /// What the question said: microseconds by the clock of who asked.
    pub asked_micros: u64,
    /// When it came: microseconds since the Unix epoch at pusher-api.
    pub received_micros: u64,
    /// When this goes, by the same clock.
    pub answered_micros: u64,
}

impl ClockReading {
    pub(super) fn encode(self, out: &mut impl BufMut) {
        out.put_u64_le(self.asked_micros);
        out.put_u64_le(self.received_micros);
        out.put_u64_le(self.answered_micros);
    }

    pub(super) fn decode(reader: &mut Reader<'_>) -> Result<Self, LinkError> {
        Ok(Self {
            asked_micros: reader.u64()?,
            received_micros: reader.u64()?,
            answered_micros: reader.u64()?,
        })
    }
}
