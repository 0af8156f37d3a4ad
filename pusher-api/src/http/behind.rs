//! Whose lines were refused for lack of room, within one batch.
//!
//! What was refused is sent again later: were later lines of the same user taken meanwhile, they would
//! overtake it.

use std::{
    collections::HashSet,
    hash::{BuildHasher, RandomState},
};

use protocol::kept::Log;

use crate::validate::To;

/// Most names that are remembered; beyond them everybody counts as refused.
const MAX_NAMES: usize = 100_000;

/// Names of users and topics, by their hashes: two with one hash are refused together, for all
/// practical purposes never.
#[derive(Debug, Default)]
pub(super) struct Behind {
    hasher: RandomState,
    names: HashSet<u64>,
    any_user: bool,
    everybody: bool,
}

impl Behind {
    /// A push was refused.
    pub(super) fn add(&mut self, to: &To<'_>) {
        match to {
            To::User(user) => self.add_user(user.as_str()),
            To::Users(users) => users.0.iter().for_each(|user| self.add_user(user.as_str())),
            To::Topic(topic) => {
                self.names.insert(self.topic(topic.as_str()));
            }
            To::All(_) => self.everybody = true,
        }
        self.bound();
    }

    /// The same of one that was to be kept.
    pub(super) fn add_logs(&mut self, logs: &[Log]) {
        for log in logs {
            match log {
                Log::User(user) => self.add_user(user.as_str()),
                Log::Topic(topic) => {
                    self.names.insert(self.topic(topic.as_str()));
                }
            }
        }
        self.bound();
    }

    fn bound(&mut self) {
        if self.names.len() > MAX_NAMES {
            self.everybody = true;
            self.names = HashSet::new();
        }
    }

    /// Whether a push would overtake one that was refused.
    pub(super) fn holds(&self, to: &To<'_>) -> bool {
        if self.everybody {
            return true;
        }
        if self.names.is_empty() {
            return false;
        }
        match to {
            To::User(user) => self.names.contains(&self.user(user.as_str())),
            To::Users(users) => {
                users.0.iter().any(|user| self.names.contains(&self.user(user.as_str())))
            }
            To::Topic(topic) => self.names.contains(&self.topic(topic.as_str())),
            To::All(_) => self.any_user,
        }
    }

    fn add_user(&mut self, user: &str) {
        self.any_user = true;
        self.names.insert(self.user(user));
    }

    fn user(&self, name: &str) -> u64 {
        self.hasher.hash_one((0_u8, name))
    }

    fn topic(&self, name: &str) -> u64 {
        self.hasher.hash_one((1_u8, name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::validate::parse;

    const ALL: &str = r#"{"all":true}"#;

    fn with(to: &str, does: impl FnOnce(&To<'_>) -> bool) -> bool {
        let body = format!(r#"{{"to":{to},"data":1}}"#);
        does(&parse(body.as_bytes()).expect(to).to)
    }

    fn add(behind: &mut Behind, to: &str) {
        with(to, |to| {
            behind.add(to);
            true
        });
    }

    #[test]
    fn nobody_overtakes_what_was_refused() {
        let to = [
            r#"{"user":"a"}"#,
            r#"{"user":"b"}"#,
            r#"{"users":["b","c"]}"#,
            r#"{"users":["c","d"]}"#,
            r#"{"topic":"a"}"#,
            r#"{"topic":"t"}"#,
            ALL,
        ];
        // For each that is refused: which of all are held, in their order.
        let cases = [
            (to[0], [true, false, false, false, false, false, true]),
            (to[1], [false, true, true, false, false, false, true]),
            (to[2], [false, true, true, true, false, false, true]),
            (to[5], [false, false, false, false, false, true, false]),
            (ALL, [true; 7]),
        ];
        for (refused, expected) in cases {
            let mut behind = Behind::default();
            assert!(to.iter().all(|to| !with(to, |to| behind.holds(to))), "nothing was refused");
            add(&mut behind, refused);
            assert_eq!(to.map(|to| with(to, |to| behind.holds(to))), expected, "{refused}");
        }
    }

    #[test]
    fn names_of_logs_are_those_of_pushes() {
        let mut behind = Behind::default();
        behind.add_logs(&[Log::User("a".parse().expect("a user"))]);
        let held = |behind: &Behind, to: &str| with(to, |to| behind.holds(to));
        assert!(held(&behind, r#"{"user":"a"}"#) && held(&behind, ALL));
        assert!(!held(&behind, r#"{"topic":"a"}"#));
        behind.add_logs(&[Log::Topic("a".parse().expect("a topic"))]);
        assert!(held(&behind, r#"{"topic":"a"}"#));
    }

    #[test]
    fn memory_is_bounded_by_refusing_everybody() {
        let mut behind = Behind::default();
        for number in 0..=MAX_NAMES {
            assert!(!behind.everybody);
            behind.names.insert(number as u64);
        }
        add(&mut behind, r#"{"user":"a"}"#);
        assert_eq!((behind.everybody, behind.names.capacity()), (true, 0));
        assert!(with(r#"{"user":"never seen"}"#, |to| behind.holds(to)));
    }
}
