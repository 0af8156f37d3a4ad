//! What other gateways have and can take, as pusher-apis tell it.

use parking_lot::Mutex;
use protocol::link::OtherGateways;

use super::way::Way;

/// What each pusher-api has told last, for as long as its link lasts.
#[derive(Default)]
pub(crate) struct Others(Mutex<Vec<(Way, OtherGateways)>>);

impl Others {
    /// A pusher-api tells.
    pub(crate) fn told(&self, way: &Way, others: OtherGateways) {
        let mut all = self.0.lock();
        match all.iter_mut().find(|(other, _)| other == way) {
            Some((_, last)) => *last = others,
            None => all.push((way.clone(), others)),
        }
    }

    /// A link is over.
    pub(crate) fn lost(&self, way: &Way) {
        self.0.lock().retain(|(other, _)| other != way);
    }

    /// What the pusher-api says that knows most gateways, and of those that know as many the one that sees
    /// least room; nothing while none tells.
    pub(crate) fn best(&self) -> Option<OtherGateways> {
        let all = self.0.lock();
        let told = all.iter().map(|(_, others)| *others);
        told.max_by_key(|others| (others.gateways, std::cmp::Reverse(others.room)))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn who_knows_most_is_believed_until_its_link_is_over() {
        let others = Others::default();
        let [one, two] = [(); 2].map(|()| Way(Arc::default()));
        assert_eq!(others.best(), None);
        let room = |gateways, room| OtherGateways { gateways, room, ..OtherGateways::default() };
        others.told(&one, room(1, 900));
        others.told(&two, room(2, 500));
        assert_eq!(others.best(), Some(room(2, 500)));
        others.told(&one, room(2, 400));
        assert_eq!(others.best(), Some(room(2, 400)));
        others.lost(&one);
        assert_eq!(others.best(), Some(room(2, 500)));
        others.lost(&two);
        assert_eq!(others.best(), None);
    }
}
