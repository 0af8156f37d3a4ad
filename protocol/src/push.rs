//! Pushes: who is addressed, and how large things may be.

use crate::ids::{Topic, UserId};

/// Largest payload of a push, in bytes.
pub const MAX_PAYLOAD_BYTES: usize = 64 * 1024;
/// Most users one push may name.
pub const MAX_USERS: usize = 10_000;
/// Most topics one `subscribe` frame may name.
pub const MAX_TOPICS_PER_FRAME: usize = 100;
/// Longest collapse key, in bytes of UTF-8.
pub const MAX_COLLAPSE_KEY_BYTES: usize = 64;
/// Longest time to live, in seconds (four weeks).
pub const MAX_TTL_SECONDS: u32 = 2_419_200;

/// Who a push is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// Every session of one user.
    User(UserId),
    /// Every session of several users; a user named twice counts once.
    Users(Vec<UserId>),
    /// Every session subscribed to a topic.
    Topic(Topic),
    /// Every session there is.
    All,
}
