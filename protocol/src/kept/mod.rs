//! Kept messages, in the words that both sides of the link and clients share.
//!
//! What is kept of a user or of a topic is a [`log`], which knows of no other. A [`place`] in it has a number and
//! a check; a [`cursor`] is a place and the name of its log in the text that clients are given. What is
//! missing behind a cursor has one of the reasons of [`gap`].

pub mod cursor;
pub mod gap;
pub mod log;
pub mod place;
pub mod reading;

pub use cursor::{CURSOR_LENGTH, Cursor, InvalidCursor};
pub use gap::{Gap, Gaps};
pub use log::Log;
pub use place::{Following, Place, Step};
pub use reading::{Acknowledged, From};
