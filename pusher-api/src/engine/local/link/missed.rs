//! For whom live pushes were given up while they could not be handed to their gateway, so that it
//! can tell its sessions once there is a way again.

use std::collections::HashSet;

use protocol::{
    Topic, UserId,
    link::{EntryLayout, GivenUp, MAX_NAMES, PushEntries, TargetRef},
};

use super::outbox::Segment;

/// The names of one gateway, bounded: beyond the bound it is everybody.
#[derive(Debug, Default)]
pub(super) struct Missed {
    users: HashSet<UserId>,
    topics: HashSet<Topic>,
    everybody: bool,
}

impl Missed {
    /// A push for these was given up.
    pub(super) fn add(&mut self, target: &TargetRef<'_>) {
        match target {
            TargetRef::User(user) => self.add_user(user),
            TargetRef::Users(users) => users.iter().for_each(|user| self.add_user(user)),
            TargetRef::Topic(topic) => {
                if !self.everybody && !self.topics.contains(*topic) {
                    self.topics.extend(Topic::new(topic));
                }
            }
            TargetRef::All => self.everybody = true,
            // They are kept: whoever missed them is brought them.
            TargetRef::KeptUsers(_) | TargetRef::KeptTopic(..) => {}
        }
        self.bound();
    }

    fn add_user(&mut self, user: &str) {
        if !self.everybody && !self.users.contains(user) {
            self.users.extend(UserId::new(user));
        }
    }

    /// Every push in there was given up.
    pub(super) fn add_segments(&mut self, segments: &[Segment]) {
        for segment in segments {
            for entry in PushEntries::new(&segment.bytes, EntryLayout::Framed).flatten() {
                if self.everybody {
                    return;
                }
                self.add(&entry.target);
            }
        }
    }

    /// Takes in what another one held.
    pub(super) fn add_all(&mut self, other: GivenUp) {
        self.everybody |= other.everybody;
        self.users.extend(other.users);
        self.topics.extend(other.topics);
        self.bound();
    }

    fn bound(&mut self) {
        self.everybody |= self.users.len() + self.topics.len() > MAX_NAMES;
        if self.everybody {
            (self.users, self.topics) = Default::default();
        }
    }

    /// Takes them out, to be told; nothing if there are none.
    pub(super) fn take(&mut self) -> Option<GivenUp> {
        let Self { users, topics, everybody } = std::mem::take(self);
        let any = everybody || !users.is_empty() || !topics.is_empty();
        any.then(|| GivenUp {
            users: users.into_iter().collect(),
            topics: topics.into_iter().collect(),
            everybody,
        })
    }
}

#[cfg(test)]
mod tests {
    use bytes::BytesMut;
    use protocol::{MessageId, link::PushEntry};

    use super::*;
    use crate::engine::local::link::fan_out::FanOuts;

    fn segment(targets: &[TargetRef<'_>]) -> Segment {
        let mut bytes = BytesMut::new();
        for target in targets {
            let (id, target) = (MessageId::generate(), target.clone());
            let entry = PushEntry {
                id,
                accepted_micros: 0,
                receipt: false,
                target,
                frame: b"{}",
                collapse_key: None,
            };
            entry.encode(EntryLayout::Framed, &mut bytes);
        }
        let (pushes, fan_outs) = (targets.len() as u64, FanOuts::default());
        let since = std::time::Instant::now();
        Segment { bytes: bytes.freeze(), pushes, perhaps: 0, fan_outs, since }
    }

    #[test]
    fn names_are_gathered_once_each() {
        let mut missed = Missed::default();
        assert_eq!(missed.take(), None);
        let targets =
            [TargetRef::User("a"), TargetRef::Users(vec!["b", "a"]), TargetRef::Topic("t")];
        missed.add_segments(&[segment(&targets), segment(&targets)]);
        let mut taken = missed.take().expect("names");
        taken.users.sort();
        assert_eq!(taken.users.iter().map(UserId::as_str).collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!((taken.topics.len(), taken.everybody), (1, false));
        assert_eq!(missed.take(), None);
    }

    #[test]
    fn beyond_the_bound_and_for_a_push_to_all_it_is_everybody() {
        let mut missed = Missed::default();
        let names: Vec<_> = (0..=MAX_NAMES).map(|number| number.to_string()).collect();
        names[..MAX_NAMES].iter().for_each(|name| missed.add(&TargetRef::User(name)));
        assert!(!missed.everybody);
        missed.add(&TargetRef::Topic("t"));
        let everybody = GivenUp { everybody: true, ..GivenUp::default() };
        assert_eq!(missed.take(), Some(everybody.clone()), "names cost nothing any more");
        missed.add_segments(&[segment(&[TargetRef::All, TargetRef::User("a")])]);
        missed.add(&TargetRef::User("b"));
        assert_eq!(missed.take(), Some(everybody.clone()));
        missed.add_all(everybody.clone());
        assert_eq!(missed.take(), Some(everybody));
    }
}
