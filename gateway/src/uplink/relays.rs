//! Requests of clients for sessions of other gateways, that wait for a pusher-api's answer.
//!
//! One pusher-api is asked after the other until somebody knows the session. What may have been done is not
//! asked for again: frames are taken once.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use parking_lot::Mutex;
use protocol::link::{RelayAnswer, Relayed, Up};

use super::way::Way;

/// Most that wait at the same time, and the bytes they bring.
const MOST_WAITING: usize = 16 * 1024;
const MOST_BYTES: usize = 8 * 1024 * 1024;
/// What one takes beside what it brings, in bytes.
const COST: usize = 512;
/// So much later than a pusher-api has to answer, nobody waits for it any longer.
const GRACE: Duration = Duration::from_secs(1);

/// Who waits.
pub(crate) type Asker = Box<dyn FnOnce(RelayAnswer) + Send>;

/// Those that wait, by number.
#[derive(Default)]
pub(crate) struct Relays {
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    last: u64,
    bytes: usize,
    waiting: HashMap<u64, Waiting>,
}

struct Waiting {
    relayed: Relayed,
    /// Who has been asked last, and who can be asked next.
    asked: Way,
    others: Vec<Way>,
    /// Why one of those before could not say that the session is nowhere.
    doubt: Option<String>,
    until: Instant,
    asker: Asker,
}

impl Waiting {
    fn bytes(&self) -> usize {
        COST + self.relayed.errand.bytes()
    }

    fn ask(&self, number: u64) {
        self.asked.0.send(&Up::Relay { relay: number, body: self.relayed.clone() });
    }

    /// What this answer of one of several means for who waits.
    fn conclude(self, answer: RelayAnswer) -> Concluded {
        let answer = match (answer, self.doubt) {
            (RelayAnswer::NotHere, Some(doubt)) => RelayAnswer::NoWay(doubt),
            (answer, _) => answer,
        };
        (self.asker, answer)
    }
}

/// Who waited, and for what.
type Concluded = (Asker, RelayAnswer);

impl Relays {
    /// Has pusher-apis passed on what is wanted of a session; one after the other is asked.
    pub(crate) fn ask(&self, relayed: Relayed, mut ways: Vec<Way>, now: Instant, asker: Asker) {
        let Some(asked) = ways.pop() else {
            let reason = "another gateway may have the session, and no pusher-api is linked to ask";
            return asker(RelayAnswer::NoWay(reason.into()));
        };
        let until = now + Duration::from_millis(relayed.within_ms) + GRACE;
        let waiting = Waiting { relayed, asked, others: ways, doubt: None, until, asker };
        let mut inner = self.inner.lock();
        if inner.waiting.len() >= MOST_WAITING || inner.bytes + waiting.bytes() > MOST_BYTES {
            drop(inner);
            let reason = "too many requests wait for sessions of other gateways";
            return (waiting.asker)(RelayAnswer::NoWay(reason.into()));
        }
        inner.last += 1;
        let number = inner.last;
        waiting.ask(number);
        inner.bytes += waiting.bytes();
        inner.waiting.insert(number, waiting);
    }

    /// A pusher-api has answered.
    pub(crate) fn on_answer(&self, way: &Way, number: u64, answer: RelayAnswer) {
        let concluded = self.inner.lock().on_answer(way, number, answer);
        conclude(concluded);
    }

    /// A link is lost, and with it what was asked there.
    pub(crate) fn lost(&self, way: &Way) {
        let reason = "the link on which it was passed on was lost";
        self.give_up(reason, |waiting| waiting.asked == *way);
    }

    /// Gives up those that have waited too long.
    pub(crate) fn look(&self, now: Instant) {
        self.give_up("there was no answer in time", |waiting| waiting.until < now);
    }

    fn give_up(&self, reason: &str, is_over: impl Fn(&Waiting) -> bool) {
        let mut inner = self.inner.lock();
        let over = inner.waiting.iter().filter(|(_, waiting)| is_over(waiting));
        let over: Vec<_> = over.map(|(number, _)| *number).collect();
        let lost = || RelayAnswer::Lost(reason.into());
        let over: Vec<_> = over.iter().filter_map(|number| inner.take(*number, lost())).collect();
        drop(inner);
        conclude(over);
    }

    /// How many wait.
    pub(crate) fn waiting(&self) -> usize {
        self.inner.lock().waiting.len()
    }
}

/// Not while anything is locked: whoever waits is woken.
fn conclude(concluded: impl IntoIterator<Item = Concluded>) {
    concluded.into_iter().for_each(|(asker, answer)| asker(answer));
}

impl Inner {
    fn on_answer(&mut self, way: &Way, number: u64, answer: RelayAnswer) -> Option<Concluded> {
        let waiting = self.waiting.get_mut(&number).filter(|waiting| waiting.asked == *way)?;
        let doubt = match &answer {
            RelayAnswer::NotHere => None,
            RelayAnswer::NoWay(reason) => Some(reason.clone()),
            _ => return self.take(number, answer),
        };
        waiting.doubt = waiting.doubt.take().or(doubt);
        match waiting.others.pop() {
            Some(next) => {
                waiting.asked = next;
                waiting.ask(number);
                None
            }
            None => self.take(number, answer),
        }
    }

    fn take(&mut self, number: u64, answer: RelayAnswer) -> Option<Concluded> {
        let waiting = self.waiting.remove(&number)?;
        self.bytes -= waiting.bytes();
        Some(waiting.conclude(answer))
    }
}

#[cfg(test)]
mod tests;
