//! The claims of devices that a pusher-api was told and has not confirmed. A plain value.

use std::collections::{HashMap, VecDeque};

use protocol::SessionId;

/// What a claim takes here, in bytes.
const COST: usize = 64;

/// By their numbers among the changes of presence, and by their sessions.
#[derive(Debug, Default)]
pub(crate) struct Claims {
    order: VecDeque<(u64, SessionId)>,
    /// The last claim of each session.
    last: HashMap<SessionId, u64>,
}

impl Claims {
    /// A session was claimed by the change of this number; numbers grow.
    pub(crate) fn add(&mut self, seq: u64, session: SessionId) {
        self.order.push_back((seq, session));
        self.last.insert(session, seq);
    }

    /// The changes up to this one are confirmed.
    pub(crate) fn confirm(&mut self, seq: u64) {
        while let Some((claimed, session)) = self.order.front().copied() {
            if claimed > seq {
                return;
            }
            self.order.pop_front();
            if self.last.get(&session) == Some(&claimed) {
                self.last.remove(&session);
            }
        }
    }

    /// Whether the session was claimed by a change behind this one.
    pub(crate) fn is_claimed_since(&self, session: SessionId, seq: u64) -> bool {
        self.last.get(&session).is_some_and(|last| *last > seq)
    }

    /// The oldest session of those that are not confirmed, or this one, the next to come.
    pub(crate) fn oldest(&self, next: SessionId) -> SessionId {
        let age = |session: &SessionId| next.0.wrapping_sub(session.0);
        // One that came after that was looked up is no older.
        let older = self.last.keys().copied().filter(|session| age(session) < u64::MAX / 2);
        older.max_by_key(age).unwrap_or(next)
    }

    /// Bytes they take.
    pub(crate) fn bytes(&self) -> usize {
        self.order.len() * COST
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn claims_are_known_until_they_are_confirmed() {
        let mut claims = Claims::default();
        let [one, two] = [SessionId(1), SessionId(2)];
        claims.add(5, one);
        claims.add(6, two);
        claims.add(9, one);
        let known = |it: &Claims, seq| [one, two].map(|session| it.is_claimed_since(session, seq));
        assert_eq!(
            [4, 5, 6, 8, 9].map(|seq| known(&claims, seq)),
            [[true, true], [true, true], [true, false], [true, false], [false, false]]
        );
        assert_eq!(claims.bytes(), 3 * COST);
        claims.confirm(5);
        assert_eq!(known(&claims, 0), [true, true], "it was claimed again");
        claims.confirm(8);
        assert_eq!((known(&claims, 0), claims.oldest(SessionId(7))), ([true, false], one));
        claims.confirm(u64::MAX);
        assert_eq!((known(&claims, 0), claims.bytes()), ([false, false], 0));
        assert_eq!(claims.oldest(SessionId(7)), SessionId(7));
    }

    #[test]
    fn the_oldest_is_found_where_ids_go_round() {
        let mut claims = Claims::default();
        for (seq, session) in [(1, 3), (2, u64::MAX), (3, 0)] {
            claims.add(seq, SessionId(session));
        }
        assert_eq!(claims.oldest(SessionId(4)), SessionId(u64::MAX));
        assert_eq!(claims.oldest(SessionId(u64::MAX - 1)), SessionId(u64::MAX - 1));
    }
}
