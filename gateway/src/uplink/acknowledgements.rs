//! What clients have acknowledged, on its way to the store.
//!
//! An acknowledgement holds when the store has it. Until then it stays here, merged with what comes later from the
//! same device, so that a lost link or a store that is away costs nothing but time.

use std::{collections::HashMap, mem::take};

use parking_lot::Mutex;
use protocol::{
    Device, UserId,
    kept::{Acknowledged, Place},
    link::MAX_ACKNOWLEDGED,
};

/// Most devices of which something waits. Beyond them acknowledgements are passed over; what they were for comes again.
const MOST_WAITING: usize = 1 << 20;

type Key = (UserId, Option<Device>);

/// Acknowledgements that the store does not have.
#[derive(Default)]
pub(crate) struct Acknowledgements {
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    /// Not sent.
    waiting: HashMap<Key, Place>,
    /// Sent, and not confirmed.
    sent: HashMap<Key, Place>,
}

impl Acknowledgements {
    /// A device has everything up to this place. False if too many wait.
    pub(crate) fn take_note(&self, user: &UserId, device: Option<&Device>, place: Place) -> bool {
        let mut inner = self.inner.lock();
        let key = (user.clone(), device.cloned());
        if inner.waiting.len() >= MOST_WAITING && !inner.waiting.contains_key(&key) {
            return false;
        }
        merge(&mut inner.waiting, key, place);
        true
    }

    /// Everything that the store may not know of, the newest place of each device.
    pub(crate) fn all(&self) -> Vec<Acknowledged> {
        let inner = self.inner.lock();
        let mut all = inner.sent.clone();
        for (key, place) in &inner.waiting {
            merge(&mut all, key.clone(), *place);
        }
        let all = all.into_iter();
        all.map(|((user, device), place)| Acknowledged { user, device, place }).collect()
    }

    /// How far a device has acknowledged what the store may not know of.
    pub(crate) fn of(&self, user: &UserId, device: Option<&Device>) -> Option<Place> {
        let inner = self.inner.lock();
        if inner.waiting.is_empty() && inner.sent.is_empty() {
            return None;
        }
        let key = (user.clone(), device.cloned());
        inner.waiting.get(&key).or_else(|| inner.sent.get(&key)).copied()
    }

    /// How many devices have something here.
    pub(crate) fn len(&self) -> usize {
        let inner = self.inner.lock();
        inner.waiting.len() + inner.sent.len()
    }

    /// What is to be sent now, in questions of bounded size. To be [confirmed](Self::settle) before the next call.
    pub(crate) fn send(&self) -> Vec<Vec<Acknowledged>> {
        let mut inner = self.inner.lock();
        let waiting = take(&mut inner.waiting);
        for (key, place) in waiting {
            merge(&mut inner.sent, key, place);
        }
        let all = inner.sent.iter().map(|((user, device), place)| Acknowledged {
            user: user.clone(),
            device: device.clone(),
            place: *place,
        });
        let all: Vec<_> = all.collect();
        all.chunks(MAX_ACKNOWLEDGED).map(<[_]>::to_vec).collect()
    }

    /// Whether the store has a question's acknowledgements; those that it has not are sent again.
    pub(crate) fn settle(&self, question: Vec<Acknowledged>, is_stored: bool) {
        let mut inner = self.inner.lock();
        for Acknowledged { user, device, place } in question {
            let key = (user, device);
            let sent = inner.sent.remove(&key);
            if let (false, Some(sent)) = (is_stored, sent) {
                debug_assert_eq!(sent, place);
                merge(&mut inner.waiting, key, sent);
            }
        }
    }
}

/// What comes later is further on, but for places of another history, of which the last word counts.
fn merge(places: &mut HashMap<Key, Place>, key: Key, place: Place) {
    let known = places.entry(key).or_insert(place);
    if known.check != place.check || known.number < place.number {
        *known = place;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(name: &str) -> UserId {
        UserId::new(name).expect("a name")
    }

    fn at(number: u64) -> Place {
        Place { number, check: 1 }
    }

    #[test]
    fn an_acknowledgement_stays_until_the_store_has_it() {
        let all = Acknowledgements::default();
        let (ada, phone) = (user("ada"), Device::new("phone").expect("a name"));
        assert_eq!(all.send(), <[Vec<_>; 0]>::default());
        assert!(all.take_note(&ada, Some(&phone), at(5)) && all.take_note(&ada, None, at(2)));
        assert!(all.take_note(&ada, Some(&phone), at(3)), "never back");
        assert_eq!((all.of(&ada, Some(&phone)), all.len()), (Some(at(5)), 2));
        let mut questions = all.send();
        assert_eq!((questions.len(), questions[0].len()), (1, 2));
        assert_eq!(all.of(&ada, Some(&phone)), Some(at(5)), "on its way");
        assert!(all.take_note(&ada, Some(&phone), at(7)));
        all.settle(questions.remove(0), false);
        assert_eq!((all.of(&ada, Some(&phone)), all.of(&ada, None)), (Some(at(7)), Some(at(2))));
        let questions = all.send();
        questions.into_iter().for_each(|question| all.settle(question, true));
        assert_eq!((all.of(&ada, None), all.len()), (None, 0));
    }

    #[test]
    fn questions_are_of_bounded_size() {
        let all = Acknowledgements::default();
        for number in 0..MAX_ACKNOWLEDGED + 1 {
            assert!(all.take_note(&user(&format!("u{number}")), None, at(1)));
        }
        let sizes: Vec<_> = all.send().iter().map(Vec::len).collect();
        assert_eq!(sizes, [MAX_ACKNOWLEDGED, 1]);
    }
}
