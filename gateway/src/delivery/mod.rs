//! From a push that came down a link to its sessions.
//!
//! [`batches`] knows what was delivered already, [`dispatch`] makes one shared [`frame`] of each push.
//! One for users goes to their mailboxes as a [`message`]. One for a topic or for everybody is a
//! fan-out: numbered by [`fan_out`] and put into the [`lane`] of each worker that has somebody it is
//! for, whose [`walks`] bring it to its [`subscribers`]. Of those that are kept, [`feeds`]
//! know which were, and a [`topic_reader`] reads those that are missing; [`load`] says how much is to be done.

pub(crate) mod batches;
pub(crate) mod dispatch;
pub(crate) mod fan_out;
pub(crate) mod feeds;
pub(crate) mod frame;
pub(crate) mod lane;
pub(crate) mod load;
pub(crate) mod message;
pub(crate) mod subscribers;
pub(crate) mod topic_reader;
pub(crate) mod walks;
