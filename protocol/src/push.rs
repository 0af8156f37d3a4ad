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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        ids::{MAX_NAME_BYTES, MessageId},
        link::{EntryLayout, MAX_FRAME_BYTES, PushEntry, TargetRef},
    };

    #[test]
    fn backends_may_send_what_they_were_told_they_may() {
        assert_eq!((MAX_PAYLOAD_BYTES, MAX_USERS, MAX_TOPICS_PER_FRAME), (65_536, 10_000, 100));
    }

    #[test]
    fn the_largest_push_fits_into_a_frame_of_the_link() {
        let name = "x".repeat(MAX_NAME_BYTES);
        let (frame, target) = (vec![0; MAX_PAYLOAD_BYTES], vec![name.as_str(); MAX_USERS]);
        let entry = PushEntry {
            id: MessageId::generate(),
            accepted_micros: 0,
            receipt: true,
            target: TargetRef::Users(target),
            frame: &frame,
            collapse_key: None,
        };
        let mut encoded = bytes::BytesMut::new();
        entry.encode(EntryLayout::Framed, &mut encoded);
        assert!(4 * encoded.len() <= MAX_FRAME_BYTES, "{}", encoded.len());
    }
}
