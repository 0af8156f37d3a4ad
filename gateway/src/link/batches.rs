//! Batches of pushes from one link, delivered in their order.
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
use tokio::{sync::Notify, time::sleep};
use uuid::Uuid;

use super::{times::Times, unknown::Unknown, work};
use crate::{
    delivery::dispatch::Delivery, gateway::Gateway, session::Address, uplink::queue::LinkQueue,
};

/// How long it takes until it is looked again whether pushes may be delivered.
const PAUSE: Duration = Duration::from_millis(2);
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
    pub(super) fn on_batch(&self, seq: u64, pushes: Bytes) -> Result<(), LinkError> {
        if self.waiting.borrow().is_empty() && !self.gateway.push_memory.is_full() {
            return self.deliver(seq, &pushes);
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
            while self.gateway.push_memory.is_full() {
                sleep(PAUSE).await;
            }
            self.deliver(seq, &pushes)?;
            self.waiting.borrow_mut().pop_front();
            self.waiting_bytes.set(self.waiting_bytes.get() - pushes.len());
            self.changed.notify_waiters();
        }
    }

    /// Delivers one, and acknowledges it.
    fn deliver(&self, seq: u64, pushes: &[u8]) -> Result<(), LinkError> {
        match self.gateway.batches.is_new(self.sender, seq) {
            true => {
                let mut delivery = self.delivery.borrow_mut();
                let skipped =
                    delivery.batch(pushes, self.terms.entries(), &self.times.arrival())?;
                if delivery.take_fanned_out() {
                    work::tell(&self.gateway, &self.link, self.terms);
                }
                self.unknown.borrow_mut().on_pushes(&self.link, skipped);
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

#[cfg(test)]
mod tests {
    use bytes::BytesMut;
    use futures::FutureExt;
    use protocol::link::Offer;

    use super::*;
    use crate::{
        access::keys::keeper::Keeper, delivery::frame::SharedFrame, session::Shared,
        settings::tests::settings,
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

    #[actix_rt::test]
    async fn batches_wait_in_order_while_too_many_pushes_do() {
        let settings = settings(&["--push-memory=64KiB"]);
        let Keeper { authenticator, link_secrets, .. } = Keeper::load(&settings).expect("no keys");
        let bounds = crate::ledger::Bounds::of(&settings, None);
        let shared = Shared::new(settings, authenticator, bounds);
        let gateway = Gateway::new(&shared, 1, "g".into(), link_secrets);
        let link = Arc::<LinkQueue>::default();
        let terms = Offer::OURS.agree(Offer::OURS).expect("our own");
        let shown = gateway.metrics.link_clocks.enter(std::net::Ipv4Addr::LOCALHOST.into());
        let times = Times::new(&link, terms, &shown);
        let batches = Batches::new(&gateway, &link, Uuid::nil(), terms, &times);
        batches.on_batch(1, Bytes::new()).expect("empty");
        assert_eq!(acknowledged(&link), [1], "at once");

        let full = SharedFrame::new(&[b'x'; 70_000], &gateway.push_memory, &mut Vec::new());
        batches.on_batch(2, Bytes::new()).expect("empty");
        assert!(batches.room().now_or_never().is_some(), "more may come");
        batches.on_batch(3, Bytes::from(vec![0; MOST_WAITING + 1])).expect("not looked at");
        assert!(batches.room().now_or_never().is_none(), "no more than that");
        let mut delivering = Box::pin(batches.deliver_waiting());
        assert!(delivering.as_mut().now_or_never().is_none());
        assert_eq!(acknowledged(&link), <[u64; 0]>::default());

        assert!(batches.keep_told().now_or_never().is_none());
        assert_eq!(acknowledged(&link), <[u64; 0]>::default(), "not at once");

        drop(full);
        batches.on_batch(4, Bytes::new()).expect("behind those that wait");
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
