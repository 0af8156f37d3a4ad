//! What waits to be written to a slow socket: shared frames and a few bytes of the session's own,
//! in order, bounded in bytes.

use std::{
    collections::{HashMap, VecDeque},
    io::IoSlice,
    ops::Range,
};

use crate::{
    delivery::{frame::SharedFrame, message::Push},
    handover::{
        giver::Frames,
        records::{Bytes, ChunkRecord, QueueRecord, WaitingRecord},
    },
    runtime::acceptance::Accepted,
    transports::wire::Wire,
};

/// Most frames written in one go.
pub(super) const GATHERED: usize = 64;

/// One frame, or what is left of it.
enum Chunk {
    Shared(Waiting),
    Owned(Vec<u8>, usize),
}

/// A push that waits. Frames are far shorter than 4 GiB, so that one takes no more than bytes of the
/// session's own.
struct Waiting {
    frame: SharedFrame,
    start: u32,
    end: u32,
    /// When pusher-api accepted it.
    accepted: Accepted,
}

impl Chunk {
    fn bytes(&self) -> &[u8] {
        match self {
            Self::Shared(push) => &push.frame.bytes()[push.start as usize..push.end as usize],
            Self::Owned(bytes, start) => &bytes[*start..],
        }
    }

    /// The memory it takes alone.
    fn owned(&self) -> usize {
        match self {
            Self::Shared(_) => 0,
            Self::Owned(bytes, _) => bytes.capacity(),
        }
    }

    fn advance(&mut self, count: usize) {
        match self {
            Self::Shared(push) => push.start += count as u32,
            Self::Owned(_, start) => *start += count,
        }
    }
}

/// A queue of frames for one socket.
#[derive(Default)]
pub(super) struct OutboundQueue {
    chunks: VecDeque<Chunk>,
    bytes: usize,
    /// Bytes of memory behind chunks of its own.
    owned: usize,
    /// Whether the first chunk must be kept, because part of it is already on the wire or nothing
    /// makes sense without it.
    torn: bool,
    /// How many frames at the front were shown to a client that asks, and stay until it has seen them.
    shown: u32,
}

impl OutboundQueue {
    /// Bytes that wait.
    pub(super) fn len(&self) -> usize {
        self.bytes
    }

    /// The memory that the queue takes itself, beside the frames it shares.
    pub(super) fn own_bytes(&self) -> usize {
        self.chunks.capacity() * size_of::<Chunk>() + self.owned
    }

    /// Whether nothing waits.
    pub(super) fn is_empty(&self) -> bool {
        self.chunks.is_empty()
    }

    /// Queues the part of a push that the socket did not take; `torn` if it took some.
    pub(super) fn push_shared(&mut self, push: &Push, range: Range<usize>, torn: bool) {
        self.torn |= torn;
        self.bytes += range.len();
        let (start, end) = (range.start as u32, range.end as u32);
        let (frame, accepted) = (push.frame.clone(), push.accepted);
        self.chunks.push_back(Chunk::Shared(Waiting { frame, start, end, accepted }));
    }

    /// Gives up the push that waits under the same key, if one does that nobody has a part of or was shown. Whether
    /// there was one.
    pub(super) fn collapse(&mut self, by: &SharedFrame) -> bool {
        let Some(collapses) = by.collapses() else { return false };
        let first = (self.shown as usize).max(usize::from(self.torn));
        let is_same = |chunk: &Chunk| match chunk {
            Chunk::Shared(push) => push.frame.collapses() == Some(collapses),
            Chunk::Owned(..) => false,
        };
        let place = self.chunks.iter().skip(first).position(is_same);
        let gone = place.and_then(|place| self.chunks.remove(first + place));
        self.bytes -= gone.as_ref().map_or(0, |gone| gone.bytes().len());
        gone.is_some()
    }

    /// How many pushes wait that nobody was shown.
    pub(super) fn pushes(&self) -> usize {
        self.new_pushes().count()
    }

    /// When the pushes that wait and nobody was shown were accepted.
    fn new_pushes(&self) -> impl Iterator<Item = Accepted> {
        self.chunks.iter().skip(self.shown as usize).filter_map(|chunk| match chunk {
            Chunk::Shared(push) => Some(push.accepted),
            Chunk::Owned(..) => None,
        })
    }

    /// Whether there are frames that nobody was shown.
    pub(super) fn has_news(&self) -> bool {
        self.chunks.len() > self.shown as usize
    }

    /// Takes note that all frames are shown to a client that asks for them. Of each push that was not before,
    /// `shown` is told when it was accepted.
    pub(super) fn show(&mut self, shown: impl FnMut(Accepted)) {
        self.new_pushes().for_each(shown);
        self.shown = self.chunks.len() as u32;
    }

    /// The frames that were shown, one by one.
    pub(super) fn shown(&self) -> impl Iterator<Item = &[u8]> {
        self.chunks.iter().take(self.shown as usize).map(Chunk::bytes)
    }

    /// Whether frames are kept that were shown.
    pub(super) fn has_shown(&self) -> bool {
        self.shown > 0
    }

    /// Gives up the frames that were shown: their reader has them.
    pub(super) fn forget_shown(&mut self) {
        let shown = std::mem::take(&mut self.shown) as usize;
        for gone in self.chunks.drain(..shown) {
            self.bytes -= gone.bytes().len();
            self.owned -= gone.owned();
        }
    }

    /// Queues bytes of which the socket has taken the first `written`.
    pub(super) fn push_owned(&mut self, bytes: Vec<u8>, written: usize) {
        self.torn |= written > 0;
        self.bytes += bytes.len() - written;
        self.owned += bytes.capacity();
        self.chunks.push_back(Chunk::Owned(bytes, written));
    }

    /// As it is given to another process. A frame of which nothing was written is named, and written there as that
    /// process writes it; of others the rest goes as it is.
    pub(super) fn record(&self, wire: &dyn Wire, frames: &mut Frames) -> QueueRecord {
        let chunks = self.chunks.iter().map(|chunk| match chunk {
            Chunk::Shared(push) if push.frame.range(wire).start == push.start as usize => {
                ChunkRecord::Frame(named(&push.frame, push.accepted, frames))
            }
            _ => ChunkRecord::Bytes(Bytes(chunk.bytes().to_vec())),
        });
        QueueRecord {
            chunks: chunks.collect(),
            keeps_front: self.torn,
            shown: self.shown,
            write_ms: None,
        }
    }

    /// The queue of another process; frames that are not known are passed over.
    pub(super) fn resumed(
        record: QueueRecord,
        wire: &dyn Wire,
        frames: &HashMap<u64, SharedFrame>,
    ) -> Self {
        let mut queue = Self::default();
        for chunk in record.chunks {
            match chunk {
                ChunkRecord::Bytes(bytes) => queue.push_owned(bytes.0, 0),
                ChunkRecord::Frame(waiting) => {
                    if let Some(push) = unnamed(waiting, frames) {
                        let range = push.frame.range(wire);
                        queue.push_shared(&push, range, false);
                    }
                }
            }
        }
        queue.torn = record.keeps_front && !queue.is_empty();
        queue.shown = record.shown.min(u32::try_from(queue.chunks.len()).unwrap_or(u32::MAX));
        queue
    }

    /// Lets the first frame survive [`Self::drop_whole_frames`]: the others need it before them.
    pub(super) fn keep_front(&mut self) {
        self.torn = !self.is_empty();
    }

    /// What to write next, in order; empty when nothing waits.
    pub(super) fn slices(&self) -> Vec<IoSlice<'_>> {
        self.chunks.iter().take(GATHERED).map(|chunk| IoSlice::new(chunk.bytes())).collect()
    }

    /// Takes note that the socket took the first `count` bytes of [`Self::slices`]. Of each push that
    /// it has whole, `written` is told when it was accepted.
    pub(super) fn advance(&mut self, count: usize, mut written: impl FnMut(Accepted)) {
        self.bytes -= count;
        let mut left = count;
        while let Some(front) = self.chunks.front_mut().filter(|_| left > 0) {
            let taken = left.min(front.bytes().len());
            front.advance(taken);
            left -= taken;
            self.torn = !front.bytes().is_empty();
            if !self.torn
                && let Some(gone) = self.chunks.pop_front()
            {
                self.owned -= gone.owned();
                if let Chunk::Shared(push) = gone {
                    written(push.accepted);
                }
            }
        }
    }

    /// Drops every frame of which nothing is on the wire yet, and says how many pushes those were that nobody was
    /// shown. The stream stays well-formed: the rest of a torn frame is kept, and so is a greeting.
    pub(super) fn drop_whole_frames(&mut self) -> usize {
        let keep = usize::from(self.torn);
        let before = self.pushes();
        self.shown = 0;
        self.chunks.truncate(keep);
        self.chunks.shrink_to_fit();
        self.bytes = self.chunks.iter().map(|chunk| chunk.bytes().len()).sum();
        self.owned = self.chunks.iter().map(Chunk::owned).sum();
        before - self.pushes()
    }
}

/// Names a frame in a record.
pub(super) fn named(frame: &SharedFrame, accepted: Accepted, frames: &mut Frames) -> WaitingRecord {
    frames.name(frame.number(), || frame.record());
    (frame.number(), accepted.age_micros().ok())
}

/// The push that a record names; its receipt was given by the process before.
pub(super) fn unnamed(
    (frame, ago): WaitingRecord,
    frames: &HashMap<u64, SharedFrame>,
) -> Option<Push> {
    let frame = frames.get(&frame)?.clone();
    Some(Push { frame, accepted: Accepted::ago(ago), receipt: None })
}

#[cfg(test)]
mod tests;
