//! Batches of pushes from one link, delivered in their order, and in turns of the thread, so that other
//! links, health and heartbeats do not wait for a large one.
//!
//! While too many pushes wait in this process, batches wait here, and what else comes down the link
//! goes on: heartbeats, requests, confirmations. A pusher-api sends no more than a few MiB that are
//! not acknowledged; of one that does, no more is read.

use std::{
    cell::{Cell, RefCell},
    collections::VecDeque,
    convert::Infallible,
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use protocol::link::{LinkError, Terms, Up};
use tokio::{sync::Notify, task::yield_now, time::sleep};
use uuid::Uuid;

use super::{times::Times, unknown::Unknown, work};
use crate::{
    delivery::dispatch::{Delivery, Unfinished},
    gateway::Gateway,
    session::Address,
    uplink::queue::LinkQueue,
};

/// How long it takes until it is looked again whether pushes may be delivered.
const PAUSE: Duration = Duration::from_millis(2);
/// Of those looks, every so many-th calls for room: who looks for it may have many to choose from.
const LOOKS_A_CALL: u32 = 5;
/// Most bytes that wait here; older pusher-apis send more.
const MOST_WAITING: usize = 8 * 1024 * 1024;
/// How often the pusher-api is told anew how much waits here, while that changes.
const TOLD_EVERY: Duration = Duration::from_secs(1);

/// The batches of one link.
pub(super) struct Batches<'a> {
    gateway: Arc<Gateway>,
    link: Arc<LinkQueue>,
    sender: Uuid,
    terms: Terms,
    times: &'a Times<'a>,
    delivery: RefCell<Delivery<Address>>,
    unknown: RefCell<Unknown>,
    waiting: RefCell<VecDeque<(u64, Bytes)>>,
    waiting_bytes: Cell<usize>,
    changed: Notify,
    /// The last acknowledgement: the batch, and how much waited here.
    told: Cell<Option<(u64, u64)>>,
}

impl<'a> Batches<'a> {
    pub(super) fn new(
        gateway: &Arc<Gateway>,
        link: &Arc<LinkQueue>,
        sender: Uuid,
        terms: Terms,
        times: &'a Times<'a>,
    ) -> Self {
        Self {
            delivery: RefCell::new(gateway.delivery(Arc::clone(link))),
            unknown: RefCell::new(Unknown::new(&gateway.metrics)),
            gateway: Arc::clone(gateway),
            link: Arc::clone(link),
            sender,
            terms,
            times,
            waiting: RefCell::default(),
            waiting_bytes: Cell::new(0),
            changed: Notify::new(),
            told: Cell::new(None),
        }
    }

    /// Delivers a batch, at once or behind those that wait.
    ///
    /// # Errors
    /// It is malformed.
    pub(super) async fn on_batch(&self, seq: u64, pushes: Bytes) -> Result<(), LinkError> {
        if self.waiting.borrow().is_empty() && !self.gateway.push_memory.is_full() {
            return self.deliver(seq, &pushes).await;
        }
        self.waiting_bytes.set(self.waiting_bytes.get() + pushes.len());
        self.waiting.borrow_mut().push_back((seq, pushes));
        self.changed.notify_waiters();
        Ok(())
    }

    /// Waits until more may be read.
    pub(super) async fn room(&self) {
        while self.waiting_bytes.get() > MOST_WAITING {
            self.changed.notified().await;
        }
    }

    /// Delivers what waits, for as long as it is polled.
    ///
    /// # Errors
    /// A batch is malformed.
    pub(super) async fn deliver_waiting(&self) -> Result<Infallible, LinkError> {
        loop {
            let next = self.waiting.borrow().front().cloned();
            let Some((seq, pushes)) = next else {
                self.changed.notified().await;
                continue;
            };
            self.memory().await;
            self.deliver(seq, &pushes).await?;
            self.waiting.borrow_mut().pop_front();
            self.waiting_bytes.set(self.waiting_bytes.get() - pushes.len());
            self.changed.notify_waiters();
        }
    }

    /// Waits until pushes may be delivered.
    async fn memory(&self) {
        let memory = &self.gateway.push_memory;
        for look in 0.. {
            if !memory.is_full() {
                return;
            }
            if look % LOOKS_A_CALL == 0 {
                memory.want_room();
            }
            sleep(PAUSE).await;
        }
    }

    /// Delivers one, and acknowledges it. Of this link none is under way: what comes while one of those
    /// that wait is delivered stands behind it, and nothing is read while one is that did not wait.
    async fn deliver(&self, seq: u64, pushes: &[u8]) -> Result<(), LinkError> {
        loop {
            self.gateway.standstill.released().await;
            // The link before this one may not have noticed its end.
            if !self.gateway.batches.is_under_way(self.sender) {
                break;
            }
            yield_now().await;
        }
        match self.gateway.batches.is_new(self.sender, seq) {
            true => {
                let arrival = self.times.arrival();
                let batch = Unfinished::new(pushes, self.terms.entries(), arrival);
                let mut begun = Begun { batches: self, batch };
                while begun.go_on()? {
                    yield_now().await;
                }
                if self.delivery.borrow_mut().take_fanned_out() {
                    work::tell(&self.gateway, &self.link, self.terms);
                }
                self.unknown.borrow_mut().on_pushes(&self.link, begun.batch.skipped());
            }
            false => self.gateway.metrics.link_repeats.inc(),
        }
        self.acknowledge(seq);
        Ok(())
    }

    fn acknowledge(&self, seq: u64) {
        let queued_bytes = self.gateway.push_memory.used() as u64;
        self.told.set(Some((seq, queued_bytes)));
        self.link.send(&Up::BatchAck { seq, queued_bytes });
    }

    /// Repeats the last acknowledgement when something else waits here than it said, for as long as it
    /// is polled: what the last of many batches brought would else seem to wait until the next one.
    pub(super) async fn keep_told(&self) -> Infallible {
        loop {
            sleep(TOLD_EVERY).await;
            let now = self.gateway.push_memory.used() as u64;
            match self.told.get() {
                Some((seq, then)) if then != now => self.acknowledge(seq),
                _ => {}
            }
        }
    }
}

/// A batch that is noted as delivered, and will be, also if its link ends meanwhile: it does not come
/// again.
struct Begun<'a> {
    batches: &'a Batches<'a>,
    batch: Unfinished<'a>,
}

impl Begun<'_> {
    fn go_on(&mut self) -> Result<bool, LinkError> {
        self.batches.delivery.borrow_mut().go_on(&mut self.batch)
    }
}

impl Drop for Begun<'_> {
    fn drop(&mut self) {
        // After an error there is no more, and what a panic met would be met again.
        while !std::thread::panicking() && self.go_on() == Ok(true) {}
        self.batches.gateway.batches.done(self.batches.sender);
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use bytes::BytesMut;
    use futures::FutureExt;
    use protocol::{
        MessageId,
        link::{PushEntry, TargetRef},
    };

    use super::*;
    use crate::{
        delivery::frame::SharedFrame,
        link::tests::{gateway, terms},
    };

    fn acknowledged(link: &LinkQueue) -> Vec<u64> {
        let Some(Some(bytes)) = link.next().now_or_never() else { return Vec::new() };
        let mut bytes = BytesMut::from(&bytes[..]);
        let frames = std::iter::from_fn(|| Up::decode(&mut bytes).expect("frames"));
        let sequence = frames.filter_map(|frame| match frame {
            Up::BatchAck { seq, .. } => Some(seq),
            _ => None,
        });
        sequence.collect()
    }

    /// A push to so many users who are not here, and one to one more.
    fn batch(users: usize) -> Bytes {
        let names: Vec<_> = (0..users).map(|number| format!("u{number}")).collect();
        let targets =
            [TargetRef::Users(names.iter().map(String::as_str).collect()), TargetRef::User("last")];
        let mut pushes = BytesMut::new();
        for target in targets {
            let (id, frame) = (MessageId::generate(), b"{}");
            PushEntry { id, accepted_micros: 0, receipt: false, target, frame, collapse_key: None }
                .encode(terms().entries(), &mut pushes);
        }
        pushes.freeze()
    }

    #[actix_rt::test]
    async fn a_large_batch_lets_others_through_and_is_acknowledged_at_its_end() {
        let (gateway, link) = (gateway(&[]), Arc::default());
        let shown = gateway.metrics.link_clocks.enter(Ipv4Addr::LOCALHOST.into());
        let times = Times::new(&link, terms(), &shown);
        let batches = Batches::new(&gateway, &link, Uuid::nil(), terms(), &times);
        let missed = || gateway.metrics.deliveries.no_session.get();
        let mut delivering = Box::pin(batches.on_batch(1, batch(10_000)));
        let (mut turns, mut before) = (0, 0);
        while delivering.as_mut().now_or_never().is_none() {
            assert!(missed() > before && missed() - before < 2000, "a part in each turn");
            assert_eq!(acknowledged(&link), <[u64; 0]>::default());
            (turns, before) = (turns + 1, missed());
        }
        assert!(turns >= 5, "{turns}");
        assert_eq!((missed(), acknowledged(&link)), (10_001, vec![1]));
    }

    #[actix_rt::test]
    async fn what_a_lost_link_has_begun_to_deliver_is_delivered_once() {
        let (gateway, link) = (gateway(&[]), Arc::default());
        let missed = || gateway.metrics.deliveries.no_session.get();
        let shown = gateway.metrics.link_clocks.enter(Ipv4Addr::LOCALHOST.into());
        let times = Times::new(&link, terms(), &shown);
        let batches = Batches::new(&gateway, &link, Uuid::nil(), terms(), &times);
        let mut delivering = Box::pin(batches.on_batch(1, batch(5000)));
        assert!(delivering.as_mut().now_or_never().is_none());
        assert!(missed() < 5000);
        drop(delivering);
        assert_eq!((missed(), acknowledged(&link)), (5001, Vec::new()));
        assert_eq!(gateway.batches.last(Uuid::nil()), 1, "as the next link is told");
        let next = Batches::new(&gateway, &link, Uuid::nil(), terms(), &times);
        next.on_batch(1, batch(5000)).await.expect("well-formed");
        assert_eq!((missed(), acknowledged(&link)), (5001, vec![1]));
        next.on_batch(2, batch(0)).await.expect("well-formed");
        assert_eq!(missed(), 5002);
    }

    #[actix_rt::test]
    async fn the_next_link_of_a_pusher_api_waits_for_what_the_one_before_delivers() {
        let gateway = gateway(&[]);
        let missed = || gateway.metrics.deliveries.no_session.get();
        let links = [Arc::<LinkQueue>::default(), Arc::default()];
        let shown = gateway.metrics.link_clocks.enter(Ipv4Addr::LOCALHOST.into());
        let times = Times::new(&links[0], terms(), &shown);
        let of =
            |link, sender| Batches::new(&gateway, link, Uuid::from_u128(sender), terms(), &times);
        let [old, new, other] = [of(&links[0], 1), of(&links[1], 1), of(&links[1], 2)];
        let mut delivering = Box::pin(old.on_batch(1, batch(3000)));
        assert!(delivering.as_mut().now_or_never().is_none());
        let begun = missed();
        let mut next = Box::pin(new.on_batch(2, batch(10)));
        (0..10).for_each(|_| assert!(next.as_mut().now_or_never().is_none()));
        assert_eq!(missed(), begun, "it would overtake");
        other.on_batch(1, batch(10)).await.expect("another's");
        assert_eq!(missed(), begun + 11);
        delivering.await.expect("well-formed");
        next.await.expect("well-formed");
        assert_eq!(missed(), 3001 + 11 + 11);
    }

    #[actix_rt::test]
    async fn batches_wait_in_order_while_too_many_pushes_do() {
        let (gateway, link) = (gateway(&["--push-memory=64KiB"]), Arc::default());
        let shown = gateway.metrics.link_clocks.enter(Ipv4Addr::LOCALHOST.into());
        let times = Times::new(&link, terms(), &shown);
        let batches = Batches::new(&gateway, &link, Uuid::nil(), terms(), &times);
        batches.on_batch(1, Bytes::new()).await.expect("empty");
        assert_eq!(acknowledged(&link), [1], "at once");

        let full = SharedFrame::new(&[b'x'; 70_000], &gateway.push_memory, &mut Vec::new());
        batches.on_batch(2, Bytes::new()).await.expect("empty");
        assert!(batches.room().now_or_never().is_some(), "more may come");
        let malformed = Bytes::from(vec![0; MOST_WAITING + 1]);
        batches.on_batch(3, malformed).await.expect("not looked at");
        assert!(batches.room().now_or_never().is_none(), "no more than that");
        let mut delivering = Box::pin(batches.deliver_waiting());
        let mut wanted = Box::pin(gateway.push_memory.room_wanted());
        assert!(wanted.as_mut().now_or_never().is_none(), "nothing is delivered yet");
        assert!(delivering.as_mut().now_or_never().is_none());
        assert!(wanted.now_or_never().is_some(), "who can make room is called at once");
        assert_eq!(acknowledged(&link), <[u64; 0]>::default());

        assert!(batches.keep_told().now_or_never().is_none());
        assert_eq!(acknowledged(&link), <[u64; 0]>::default(), "not at once");

        drop(full);
        batches.on_batch(4, Bytes::new()).await.expect("behind those that wait");
        let malformed = delivering.await.expect_err("the third is no batch");
        assert_eq!(malformed, LinkError::Truncated);
        assert_eq!(acknowledged(&link), [2], "in order");

        let waiting = SharedFrame::new(b"{}", &gateway.push_memory, &mut Vec::new());
        let told = tokio::time::timeout(TOLD_EVERY * 5 / 2, batches.keep_told());
        assert!(told.await.is_err(), "it goes on");
        assert_eq!(acknowledged(&link), [2], "once more, with what waits now");
        drop(waiting);
    }
}
