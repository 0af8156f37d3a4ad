//! What one gateway process gives to the next: what a session, a connection and a process are made of as
//! [`records`], how bytes stand in them ([`bytes`]), the [`words`] that both sides say, the [`channel`] they say
//! them over, with descriptors, and how each makes sure of the other: by the [`place`] they meet at, and by a
//! [`proof`]. A [`giver`] gives what a thread has in steps.
//!
//! See docs/decisions/takeover.md.

pub(crate) mod giver;

mod check;

pub use self::check::check;

pub(crate) mod channel;
pub(crate) mod place;
pub(crate) mod proof;
pub(crate) mod words;

pub(crate) mod records;

mod bytes;
