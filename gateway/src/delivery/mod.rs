//! From a push that came down a link to the mailboxes of its sessions.
//!
//! [`batches`] knows what was delivered already, [`dispatch`] hands each push out as one shared
//! [`frame`] in a [`message`]; a push to everybody is a [`broadcast`], which workers walk.

pub(crate) mod batches;
pub(crate) mod broadcast;
pub(crate) mod dispatch;
pub(crate) mod frame;
pub(crate) mod message;
