//! The way of a push into this process, in three steps.
//!
//! [`check`] reads it. What is for sessions online now is [`live`]: staged and committed. What is [`kept`] is
//! staged, kept in the store, and forwarded: whether it reaches anybody now decides nothing any more.

pub(crate) mod live;

pub(crate) mod kept;

pub(crate) mod check;
