//! The frame of a push, assembled once and shared by everybody who gets it.
//!
//! It holds the WebSocket header (server frames are unmasked and so the same for all, RFC 6455
//! section 5.1), the JSON text and a line break behind each other, so that each transport sends a
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

use crate::transports::{Transport, websocket::frame::text_header};

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
    websocket_header: u8,
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
        text_header(json.len(), scratch);
        let websocket_header = scratch.len() as u8;
        scratch.extend_from_slice(json);
        scratch.push(b'\n');
        let weight = (scratch.len() + size_of::<Header>()) as u32;
        memory.used.fetch_add(weight as usize, Ordering::Relaxed);
        let header =
            Header { memory: Arc::clone(memory), weight: AtomicU32::new(weight), websocket_header };
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
    pub fn range(&self, transport: Transport) -> Range<usize> {
        let header = usize::from(self.0.header.header.websocket_header);
        match transport {
            Transport::WebSocket => 0..self.0.slice.len() - 1,
            Transport::Tcp => header..self.0.slice.len(),
        }
    }

    /// All bytes of the frame.
    pub fn bytes(&self) -> &[u8] {
        &self.0.slice
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_transport_gets_its_slice_and_memory_is_given_back() {
        let memory = FrameMemory::new(1 << 20);
        let frame = SharedFrame::new(b"{}", &memory, &mut Vec::new());
        frame.add_recipients(3);
        assert_eq!(&frame.bytes()[frame.range(Transport::WebSocket)], b"\x81\x02{}");
        assert_eq!(&frame.bytes()[frame.range(Transport::Tcp)], b"{}\n");
        let copy = frame.clone();
        drop(frame);
        assert!(memory.used() > 3 * ENVELOPE_BYTES);
        drop(copy);
        assert_eq!(memory.used(), 0);
    }
}
