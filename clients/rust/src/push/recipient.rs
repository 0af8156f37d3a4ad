//! Whose order a push belongs to.

use std::collections::HashMap;

/// Whom a push is for, as far as its order goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Recipient {
    /// A user or a topic.
    One(u64),
    /// Several users.
    Several(Box<[u64]>),
    /// Everybody.
    All,
}

impl Recipient {
    /// Which of so many connections it goes by. What is for several users goes by the first: between its users there is
    /// an order only where one connection carries all.
    pub(super) fn lane(&self, lanes: usize) -> usize {
        match self {
            Self::One(key) => (*key % lanes as u64) as usize,
            Self::Several(_) | Self::All => 0,
        }
    }

    /// Bytes of memory beside its own.
    pub(super) fn bytes(&self) -> usize {
        match self {
            Self::Several(keys) => size_of_val::<[u64]>(keys),
            Self::One(_) | Self::All => 0,
        }
    }

    fn keys(&self) -> &[u64] {
        match self {
            Self::One(key) => std::slice::from_ref(key),
            Self::Several(keys) => keys,
            Self::All => &[],
        }
    }
}

/// Whose pushes have to wait, because an earlier one does.
#[derive(Debug, Default)]
pub(super) struct Held {
    keys: HashMap<u64, usize>,
    everybody: usize,
}

impl Held {
    /// Whether a push would overtake one that waits.
    pub(super) fn stops(&self, recipient: &Recipient) -> bool {
        match recipient {
            Recipient::All => !self.is_empty(),
            _ => {
                self.everybody > 0 || recipient.keys().iter().any(|key| self.keys.contains_key(key))
            }
        }
    }

    /// A push waits.
    pub(super) fn add(&mut self, recipient: &Recipient) {
        self.everybody += usize::from(*recipient == Recipient::All);
        recipient.keys().iter().for_each(|key| *self.keys.entry(*key).or_default() += 1);
    }

    /// A push waits no longer.
    pub(super) fn remove(&mut self, recipient: &Recipient) {
        self.everybody -= usize::from(*recipient == Recipient::All);
        for key in recipient.keys() {
            let Some(waiting) = self.keys.get_mut(key) else { continue };
            *waiting -= 1;
            if *waiting == 0 {
                self.keys.remove(key);
            }
        }
    }

    fn is_empty(&self) -> bool {
        self.everybody == 0 && self.keys.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_overtaken_and_others_go_on() {
        let [one, other] = [Recipient::One(1), Recipient::One(2)];
        let both = Recipient::Several([1, 2, 2].into());
        let mut held = Held::default();
        assert!(![&one, &both, &Recipient::All].into_iter().any(|it| held.stops(it)));
        held.add(&one);
        assert!(held.stops(&one) && held.stops(&both) && held.stops(&Recipient::All));
        assert!(!held.stops(&other));
        held.add(&both);
        held.remove(&one);
        assert!(held.stops(&one) && held.stops(&other));
        held.remove(&both);
        held.add(&Recipient::All);
        assert!(held.stops(&other));
        held.remove(&Recipient::All);
        assert!(held.is_empty());
    }
}
