//! What waits to be written to a slow socket: shared frames and a few bytes of the session's own,
//! in order, bounded in bytes.

use std::{collections::VecDeque, io::IoSlice, ops::Range};

use crate::{
    delivery::{frame::SharedFrame, message::Push},
    runtime::acceptance::Accepted,
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        delivery::frame::{Collapses, FrameMemory, Scope},
        runtime::acceptance::Accepted,
    };

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
            outbound.advance(count, |_| {});
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
        outbound.advance(2, |_| {});
        assert_eq!(outbound.drop_whole_frames(), 0, "none of them is a push");
        outbound.push_owned(b"!".to_vec(), 0);
        assert_eq!((outbound.len(), taken(&mut outbound, 100).as_slice()), (4, &b"rst!"[..]));

        outbound.push_owned(b"whole".to_vec(), 0);
        outbound.drop_whole_frames();
        assert!(outbound.is_empty());
    }

    #[test]
    fn a_queue_takes_its_places_and_the_bytes_of_its_own() {
        let (memory, place) = (FrameMemory::new(1 << 20), size_of::<Chunk>());
        let frame = SharedFrame::new(b"{}", &memory, &mut Vec::new());
        let push = Push { frame, accepted: Accepted::now(), receipt: None };
        let mut outbound = OutboundQueue::default();
        assert_eq!(outbound.own_bytes(), 0);
        (0..100).for_each(|_| outbound.push_shared(&push, 0..4, false));
        let places = outbound.own_bytes();
        assert!((100 * place..=300 * place).contains(&places), "{places}");
        let mut own = Vec::with_capacity(50_000);
        own.extend_from_slice(b"own");
        outbound.push_owned(own, 0);
        assert!((places + 50_000..2 * places + 51_000).contains(&outbound.own_bytes()));
        outbound.advance(402, |_| {});
        assert!(outbound.own_bytes() > 50_000, "as long as a byte of it waits");
        outbound.advance(1, |_| {});
        assert!(outbound.own_bytes() <= 2 * places);
        outbound.drop_whole_frames();
        assert_eq!(outbound.own_bytes(), 0);
    }

    #[test]
    fn a_greeting_survives_until_it_was_written() {
        let mut outbound = OutboundQueue::default();
        outbound.keep_front();
        outbound.push_owned(b"hello".to_vec(), 0);
        outbound.keep_front();
        outbound.push_owned(b"push".to_vec(), 0);
        outbound.drop_whole_frames();
        assert_eq!(offered(&outbound), b"hello");
        outbound.advance(5, |_| {});
        outbound.push_owned(b"push".to_vec(), 0);
        outbound.drop_whole_frames();
        assert!(outbound.is_empty());
    }

    #[test]
    fn what_was_shown_stays_until_it_was_seen() {
        let memory = FrameMemory::new(1 << 20);
        let accepted = [(); 3].map(|()| Accepted::now());
        let mut outbound = OutboundQueue::default();
        let push = |outbound: &mut OutboundQueue, accepted| {
            let frame = SharedFrame::new(b"{}", &memory, &mut Vec::new());
            outbound.push_shared(&Push { frame, accepted, receipt: None }, 2..4, false);
        };
        outbound.push_owned(b"own".to_vec(), 0);
        push(&mut outbound, accepted[0]);
        assert!(outbound.has_news() && !outbound.has_shown() && outbound.pushes() == 1);
        let mut told = Vec::new();
        outbound.show(|accepted| told.push(accepted));
        assert_eq!(outbound.shown().collect::<Vec<_>>(), [&b"own"[..], b"{}"]);
        assert!(!outbound.has_news() && outbound.has_shown() && outbound.pushes() == 0);
        push(&mut outbound, accepted[1]);
        assert_eq!((outbound.shown().count(), outbound.pushes(), outbound.len()), (2, 1, 7));
        outbound.forget_shown();
        assert_eq!((outbound.shown().count(), outbound.pushes(), outbound.len()), (0, 1, 2));
        outbound.show(|accepted| told.push(accepted));
        push(&mut outbound, accepted[2]);
        assert_eq!(told, accepted[..2], "each once");
        assert_eq!(outbound.drop_whole_frames(), 1, "the others had been shown");
        assert!(outbound.is_empty() && !outbound.has_shown() && outbound.own_bytes() == 0);
    }

    #[test]
    fn a_push_takes_the_place_of_what_waits_under_its_key() {
        let memory = FrameMemory::new(1 << 20);
        let frame = |text: &[u8], scope, key: &str| {
            let collapses = Collapses { scope, key: key.into() };
            SharedFrame::collapsing(text, collapses, &memory, &mut Vec::new())
        };
        let mut outbound = OutboundQueue::default();
        let queue = |outbound: &mut OutboundQueue, frame: &SharedFrame| {
            let was = outbound.collapse(frame);
            let (frame, accepted) = (frame.clone(), Accepted::now());
            outbound.push_shared(&Push { frame, accepted, receipt: None }, 2..5, false);
            was
        };
        let topic = || Scope::Topic("t".into());
        assert!(!queue(&mut outbound, &frame(b"{1}", Scope::User, "k")));
        assert!(!queue(&mut outbound, &frame(b"{2}", topic(), "k")), "another's");
        assert!(!queue(&mut outbound, &frame(b"{3}", Scope::User, "j")), "another key");
        assert!(queue(&mut outbound, &frame(b"{4}", Scope::User, "k")));
        assert_eq!((offered(&outbound), outbound.len()), (b"{2}{3}{4}".to_vec(), 9));
        outbound.advance(1, |_| {});
        assert!(!queue(&mut outbound, &frame(b"{5}", topic(), "k")), "a part of it is on the wire");
        outbound.show(|_| {});
        assert!(!queue(&mut outbound, &frame(b"{6}", Scope::User, "j")), "its client has seen it");
        assert_eq!(outbound.pushes(), 1);
    }

    #[test]
    fn each_push_is_told_written_or_dropped_once() {
        assert!(size_of::<Chunk>() <= 32, "{}", size_of::<Chunk>());
        let memory = FrameMemory::new(1 << 20);
        let mut outbound = OutboundQueue::default();
        let accepted = [(); 4].map(|()| Accepted::now());
        for accepted in accepted {
            let frame = SharedFrame::new(b"{}", &memory, &mut Vec::new());
            let push = Push { frame, accepted, receipt: None };
            outbound.push_shared(&push, 0..4, false);
        }
        outbound.push_owned(b"own".to_vec(), 0);
        let mut written = Vec::new();
        outbound.advance(3, |accepted| written.push(accepted));
        assert_eq!(written, [], "the last byte counts");
        outbound.advance(6, |accepted| written.push(accepted));
        assert_eq!((written.as_slice(), outbound.pushes()), (&accepted[..2], 2));
        assert_eq!(outbound.drop_whole_frames(), 1, "the torn one goes on");
        outbound.advance(3, |accepted| written.push(accepted));
        assert_eq!((written.as_slice(), outbound.pushes()), (&accepted[..3], 0));
    }
}
