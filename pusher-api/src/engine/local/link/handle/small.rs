//! The small frames of a link, which overtake pushes.

use std::sync::atomic::Ordering;

use protocol::link::{
    DeviceNotice, GivenUp, LinkRequest, Load, OtherGateways, RelayAnswer, StoreAnswer, Terms,
};
use uuid::Uuid;

use super::Link;
use crate::engine::local::link::outgoing::Writable;

/// With so many bytes of small frames that its gateway has not read, a link takes no more word of
/// devices.
const CROWDED: usize = 1024 * 1024;

impl Link {
    pub(crate) fn acknowledge_presence(&self, seq: u64) {
        self.inner.lock().outgoing.acknowledge_presence(seq);
        self.work.notify_one();
    }

    /// The gateway has told what it has and can take.
    pub(in crate::engine::local::link) fn told_load(&self, load: Load) {
        *self.load.lock() = Some(load);
    }

    /// What it has told last on this connection.
    pub(in crate::engine::local::link) fn load(&self) -> Option<Load> {
        *self.load.lock()
    }

    /// Tells the gateway what others have and can take.
    pub(in crate::engine::local::link) fn tell_others(&self, others: OtherGateways) {
        self.inner.lock().outgoing.tell_others(others);
        self.work.notify_one();
    }

    /// Has the gateway be told what time it is; it asked at this time by its own clock.
    pub(in crate::engine::local::link) fn answer_time(&self, asked_micros: u64) {
        self.inner.lock().outgoing.answer_time(asked_micros);
        self.work.notify_one();
    }

    pub(in crate::engine::local::link) fn request(&self, request: u64, body: LinkRequest) {
        self.inner.lock().outgoing.request(request, body);
        self.work.notify_one();
    }

    pub(in crate::engine::local::link) fn tell(&self, given_up: &GivenUp) {
        self.inner.lock().outgoing.tell(given_up);
    }

    /// Tells the gateway of devices, if it is there: one that comes back is told anew.
    pub(in crate::engine::local::link) fn notice(&self, notice: &DeviceNotice) {
        if self.is_connected() {
            self.inner.lock().outgoing.notice(notice);
            self.work.notify_one();
        }
    }

    /// Whether the gateway has enough to read.
    pub(in crate::engine::local::link) fn is_crowded(&self) -> bool {
        self.is_connected() && self.inner.lock().outgoing.small_bytes() > CROWDED
    }

    /// Answers a request that the gateway had passed on.
    pub(in crate::engine::local::link) fn answer_relay(&self, relay: u64, answer: &RelayAnswer) {
        if self.is_connected() {
            self.inner.lock().outgoing.answer_relay(relay, answer);
            self.work.notify_one();
        }
    }

    /// Counts a request that is passed on for the gateway; returns how many there are.
    pub(in crate::engine::local::link) fn add_relay(&self) -> usize {
        self.relays.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// One of them is over.
    pub(in crate::engine::local::link) fn remove_relay(&self) {
        self.relays.fetch_sub(1, Ordering::Relaxed);
    }

    /// Whether the gateway can be asked for what others pass on.
    pub(in crate::engine::local::link) fn takes_relays(&self) -> bool {
        self.takes_relays.load(Ordering::Relaxed)
    }

    /// Whether the gateway is told of pushes that are kept.
    pub(in crate::engine::local) fn keeps(&self) -> bool {
        self.keeps.load(Ordering::Relaxed)
    }

    /// Says what messages are kept in.
    pub(in crate::engine::local::link) fn tell_store(&self, store: Option<Uuid>) {
        self.inner.lock().outgoing.tell_store(store);
        self.work.notify_one();
    }

    /// Answers a question to the store.
    pub(in crate::engine::local::link) fn answer_store(&self, question: u64, answer: StoreAnswer) {
        self.inner.lock().outgoing.answer_store(question, answer);
        self.work.notify_one();
    }

    /// A connection begins, in these terms.
    pub(in crate::engine::local) fn begin(&self, terms: Terms) {
        self.takes_relays.store(terms.relays(), Ordering::Relaxed);
        self.keeps.store(terms.keeps(), Ordering::Relaxed);
    }

    /// How many of the gateway's changes of presence have been taken in on this connection.
    pub(in crate::engine::local::link) fn heard(&self) -> u64 {
        self.heard.load(Ordering::Acquire)
    }

    /// One more of them was; on a new connection they are counted anew.
    pub(in crate::engine::local::link) fn hear(&self) {
        self.heard.fetch_add(1, Ordering::AcqRel);
    }

    /// Whether it holds anybody, as far as is known.
    pub(in crate::engine::local::link) fn has_users(&self) -> bool {
        self.users.load(Ordering::Relaxed) > 0
    }

    pub(crate) fn heartbeat(&self) {
        self.inner.lock().outgoing.heartbeat();
    }

    pub(crate) fn take_writable(&self) -> Option<Writable> {
        let taken = self.inner.lock().outgoing.take();
        if taken.as_ref().is_some_and(|taken| !taken.control.is_empty()) {
            self.eased.notify_one();
        }
        taken
    }
}
