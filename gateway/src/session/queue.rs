//! What waits to be written to a slow socket: shared frames and a few bytes of the session's own,
//! in order, bounded in bytes.

use std::{collections::VecDeque, io::IoSlice, ops::Range};

use crate::delivery::frame::SharedFrame;

/// Most frames written in one go.
pub(super) const GATHERED: usize = 64;

/// One frame, or what is left of it.
enum Chunk {
    Shared(SharedFrame, Range<usize>),
    Owned(Vec<u8>, usize),
}

impl Chunk {
    fn bytes(&self) -> &[u8] {
        match self {
            Self::Shared(frame, range) => &frame.bytes()[range.clone()],
            Self::Owned(bytes, start) => &bytes[*start..],
        }
    }

    /// The memory it takes alone.
    fn owned(&self) -> usize {
        match self {
            Self::Shared(..) => 0,
            Self::Owned(bytes, _) => bytes.capacity(),
        }
    }

    fn advance(&mut self, count: usize) {
        match self {
            Self::Shared(_, range) => range.start += count,
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

    /// Queues the part of a shared frame that the socket did not take; `torn` if it took some.
    pub(super) fn push_shared(&mut self, frame: SharedFrame, range: Range<usize>, torn: bool) {
        self.torn |= torn;
        self.bytes += range.len();
        self.chunks.push_back(Chunk::Shared(frame, range));
    }

    /// Queues bytes of which the socket has taken the first `written`.
    pub(super) fn push_owned(&mut self, bytes: Vec<u8>, written: usize) {
        self.torn |= written > 0;
        self.bytes += bytes.len() - written;
        self.owned += bytes.capacity();
        self.chunks.push_back(Chunk::Owned(bytes, written));
    }

    /// Lets the first frame survive [`Self::drop_whole_frames`]: the others need it before them.
    pub(super) fn keep_front(&mut self) {
        self.torn = !self.is_empty();
    }

    /// What to write next, in order; empty when nothing waits.
    pub(super) fn slices(&self) -> Vec<IoSlice<'_>> {
        self.chunks.iter().take(GATHERED).map(|chunk| IoSlice::new(chunk.bytes())).collect()
    }

    /// Takes note that the socket took the first `count` bytes of [`Self::slices`].
    pub(super) fn advance(&mut self, count: usize) {
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
            }
        }
    }

    /// Drops every frame of which nothing is on the wire yet, and says how many those were. The
    /// stream stays well-formed: the rest of a torn frame is kept, and so is a greeting.
    pub(super) fn drop_whole_frames(&mut self) -> usize {
        let keep = usize::from(self.torn);
        let dropped = self.chunks.len() - keep.min(self.chunks.len());
        self.chunks.truncate(keep);
        self.chunks.shrink_to_fit();
        self.bytes = self.chunks.iter().map(|chunk| chunk.bytes().len()).sum();
        self.owned = self.chunks.iter().map(Chunk::owned).sum();
        dropped
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the socket is offered, in one piece.
    fn offered(outbound: &OutboundQueue) -> Vec<u8> {
        outbound.slices().iter().flat_map(|slice| slice.iter().copied()).collect()
    }

    fn taken(outbound: &mut OutboundQueue, step: usize) -> Vec<u8> {
        let mut all = Vec::new();
        while !outbound.is_empty() {
            let offered = offered(outbound);
            let count = step.min(offered.len());
            all.extend_from_slice(&offered[..count]);
            outbound.advance(count);
        }
        all
    }

    #[test]
    fn bytes_come_out_in_order_whatever_the_socket_takes() {
        for step in 1..18 {
            let mut outbound = OutboundQueue::default();
            outbound.push_owned(b"xhello ".to_vec(), 1);
            outbound.push_owned(b"slow ".to_vec(), 0);
            outbound.push_owned(b"world".to_vec(), 0);
            assert_eq!(outbound.len(), 16);
            assert_eq!(taken(&mut outbound, step), b"hello slow world");
            assert_eq!(outbound.len(), 0);
        }
    }

    #[test]
    fn a_torn_frame_survives_the_dropping_of_the_others() {
        let mut outbound = OutboundQueue::default();
        outbound.push_owned(b"first".to_vec(), 0);
        outbound.push_owned(b"second".to_vec(), 0);
        outbound.advance(2);
        assert_eq!(outbound.drop_whole_frames(), 1);
        outbound.push_owned(b"!".to_vec(), 0);
        assert_eq!((outbound.len(), taken(&mut outbound, 100).as_slice()), (4, &b"rst!"[..]));

        outbound.push_owned(b"whole".to_vec(), 0);
        assert_eq!(outbound.drop_whole_frames(), 1);
        assert!(outbound.is_empty());
    }

    #[test]
    fn a_greeting_survives_until_it_was_written() {
        let mut outbound = OutboundQueue::default();
        outbound.keep_front();
        outbound.push_owned(b"hello".to_vec(), 0);
        outbound.keep_front();
        outbound.push_owned(b"push".to_vec(), 0);
        assert_eq!(outbound.drop_whole_frames(), 1);
        assert_eq!(offered(&outbound), b"hello");
        outbound.advance(5);
        outbound.push_owned(b"push".to_vec(), 0);
        assert_eq!(outbound.drop_whole_frames(), 1);
        assert!(outbound.is_empty());
    }
}
