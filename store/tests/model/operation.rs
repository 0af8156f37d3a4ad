//! What a store is asked in a trial.

use proptest::{prelude::*, sample::Index};

/// How many users there are, and topics behind them.
pub(super) const USERS: usize = 3;
/// How many logs there are.
pub(super) const LOGS: usize = USERS + 1;

/// Something that is asked. Logs are meant by their index.
#[derive(Debug, Clone)]
pub(super) enum Operation {
    Append(Append),
    /// An earlier push with an origin once more: the same, or another under its id.
    Repeat {
        push: Index,
        other: bool,
    },
    Begin {
        user: usize,
        device: usize,
        after: Option<Whence>,
        room: usize,
    },
    Read {
        log: usize,
        from: Option<Whence>,
        room: usize,
    },
    /// Where the log ends now.
    End {
        log: usize,
    },
    Acknowledge(Vec<(usize, usize, Whence)>),
    /// What has changed since a position that was given before, or since now.
    Changed(Option<Index>),
    /// What has changed since a position of another store.
    ChangedSinceNonsense,
    Forget {
        log: usize,
    },
    Standing {
        log: usize,
    },
    /// An hour passes, and a minute.
    Advance,
    Reopen,
}

/// A push.
#[derive(Debug, Clone)]
pub(super) struct Append {
    pub(super) to: To,
    pub(super) collapse_key: Option<u8>,
    pub(super) size: usize,
    pub(super) is_base64: bool,
    /// In hours.
    pub(super) ttl: u64,
    pub(super) has_origin: bool,
    /// What the second follower of each log does with it.
    pub(super) heard: Heard,
}

/// Whom a push is for.
#[derive(Debug, Clone)]
pub(super) enum To {
    User(usize),
    /// All of them that these bits name, in the other order where the last says so.
    Users(u8, bool),
    Topic,
}

/// Whether a follower hears of a push.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Heard {
    AtOnce,
    AfterTheNext,
    Never,
}

/// A place.
#[derive(Debug, Clone)]
pub(super) enum Whence {
    /// One that the store gave for this log.
    Own(Index),
    /// One that it gave for some log.
    Any(Index),
    Start,
    /// A number that was not given yet, a little or far beyond.
    Beyond(bool),
    /// A number of this log with another check.
    OtherHistory(Index),
}

pub(super) fn sequences() -> impl Strategy<Value = Vec<Operation>> {
    prop::collection::vec(operation(), 1..70)
}

fn operation() -> impl Strategy<Value = Operation> {
    use Operation::*;
    let acknowledged = (0..USERS, 0..3_usize, whence());
    prop_oneof![
        14 => append().prop_map(Append),
        2 => (any::<Index>(), prop::bool::weighted(0.3)).prop_map(|(push, other)| Repeat { push, other }),
        5 => (0..USERS, 0..3_usize, prop::option::of(whence()), 1..6_usize)
            .prop_map(|(user, device, after, room)| Begin { user, device, after, room }),
        5 => (0..LOGS, prop::option::weighted(0.8, whence()), 1..6_usize)
            .prop_map(|(log, from, room)| Read { log, from, room }),
        1 => (0..LOGS).prop_map(|log| End { log }),
        4 => prop::collection::vec(acknowledged, 1..4).prop_map(Acknowledge),
        2 => prop::option::weighted(0.8, any::<Index>()).prop_map(Changed),
        1 => Just(ChangedSinceNonsense),
        1 => (0..LOGS).prop_map(|log| Forget { log }),
        2 => (0..LOGS).prop_map(|log| Standing { log }),
        3 => Just(Advance),
        1 => Just(Reopen),
    ]
}

fn append() -> impl Strategy<Value = Append> {
    let to = prop_oneof![
        3 => (0..USERS).prop_map(To::User),
        2 => (1..8_u8, any::<bool>()).prop_map(|(users, turned)| To::Users(users, turned)),
        1 => Just(To::Topic),
    ];
    let heard = prop_oneof![
        3 => Just(Heard::AtOnce),
        1 => Just(Heard::AfterTheNext),
        1 => Just(Heard::Never),
    ];
    let ttl = prop_oneof![Just(1_u64), Just(2), Just(3), Just(24)];
    let key = prop::option::weighted(0.3, 0..3_u8);
    (to, key, 1..40_usize, any::<bool>(), ttl, any::<bool>(), heard).prop_map(
        |(to, collapse_key, size, is_base64, ttl, has_origin, heard)| Append {
            to,
            collapse_key,
            size,
            is_base64,
            ttl,
            has_origin,
            heard,
        },
    )
}

fn whence() -> impl Strategy<Value = Whence> {
    prop_oneof![
        8 => any::<Index>().prop_map(Whence::Own),
        2 => any::<Index>().prop_map(Whence::Any),
        1 => Just(Whence::Start),
        1 => any::<bool>().prop_map(Whence::Beyond),
        1 => any::<Index>().prop_map(Whence::OtherHistory),
    ]
}
