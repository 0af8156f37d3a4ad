//! What goes to one gateway: segments of encoded pushes that wait, and batches that were sent and
//! are not acknowledged. A plain value; the bytes are accounted for by its owner.

use std::{collections::VecDeque, sync::Arc, time::Instant};

use bytes::Bytes;

use super::fan_out::FanOuts;

/// Batches grow up to this size while the one before is being written.
const BATCH_BYTES: usize = 1024 * 1024;
/// So much may be on its way without an acknowledgement. A gateway that does not deliver as fast as
/// pushes come holds this much of them beside what it reads, so that small frames find their way.
const WINDOW_BYTES: usize = 4 * BATCH_BYTES;

/// Encoded pushes that were accepted together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Segment {
    /// The entries.
    pub bytes: Bytes,
    /// How many of them are live pushes: those that are kept are not lost with them.
    pub pushes: u64,
    /// How many of the bytes are there for users that the gateway only may hold.
    pub perhaps: usize,
    /// Those among them that are for topics and for everybody.
    pub fan_outs: FanOuts,
    /// When they were handed over.
    pub since: Instant,
}

/// Segments that travel in one frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Batch {
    /// The number of the frame.
    pub seq: u64,
    /// Bytes of all segments.
    pub length: usize,
    /// In the order they were accepted.
    pub segments: Arc<[Segment]>,
}

/// What an acknowledgement or a loss takes out of the outbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Freed {
    /// Bytes of entries.
    pub bytes: usize,
    /// How many of them are there for users that the gateway only may hold.
    pub perhaps: usize,
    /// Number of live pushes.
    pub pushes: u64,
    /// Those among them that are for topics and for everybody.
    pub fan_outs: FanOuts,
}

impl Freed {
    /// What these segments took.
    pub(crate) fn of(segments: &[Segment]) -> Self {
        let mut freed = Self::default();
        segments.iter().for_each(|segment| freed.add(segment));
        freed
    }

    fn add(&mut self, segment: &Segment) {
        self.bytes += segment.bytes.len();
        self.perhaps += segment.perhaps;
        self.pushes += segment.pushes;
        self.fan_outs.add(segment.fan_outs);
    }
}

/// The pushes on their way to one gateway.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    waiting: VecDeque<Segment>,
    unacknowledged: VecDeque<Batch>,
    /// How many of the unacknowledged batches were handed out on this connection.
    handed_out: usize,
    /// Bytes of those.
    on_its_way: usize,
    last_seq: u64,
}

impl Outbox {
    /// Appends accepted pushes.
    pub(crate) fn push(&mut self, segment: Segment) {
        self.waiting.push_back(segment);
    }

    /// When the oldest of the pushes was handed over that are not acknowledged, if there are any.
    pub(crate) fn oldest(&self) -> Option<Instant> {
        let unacknowledged = self.unacknowledged.iter().flat_map(|batch| batch.segments.iter());
        unacknowledged.chain(&self.waiting).next().map(|segment| segment.since)
    }

    /// The next batch to write: first what the gateway did not acknowledge before the connection
    /// was lost, then what has gathered since. None while the gateway has enough to deliver.
    pub(crate) fn next_batch(&mut self) -> Option<Batch> {
        if self.on_its_way >= WINDOW_BYTES {
            return None;
        }
        if self.handed_out == self.unacknowledged.len() {
            let batch = self.gather()?;
            self.unacknowledged.push_back(batch);
        }
        let batch = self.unacknowledged.get(self.handed_out).cloned()?;
        self.handed_out += 1;
        self.on_its_way += batch.length;
        Some(batch)
    }

    fn gather(&mut self) -> Option<Batch> {
        let first = self.waiting.pop_front()?;
        let mut length = first.bytes.len();
        let mut segments = vec![first];
        while let Some(next) = self.waiting.front() {
            if length + next.bytes.len() > BATCH_BYTES {
                break;
            }
            length += next.bytes.len();
            segments.extend(self.waiting.pop_front());
        }
        self.last_seq += 1;
        Some(Batch { seq: self.last_seq, length, segments: segments.into() })
    }

    /// Forgets the batches up to this one.
    pub(crate) fn acknowledge(&mut self, seq: u64) -> Freed {
        let mut freed = Freed::default();
        while self.unacknowledged.front().is_some_and(|batch| batch.seq <= seq) {
            let Some(batch) = self.unacknowledged.pop_front() else { break };
            batch.segments.iter().for_each(|segment| freed.add(segment));
            if self.handed_out > 0 {
                self.handed_out -= 1;
                self.on_its_way -= batch.length;
            }
        }
        freed
    }

    /// Connected again to the gateway process that has had the batches up to `last_seq`: the
    /// others are written again.
    pub(crate) fn resume(&mut self, last_seq: u64) -> Freed {
        let freed = self.acknowledge(last_seq);
        self.number_from(last_seq);
        freed
    }

    /// Connected to another gateway process: what the old one did not acknowledge was for sessions
    /// that are gone. What still waits is for whoever is there now.
    pub(crate) fn restart(&mut self, last_seq: u64) -> Freed {
        let freed = self.acknowledge(u64::MAX);
        self.number_from(last_seq);
        freed
    }

    /// Takes everything out, because nobody is going to get it.
    pub(crate) fn clear(&mut self) -> Vec<Segment> {
        let batches = self.unacknowledged.iter().flat_map(|batch| batch.segments.iter());
        let all = batches.chain(&self.waiting).cloned().collect();
        self.acknowledge(u64::MAX);
        self.waiting.clear();
        all
    }

    /// Numbers follow those the gateway has had, so that it sees neither gap nor repetition even
    /// where one side forgot something.
    fn number_from(&mut self, last_seq: u64) {
        self.last_seq = last_seq;
        (self.handed_out, self.on_its_way) = (0, 0);
        for batch in &mut self.unacknowledged {
            self.last_seq += 1;
            batch.seq = self.last_seq;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ONE: FanOuts = FanOuts { all: 1, topics: 0 };

    fn segment(byte: u8, length: usize) -> Segment {
        Segment {
            bytes: Bytes::from(vec![byte; length]),
            pushes: 1,
            perhaps: length / 2,
            fan_outs: ONE,
            since: Instant::now(),
        }
    }

    #[derive(Debug, Clone)]
    enum Step {
        Push(usize),
        Write,
        Acknowledge,
        Reconnect,
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            4 => (1_usize..400_000).prop_map(Step::Push),
            3 => Just(Step::Write),
            2 => Just(Step::Acknowledge),
            1 => Just(Step::Reconnect),
        ]
    }

    /// A gateway as the outbox sees it, which keeps the lengths of what it delivered.
    #[derive(Default)]
    struct Gateway {
        last_seq: u64,
        delivered: Vec<usize>,
    }

    impl Gateway {
        fn receive(&mut self, batch: &Batch) {
            if batch.seq > self.last_seq {
                assert_eq!(batch.seq, self.last_seq + 1, "a gap in the numbers");
                self.last_seq = batch.seq;
                self.delivered.extend(batch.segments.iter().map(|segment| segment.bytes.len()));
            }
        }
    }

    proptest! {
        #[test]
        fn every_push_arrives_once_and_in_order(
            steps in prop::collection::vec((step(), any::<bool>()), 0..80),
        ) {
            let (mut outbox, mut gateway) = (Outbox::default(), Gateway::default());
            let (mut pushed, mut freed) = (Vec::new(), 0);
            // What the connection carries and a loss may swallow.
            let mut wire = VecDeque::new();
            for (step, arrives) in steps {
                match step {
                    Step::Push(length) => {
                        pushed.push(length);
                        outbox.push(segment(0, length));
                    }
                    Step::Write => {
                        wire.extend(outbox.next_batch());
                        let window: usize = wire.iter().map(|batch: &Batch| batch.length).sum();
                        prop_assert!(window < WINDOW_BYTES + BATCH_BYTES);
                    }
                    Step::Acknowledge => {
                        wire.drain(..).for_each(|batch| gateway.receive(&batch));
                        freed += outbox.acknowledge(gateway.last_seq).bytes;
                    }
                    Step::Reconnect => {
                        if arrives {
                            wire.drain(..).for_each(|batch| gateway.receive(&batch));
                        }
                        wire.clear();
                        freed += outbox.resume(gateway.last_seq).bytes;
                    }
                }
            }
            wire.drain(..).for_each(|batch| gateway.receive(&batch));
            freed += outbox.acknowledge(gateway.last_seq).bytes;
            while let Some(batch) = outbox.next_batch() {
                prop_assert!(batch.length <= BATCH_BYTES);
                gateway.receive(&batch);
                freed += outbox.acknowledge(gateway.last_seq).bytes;
            }
            prop_assert_eq!(freed, pushed.iter().sum::<usize>());
            prop_assert_eq!(gateway.delivered, pushed);
        }
    }

    #[test]
    fn segments_gather_until_a_batch_is_full() {
        let mut outbox = Outbox::default();
        for length in [600_000, 400_000, 100_000, 2_000_000, 1] {
            outbox.push(segment(1, length));
        }
        let batches: Vec<_> = std::iter::from_fn(|| outbox.next_batch()).collect();
        let shape: Vec<_> = batches.iter().map(|batch| (batch.seq, batch.length)).collect();
        assert_eq!(shape, [(1, 1_000_000), (2, 100_000), (3, 2_000_000), (4, 1)]);
    }

    #[test]
    fn a_gateway_that_acknowledges_nothing_is_sent_a_window_full() {
        let mut outbox = Outbox::default();
        (0..10).for_each(|_| outbox.push(segment(1, BATCH_BYTES)));
        assert_eq!(std::iter::from_fn(|| outbox.next_batch()).count(), 4);
        outbox.acknowledge(1);
        assert_eq!(outbox.next_batch().expect("room for one more").seq, 5);
        assert_eq!(outbox.next_batch(), None);
        outbox.resume(1);
        assert_eq!(std::iter::from_fn(|| outbox.next_batch()).count(), 4, "counted anew");
        let dropped = Freed::of(&outbox.clear());
        assert_eq!((dropped.pushes, dropped.perhaps), (9, 9 * BATCH_BYTES / 2));
    }

    #[test]
    fn the_oldest_is_the_first_that_is_not_acknowledged() {
        let mut outbox = Outbox::default();
        assert_eq!(outbox.oldest(), None);
        let segments = [10, 20, 30].map(|length| segment(1, length));
        let since = |number: usize| Some(segments[number].since);
        outbox.push(segments[0].clone());
        assert_eq!(outbox.oldest(), since(0), "while it waits");
        outbox.next_batch().expect("a batch");
        outbox.push(segments[1].clone());
        assert_eq!(outbox.oldest(), since(0), "while it is on its way");
        outbox.acknowledge(1);
        assert_eq!(outbox.oldest(), since(1));
        outbox.next_batch().expect("a batch");
        outbox.push(segments[2].clone());
        outbox.resume(1);
        assert_eq!(outbox.oldest(), since(1), "while it is sent again");
        outbox.restart(0);
        assert_eq!(outbox.oldest(), since(2), "what was for the old process is gone");
        outbox.clear();
        assert_eq!(outbox.oldest(), None);
    }

    #[test]
    fn a_new_process_gets_only_what_waited() {
        let mut outbox = Outbox::default();
        outbox.push(segment(1, 10));
        assert_eq!(outbox.next_batch().expect("a batch").seq, 1);
        outbox.push(segment(2, 20));
        assert_eq!(outbox.restart(0), Freed { bytes: 10, perhaps: 5, pushes: 1, fan_outs: ONE });
        let batch = outbox.next_batch().expect("what waited");
        assert_eq!((batch.seq, batch.length), (1, 20));
        let freed = Freed { bytes: 20, perhaps: 10, pushes: 1, fan_outs: ONE };
        assert_eq!(Freed::of(&outbox.clear()), freed);
        assert_eq!(outbox.next_batch(), None);
    }

    #[test]
    fn a_gateway_that_forgot_the_sender_sees_numbers_without_gaps() {
        let mut outbox = Outbox::default();
        for seq in 1..=3 {
            outbox.push(segment(1, 10));
            assert_eq!(outbox.next_batch().expect("a batch").seq, seq);
        }
        outbox.acknowledge(1);
        assert_eq!(outbox.resume(0), Freed::default());
        let numbers = [outbox.next_batch(), outbox.next_batch()];
        assert_eq!(numbers.map(|batch| batch.expect("unacknowledged").seq), [1, 2]);
    }
}
