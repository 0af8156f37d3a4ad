//! The frame of a push, assembled once and shared by everybody who gets it.
//!
//! It holds the JSON text with what transports put before and behind it, so that each sends a
//! slice of the same bytes. The memory of all frames that are still waiting somewhere, in a mailbox
//! or behind a slow socket, is counted in one [`FrameMemory`].

use std::{
    ops::Range,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use protocol::{
    kept::{Cursor, Log, Step},
    server_frame::ended_by_cursor,
};
use tokio::sync::Notify;
use triomphe::ThinArc;

use crate::{
    handover::records::{self, FrameRecord, KeptRecord, ScopeRecord},
    transports::{table::enclose, wire::Wire},
};

/// What one recipient costs while the frame waits in its mailbox: envelope and queue node.
const ENVELOPE_BYTES: usize = 128;

/// Bytes of pushes that wait in this process, against their limit.
#[derive(Debug)]
pub struct FrameMemory {
    used: AtomicUsize,
    limit: usize,
    wanted: Notify,
}

impl FrameMemory {
    /// Nothing waits yet; `limit` in bytes.
    pub fn new(limit: usize) -> Arc<Self> {
        Arc::new(Self { used: AtomicUsize::new(0), limit, wanted: Notify::new() })
    }

    /// Bytes that wait now.
    pub fn used(&self) -> usize {
        self.used.load(Ordering::Relaxed)
    }

    /// The most that may wait.
    pub fn limit(&self) -> usize {
        self.limit
    }

    /// Whether nothing more should be queued.
    pub fn is_full(&self) -> bool {
        self.used() >= self.limit
    }

    /// Tells those who can make room that a push waits for it.
    pub(crate) fn want_room(&self) {
        self.wanted.notify_waiters();
    }

    /// Waits until a push waits for room.
    pub(crate) async fn room_wanted(&self) {
        self.wanted.notified().await;
    }
}

/// Where a push stands that is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Kept {
    /// In whose log.
    pub log: Log,
    /// Where in it.
    pub step: Step,
}

/// Whose push it takes the place of, in the queue of a slow client, and what that is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Collapses {
    /// To whom it was pushed.
    pub scope: Scope,
    /// The key.
    pub key: Box<str>,
}

/// What keys are told apart by beside their names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Scope {
    /// The one user whose session has it.
    User,
    /// A topic.
    Topic(Box<str>),
    /// Everybody.
    All,
}

/// What is said of a push beside its frame.
#[derive(Debug, Clone)]
enum Mark {
    Kept(Kept),
    Collapses(Collapses),
}

struct Header {
    memory: Arc<FrameMemory>,
    mark: Option<Box<Mark>>,
    /// In bytes.
    weight: u32,
    /// Bytes that transports have before and behind the JSON text.
    before: u8,
    behind: u8,
}

impl Drop for Header {
    fn drop(&mut self) {
        self.memory.used.fetch_sub(self.weight as usize, Ordering::Relaxed);
    }
}

/// A frame in the bytes of every transport. Cloning shares it.
#[derive(Clone)]
pub struct SharedFrame(ThinArc<Header, u8>);

impl SharedFrame {
    /// Assembles the frame from its JSON text (one line). `scratch` saves an allocation per call.
    pub fn new(json: &[u8], memory: &Arc<FrameMemory>, scratch: &mut Vec<u8>) -> Self {
        Self::assemble(json, None, memory, scratch)
    }

    /// The same of a push that is kept, from its JSON text up to the cursor, with which it ends.
    pub(crate) fn kept_at(
        json: &[u8],
        kept: Kept,
        memory: &Arc<FrameMemory>,
        scratch: &mut Vec<u8>,
    ) -> Self {
        let json = ended_by_cursor(json, Cursor::new(&kept.log, kept.step.place));
        Self::assemble(&json, Some(Mark::Kept(kept)), memory, scratch)
    }

    /// The same of a push that takes the place of others.
    pub(crate) fn collapsing(
        json: &[u8],
        collapses: Collapses,
        memory: &Arc<FrameMemory>,
        scratch: &mut Vec<u8>,
    ) -> Self {
        Self::assemble(json, Some(Mark::Collapses(collapses)), memory, scratch)
    }

    /// A frame of another process: its whole JSON text, and what was said of it there.
    pub(crate) fn resumed(
        record: FrameRecord,
        memory: &Arc<FrameMemory>,
        scratch: &mut Vec<u8>,
    ) -> Self {
        let FrameRecord { json, kept, collapses, .. } = record;
        let kept = kept.map(|KeptRecord { log, before, place }| {
            let step = Step { before: records::read(before), place: records::read(place) };
            Mark::Kept(Kept { log: log.into(), step })
        });
        let collapses = || {
            let (scope, key) = collapses?;
            let scope = match scope {
                ScopeRecord::User => Scope::User,
                ScopeRecord::Topic(topic) => Scope::Topic(topic.into()),
                ScopeRecord::All => Scope::All,
            };
            Some(Mark::Collapses(Collapses { scope, key: key.into() }))
        };
        Self::assemble(&json.0, kept.or_else(collapses), memory, scratch)
    }

    /// A number of its own, as long as somebody has it.
    pub(crate) fn number(&self) -> u64 {
        self.0.slice.as_ptr().addr() as u64
    }

    /// As it is given to another process.
    pub(crate) fn record(&self) -> FrameRecord {
        let kept = self.kept().map(|Kept { log, step }| KeptRecord {
            log: log.into(),
            before: records::written(step.before),
            place: records::written(step.place),
        });
        let collapses = self.collapses().map(|Collapses { scope, key }| {
            let scope = match scope {
                Scope::User => ScopeRecord::User,
                Scope::Topic(topic) => ScopeRecord::Topic(topic.to_string()),
                Scope::All => ScopeRecord::All,
            };
            (scope, key.to_string())
        });
        let json = records::Bytes(self.json().to_vec());
        FrameRecord { id: self.number(), json, kept, collapses }
    }

    fn assemble(
        json: &[u8],
        mark: Option<Mark>,
        memory: &Arc<FrameMemory>,
        scratch: &mut Vec<u8>,
    ) -> Self {
        scratch.clear();
        let json = enclose(json, scratch);
        let weight = (scratch.len() + size_of::<Header>()) as u32;
        memory.used.fetch_add(weight as usize, Ordering::Relaxed);
        let (before, behind) = (json.start as u8, (scratch.len() - json.end) as u8);
        let memory = Arc::clone(memory);
        let mark = mark.map(Box::new);
        let header = Header { memory, mark, weight, before, behind };
        Self(ThinArc::from_header_and_slice(header, scratch))
    }

    /// Counts an envelope in which the frame waits in a mailbox, until it is discounted.
    pub fn count_envelope(&self) {
        self.0.header.header.memory.used.fetch_add(ENVELOPE_BYTES, Ordering::Relaxed);
    }

    /// The envelope is gone.
    pub fn discount_envelope(&self) {
        self.0.header.header.memory.used.fetch_sub(ENVELOPE_BYTES, Ordering::Relaxed);
    }

    /// Where in [`Self::bytes`] the frame of a transport stands.
    pub fn range(&self, wire: &dyn Wire) -> Range<usize> {
        let Header { before, behind, .. } = self.0.header.header;
        wire.slice(before.into()..self.0.slice.len() - usize::from(behind))
    }

    /// Where the push stands, if it is kept.
    pub(crate) fn kept(&self) -> Option<&Kept> {
        match self.0.header.header.mark.as_deref()? {
            Mark::Kept(kept) => Some(kept),
            Mark::Collapses(_) => None,
        }
    }

    /// What it takes the place of, if of anything.
    pub(crate) fn collapses(&self) -> Option<&Collapses> {
        match self.0.header.header.mark.as_deref()? {
            Mark::Collapses(collapses) => Some(collapses),
            Mark::Kept(_) => None,
        }
    }

    /// The JSON text.
    pub fn json(&self) -> &[u8] {
        let Header { before, behind, .. } = self.0.header.header;
        &self.0.slice[before.into()..self.0.slice.len() - usize::from(behind)]
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
        assert_eq!(&frame.bytes()[frame.range(&WebSocket)], b"\x81\x02{}");
        assert_eq!(&frame.bytes()[frame.range(&Tcp)], b"{}\n");
        let alone = memory.used();
        let copy = frame.clone();
        assert_eq!(memory.used(), alone, "shared bytes are there once");
        copy.count_envelope();
        assert_eq!(memory.used(), alone + ENVELOPE_BYTES);
        copy.discount_envelope();
        drop(frame);
        assert_eq!(memory.used(), alone);
        drop(copy);
        assert_eq!(memory.used(), 0);
    }
}
