//! The store of pusher-apis: which one this gateway holds to, who is asked, and what is being asked.
//!
//! A gateway takes kept pushes, acknowledgements and cursors to one store. Another one is refused, until nobody has
//! been linked to its own for [`OTHER_AFTER`]. A question may be asked twice: of those that have the store, the
//! next one is asked when the link of the first is lost.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU8, Ordering},
    },
    time::{Duration, Instant},
};

use bytes::Bytes;
use parking_lot::Mutex;
use protocol::link::{StoreAnswer, StoreQuestion, Up};
use tokio::sync::Notify;
use tracing::warn;
use uuid::Uuid;

use super::way::Way;

/// Most questions that wait at the same time; a session has one.
const MOST_WAITING: usize = 256 * 1024;
/// How long an answer is waited for.
pub(crate) const PATIENCE: Duration = Duration::from_secs(5);
/// How long nobody must have had the gateway's store before it takes another one.
const OTHER_AFTER: Duration = Duration::from_secs(60);

/// How long a store is taken to be there that another process had a way to.
const EXPECTED: Duration = Duration::from_secs(3);

/// What a gateway holds to.
pub(crate) struct HeldStore {
    /// The store, if there is one.
    pub store: Option<Uuid>,
    /// Whether a pusher-api has said that it has none.
    pub is_absent: bool,
    /// Up to where it was asked for changes.
    pub position: Option<Bytes>,
}

/// Who waits for an answer.
pub(crate) type Asker = Box<dyn FnOnce(StoreAnswer) + Send>;

/// What is known of the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Standing {
    /// No pusher-api has said whether it has one.
    Unknown = 0,
    /// None of those linked has one.
    Absent = 1,
    /// It can be asked.
    Here = 2,
    /// There is one, and no way to it.
    Away = 3,
}

/// The gateway's store.
#[derive(Default)]
pub(crate) struct Stores {
    inner: Mutex<Inner>,
    standing: AtomicU8,
    /// Whether a session could not ask since those were last looked for.
    stranded: AtomicBool,
    changed: Notify,
}

#[derive(Default)]
struct Inner {
    store: Option<Uuid>,
    /// Those that have it: the first is asked.
    ways: Vec<Way>,
    /// Those that have another one.
    refused: Vec<(Way, Uuid)>,
    /// Whether one has said that it has none.
    is_absent: bool,
    /// Since when nobody has it.
    away_since: Option<Instant>,
    last: u64,
    waiting: HashMap<u64, Waiting>,
    /// Until when it is taken to be there though nobody has said so: another process was linked to who has it.
    expected_until: Option<Instant>,
    /// Up to where it was asked for changes.
    position: Option<Bytes>,
}

struct Waiting {
    question: StoreQuestion,
    asked: Way,
    until: Instant,
    asker: Asker,
}

/// Who waited, and for what.
type Concluded = (Asker, StoreAnswer);

impl Stores {
    /// What is known of the store.
    pub(crate) fn standing(&self) -> Standing {
        match self.standing.load(Ordering::Relaxed) {
            1 => Standing::Absent,
            2 => Standing::Here,
            3 => Standing::Away,
            _ => Standing::Unknown,
        }
    }

    /// Waits until what is known changes, or a way to it.
    pub(crate) async fn changed(&self) {
        self.changed.notified().await;
    }

    /// A session has begun, or goes on, without it.
    pub(crate) fn strand(&self) {
        self.stranded.store(true, Ordering::Relaxed);
    }

    /// Whether a session has, since this was asked last.
    pub(crate) fn take_stranded(&self) -> bool {
        self.stranded.swap(false, Ordering::Relaxed)
    }

    /// How many questions wait.
    pub(crate) fn waiting(&self) -> usize {
        self.inner.lock().waiting.len()
    }

    /// Holds to what another process held to. If that has a way to the store, questions wait for a moment until it
    /// is here, too.
    pub(crate) fn resume(&self, held: HeldStore, now: Instant) {
        let mut inner = self.inner.lock();
        inner.store = held.store;
        inner.is_absent = held.is_absent;
        inner.position = held.position;
        if inner.store.is_some() {
            inner.away_since = Some(now);
            inner.expected_until = Some(now + EXPECTED);
        }
        self.show(&inner);
    }

    /// What is held to now.
    pub(crate) fn held(&self) -> HeldStore {
        let inner = self.inner.lock();
        let Inner { store, is_absent, .. } = *inner;
        HeldStore { store, is_absent, position: inner.position.clone() }
    }

    /// Up to where the store was asked for changes.
    pub(crate) fn position(&self) -> Option<Bytes> {
        self.inner.lock().position.clone()
    }

    /// It was asked up to here.
    pub(crate) fn set_position(&self, position: Option<Bytes>) {
        self.inner.lock().position = position;
    }

    /// A pusher-api says what it has.
    pub(crate) fn offered(&self, way: &Way, store: Option<Uuid>) {
        let mut inner = self.inner.lock();
        inner.forget(way);
        match (store, inner.store) {
            (None, _) => inner.is_absent = true,
            (Some(store), Some(own)) if store != own => {
                warn!(%store, %own, "other_store: a pusher-api has another store than the others");
                inner.refused.push((way.clone(), store));
            }
            (Some(store), _) => {
                inner.store = Some(store);
                inner.ways.push(way.clone());
                inner.away_since = None;
                inner.ask_what_waits(way);
            }
        }
        if store.is_some() {
            way.0.send(&Up::Store(inner.store));
        }
        self.show(&inner);
    }

    /// A link is lost; who was asked there asks elsewhere.
    pub(crate) fn lost(&self, way: &Way, now: Instant) {
        let mut inner = self.inner.lock();
        inner.forget(way);
        if inner.store.is_some() && inner.ways.is_empty() {
            inner.away_since.get_or_insert(now);
        }
        let next = inner.ways.first().cloned();
        let asked = inner.waiting.iter().filter(|(_, waiting)| waiting.asked == *way);
        let asked: Vec<_> = asked.map(|(number, _)| *number).collect();
        let mut over = Vec::new();
        for number in asked {
            match (&next, inner.waiting.get_mut(&number)) {
                (Some(next), Some(waiting)) => waiting.ask(number, next.clone()),
                _ => over.extend(inner.give_up(number, "the link to it was lost")),
            }
        }
        self.show(&inner);
        drop(inner);
        conclude(over);
    }

    /// Gives up what has waited too long, and a store that nobody has had for long for another one.
    pub(crate) fn look(&self, now: Instant) {
        let mut inner = self.inner.lock();
        let is_over = inner.expected_until.is_some_and(|until| until < now);
        let mut over = if is_over { inner.expect_no_longer() } else { Vec::new() };
        if is_over {
            self.show(&inner);
        }
        let late = inner.waiting.iter().filter(|(_, waiting)| waiting.until < now);
        let late: Vec<_> = late.map(|(number, _)| *number).collect();
        let late = late.iter().filter_map(|it| inner.give_up(*it, "there was no answer in time"));
        let late: Vec<_> = late.collect();
        if inner.away_since.is_some_and(|since| now.duration_since(since) >= OTHER_AFTER) {
            inner.take_another();
            self.show(&inner);
        }
        drop(inner);
        over.extend(late);
        conclude(over);
    }

    /// Asks the store.
    pub(crate) fn ask(&self, question: StoreQuestion, now: Instant, asker: Asker) {
        let mut inner = self.inner.lock();
        let expected = || inner.expected_until.map(|_| Way(Arc::default()));
        let way = inner.ways.first().cloned().or_else(expected);
        let refusal = match &way {
            None => Some("no pusher-api that has it is linked"),
            Some(_) if inner.waiting.len() >= MOST_WAITING => Some("too many questions wait"),
            Some(_) => None,
        };
        if let (Some(way), None) = (way, refusal) {
            inner.last += 1;
            let number = inner.last;
            let until = now + PATIENCE;
            let mut waiting = Waiting { question, asked: way.clone(), until, asker };
            waiting.ask(number, way);
            inner.waiting.insert(number, waiting);
            return;
        }
        drop(inner);
        asker(StoreAnswer::Away(refusal.unwrap_or_default().to_owned()));
    }

    /// A pusher-api has answered.
    pub(crate) fn on_answer(&self, way: &Way, number: u64, answer: StoreAnswer) {
        let mut inner = self.inner.lock();
        let is_asked = inner.waiting.get(&number).is_some_and(|waiting| waiting.asked == *way);
        let waiting = is_asked.then(|| inner.waiting.remove(&number)).flatten();
        drop(inner);
        conclude(waiting.map(|waiting| (waiting.asker, answer)));
    }

    fn show(&self, inner: &Inner) {
        let is_away = inner.ways.is_empty() && inner.expected_until.is_none();
        let standing = match (inner.store, is_away) {
            (Some(_), false) => Standing::Here,
            (Some(_), true) => Standing::Away,
            (None, _) if inner.is_absent => Standing::Absent,
            (None, _) => Standing::Unknown,
        };
        self.standing.store(standing as u8, Ordering::Relaxed);
        self.changed.notify_one();
    }
}

impl Waiting {
    fn ask(&mut self, question: u64, way: Way) {
        way.0.send(&Up::StoreQuestion { question, body: self.question.clone() });
        self.asked = way;
    }
}

impl Inner {
    fn forget(&mut self, way: &Way) {
        self.ways.retain(|other| other != way);
        self.refused.retain(|(other, _)| other != way);
    }

    /// Asks one that has come what nobody could be asked so far.
    fn ask_what_waits(&mut self, way: &Way) {
        if self.expected_until.take().is_none() {
            return;
        }
        for (number, waiting) in &mut self.waiting {
            waiting.ask(*number, way.clone());
        }
    }

    /// Nobody has come that has the store.
    fn expect_no_longer(&mut self) -> Vec<Concluded> {
        self.expected_until = None;
        let waiting: Vec<_> = self.waiting.keys().copied().collect();
        let given_up = waiting.into_iter();
        given_up.filter_map(|it| self.give_up(it, "no pusher-api has come that has it")).collect()
    }

    fn give_up(&mut self, number: u64, reason: &str) -> Option<Concluded> {
        let waiting = self.waiting.remove(&number)?;
        Some((waiting.asker, StoreAnswer::Away(reason.to_owned())))
    }

    /// Holds to the store of somebody who was refused, if there is one.
    fn take_another(&mut self) {
        let Some((_, store)) = self.refused.first().cloned() else { return };
        warn!(%store, "nobody has had the store for long; the gateway takes another one");
        self.store = Some(store);
        self.away_since = None;
        let (own, others): (Vec<_>, Vec<_>) =
            self.refused.drain(..).partition(|(_, other)| *other == store);
        self.refused = others;
        self.ways = own.into_iter().map(|(way, _)| way).collect();
        let refused = self.refused.iter().map(|(way, _)| way);
        self.ways.iter().chain(refused).for_each(|way| way.0.send(&Up::Store(self.store)));
    }
}

/// Not with anything locked: whoever waits may ask again.
fn conclude(over: impl IntoIterator<Item = Concluded>) {
    over.into_iter().for_each(|(asker, answer)| asker(answer));
}

#[cfg(test)]
mod tests;
