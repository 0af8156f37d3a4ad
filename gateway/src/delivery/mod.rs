//! From a push that came down a link to the mailboxes of its sessions.
//!
//! [`batches`] knows what was delivered already, [`dispatch`] hands each push out as one shared
//! [`frame`] in a [`message`]; a push to everybody is a [`broadcast`], which workers walk.

pub mod batches;
pub mod broadcast;
pub mod dispatch;
pub mod frame;
pub mod message;
