//! The frame of a push, assembled once and shared by everybody who gets it.
//!
//! It holds the JSON text with what transports put before and behind it, so that each sends a
//! slice of the same bytes. The memory of all frames that are still waiting somewhere, in a mailbox
//! or behind a slow socket, is counted in one [`FrameMemory`].

use std::{
    ops::Range,
    sync::{
        Arc,
        atomic::{AtomicU32, AtomicUsize, Ordering},
    },
};

use triomphe::ThinArc;

use crate::transports::{table::enclose, wire::Wire};

/// What one recipient costs while the frame waits in its mailbox: envelope and queue node.
const ENVELOPE_BYTES: usize = 128;

/// Bytes of pushes that wait in this process, against their limit.
#[derive(Debug)]
pub struct FrameMemory {
    used: AtomicUsize,
    limit: usize,
}

impl FrameMemory {
    /// Nothing waits yet; `limit` in bytes.
    pub fn new(limit: usize) -> Arc<Self> {
        Arc::new(Self { used: AtomicUsize::new(0), limit })
    }

    /// Bytes that wait now.
    pub fn used(&self) -> usize {
        self.used.load(Ordering::Relaxed)
    }

    /// Whether nothing more should be queued.
    pub fn is_full(&self) -> bool {
        self.used() >= self.limit
    }
}

struct Header {
    memory: Arc<FrameMemory>,
    /// Fits: a frame is some 64 KiB and has at most 10,000 recipients counted towards it.
    weight: AtomicU32,
    /// Bytes that transports have before and behind the JSON text.
    before: u8,
    behind: u8,
}

impl Drop for Header {
    fn drop(&mut self) {
        let weight = *self.weight.get_mut() as usize;
        self.memory.used.fetch_sub(weight, Ordering::Relaxed);
    }
}

/// A frame in the bytes of every transport. Cloning shares it.
#[derive(Clone)]
pub struct SharedFrame(ThinArc<Header, u8>);

impl SharedFrame {
    /// Assembles the frame from its JSON text (one line). `scratch` saves an allocation per call.
    pub fn new(json: &[u8], memory: &Arc<FrameMemory>, scratch: &mut Vec<u8>) -> Self {
        scratch.clear();
        let json = enclose(json, scratch);
        let weight = (scratch.len() + size_of::<Header>()) as u32;
        memory.used.fetch_add(weight as usize, Ordering::Relaxed);
        let (before, behind) = (json.start as u8, (scratch.len() - json.end) as u8);
        let memory = Arc::clone(memory);
        let header = Header { memory, weight: AtomicU32::new(weight), before, behind };
        Self(ThinArc::from_header_and_slice(header, scratch))
    }

    /// Counts the envelopes of this many recipients until the last of them has let go.
    pub fn add_recipients(&self, count: usize) {
        let header = &self.0.header.header;
        let more = u32::try_from(count * ENVELOPE_BYTES).unwrap_or(u32::MAX / 2);
        header.weight.fetch_add(more, Ordering::Relaxed);
        header.memory.used.fetch_add(more as usize, Ordering::Relaxed);
    }

    /// Where in [`Self::bytes`] the frame of a transport stands.
    pub fn range(&self, wire: &dyn Wire) -> Range<usize> {
        let Header { before, behind, .. } = self.0.header.header;
        wire.slice(before.into()..self.0.slice.len() - usize::from(behind))
    }

    /// All bytes of the frame.
    pub fn bytes(&self) -> &[u8] {
        &self.0.slice
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transports::{tcp::Tcp, websocket::WebSocket};

    #[test]
    fn each_transport_gets_its_slice_and_memory_is_given_back() {
        let memory = FrameMemory::new(1 << 20);
        let frame = SharedFrame::new(b"{}", &memory, &mut Vec::new());
        frame.add_recipients(3);
        assert_eq!(&frame.bytes()[frame.range(&WebSocket)], b"\x81\x02{}");
        assert_eq!(&frame.bytes()[frame.range(&Tcp)], b"{}\n");
        let copy = frame.clone();
        drop(frame);
        assert!(memory.used() > 3 * ENVELOPE_BYTES);
        drop(copy);
        assert_eq!(memory.used(), 0);
    }
}
